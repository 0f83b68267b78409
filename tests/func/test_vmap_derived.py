"""What is derived by vmap from something else: rules of the user's functions, and the vectorised Jacobians of autograd.functional. Against loops."""
import warnings

import pytest

import pyxtorch as torch
from pyxtorch import func
from pyxtorch._batching import _functions
from pyxtorch.autograd import Function
from pyxtorch.autograd.function import once_differentiable
from pyxtorch.autograd.functional import hessian, jacobian

F = torch.nn.functional
calls = []


class Scaled(Function):
    """x * y * factor by way of everything that a ctx offers."""

    generate_vmap_rule = True

    @staticmethod
    def forward(ctx, x, y, factor):
        calls.append(x.shape)
        ctx.save_for_backward(x, y)
        ctx.factor, ctx.pair = factor, (x, 1)
        largest = (x > y).to(x.dtype)
        ctx.mark_non_differentiable(largest)
        return x * y * factor, largest

    @staticmethod
    def backward(ctx, g, _):
        x, y = ctx.saved_tensors
        assert ctx.pair[0].shape == x.shape and len(ctx.needs_input_grad) == 3
        return g * y * ctx.factor, (g * x * ctx.factor).sum_to_size(y.shape), None


class Separate(Function):
    """The other style, and a result that is saved."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        calls.append(x.shape)
        return x.exp()

    @staticmethod
    def setup_context(ctx, inputs, output):
        assert inputs[0].shape == output.shape
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]


class Once(Separate):
    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]


class Looks(Separate):
    """It looks at an element, going there or coming back."""

    back = False

    @staticmethod
    def forward(x):
        calls.append(x.shape)
        return x * 3 if x[0].item() > 0 else x * 2

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, g):
        return g * (3 if ctx.saved_tensors[0][0].item() > 0 else 2)


class LooksBack(Looks):
    @staticmethod
    def forward(x):
        calls.append(x.shape)
        return torch.where(x[0] > 0, x * 3, x * 2)


def slices(tensors, dims):
    n = next(x.shape[d] for x, d in zip(tensors, dims) if d is not None)
    return [[x if d is None else x.select(d, i) for x, d in zip(tensors, dims)] for i in range(n)]


def same(f, tensors, dims):
    found, expected = func.vmap(f, dims)(*tensors), [f(*each) for each in slices(tensors, dims)]
    found, expected = (found, list(zip(*expected))) if isinstance(found, tuple) else ((found,), [expected])
    for y, each in zip(found, expected):
        assert torch.allclose(y, torch.stack(list(each)), atol=1e-12)


def test_rules_that_are_made():
    torch.manual_seed(0)
    x, y = torch.randn(4, 3, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    shared = torch.randn(3, dtype=torch.float64)
    scaled = lambda x, y: Scaled.apply(x, y, 2.0)[0]       # noqa: E731
    calls.clear()
    func.vmap(scaled, (0, 1))(x, y)
    assert calls == [(3,)]                                  # once, and it sees one slice
    for dims, args in (((0, 1), (x, y)), ((0, None), (x, shared)), ((None, 1), (shared, y)), ((0, None), (x, torch.randn(1, dtype=torch.float64)))):
        same(lambda a, b: Scaled.apply(a, b, 2.0), args, dims)
        same(func.grad(lambda a, b: scaled(a, b).sin().sum(), (0, 1)), args, dims)
        same(func.grad(lambda a, b: func.grad(lambda a: scaled(a, b).sin().sum())(a).square().sum(), (0, 1)), args, dims)
        same(lambda a, b: func.jvp(lambda a: scaled(a, b).sin(), (a,), (a.cos(),))[1], args, dims)
    same(func.jacrev(Separate.apply), (x,), (0,))
    same(func.hessian(lambda x: Separate.apply(x).prod()), (x,), (0,))
    same(func.vmap(Separate.apply), (torch.randn(2, 3, 4, dtype=torch.float64),), (1,))
    same(func.vmap(func.grad(lambda x: Separate.apply(x).prod())), (torch.randn(2, 3, 4, dtype=torch.float64),), (2,))
    # What the slices share gets the sum of their gradients.
    w = shared.clone().requires_grad_()
    func.vmap(lambda x: scaled(x, w))(x).sum().backward()
    assert torch.allclose(w.grad, 2 * x.sum(0))


@pytest.mark.parametrize("cls", [Once, Looks, LooksBack])
def test_what_has_to_be_a_loop_says_so_once(cls):
    torch.manual_seed(1)
    x = torch.randn(5, 3, dtype=torch.float64)
    _functions._said.discard(cls)
    f = func.grad(lambda x: (cls.apply(x) * x).sum())
    with pytest.warns(UserWarning, match=f"performance drop because {cls.__name__}"):
        same(f, (x,), (0,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same(f, (x,), (0,))


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_vectorised_jacobians(strategy):
    torch.manual_seed(2)
    x, y = torch.randn(2, 3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    a = torch.randn(4, 3, dtype=torch.float64)
    times = []

    def f(x, y):
        times.append(1)
        return F.softmax(x @ a.T, -1) * y[0], (x * y).sum(), y.new_ones(2)

    expected = jacobian(f, (x, y))
    times.clear()
    found = jacobian(f, (x, y), vectorize=True, strategy=strategy)
    assert len(times) <= 2
    for row, other in zip(found, expected):
        for J, E in zip(row, other):
            assert J.shape == E.shape and not J.requires_grad and torch.allclose(J, E)
    g = lambda x: (a @ x.sin()).square().sum()      # noqa: E731
    assert torch.allclose(hessian(g, y, vectorize=True, outer_jacobian_strategy=strategy), hessian(g, y))
    # Through the Jacobian itself.
    y = y.requires_grad_()
    slopes = []
    for vectorize in False, True:
        J = jacobian(lambda y: (a @ y).sin(), y, create_graph=True, vectorize=vectorize, **({"strategy": strategy} if vectorize else {}))
        slopes.append(torch.autograd.grad(J.square().sum(), y)[0])
    assert torch.allclose(*slopes)
    with pytest.warns(UserWarning, match="one row after the other"):
        torch.autograd.functional._said.clear()
        J = jacobian(lambda x: x * 2 if x[0].item() < 9 else x, y.repeat(2), vectorize=True, strategy=strategy)
    assert torch.equal(J, 2 * torch.eye(6, dtype=torch.float64))
    torch.manual_seed(5)
    mask = F.dropout(torch.ones(6), 0.5)
    torch.manual_seed(5)
    assert torch.equal(jacobian(lambda x: F.dropout(x, 0.5), torch.ones(6), vectorize=True, strategy=strategy).diagonal(), mask)
