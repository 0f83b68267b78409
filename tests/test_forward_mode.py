"""Forward mode: tangents of levels within each other, of views and what is changed in place, with and without gradients."""
import pytest

import pyxtorch as torch
from pyxtorch.autograd import forward_ad, functional, gradcheck, gradgradcheck
from pyxtorch.func import grad, hessian, jacfwd, jacrev, jvp, linearize

ONE = torch.ones((), dtype=torch.float64)


def numbers(seed, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


X, Y, V, W = (numbers(seed, 3, 4) for seed in range(4))


def mixed(x):
    return (x.sin() * x).softmax(-1).cumsum(0)


def twice_reversed(f, x, v):
    """J v by differentiating u' J by u: no tangent takes part."""
    x = x.detach().requires_grad_()
    y = f(x)
    u = torch.zeros_like(y).requires_grad_()
    (g,) = torch.autograd.grad(y, x, u, create_graph=True)
    return torch.autograd.grad(g, u, v)[0]


def column(f, x, v):
    return jvp(f, (x,), (v,))[1]


def differences(f, x, v, step=1e-6):
    return (f(x + step * v) - f(x - step * v)) / (2 * step)


def near(a, b, tol=1e-10):
    torch.testing.assert_close(a, b, rtol=tol, atol=tol)


# ------------------------------------------------------------------------------------ levels

@pytest.mark.parametrize("x, got, want", [
    (3.0, lambda x: x * column(lambda y: x + y, ONE, ONE), 1.0),
    (3.0, lambda x: x * column(lambda y: x * y, ONE, ONE), 6.0),
    (3.0, lambda x: x * column(lambda y: x * y * y, x, ONE), 54.0),             # x 2 x^2
    (3.0, lambda x: x * column(lambda y: x * y * y, 2 * x, ONE), 108.0),
    (3.0, lambda x: x * grad(lambda y: x * y * y)(2 * x), 108.0),
    (3.0, lambda x: column(lambda y: x.detach() * y, x, ONE), 0.0),
])  # fmt: skip
def test_levels_do_not_mix(x, got, want):
    assert column(got, x * ONE, ONE).item() == want
    assert grad(got)(x * ONE).item() == want


def test_levels_nest():
    second = column(lambda x: column(mixed, x, W), X, V)
    near(second, differences(lambda x: column(mixed, x, W), X, V), 1e-7)
    near(second, column(lambda x: column(mixed, x, V), X, W))                   # symmetric
    third = column(lambda x: column(lambda x: column(mixed, x, Y), x, W), X, V)
    near(third, differences(lambda x: column(lambda x: column(mixed, x, Y), x, W), X, V), 1e-6)


def test_forward_and_reverse_nest_either_way():
    def s(x):
        return mixed(x).square().sum()

    hv = column(grad(s), X, V)
    near(hv, grad(lambda x: (grad(s)(x) * V).sum())(X))
    near(hv, grad(lambda x: column(s, x, V))(X))
    near(functional.hvp(s, X, V)[1], hv)
    near(column(lambda x: grad(lambda x: column(s, x, W))(x), X, V), differences(lambda x: grad(lambda x: column(s, x, W))(x), X, V), 1e-7)
    near(grad(lambda x: (column(grad(s), x, V) * W).sum())(X), differences(lambda x: grad(lambda x: (grad(s)(x) * W).sum())(x), X, V), 1e-6)
    for h in (jacfwd(jacfwd(s)), jacfwd(jacrev(s)), jacrev(jacfwd(s)), hessian(s)):
        near(h(X), jacrev(jacrev(s))(X))
        assert not h(X).requires_grad


def test_jacobians_by_columns():
    near(jacfwd(mixed)(X), jacrev(mixed)(X))
    near(functional.jacobian(mixed, X, vectorize=True, strategy="forward-mode"), jacrev(mixed)(X))
    both, aux = jacfwd(lambda x, y: ((x @ y.t(), x.sum()), "aux"), argnums=(0, 1), has_aux=True)(X, Y)
    near(both[0][1], jacrev(lambda y: X @ y.t())(Y))
    assert aux == "aux" and both[1][1].abs().sum() == 0
    assert jacfwd(lambda x: x * 2)(torch.zeros(0)).shape == (0, 0)


def test_linearize_runs_once():
    runs = []
    y, f = linearize(lambda x: runs.append(1) or mixed(x), X)
    near(f(V), column(mixed, X, V))
    near(f(W), column(mixed, X, W))
    near(y, mixed(X))
    assert len(runs) == 1


# ------------------------------------------------------------------------- modes and gradients

def test_modes():
    right = twice_reversed(mixed, X, V)
    with forward_ad.dual_level():
        x = forward_ad.make_dual(X.clone(), V)
        with torch.no_grad():
            near(forward_ad.unpack_dual(mixed(x)).tangent, right)
        with torch.inference_mode():
            assert forward_ad.unpack_dual(x * 2).tangent is None
        with forward_ad._set_fwd_grad_enabled(False):
            assert forward_ad.unpack_dual(x * 2).tangent is None
        assert forward_ad.unpack_dual(x.sign()).tangent.abs().sum() == 0
        for none in (x.detach(), x.data, x > 0, x.argmax(), torch.zeros_like(x)):
            assert forward_ad.unpack_dual(none).tangent is None
        y = mixed(x)
        assert not y.requires_grad and y.grad_fn is None and not forward_ad.unpack_dual(y).tangent.requires_grad
        assert "tangent=" in repr(x)
        with pytest.raises(NotImplementedError, match="out="):
            torch.mul(x, 2, out=torch.empty(3, 4, dtype=torch.float64))
    assert forward_ad.unpack_dual(x).tangent is None and "tangent" not in repr(x)


def test_a_backward_within_a_level_has_tangents():
    s = lambda x: (x.exp() * x).cumprod(1).sum()  # noqa: E731
    with forward_ad.dual_level():
        x = forward_ad.make_dual(X.clone().requires_grad_(), V)
        (g,) = torch.autograd.grad(s(x), x)
        primal, tangent = forward_ad.unpack_dual(g)
    near(primal, grad(s)(X))
    near(tangent, differences(grad(s), X, V), 1e-6)
    assert not tangent.requires_grad


def test_parameters_and_buffers_stay_as_they_are():
    m = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5), torch.nn.GELU()).double()
    y, t = jvp(m, (X,), (V,))
    assert y.requires_grad and t.requires_grad and forward_ad.unpack_dual(m[1].running_mean).tangent is None
    g = torch.autograd.grad((t * W[:, :1]).sum(), m[0].weight)[0]

    def of(w):
        return column(lambda x: torch.func.functional_call(m, {"0.weight": w}, (x,)), X, V)

    near((g * m[0].weight).sum(), (differences(of, m[0].weight.detach(), m[0].weight.detach()) * W[:, :1]).sum().detach(), 1e-6)


# --------------------------------------------------------------------------- views, in place

def changed(x):
    y = x.clone()
    w = y[1:]
    w.mul_(x[1:])
    y[0] = x[2].exp()
    z = y.view(-1)
    z[2:5].sin_()
    y += x
    y.t_()
    y[:, 0] *= 2
    return torch.cat([y.reshape(-1), w.reshape(-1), z])


def out_of_place(x):
    rows = torch.cat([x[2].exp()[None], x[1:] * x[1:]]).reshape(-1)
    rows = torch.cat([rows[:2], rows[2:5].sin(), rows[5:]]).reshape(3, 4) + x
    rows = torch.cat([rows[:1] * 2, rows[1:]])
    return torch.cat([rows.t().reshape(-1), rows[1:].reshape(-1), rows.reshape(-1)])


def constant(x):
    y = torch.zeros(4, 3, dtype=torch.float64)
    w = y[1:]
    y.copy_(x.t())
    w.add_(1)
    q = torch.zeros(3, 4, dtype=torch.float64)
    part = q[1]
    q[1] = x[0]
    q[2].zero_()
    return torch.cat([y.reshape(-1), w.reshape(-1), q.reshape(-1), part])


def test_in_place():
    near(changed(X), out_of_place(X))
    near(column(changed, X, V), column(out_of_place, X, V))
    near(column(lambda x: column(changed, x, W), X, V), column(lambda x: column(out_of_place, x, W), X, V))
    near(column(constant, X, V), differences(constant, X, V), 1e-7)
    with torch.no_grad():
        near(column(changed, X, V), column(out_of_place, X, V))
    near(grad(lambda x: (column(constant, x, V) * x.sum()).sum())(X), grad(lambda x: (column(constant, X, V) * x.sum()).sum())(X))


def test_times_itself_in_place():
    def f(x):
        y = x.clone()
        y *= y
        return y

    near(column(f, X, V), 2 * X * V)


def test_a_base_that_is_filled_has_no_tangent_left():
    with forward_ad.dual_level():
        x = forward_ad.make_dual(X.clone(), V)
        for fill in (lambda y: y.zero_(), lambda y: y.fill_(2), lambda y: y.normal_(), lambda y: y[:].copy_(X)):
            y = x * 2
            row = y[0]
            fill(y)
            assert forward_ad.unpack_dual(y).tangent.abs().sum() == 0 and forward_ad.unpack_dual(row).tangent.abs().sum() == 0


# ------------------------------------------------------------------------ users' operations

class Scaled(torch.autograd.Function):
    """x y k, and x + 1, with a jvp that gives twice the tangent of the first, to be seen."""

    @staticmethod
    def forward(ctx, x, y, k):
        ctx.save_for_forward(x, y)
        ctx.save_for_backward(x, y)
        ctx.k = k
        return x * y * k, x + 1

    @staticmethod
    def backward(ctx, g, h):
        x, y = ctx.saved_tensors
        return g * y * ctx.k + h, g * x * ctx.k, None

    @staticmethod
    def jvp(ctx, tx, ty, tk):
        assert tk is None
        x, y = ctx.saved_tensors
        return 2 * ctx.k * (tx * y + x * ty), tx


class Derived(torch.autograd.Function):
    forward, backward = Scaled.forward, Scaled.backward


class Detached(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return torch.tensor((g * 2).tolist(), dtype=g.dtype)


class Once(torch.autograd.Function):
    forward = Detached.forward

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return g * 2


class Short(Scaled):
    @staticmethod
    def jvp(ctx, tx, ty, tk):
        return tx[:1], tx


def test_users_operations():
    _, (t, u) = jvp(lambda x: Scaled.apply(x, Y, 3), (X,), (V,))
    near(t, 6 * V * Y)
    near(u, V)
    _, (t, u) = jvp(lambda x, y: Derived.apply(x, y, 3), (X, Y), (V, W))
    near(t, 3 * (V * Y + X * W))
    near(u, V)
    near(column(lambda x: column(lambda x: Derived.apply(x, x, 1)[0], x, W), X, V), 2 * V * W)
    near(grad(lambda x: column(lambda x: Derived.apply(x, x * x, 1)[0], x, V).sum())(X), 6 * X * V)
    for f, words in ((Detached, "jvp"), (Once, "once_differentiable.*jvp")):
        with pytest.raises(RuntimeError, match=words):
            column(f.apply, X, V)
    with pytest.raises(RuntimeError, match="shape"):
        column(lambda x: Short.apply(x, Y, 1), X, V)


# ----------------------------------------------------------------------------------- checkers

class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_forward(x)
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    def backward(ctx, g):
        return 2 * ctx.saved_tensors[0] * g

    @staticmethod
    def jvp(ctx, t):
        return 2.002 * ctx.saved_tensors[0] * t


def test_gradcheck_looks_at_tangents():
    x, z = X.clone().requires_grad_(), torch.complex(X, Y).requires_grad_()
    assert gradcheck(mixed, x, check_forward_ad=True, check_batched_forward_grad=True)
    assert gradcheck(lambda z: (z.abs(), z.exp() * z.conj()), z, check_forward_ad=True)
    assert gradgradcheck(mixed, x, check_fwd_over_rev=True)
    assert gradcheck(Wrong.apply, x)
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        gradcheck(Wrong.apply, x, check_forward_ad=True, check_backward_ad=False)
    with pytest.raises(ValueError, match="check_forward_ad"):
        gradcheck(mixed, x, check_batched_forward_grad=True)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers(kind):
    m = getattr(torch.nn, kind)(4, 4, 2, bidirectional=True).double()

    def f(x):
        out, last = m(x[:, None])
        return torch.cat([out.reshape(-1), *[h.reshape(-1) for h in (last if kind == "LSTM" else (last,))]])

    with torch.no_grad():
        t = column(f, X, V)
        near(t, differences(f, X, V), 1e-7)
        near(column(lambda x: column(f, x, W), X, V), differences(lambda x: column(f, x, W), X, V), 1e-6)
    near(t, column(f, X, V).detach())
    near(t, twice_reversed(f, X, V))
    # An expanded gradient is as good as any for a second derivative.
    x = X.clone().requires_grad_()
    u = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(m(x[:, None])[0], x, u.expand(3, 1, 8), create_graph=True)
    near(torch.autograd.grad(g, u, V)[0], twice_reversed(lambda x: m(x[:, None])[0], X, V).sum())


def test_ctc_and_attention():
    target, lengths = torch.tensor([[1, 2]]), (torch.tensor([3]), torch.tensor([2]))
    for f in (
        lambda x: torch.nn.functional.ctc_loss(x[:, None].log_softmax(-1), target, *lengths),
        lambda x: torch.nn.functional.scaled_dot_product_attention(x[None], x[None], x[None], is_causal=True),
    ):
        near(column(f, X, V), twice_reversed(f, X, V))
        near(column(lambda x, f=f: column(f, x, W), X, V), differences(lambda x, f=f: column(f, x, W), X, V), 1e-6)


def test_saved_tensors_hooks_keep_tangents():
    with torch.autograd.graph.saved_tensors_hooks(lambda x: x.clone(), lambda x: x):
        near(column(grad(lambda x: mixed(x).square().sum()), X, V), column(grad(lambda x: mixed(x).square().sum()), X, V))
        inside = column(grad(lambda x: x.exp().mul(x).sum()), X, V)
    near(inside, column(grad(lambda x: x.exp().mul(x).sum()), X, V))
