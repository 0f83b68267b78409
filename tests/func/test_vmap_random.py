"""Random programs under transforms of transforms, against loops over slices and against gradients in the other mode."""
import random

import pytest

import pyxtorch as torch
from pyxtorch import func, nn
from pyxtorch.autograd.functional import jacobian

F = nn.functional


def _written(x):
    y = x.clone()
    y[..., 0] = x[..., 1] * 2
    y[..., 1:].mul_(0.5).add_(x[..., :-1])
    return y


def _filled(x):
    y = x.new_zeros(x.shape)
    y.copy_(x).sub_(x.mean(-1, keepdim=True))
    y.select(-1, 0).add_(1)
    return y


# On (m, 3) values, giving (m, 3) values; w is a (3, 3) matrix.
STEPS = [
    lambda x, w: x @ w, lambda x, w: F.linear(x, w, w[0]), lambda x, w: x * x.sigmoid(), lambda x, w: x.softmax(-1) - w[1], lambda x, w: x.tanh() + x.flip(-1),
    lambda x, w: F.layer_norm(x, (3,), w[0], w[1]), lambda x, w: torch.cat([x[..., 1:], x[..., :1]], -1), lambda x, w: torch.where(x > 0, x, w[2] * x),
    lambda x, w: torch.einsum("ij,kj->ik", x, w).sin(), lambda x, w: x.cumsum(-1) / 2, lambda x, w: x - x.logsumexp(-1, keepdim=True), lambda x, w: x.T.contiguous().T * w.diagonal(),
    lambda x, w: x[:, torch.tensor([2, 0, 1])], lambda x, w: x.sort(-1)[0], lambda x, w: F.pad(x, (1, 1))[:, :3] + w.sum(0), lambda x, w: torch.linalg.solve(w @ w.T + 3 * torch.eye(3, dtype=w.dtype), x.T).T,
    lambda x, w: F.scaled_dot_product_attention(x, x @ w, x), lambda x, w: F.conv1d(x.unsqueeze(0), w[0].expand(x.shape[0], x.shape[0], 3), padding=1)[0],
    lambda x, w: _written(x), lambda x, w: _filled(x) * w[0], lambda x, w: F.rms_norm(x, (3,)), lambda x, w: x.std(-1, keepdim=True) * x, lambda x, w: torch.stack([x, x.exp()]).mean(0),
    lambda x, w: x.scatter_add(1, torch.tensor([[0, 1, 0]]).expand(x.shape), x), lambda x, w: torch.baddbmm(x.unsqueeze(0), x.unsqueeze(0), w.unsqueeze(0))[0],
]  # fmt: skip


def program(chance):
    steps = chance.sample(STEPS, 4)

    def f(x, w):
        for step in steps:
            x = step(x, w)
        return x

    return f


def near(a, b):
    a, b = (t if isinstance(t, tuple) else (t,) for t in (a, b))
    for y, z in zip(a, b, strict=True):
        assert y.shape == z.shape and torch.allclose(y, z, rtol=1e-8, atol=1e-9, equal_nan=True), (y - z).abs().max()


def looped(f, args, dims):
    n = next(x.shape[d] for x, d in zip(args, dims) if d is not None)
    rows = [f(*[x if d is None else x.select(d, i) for x, d in zip(args, dims)]) for i in range(n)]
    return tuple(torch.stack(c) for c in zip(*rows)) if isinstance(rows[0], tuple) else torch.stack(rows)


@pytest.mark.parametrize("seed", range(24))
def test_transforms_of_random_programs(seed):
    chance = random.Random(seed)
    torch.manual_seed(seed)
    f = program(chance)
    dims = chance.choice([(0, 0), (0, None), (None, 0), (-1, 1), (2, None)])
    shapes = [(2, 3), (3, 3)]
    args = []
    for d, shape in zip(dims, shapes):
        x = torch.randn(*shape, dtype=torch.float64) if d is None else torch.randn(4, *shape, dtype=torch.float64).movedim(0, d)
        args.append(x)
    total = lambda x, w: f(x, w).square().sum()         # noqa: E731
    u, v = torch.randn(2, 3, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)

    def along(x, w):
        return func.jvp(f, (x, w), (u, v))

    def hv(x, w):
        return func.jvp(func.grad(total, (0, 1)), (x, w), (u, v))[1]

    for g in (f, func.grad(total, (0, 1)), along, hv, func.jacfwd(f, 0), func.jacrev(f, 1)):
        near(func.vmap(g, dims)(*args), looped(g, args, dims))
        if g is not hv:
            near(func.vmap(g, dims, chunk_size=3)(*args), looped(g, args, dims))
    # The Jacobian of a vmap, in both modes, and of all of it by the tape alone.
    mapped = lambda x: func.vmap(f, dims)(x, args[1])      # noqa: E731
    near(func.jacfwd(mapped)(args[0]), func.jacrev(mapped)(args[0]))
    near(func.jacfwd(mapped)(args[0]), jacobian(mapped, args[0]))
    # Third order, and what stays connected to the tape outside.
    third = lambda x, w: func.grad(lambda x: func.jvp(lambda x: func.grad(total)(x, w), (x,), (u,))[1].mul(u).sum())(x)      # noqa: E731
    near(func.vmap(third, dims)(*args), looped(third, args, dims))
    outside = [x.clone().requires_grad_() for x in args]
    slopes = [torch.autograd.grad(run(lambda x, w: func.grad(total)(x, w).sin(), outside).square().sum(), outside, allow_unused=True)
              for run in (lambda g, a: func.vmap(g, dims)(*a), lambda g, a: looped(g, a, dims))]      # fmt: skip
    near(*[tuple(torch.zeros_like(x) if g is None else g for g, x in zip(s, outside)) for s in slopes])


@pytest.mark.parametrize("seed", range(8))
def test_vmap_within_vmap(seed):
    chance = random.Random(100 + seed)
    torch.manual_seed(seed)
    f = program(chance)
    x, w = torch.randn(3, 2, 4, 3, dtype=torch.float64), torch.randn(4, 3, 3, dtype=torch.float64)       # x: outer, m, inner, 3
    total = lambda x, w: f(x, w).sin().sum()        # noqa: E731

    def each(g):
        return lambda x: func.vmap(g, (1, 0))(x, w)

    for g in (f, func.grad(total, (0, 1)), lambda x, w: func.jvp(total, (x, w), (x, w))[1]):
        expected = looped(lambda x, g=g: looped(g, (x, w), (1, 0)), (x,), (0,))
        near(func.vmap(each(g))(x), expected)

    def writes(x):
        y = x.clone()
        func.vmap(lambda row, s: row.mul_(s.sum()), (1, 0))(y, w)       # the inner vmap writes into what the outer one maps over
        return y

    near(func.vmap(writes)(x), x * w.sum((1, 2)).reshape(1, 1, 4, 1))


def test_modules():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.LayerNorm(4), nn.Linear(4, 1)).double()
    state = {k: v.detach() for k, v in model.named_parameters()}
    x = torch.randn(5, 3, dtype=torch.float64)

    def loss(p, x):
        return func.functional_call(model, p, (x,)).square().sum()

    H = func.hessian(loss)(state, x)
    p = {k: v.clone().requires_grad_() for k, v in state.items()}
    slope = torch.autograd.grad(loss(p, x), list(p.values()), create_graph=True)
    for name, g in zip(p, slope):
        for j in range(g.numel()):
            for other, row in zip(p, torch.autograd.grad(g.reshape(-1)[j], list(p.values()), retain_graph=True)):
                near(H[name][other].reshape(g.numel(), *row.shape)[j], row)
    # The Hessian for each sample, and the gradient with the module's own parameters tracked outside.
    each = func.vmap(func.hessian(loss), (None, 0))(state, x)["0.weight"]["3.weight"]
    near(each.sum(0), H["0.weight"]["3.weight"])
    out = func.vmap(func.grad(lambda x: model(x).sum()))(x).square().sum()
    out.backward()
    other = torch.stack([func.grad(lambda x: model(x).sum())(row) for row in x]).square().sum()
    near(torch.autograd.grad(other, model[0].weight)[0], model[0].weight.grad)


@pytest.mark.filterwarnings("ignore:vmap. there is a performance drop")
@pytest.mark.parametrize("call", [lambda x: F.dropout(x), lambda x: torch.rand_like(x), lambda x: F.gumbel_softmax(x, dim=0), lambda x: F.rrelu(x, training=True),
                                  lambda x: x + torch.randn(x.shape), lambda x: torch.bernoulli(x.sigmoid()), lambda x: x.clone().normal_(), lambda x: F.alpha_dropout(x, training=True)])  # fmt: skip
def test_random_numbers(call):
    x = torch.full((6, 40), -0.5)
    with pytest.raises(RuntimeError, match="randomness"):
        func.vmap(call)(x)
    torch.manual_seed(1)
    y = func.vmap(call, randomness="same")(x)
    torch.manual_seed(1)
    near(y, torch.stack([call(x[0])] * 6))
    y = func.vmap(call, randomness="different")(x)
    assert y.shape == x.shape and not any(torch.equal(y[0], row) for row in y[1:])
    both = func.vmap(func.vmap(call, randomness="different"), randomness="different")(x.reshape(2, 3, 40))
    assert len({tuple(row) for row in both.reshape(6, 40).tolist()}) == 6


@pytest.mark.parametrize("seed", range(8))
def test_linearize(seed):
    f = program(random.Random(200 + seed))
    torch.manual_seed(seed)
    x, w, v, *others = (torch.randn(n, 3, dtype=torch.float64) for n in (2, 3, 3, 2, 2, 2))
    runs = []
    y, product = func.linearize(lambda x, w: (runs.append(1), f(x, w))[1], x, w)
    near(y, f(x, w))
    for u in others:
        near(product(u, v), func.jvp(f, (x, w), (u, v))[1])
        assert not product(u, v).requires_grad
    assert len(runs) == 1
    near(func.vmap(lambda u: product(u, v))(torch.stack(others)), torch.stack([product(u, v) for u in others]))
    # Through the product, and through the point, in both modes.
    near(func.grad(lambda u: product(u, v).square().sum())(u), func.grad(lambda u: func.jvp(f, (x, w), (u, v))[1].square().sum())(u))
    near(func.jvp(lambda u: product(u, v), (u,), (x,))[1], product(x, torch.zeros_like(v)))
    there, expected = (lambda x: func.linearize(f, x, w)[1](u, v)), (lambda x: func.jvp(f, (x, w), (u, v))[1])
    near(func.grad(lambda x: there(x).square().sum())(x), func.grad(lambda x: expected(x).square().sum())(x))
    near(func.jvp(there, (x,), (u,))[1], func.jvp(expected, (x,), (u,))[1])
