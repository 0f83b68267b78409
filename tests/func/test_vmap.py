"""vmap: levels, indexing against a loop, functions of the user's, randomness, and what is refused."""
import warnings

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import func, nn
from pyxtorch._batching import _calls

vmap, grad = func.vmap, func.grad


def loop(function, dims, *args):
    size = next(x.shape[d] for x, d in zip(args, dims) if d is not None)
    return torch.stack([function(*[x if d is None else x.select(d, i) for x, d in zip(args, dims)]) for i in range(size)])


def an_index(rng, shape, size):
    """(index, its tensors as slices have them, stacked tensors): ints, slices, None, ellipses, shared and batched indices, shared masks."""
    parts, tensors, d = [], [], 0
    lengths = [(), (2,), (3, 2), (1, 2)]
    n = rng.integers(1, len(shape) + 1)
    ellipsis = rng.random() < 0.3
    while d < n:
        kind = rng.choice(["int", "slice", "none", "shared", "batched", "mask", "list"])
        if kind == "none":
            parts.append(None)
            continue
        if kind == "int":
            parts.append(int(rng.integers(-shape[d], shape[d])))
        elif kind == "slice":
            parts.append(slice(*sorted(rng.integers(0, shape[d] + 1, 2).tolist())))
        elif kind == "mask":
            mask = rng.random(shape[d]) < 0.5
            mask[:2] = [True, True]
            mask[2:] = False
            parts.append(torch.tensor(mask))
        elif kind == "list":
            parts.append([0, shape[d] - 1])
        else:
            sizes = [(2,), (1,), (3, 2), (3, 1), ()][rng.integers(5)] if kind == "batched" else lengths[rng.integers(1, 3)]
            values = torch.tensor(rng.integers(-shape[d], shape[d], (size, *sizes) if kind == "batched" else sizes))
            parts.append(len(tensors) if kind == "batched" else values)
            if kind == "batched":
                parts[-1] = _Place(len(tensors))
                tensors.append(values)
        d += 1
    if ellipsis:
        parts.append(Ellipsis)
    return parts, tensors


class _Place(int):
    """Stands for a batched index among the parts."""


def put(parts, tensors):
    return tuple(tensors[p] if isinstance(p, _Place) else p for p in parts)


@pytest.mark.parametrize("seed", range(150))
def test_indexing_is_a_loop(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(2, 5, rng.integers(1, 4)).tolist())
    size = 3
    parts, tensors = an_index(rng, shape, size)
    x = torch.tensor(rng.standard_normal((size, *shape)))

    def read(x, *given):
        return x[put(parts, given)]

    dims = (0,) * (1 + len(tensors))
    try:
        expected = loop(read, dims, x, *tensors)
    except (IndexError, RuntimeError) as error:
        with pytest.raises((IndexError, RuntimeError, ValueError)):
            vmap(read)(x, *tensors)
        assert str(error)
        return
    assert torch.equal(vmap(read)(x, *tensors), expected)
    if tensors:
        shared = (None, *dims[1:])
        assert torch.equal(vmap(read, shared)(x[0], *tensors), loop(read, shared, x[0], *tensors))
    g = vmap(grad(lambda x, *given: (read(x, *given) ** 2).sum()), dims)(x, *tensors)
    assert torch.allclose(g, loop(grad(lambda x, *given: (read(x, *given) ** 2).sum()), dims, x, *tensors))
    # Assignment. Where an index meets itself, which value stays is not determined: one value for all then.
    one = torch.tensor(rng.standard_normal(size))

    def write(x, v, *given):
        y = x.clone()
        y[put(parts, given)] = v
        return y

    assert torch.equal(vmap(write)(x, one, *tensors), loop(write, (0, *dims), x, one, *tensors))
    if not tensors and not any(isinstance(p, torch.Tensor) for p in parts):
        v = torch.tensor(rng.standard_normal(tuple(expected.shape)))
        assert torch.equal(vmap(write)(x, v), loop(write, (0, 0), x, v))


def test_assignment_of_tensors_by_batched_indices():
    rng = np.random.default_rng(1)
    x = torch.tensor(rng.standard_normal((3, 4, 5, 6)))
    i = torch.tensor([rng.permutation(5)[:2] for _ in range(3)])
    j = torch.tensor([rng.permutation(6)[:2] for _ in range(3)])
    for write, shape in ((lambda y, i, j: (slice(None), i, j), (4, 2)), (lambda y, i, j: (slice(None), slice(None), j), (4, 5, 2)), (lambda y, i, j: (0, i, slice(1, 3)), (2, 2))):
        v = torch.tensor(rng.standard_normal((3, *shape)))

        def assign(x, i, j, v, write=write):
            y = x.clone()
            y[write(y, i, j)] = v
            return y

        assert torch.equal(vmap(assign)(x, i, j, v), loop(assign, (0, 0, 0, 0), x, i, j, v))
        assert torch.equal(vmap(assign, (0, 0, 0, None))(x, i, j, v[0]), loop(assign, (0, 0, 0, None), x, i, j, v[0]))


def test_masks_of_each_slice():
    x = torch.arange(12.0).reshape(3, 4)

    def f(x):
        y = x.clone()
        y[y > 4] = -1.0
        return y

    assert torch.equal(vmap(f)(x), loop(f, (0,), x))
    with pytest.raises(RuntimeError, match="depends on the elements"):
        vmap(lambda x: x[x > 4])(x)


def test_promotion_is_that_of_slices():
    kinds = [torch.float64, torch.float32, torch.float16, torch.int64, torch.int32, torch.bool, torch.complex64]
    for a in kinds:
        for b in kinds:
            for shapes in ((), ()), ((), (2,)), ((2,), ()), ((2,), (2,)), ((2,), (3, 2)):
                for dims in (0, 0), (0, None), (None, 0):
                    x, y = (torch.ones((3, *s) if d == 0 else s).to(t) for s, d, t in zip(shapes, dims, (a, b)))
                    for operation in torch.mul, torch.maximum, torch.eq, torch.true_divide:
                        try:
                            expected = loop(operation, dims, x, y)
                        except RuntimeError:
                            continue
                        actual = vmap(operation, dims)(x, y)
                        assert actual.dtype is expected.dtype and torch.equal(actual, expected), (a, b, shapes, dims, operation)


def test_operations_in_place_change_what_was_given():
    x = torch.arange(6.0).reshape(2, 3)

    def f(x):
        x.mul_(2)
        x += 1
        x[0] = 0.0
        return x.unsqueeze_(0).sum()

    y = vmap(f, in_dims=1)(x)
    assert x.tolist() == [[0, 0, 0], [7, 9, 11]] and y.tolist() == [7, 9, 11]
    with pytest.raises(RuntimeError, match="not being vmapped over"):
        vmap(lambda v: torch.zeros(2).add_(v))(x.T)
    with pytest.raises(RuntimeError, match="out="):
        vmap(lambda v: torch.sin(v, out=torch.empty(3)))(x)


def test_gradients_of_each_slice_by_what_slices_share():
    w, x = torch.randn(3), torch.randn(4, 3)
    assert torch.allclose(vmap(grad(lambda w, x: (w * x).sin().sum()), (None, 0))(w, x), torch.stack([grad(lambda w, r: (w * r).sin().sum())(w, r) for r in x]))
    leaf = w.clone().requires_grad_()
    vmap(lambda x: (leaf * x).sum())(x).sum().backward()
    assert torch.allclose(leaf.grad, x.sum(0))
    with pytest.raises(RuntimeError, match="sum over all slices"):
        vmap(lambda x: torch.autograd.grad((leaf * x).sum(), leaf)[0])(x)
    g = vmap(grad(lambda x: (x * leaf).pow(2).sum()))(x)
    g.sum().backward()
    assert torch.allclose(leaf.grad, x.sum(0) + (4 * x * leaf.detach()).sum(0))


def test_nested_levels_and_what_they_share():
    a, b = torch.randn(2, 5), torch.randn(3, 5)
    outer = vmap(lambda r: vmap(lambda s: (r * s).sum() + r[0])(b))(a)
    assert torch.allclose(outer, a @ b.T + a[:, :1])
    gradients = vmap(lambda r: vmap(grad(lambda s: (r * s).prod()))(b))(a)
    assert gradients.shape == (2, 3, 5) and torch.allclose(gradients[1, 2], grad(lambda s: (a[1] * s).prod())(b[2]))
    assert torch.allclose(vmap(func.hessian(lambda r: vmap(lambda s: (r * s).sum().sin())(b).sum()))(a)[0], func.hessian(lambda r: (b @ r).sin().sum())(a[0]), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("draw", [
    nn.functional.dropout, lambda x: nn.functional.alpha_dropout(x, 0.5, True), lambda x: nn.functional.feature_alpha_dropout(x[:, None], 0.5, True), lambda x: nn.functional.dropout1d(x.unsqueeze(0)), nn.functional.gumbel_softmax,
    lambda x: nn.functional.dropout(x.clone(), inplace=True), lambda x: torch.bernoulli(x / 20), lambda x: torch.poisson(x), torch.randn_like, torch.rand_like, lambda x: torch.randint_like(x, 9),
    lambda x: torch.normal(x, 1.0), lambda x: torch.multinomial(x, 2), lambda x: x.clone().uniform_(), lambda x: x.clone().bernoulli_(0.5), lambda x: nn.functional.rrelu(-x, training=True),
    lambda x: x + torch.randn(5), lambda x: x * torch.rand(2, 1).sum() + torch.randperm(5),
    lambda x: torch.native_dropout(x, 0.5, True)[0], lambda x: nn.functional.scaled_dot_product_attention(x[None, :, None], x[None, :, None], x[None, :, None], dropout_p=0.5),
])  # fmt: skip
def test_the_same_random_numbers_are_those_of_one_slice(draw):
    x = torch.arange(1.0, 16).reshape(3, 5)
    torch.manual_seed(1)
    actual = vmap(draw, randomness="same")(x)
    expected = []
    for row in x:
        torch.manual_seed(1)
        expected.append(draw(row))
    assert torch.allclose(actual.double(), torch.stack(expected).double(), atol=1e-6)
    copies = vmap(draw, randomness="different")(x[:1].expand(40, 5))
    assert any(not torch.equal(copies[0], c) for c in copies[1:])
    with pytest.raises(RuntimeError, match="randomness error mode"):
        vmap(draw)(x)


def test_random_numbers():
    x = torch.zeros(4, 3)
    for draw in (lambda x: x + torch.randn(3), nn.functional.dropout, lambda x: torch.rand_like(x), lambda x: x.clone().normal_(), lambda x: torch.bernoulli(x + 0.5)):
        with pytest.raises(RuntimeError, match="randomness error mode"):
            vmap(draw)(x + 1)
        different = vmap(draw, randomness="different")(x.expand(64, 4, 3)[:, 0] + 0.5 * 0)
        assert different.shape == (64, 3)
        same = vmap(draw, randomness="same")(x)
        assert torch.equal(same, same[:1].expand(4, 3))
    drawn = vmap(lambda x: x + torch.randn(3), randomness="different")(x)
    assert not torch.equal(drawn[0], drawn[1])
    dropped = vmap(lambda x: nn.functional.dropout(x, 0.5), randomness="different")(torch.ones(8, 50))
    assert not torch.equal(dropped[0], dropped[1]) and set(dropped.flatten().tolist()) == {0.0, 2.0}
    assert torch.equal(vmap(lambda x: nn.functional.dropout(x, training=False))(x), x)
    torch.manual_seed(0)
    chunks = vmap(lambda x: x + torch.randn(3), randomness="same", chunk_size=2)(x)
    assert torch.equal(chunks, chunks[:1].expand(4, 3))


class Square(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, g):
        return 2 * ctx.saved_tensors[0] * g


def test_functions_of_the_user():
    x = torch.arange(6.0).reshape(2, 3)
    with pytest.raises(RuntimeError, match="vmap staticmethod"):
        vmap(Square.apply)(x)

    class Derived(Square):
        generate_vmap_rule = True

    assert torch.equal(vmap(Derived.apply)(x), x * x)
    assert torch.equal(vmap(grad(lambda x: Derived.apply(x).sum()))(x), 2 * x)

    class Ruled(Square):
        @staticmethod
        def vmap(info, in_dims, x):
            assert info.batch_size == 3 and info.randomness == "error" and in_dims == (0,)
            return Ruled.apply(x), 0

    assert torch.equal(vmap(Ruled.apply, 1, 1)(x), x * x)
    assert torch.equal(vmap(grad(lambda x: Ruled.apply(x).sum()), 1, 1)(x), 2 * x)
    assert torch.equal(func.jacrev(lambda x: Square.apply(x))(x[1].repeat(2)), torch.diag(2 * x[1].repeat(2)))        # one row after the other


def test_what_has_no_rule_is_looped_over_and_says_so():
    x = torch.randn(3, 4, 4)
    _calls._said.discard("torch.histc")
    with pytest.warns(UserWarning, match="performance drop.*torch.histc"):
        y = vmap(lambda x: torch.histc(x, 3))(x)
    assert torch.equal(y, torch.stack([torch.histc(r, 3) for r in x]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vmap(lambda x: torch.histc(x, 3))(x)


def test_jacobians_with_control_flow_and_random_numbers():
    x = torch.randn(6)

    def f(x):
        return x * 2 if x.sum().item() > -100 else x

    assert torch.equal(func.jacrev(f)(x), 2 * torch.eye(6))
    torch.manual_seed(3)
    J = func.jacrev(lambda x: nn.functional.dropout(x, 0.5))(x)
    torch.manual_seed(3)
    assert torch.equal(J.diagonal(), nn.functional.dropout(torch.ones(6), 0.5))
    state = torch.get_rng_state()
    torch.manual_seed(3)
    nn.functional.dropout(torch.ones(6), 0.5)
    assert torch.equal(state, torch.get_rng_state())
    for chunk in None, 1, 4:
        J = func.jacrev(lambda x, y: (x.sin() * y, (x * y).sum()), (0, 1), chunk_size=chunk)(x, x + 1)
        assert torch.allclose(J[0][0], torch.diag(x.cos() * (x + 1))) and torch.allclose(J[1][1], x)


def test_ensemble_of_modules():
    models = [nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)) for _ in range(5)]
    parameters, buffers = func.stack_module_state(models)
    x = torch.randn(7, 3)
    y = vmap(lambda p, b, x: func.functional_call(models[0], (p, b), (x,)), (0, 0, None))(parameters, buffers, x)
    assert torch.allclose(y, torch.stack([m(x) for m in models]), atol=1e-6)
    y.sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in parameters.values())


def test_errors_say_what_to_write_instead():
    x = torch.ones(3, 2)
    for call in (lambda x: x.sum().item(), lambda x: x if x.sum() > 0 else -x, lambda x: float(x[0]), lambda x: x.tolist()):
        with pytest.raises(RuntimeError, match="torch.where"):
            vmap(call)(x)
    with pytest.raises(RuntimeError, match="memory of its own"):
        vmap(lambda x: x.numpy())(x)
    for call in (lambda x: x.sum(-3), lambda x: x.softmax(2), lambda x: x.transpose(0, -3), lambda x: x.unsqueeze(-4), lambda x: x.cumsum(-2)):
        with pytest.raises(IndexError, match="out of range"):
            vmap(call)(x)           # -2 would be the batch
    shown = []
    vmap(lambda x: (shown.append(repr(x)), x)[1])(x)
    assert shown[0].startswith("BatchedTensor(lvl=1, bdim=0, value=")
    kept = []
    vmap(lambda x: (kept.append(x), x)[1])(x)
    with pytest.raises(RuntimeError, match="has ended"):
        vmap(lambda y: kept[0])(x)


def test_the_batch_is_no_dimension_of_a_slice():
    """What a slice has too few dimensions for is refused, though the physical tensor has enough."""
    square, F = torch.eye(2) + 1, nn.functional
    for call in (
        torch.linalg.inv, torch.linalg.cholesky, torch.linalg.det, torch.matrix_exp, torch.tril, torch.triu, lambda x: F.layer_norm(x, (2, 2)), lambda x: F.rms_norm(x, (2, 2)),
        lambda x: F.pad(x, (1, 1, 1, 1)), lambda x: torch.view_as_complex(x[0]),
        lambda x: F.conv2d(x[None], torch.ones(1, 2, 1, 1)), lambda x: torch.linalg.solve(x, x), lambda x: F.pixel_shuffle(x[None], 1),
    ):  # fmt: skip
        with pytest.raises((RuntimeError, ValueError)):
            call(square[0])
        with pytest.raises(RuntimeError):
            vmap(call)(square)
    for call in (lambda x: F.linear(x[0], square), lambda x: F.scaled_dot_product_attention(x, x, x), lambda x: F.cross_entropy(x[0], x[0])):
        with pytest.raises((RuntimeError, ValueError)):
            vmap(call)(square)
    with pytest.raises(RuntimeError, match="depends on the elements"):
        vmap(F.one_hot)(torch.tensor([[0, 1], [2, 0]]))


def test_hooks_see_slices():
    seen = []

    def f(x):
        y = x * 2
        y.register_hook(lambda g: (seen.append(tuple(g.shape)), g / g.norm())[1])
        return (y * x.detach()).sum()

    x = torch.randn(3, 4)
    assert torch.allclose(vmap(grad(f))(x), 2 * x / x.norm(dim=1, keepdim=True)) and seen == [(4,)]


def test_shells_tell_of_slices():
    seen = {}

    def f(x):
        seen.update(shape=tuple(x.shape), size=x.size(0), dim=x.dim(), numel=x.numel(), dtype=x.dtype, device=x.device.type, length=len(x), stride=x.stride(), requires=x.requires_grad, meta=x.is_meta)
        return x

    vmap(f, 1)(torch.ones(4, 2, 3, dtype=torch.float64, requires_grad=True))
    assert seen == {"shape": (4, 3), "size": 4, "dim": 2, "numel": 12, "dtype": torch.float64, "device": "cpu", "length": 4, "stride": (6, 1), "requires": True, "meta": False}
