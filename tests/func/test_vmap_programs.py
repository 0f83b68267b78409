"""Ordinary programs over torch.func give what PyTorch gives, and refuse what it refuses."""

import warnings

import numpy as np
import pytest

import pyxtorch
import pyxtorch.func


def programs(torch):
    F = torch.nn.functional
    func = torch.func
    vmap = func.vmap
    grad = func.grad
    rng = np.random.default_rng(0)
    T = lambda *s: torch.tensor(rng.standard_normal(s))
    I = lambda hi, *s: torch.tensor(rng.integers(0, hi, s))
    P = {}

    def p(f):
        P[f.__name__] = f
        return f

    W1, b1, W2, b2 = T(8, 5), T(8), T(3, 8), T(3)
    X = T(7, 5)
    y = I(3, 7)
    params = {"a": W1, "b": b1, "c": W2, "d": b2}

    def mlp(q, x):
        return F.linear(torch.tanh(F.linear(x, q["a"], q["b"])), q["c"], q["d"])

    def loss(q, x, t):
        return F.cross_entropy(mlp(q, x).unsqueeze(0), t.unsqueeze(0))

    @p
    def per_sample():
        return list(vmap(grad(loss), (None, 0, 0))(params, X, y).values())

    @p
    def per_sample_value():
        return vmap(func.grad_and_value(loss), (None, 0, 0))(params, X, y)[1]

    K1, K2 = T(4, 2, 3, 3), T(6, 4, 3, 3)
    Wf = T(3, 6)
    img = T(5, 2, 8, 8)
    lab = I(3, 5)
    cp = {"k1": K1, "k2": K2, "w": Wf}

    def cnn(q, x):
        x = x.unsqueeze(0)
        x = F.max_pool2d(F.relu(F.conv2d(x, q["k1"], padding=1)), 2)
        x = F.relu(F.conv2d(x, q["k2"], stride=2, padding=1)).mean((2, 3))
        return F.linear(x, q["w"])

    @p
    def cnn_grads():
        return list(vmap(grad(lambda q, x, t: F.cross_entropy(cnn(q, x), t.unsqueeze(0))), (None, 0, 0))(cp, img, lab).values())

    @p
    def jac_mlp():
        return func.jacrev(lambda x: mlp(params, x))(X[0])

    @p
    def jac_params():
        return list(func.jacrev(mlp)(params, X[0]).values())

    @p
    def jac_batch():
        return vmap(func.jacrev(lambda x: mlp(params, x)))(X)

    @p
    def jacfwd_mlp():
        return func.jacfwd(lambda x: mlp(params, x))(X[0])

    @p
    def hess():
        return func.hessian(lambda x: mlp(params, x).square().sum())(X[0])

    @p
    def hess_batch():
        return vmap(func.hessian(lambda x: mlp(params, x).square().sum()))(X)

    @p
    def ntk():
        j = vmap(func.jacrev(mlp), (None, 0))(params, X)
        j = [v.flatten(2) for v in j.values()]
        return torch.stack([torch.einsum("Naf,Mbf->NMab", v, v) for v in j]).sum(0)

    @p
    def ensemble():
        ws = T(4, 8, 5)
        bs = T(4, 8)
        return vmap(lambda w, b: F.linear(X, w, b))(ws, bs)

    @p
    def maml():
        def inner(x, t):
            g = grad(lambda q: F.mse_loss(mlp(q, x), t))(params)
            new = {k: params[k] - 0.1 * g[k] for k in g}
            return F.mse_loss(mlp(new, x + 1), t)

        return vmap(inner)(T(3, 4, 5), T(3, 4, 3))

    @p
    def maml_meta():
        x, t = T(3, 4, 5), T(3, 4, 3)

        def meta(q):
            def inner(x, t):
                g = grad(lambda q: F.mse_loss(mlp(q, x), t))(q)
                new = {k: q[k] - 0.1 * g[k] for k in g}
                return F.mse_loss(mlp(new, x + 1), t)

            return vmap(inner)(x, t).mean()

        return list(grad(meta)(params).values())

    @p
    def newton():
        f = lambda x: x.exp().sum() + (x**2).sum()

        def step(x):
            return x - torch.linalg.solve(func.hessian(f)(x), grad(f)(x))

        return vmap(step)(T(4, 3))

    @p
    def attention():
        return vmap(lambda q, k, v: F.scaled_dot_product_attention(q, k, v))(T(2, 3, 4, 5), T(2, 3, 6, 5), T(2, 3, 6, 5))

    @p
    def attention_shared():
        return vmap(lambda q, k, v: F.scaled_dot_product_attention(q, k, v), (0, None, None))(T(2, 3, 4, 5), T(3, 6, 5), T(3, 6, 5))

    @p
    def nested():
        return vmap(vmap(lambda a, b: a @ b, (None, 0)), (0, None))(T(3, 4), T(5, 4))

    @p
    def nested3():
        return vmap(vmap(vmap(lambda a, b: a * b + a.sum())))(T(2, 3, 4, 5), T(2, 3, 4, 5))

    @p
    def outdims():
        return vmap(lambda a: (a, a.sum(0), a.T), out_dims=(1, 0, 2))(T(3, 4, 5))

    @p
    def indims():
        return vmap(lambda a, b: a @ b, (1, -1))(T(3, 4), T(3, 4))

    @p
    def tree():
        return vmap(lambda d, c: d["x"] * c[0] + c[1], in_dims=({"x": 0}, (None, 1)))({"x": T(3, 4)}, (T(4), T(4, 3)))

    @p
    def vjpbasis():
        out, fn = func.vjp(lambda x: mlp(params, x), X[0])
        return vmap(fn)(torch.eye(3, dtype=torch.float64))[0]

    @p
    def vjp_of_batch():
        out, fn = func.vjp(lambda x: vmap(lambda r: r.sin().sum())(x), X)
        return fn(T(7))[0]

    @p
    def jvp_batch():
        return vmap(lambda x, v: func.jvp(torch.sin, (x,), (v,))[1])(X, T(7, 5))

    @p
    def jvpmany():
        return vmap(lambda v: func.jvp(lambda x: mlp(params, x), (X[0],), (v,))[1])(T(4, 5))

    @p
    def hvp():
        return vmap(lambda v: func.jvp(grad(lambda x: mlp(params, x).square().sum()), (X[0],), (v,))[1])(T(4, 5))

    @p
    def linear_fwd():
        out, fn = func.linearize(lambda x: mlp(params, x), X[0])
        return vmap(fn)(T(4, 5))

    @p
    def gradvmap():
        return grad(lambda w: vmap(lambda x: (x @ w).tanh().sum())(X).sum())(T(5, 2))

    @p
    def idx():
        return vmap(lambda x, i: x[i])(T(3, 4, 5), I(4, 3, 6))

    @p
    def idx2():
        return vmap(lambda x, i: x[:, i])(T(3, 4, 5), I(5, 3, 2, 2))

    @p
    def idx3():
        return vmap(lambda x, i, j: x[i, :, j])(T(3, 4, 2, 5), I(4, 3, 2), I(5, 3, 2))

    @p
    def idx4():
        return vmap(lambda x, i: x[i], (None, 0))(T(4, 5), I(4, 6))

    @p
    def setit():
        def f(x, v):
            x = x.clone()
            x[1:] = v
            x[0, 0] = v[0]
            return x

        return vmap(f)(T(3, 4, 5), T(3, 5))

    @p
    def setit2():
        def f(x, i, v):
            x = x.clone()
            x[i] = v
            return x

        return vmap(f)(T(3, 4, 5), torch.tensor([[0, 1], [2, 3], [1, 0]]), T(3, 2, 5))

    @p
    def where_():
        return vmap(lambda x: torch.where(x > 0, x, x * 0.1))(X)

    @p
    def norm_clip():
        return vmap(lambda x: x / torch.linalg.norm(x).clamp(min=1))(X)

    @p
    def softmaxes():
        return vmap(lambda x: (x.softmax(0), x.log_softmax(-1), x.logsumexp(0)))(X)

    @p
    def sorts():
        return vmap(lambda x: (x.sort().values, x.topk(2)[1], x.argsort(), x.cumsum(0), x.median()))(X)

    @p
    def linalgs():
        def f(a):
            s = a @ a.T + torch.eye(3, dtype=a.dtype)
            return torch.linalg.cholesky(s), torch.linalg.inv(s), torch.logdet(s), torch.linalg.eigvalsh(s)

        return vmap(f)(T(4, 3, 3))

    @p
    def kwargs_b():
        return vmap(lambda x, *, s: (x * s).sum())(X, s=T(7, 5)[0])

    @p
    def chunked():
        return vmap(lambda x: x.sin().sum(), chunk_size=3)(X)

    @p
    def chunkjac():
        return func.jacrev(lambda x: mlp(params, x), chunk_size=2)(X[0])

    @p
    def embed():
        return vmap(lambda i, w: F.embedding(i, w), (0, None))(I(6, 3, 4), T(6, 2)), vmap(F.embedding)(I(6, 3, 4), T(3, 6, 2))

    @p
    def layernorm():
        return vmap(lambda x, w: F.layer_norm(x, (5,), w))(X, T(7, 5))

    @p
    def groupnorm():
        return vmap(lambda x: F.group_norm(x, 2))(T(3, 2, 4, 5))

    @p
    def batchnorm():
        return vmap(lambda x: F.batch_norm(x, None, None, training=True))(T(3, 6, 4, 5))

    @p
    def interp():
        return vmap(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"))(T(3, 2, 2, 4, 4))

    @p
    def pad_():
        return vmap(lambda x: F.pad(x, (1, 2), value=3.0))(X)

    @p
    def ffts():
        return vmap(lambda x: torch.fft.fft(x).abs())(X)

    @p
    def einsums():
        return vmap(lambda a, b: torch.einsum("ij,jk->ik", a, b), (0, None))(T(3, 4, 5), T(5, 2))

    @p
    def losses():
        return vmap(lambda a, b: (F.mse_loss(a, b), F.l1_loss(a, b, reduction="sum"), F.smooth_l1_loss(a, b)))(T(3, 4), T(3, 4))

    @p
    def ce():
        return vmap(lambda a, t: F.cross_entropy(a, t))(T(3, 4, 5), I(5, 3, 4))

    @p
    def convs():
        return vmap(lambda x, w, b: F.conv2d(x, w, b, padding=1))(T(3, 2, 4, 5, 5), T(3, 6, 4, 3, 3), T(3, 6))

    @p
    def convt():
        return vmap(lambda x, w: F.conv_transpose2d(x, w, stride=2))(T(3, 2, 4, 5, 5), T(3, 4, 6, 3, 3))

    @p
    def conv_shared_x():
        return vmap(lambda w: F.conv2d(img, w))(T(3, 4, 2, 3, 3))

    @p
    def promo():
        return vmap(lambda a, b: a * b)(torch.tensor([1.0, 2.0], dtype=torch.float64), torch.ones(2, 3, dtype=torch.float32))

    @p
    def promo2():
        return vmap(lambda a: a * torch.tensor(2.0, dtype=torch.float64))(torch.ones(2, dtype=torch.float32))

    @p
    def ones():
        return vmap(lambda x: torch.ones_like(x) + torch.zeros(5))(X)

    @p
    def const():
        return vmap(lambda x: torch.ones(2))(X)

    @p
    def inplace():
        def f(x):
            z = torch.zeros_like(x)
            z += x
            z.mul_(2)
            z.clamp_(min=0)
            return z

        return vmap(f)(X)

    @p
    def functional():
        return vmap(func.functionalize(lambda x: x.clone().add_(1)))(X)

    @p
    def argnums():
        return vmap(grad(lambda x, w: (x * w).sum(), argnums=(0, 1)), (0, None))(X, T(5))

    @p
    def third():
        return vmap(grad(grad(grad(lambda x: x**4))))(T(4))

    @p
    def hasaux():
        return vmap(grad(lambda x: (x.sum() ** 2, x * 2), has_aux=True))(X)

    @p
    def size0():
        return vmap(lambda x: (x @ T(5, 2)).sum(0))(T(0, 3, 5))

    @p
    def stacks():
        return vmap(lambda a, b: (torch.stack([a, b]), torch.cat([a, b]), torch.hstack([a, b])), (0, None))(X, T(5))

    @p
    def iterate():
        return vmap(lambda x: sum(r * i for i, r in enumerate(x)))(T(3, 4, 5))

    @p
    def gathers():
        return vmap(lambda x, i: x.gather(0, i))(X, I(5, 7, 3))

    @p
    def scatters():
        return vmap(lambda x, i, s: x.scatter_add(0, i, s))(X, I(5, 7, 3), T(7, 3))

    @p
    def item_err():
        return vmap(lambda x: x * x.sum().item())(X)

    @p
    def if_err():
        return vmap(lambda x: x if x.sum() > 0 else -x)(X)

    @p
    def nz_err():
        return vmap(lambda x: x.nonzero())(X)

    @p
    def rnd_err():
        return vmap(lambda x: x + torch.randn(5))(X)

    @p
    def drop_err():
        return vmap(lambda x: F.dropout(x))(X)

    @p
    def nont_err():
        return vmap(lambda x: 3)(X)

    @p
    def out_err():
        return vmap(lambda x: x.sin(), out_dims=None)(X)

    @p
    def inpl_err():
        z = torch.zeros(5, dtype=torch.float64)
        return vmap(lambda x: z.add_(x))(X)

    @p
    def reqerr():
        return vmap(lambda x: x)(3)

    @p
    def dims_err():
        return vmap(lambda x: x, in_dims=(0, 0))(X)

    @p
    def outdim_err():
        return vmap(lambda x: x.sum(), out_dims=3)(X)

    @p
    def data_numpy():
        return vmap(lambda x: torch.tensor(x.numpy()))(X)

    @p
    def tolist_err():
        return vmap(lambda x: torch.tensor(x.tolist()))(X)

    @p
    def out_eq():
        return vmap(lambda x: torch.sin(x, out=torch.empty(5, dtype=torch.float64)))(X)

    @p
    def sameshape():
        return vmap(lambda x: torch.full_like(x, x.dim()) + x.numel() + x.shape[0])(X)

    return P


def arrays(result):
    if isinstance(result, list | tuple):
        return [a for r in result for a in arrays(r)]
    return [result.detach().numpy()]


@pytest.mark.parametrize("name", sorted(programs(pyxtorch)))
def test_program(name):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = arrays(programs(torch)[name]())
        except Exception as error:
            kind = next(k for k in (ValueError, IndexError, TypeError, RuntimeError) if isinstance(error, k))
            with pytest.raises(kind):
                programs(pyxtorch)[name]()
            return
        actual = arrays(programs(pyxtorch)[name]())
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected):
        assert a.shape == e.shape and a.dtype == e.dtype
        np.testing.assert_allclose(a, e, rtol=1e-8, atol=1e-8)
