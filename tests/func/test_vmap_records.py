"""vmap of every record's operation against a loop over slices: values, gradients of each slice, and which operations have no rule."""
import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import func
from pyxtorch._batching import _calls
from pyxtorch.testing.operations import replaced, results_of, tensors_of

SIZE = 3


def _every_op():
    path = Path(__file__).parent.parent / "test_every_op.py"
    spec = importlib.util.spec_from_file_location("_every_op", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


every_op = _every_op()
OPS = every_op.OPS

def slices_of(tensors, function):
    """SIZE lists of tensors like these: with their elements in other places, or copies where the operation does not take that."""
    def rolled(x, i):
        return x if x.numel() < 2 else torch.roll(x, i, None)

    others = [[rolled(x, i) for x in tensors] for i in range(SIZE)]
    try:
        for each in others:
            function(*each)
        return others
    except Exception:
        return [[x.clone() for x in tensors] for _ in range(SIZE)]


def calls(op, dtype):
    """(function of tensors, slices, in_dims) for each sample and choice of what is batched."""
    for sample in op.samples:
        args, kwargs = op.make(sample, dtype)
        tensors = tensors_of(args, kwargs)
        if not tensors:
            continue

        def function(*given, args=args, kwargs=kwargs):
            a, k = replaced(args, kwargs, given)
            return op.function(*a, **k)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            slices = slices_of(tensors, function)
        choices = [(0,) * len(tensors), (-1,) * len(tensors)]
        if len(tensors) > 1:
            choices += [tuple(0 if i == j else None for i in range(len(tensors))) for j in range(len(tensors))]
        for dims in choices:
            batches = [slices[0][i] if d is None else torch.stack([each[i] for each in slices], d if slices[0][i].dim() else 0) for i, d in enumerate(dims)]
            yield sample, function, batches, dims


def each_of(batches, dims):
    return [[x if d is None else x.select(d, i) for x, d in zip(batches, dims)] for i in range(SIZE)]


def loop_of(function, slices):
    """What a loop gives: stacked results, or None where they cannot be stacked."""
    found = [results_of(function(*each)) for each in slices]
    columns = list(zip(*found))
    if not columns or any(not isinstance(y, torch.Tensor) or y.is_sparse or y.shape != c[0].shape for c in columns for y in c):
        return None
    return [torch.stack([y.detach().resolve_conj() for y in c]) for c in columns]


def near(actual, expected, what, tolerance):
    assert actual.dtype == expected.dtype, f"{what}: {actual.dtype}, a loop gives {expected.dtype}"
    assert actual.shape == expected.shape, f"{what}: {tuple(actual.shape)}, a loop gives {tuple(expected.shape)}"
    a, b = (t.detach().resolve_conj().numpy() for t in (actual, expected))
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=what)


def check_values(op, dtype):
    """(calls compared, names of what was looped over)."""
    count = 0
    before = dict(_calls.looped)
    for sample, function, batches, dims in calls(op, dtype):
        try:
            expected = loop_of(function, each_of(batches, dims))
        except Exception:
            continue
        what = f"{op} {sample} in_dims={dims}"
        if expected is None:
            continue
        if op.name == "nn.functional.one_hot" and "num_classes" not in sample.kwargs and len(sample.args) == 1:
            continue            # refused: the number of classes depends on the elements
        actual = results_of(func.vmap(lambda *t, function=function: tuple(results_of(function(*t))), in_dims=dims)(*batches))
        assert len(actual) == len(expected), what
        for a, e in zip(actual, expected):
            near(a, e, what, 1e-9 if dtype in (torch.float64, torch.complex128) else 1e-5)
        count += 1
    return count, {n for n, k in _calls.looped.items() if k != before.get(n, 0)}


def check_gradients(op, dtype):
    """vmap(grad) against a loop of grad."""
    count = 0
    for sample, function, batches, dims in calls(op, dtype):
        if -1 in dims:
            continue
        chosen = tuple(i for i, x in enumerate(batches) if x.is_floating_point())
        if not chosen:
            continue

        def total(*given, function=function):
            ys = [y for y in results_of(function(*given)) if isinstance(y, torch.Tensor) and y.is_floating_point()]
            return sum((y * torch.linspace(0.5, 1.5, max(y.numel(), 1), dtype=torch.float64)[:y.numel()].reshape(y.shape)).sum() for y in ys)

        one = func.grad(total, chosen)
        try:
            expected = [torch.stack(c) for c in zip(*[one(*each) for each in each_of(batches, dims)])]
        except Exception:
            continue
        what = f"gradient of {op} {sample} in_dims={dims}"
        actual = func.vmap(one, in_dims=dims)(*batches)
        for a, e in zip(actual, expected):
            near(a, e, what, 1e-8)
        count += 1
    return count


# Records whose operation vmap refuses, as PyTorch does: the shape of the result depends on elements.
REFUSED = {"masked_select", "nonzero", "unique", "bincount"}
# Operations without a rule, which are called for each slice.
LOOPED = set("""torch.as_strided torch.as_strided_scatter torch.gradient torch.histc torch.histogram torch.histogramdd torch.linalg.lstsq torch.native_batch_norm
torch.nn.functional.embedding_bag torch.nonzero_static torch.quantile torch.repeat_interleave""".split())  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", every_op.cases(lambda op: op.name not in REFUSED))
def test_vmap_is_a_loop_over_slices(op):
    dtype = next(every_op.one_of_each_kind(op), op.dtypes[0])
    count, looped = check_values(op, dtype)
    assert looped <= LOOPED, f"{op}: {looped - LOOPED} have no rule"
    if op.grad and dtype is torch.float64:
        count += check_gradients(op, dtype)
    if not count:
        pytest.skip("no tensor among the arguments, or no tensor as the result")


# What has no derivative by its first argument, or is refused.
NO_JACOBIAN = {"igamma", "igammac", "special.zeta", "masked_select"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", every_op.cases(lambda op: op.grad and torch.float64 in op.dtypes and op.name not in NO_JACOBIAN))
def test_jacobians_of_both_modes_agree(op):
    """By all arguments at once, of samples that are not large."""
    compared = 0
    for sample in op.samples:
        args, kwargs = op.make(sample, torch.float64)
        tensors = tensors_of(args, kwargs)
        chosen = tuple(i for i, x in enumerate(tensors) if x.is_floating_point())

        def function(*given, args=args, kwargs=kwargs):
            a, k = replaced(args, kwargs, given)
            return tuple(y for y in results_of(op.function(*a, **k)) if isinstance(y, torch.Tensor) and y.is_floating_point())

        try:
            outputs = function(*tensors)
        except Exception:
            continue
        if not chosen or not outputs or max(sum(x.numel() for x in tensors), sum(y.numel() for y in outputs)) > 200:
            continue
        forward, reverse = func.jacfwd(function, chosen, randomness="same")(*tensors), func.jacrev(function, chosen)(*tensors)
        for ours, theirs in zip(forward, reverse):
            for a, b in zip(ours, theirs):
                near(a, b, f"Jacobian of {op} {sample}", 1e-7)
        compared += 1
    if not compared:
        pytest.skip("large, complex, or without a gradient")


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_depends_on_elements_is_refused(name):
    x = torch.tensor([[0, 1, 1], [1, 1, 1]])
    call = (lambda t: torch.masked_select(t, t > 0)) if name == "masked_select" else getattr(torch, name)
    with pytest.raises(RuntimeError, match="depends on the elements"):
        func.vmap(call)(x)
