"""Users' own functions on the tape, gradcheck, and autograd.functional."""
import contextlib
import traceback

import numpy as np
import pytest
from tape_helpers import Scale, leaf

import pyxtorch as torch
from pyxtorch.autograd import Function, functional, grad, gradcheck, gradgradcheck
from pyxtorch.autograd.function import once_differentiable
from pyxtorch.autograd.gradcheck import GradcheckError


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 3 * x * x


# -------------------------------------------------------------------------- users' functions


def test_function_with_a_constant_argument():
    x = leaf(1.0, 2.0)
    y = Scale.apply(x, 3.0)
    assert y.grad_fn.name() == "ScaleBackward"
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert not Scale.apply(torch.ones(2), 3.0).requires_grad


def test_function_differentiates_again():
    x = leaf(2.0)
    y = Cube.apply(x)
    (g,) = grad(y, x, create_graph=True)
    (h,) = grad(g, x, create_graph=True)
    (k,) = grad(h, x)
    assert (g.item(), h.item(), k.item()) == (12.0, 12.0, 6.0)
    assert gradgradcheck(Cube.apply, leaf(1.0, 2.0))


def test_setup_context():
    class Square(Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            (x,) = inputs
            ctx.save_for_backward(x)

        @staticmethod
        def backward(ctx, g):
            return 2 * g * ctx.saved_tensors[0]

    assert gradcheck(Square.apply, leaf(1.0, 2.0))


def test_saved_outputs_and_several_results():
    class Both(Function):
        @staticmethod
        def forward(ctx, x):
            e, s = x.exp(), x.sin()
            ctx.save_for_backward(x, e, None)
            return e, s

        @staticmethod
        def backward(ctx, ge, gs):
            x, e, nothing = ctx.saved_tensors
            assert nothing is None
            return ge * e + gs * x.cos()

    x = leaf(0.3, 0.6)
    assert gradcheck(Both.apply, x) and gradgradcheck(Both.apply, x)
    e, s = Both.apply(x)
    s.sum().backward()
    assert np.allclose(x.grad.tolist(), np.cos([0.3, 0.6]))


def test_saved_tensors_are_checked_too():
    x = leaf(2.0)
    h = x * 1
    y = Cube.apply(h)
    h.add_(1)
    with pytest.raises(RuntimeError, match="CubeBackward.*inplace"):
        y.backward()
    z = Cube.apply(x)
    z.backward()
    with pytest.raises(RuntimeError, match="second time"):
        z.backward()
    with pytest.raises(TypeError, match="save_for_backward"):
        class Wrong(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(3)
                return x * 1
        Wrong.apply(x)


def test_needs_input_grad():
    seen = []

    class Product(Function):
        @staticmethod
        def forward(ctx, a, b):
            seen.append(ctx.needs_input_grad)
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.needs_input_grad)
            a, b = ctx.saved_tensors
            return g * b if ctx.needs_input_grad[0] else None, g * a if ctx.needs_input_grad[1] else None

    Product.apply(leaf(1.0), torch.ones(())).backward()
    assert seen == [(True, False), (True, False)]


def test_mark_dirty():
    class Doubled(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(1.0, 2.0)
    y = x * 1
    z = Doubled.apply(y)
    assert z is y and y.tolist() == [2.0, 4.0] and y._version == 1 or y._version >= 1
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    base = x * 1
    Doubled.apply(base[0])
    base.sum().backward()
    assert x.grad.tolist() == [4.0, 3.0]
    with pytest.raises(RuntimeError, match="leaf"):
        Doubled.apply(x)


def test_mark_non_differentiable_and_integers():
    class Largest(Function):
        @staticmethod
        def forward(ctx, x):
            value, place = x.max(0)
            mask = x == value
            ctx.save_for_backward(mask)
            ctx.mark_non_differentiable(mask)
            return value, place, mask

        @staticmethod
        def backward(ctx, g, gp, gm):
            (mask,) = ctx.saved_tensors
            return g * mask

    x = leaf(1.0, 3.0)
    value, place, mask = Largest.apply(x)
    assert value.requires_grad and not mask.requires_grad and not place.requires_grad
    value.backward()
    assert x.grad.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("materialize", [True, False])
def test_materialize_grads(materialize):
    seen = []

    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(materialize)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            seen.append(b)
            return a * 2 if b is None else a * 2 + b * 3

    x = leaf(1.0)
    Two.apply(x)[0].backward()
    assert x.grad.item() == 2.0
    assert seen[0].item() == 0.0 if materialize else seen == [None]


def test_once_differentiable():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            assert not torch.is_grad_enabled()
            return 2 * g * ctx.saved_tensors[0]

    x = leaf(3.0)
    Square.apply(x).backward()
    assert x.grad.item() == 6.0
    v = leaf(1.0)
    (g,) = grad(Square.apply(x), x, v, create_graph=True)
    assert g.item() == 6.0
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.backward()


def test_wrong_backwards_are_named():
    class TooFew(Function):
        @staticmethod
        def forward(ctx, a, b):
            return a * b

        @staticmethod
        def backward(ctx, g):
            return g

    class NoTensor(Function):
        @staticmethod
        def forward(ctx, a):
            return a * 2

        @staticmethod
        def backward(ctx, g):
            return 3.0

    class WrongShape(Function):
        @staticmethod
        def forward(ctx, a):
            return a * 2

        @staticmethod
        def backward(ctx, g):
            return torch.ones(5, dtype=torch.float64)

    class NoBackward(Function):
        @staticmethod
        def forward(ctx, a):
            return a * 2

    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="TooFew.*expected 2, got 1"):
        TooFew.apply(x, x).sum().backward()
    with pytest.raises(TypeError, match="NoTensor.*float"):
        NoTensor.apply(x).sum().backward()
    with pytest.raises(RuntimeError, match=r"WrongShape.*got \[5\].*compatible with \[2\]"):
        WrongShape.apply(x).sum().backward()
    with pytest.raises(NotImplementedError, match="backward"):
        NoBackward.apply(x).sum().backward()


def test_gradients_of_broadcast_inputs_are_summed():
    class Plus(Function):
        @staticmethod
        def forward(ctx, a, b):
            return a + b

        @staticmethod
        def backward(ctx, g):
            return g, g.double()

    a, b = torch.ones(2, 3, requires_grad=True), torch.ones(3, requires_grad=True)
    Plus.apply(a * 1, b * 1).sum().backward()
    assert b.grad.tolist() == [2.0] * 3 and b.grad.dtype is torch.float32


def test_errors_in_backward_lead_to_the_users_line():
    class Faulty(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return undefined_name  # noqa: F821

    x = leaf(1.0)
    try:
        (Faulty.apply(x * 2) * 3).backward()
    except NameError as error:
        frames = traceback.extract_tb(error.__traceback__)
        assert any(f.name == "backward" and f.filename == __file__ and "undefined_name" in f.line for f in frames)
    else:
        raise AssertionError("no error")
    (x * 2).backward()          # and the engine goes on
    assert x.grad.item() == 2.0


def test_backward_inside_backward():
    class Inner(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            with torch.enable_grad():
                inside = x.detach().requires_grad_()
                (inside * inside).sum().backward()
            return g * inside.grad

    x = leaf(3.0)
    (Inner.apply(x) * 2).backward()
    assert x.grad.item() == 12.0
    assert grad(Inner.apply(x) * 2, x)[0].item() == 12.0


def test_input_returned_unchanged():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5

    x = leaf(1.0)
    y = Same.apply(x)
    assert y is not x
    y.backward()
    assert x.grad.item() == 5.0


# ---------------------------------------------------------------------------------- gradcheck


def wrong_by(part):
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0].cos() * (1 + part)

    return Wrong.apply


@pytest.mark.parametrize("fast", [False, True])
def test_gradcheck_rejects_a_derivative_that_is_slightly_wrong(fast):
    x = leaf(0.1, 0.7, -1.1)
    assert gradcheck(wrong_by(0.0), x, fast_mode=fast)
    for part in (0.001, -0.001):
        with pytest.raises(GradcheckError, match="Jacobian mismatch"):
            gradcheck(wrong_by(part), x, fast_mode=fast)
        assert gradcheck(wrong_by(part), x, fast_mode=fast, raise_exception=False) is False


def test_gradgradcheck_rejects_a_wrong_second_derivative():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0].detach()

    x = leaf(0.5, 1.5)
    assert gradcheck(Wrong.apply, x)
    with pytest.raises(GradcheckError):
        gradgradcheck(Wrong.apply, x)


@pytest.mark.parametrize("fast", [False, True])
def test_gradcheck_of_complex_functions(fast):
    z = torch.tensor([0.3 + 0.4j, -1.0 + 0.2j], dtype=torch.complex128, requires_grad=True)
    assert gradcheck(lambda z: z * z.conj() + z.exp(), z, fast_mode=fast)
    assert gradcheck(lambda z: z.abs(), z, fast_mode=fast)
    assert gradgradcheck(lambda z: z.sin() * z.real, z, fast_mode=fast)


def test_gradcheck_complains_of_unusable_inputs():
    with pytest.raises(ValueError, match="require gradient"):
        gradcheck(torch.sin, torch.ones(2, dtype=torch.float64))
    with pytest.warns(UserWarning, match="float64"):
        gradcheck(torch.sin, torch.ones(2, requires_grad=True), atol=0.1, rtol=0.1)
    with pytest.raises(RuntimeError, match="stride 0"):
        gradcheck(torch.sin, torch.ones(1, dtype=torch.float64).expand(3).requires_grad_())
    with pytest.raises(GradcheckError, match="expected to be zero"):
        gradcheck(lambda x: x.detach() * 2, leaf(1.0))


# ------------------------------------------------------------------------------- functional


def test_jacobian_and_hessian():
    a, b = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    assert functional.jacobian(lambda x: x ** 2, a).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    rows = functional.jacobian(lambda x, y: (x * y, x.sum()), (a, b))
    assert rows[0][0].tolist() == [[3.0, 0.0], [0.0, 4.0]] and rows[0][1].tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert rows[1][0].tolist() == [1.0, 1.0] and rows[1][1].tolist() == [0.0, 0.0]
    h = functional.hessian(lambda x, y: (x ** 2 * y).sum(), (a, b))
    assert h[0][0].tolist() == [[6.0, 0.0], [0.0, 8.0]] and h[0][1].tolist() == [[2.0, 0.0], [0.0, 4.0]] and h[1][1].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(RuntimeError, match="strict"):
        functional.jacobian(lambda x, y: x * 2, (a, b), strict=True)
    with pytest.raises(TypeError, match="tensor"):
        functional.jacobian(lambda x: 3, a)


def test_products_with_jacobians_and_hessians():
    a, v = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])
    value, product = functional.vjp(lambda x: x ** 2, a, v)
    assert value.tolist() == [1.0, 4.0] and product.tolist() == [6.0, 20.0]
    assert functional.jvp(lambda x: x ** 2, a, v)[1].tolist() == [6.0, 20.0]
    assert functional.vhp(lambda x: (x ** 3).sum(), a, v)[1].tolist() == [18.0, 60.0]
    assert functional.hvp(lambda x: (x ** 3).sum(), a, v)[1].tolist() == [18.0, 60.0]
    with pytest.raises(RuntimeError, match="single element"):
        functional.hvp(lambda x: x, a, v)
    with pytest.raises(RuntimeError, match="shape"):
        functional.vjp(lambda x: x ** 2, a, torch.ones(3))


def test_functional_results_can_be_differentiated():
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    functional.jacobian(lambda x: x ** 3, a, create_graph=True).sum().backward()
    assert a.grad.tolist() == [6.0, 12.0]


@pytest.mark.parametrize("hooked", [False, True])
def test_a_function_sees_whether_what_it_saved_requires_grad(hooked):
    seen = []

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, c):
            y = x * 2
            ctx.save_for_backward(x, c, y)
            return y

        @staticmethod
        def backward(ctx, g):
            seen.append([t.requires_grad for t in ctx.saved_tensors])
            return g * 2, None

    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t) if hooked else contextlib.nullcontext():
        y = Twice.apply(torch.ones(2, requires_grad=True) * 1, torch.ones(2))
    y.sum().backward()
    assert seen == [[True, False, True]]
