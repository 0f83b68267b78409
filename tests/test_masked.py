"""pyxtorch.masked, against NumPy's masked arrays and the operations on what is kept."""
import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import masked

rng = np.random.default_rng(5)
X = rng.normal(size=(3, 4, 5))
MASKS = [rng.random((3, 4, 5)) < 0.6, rng.random((3, 1, 5)) < 0.6, None]
for _mask in MASKS[:2]:
    _mask[0] = _mask[:, :, 0] = True        # of each slice something is kept
FULL = [np.broadcast_to(True if m is None else m, X.shape) for m in MASKS]
near = np.testing.assert_allclose


def reduced(function, x, kept, dim, keepdim=False):
    """`function` of the elements that are kept, slice by slice."""
    dims = tuple(range(x.ndim)) if dim is None else tuple(d % x.ndim for d in (dim if isinstance(dim, tuple) else (dim,)))
    rest = [d for d in range(x.ndim) if d not in dims]
    shape = [x.shape[d] for d in rest]
    x, kept = (a.transpose(*rest, *dims).reshape(*shape, -1) for a in (x, kept))
    out = np.empty(shape)
    for place in np.ndindex(*shape):
        out[place] = function(x[place][kept[place]])
    return np.expand_dims(out, dims) if keepdim else out


def lower_median(a):
    return np.sort(a)[(len(a) - 1) // 2]


REDUCTIONS = {
    "sum": ({}, np.sum), "prod": ({}, np.prod), "amax": ({}, np.max), "amin": ({}, np.min), "mean": ({}, np.mean),
    "var": ({"unbiased": False}, np.var), "std": ({"correction": 0}, np.std), "logsumexp": ({}, lambda a: np.log(np.exp(a).sum())),
    "norm": ({"ord": 3.0}, lambda a: (np.abs(a) ** 3).sum() ** (1 / 3)),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("which", range(3))
def test_reductions(name, which):
    named, function = REDUCTIONS[name]
    mask = None if MASKS[which] is None else torch.tensor(MASKS[which])
    for dim in (None, 0, -1, (0, 2), (2, 1)):
        for keepdim in (False, True):
            y = getattr(masked, name)(torch.tensor(X), dim=dim, keepdim=keepdim, mask=mask, **named)
            near(y.numpy(), reduced(function, X, FULL[which], dim, keepdim), rtol=1e-12)


@pytest.mark.parametrize("ord", [-np.inf, -2.0, 0.0, 1.0, np.inf])
def test_orders_of_norm(ord):
    y = masked.norm(torch.tensor(X), ord, -1, mask=torch.tensor(MASKS[0]))
    near(y.numpy(), reduced(lambda a: np.linalg.norm(a, ord), X, FULL[0], -1), rtol=1e-12)


def test_sample_variance():
    near(masked.var(torch.tensor(X), -1, mask=torch.tensor(MASKS[1])).numpy()[0], X[0].var(-1, ddof=1))
    near(masked.std(torch.tensor(X), 1, True).numpy(), X.std(1, ddof=1))


def test_positions_and_medians():
    x, mask = torch.tensor(X), torch.tensor(MASKS[0])
    low, high = np.where(FULL[0], X, np.inf), np.where(FULL[0], X, -np.inf)
    assert (masked.argmax(x, 1, mask=mask, dtype=torch.int64).numpy() == high.argmax(1)).all()
    assert (masked.argmin(x, 1, mask=mask, dtype=torch.int64).numpy() == low.argmin(1)).all()
    assert masked.argmin(x, mask=mask).item() == low.argmin()
    near(masked.median(x, mask=mask).numpy(), reduced(lower_median, X, FULL[0], -1))
    assert masked.median(torch.tensor([[3, 1, 2]]), mask=torch.tensor([True, False, True])).tolist() == [2]
    with pytest.raises(ValueError, match="fully masked"):
        masked.median(torch.tensor([1, 2]), mask=torch.tensor(False))


def test_sums_so_far():
    x, mask = torch.tensor(X), torch.tensor(MASKS[0])
    near(masked.cumsum(x, 1, mask=mask).numpy(), np.where(FULL[0], X, 0).cumsum(1))
    near(masked.cumprod(x, -1, mask=mask).numpy(), np.where(FULL[0], X, 1).cumprod(-1))
    assert masked.cumsum(torch.tensor([1, 2], dtype=torch.int32), 0).dtype == torch.int32


def test_normalisations():
    x, mask = torch.tensor(X), torch.tensor(MASKS[0])
    e = np.where(FULL[0], np.exp(X), 0)
    near(masked.softmax(x, 1, mask=mask).numpy(), e / e.sum(1, keepdims=True), rtol=1e-12)
    with np.errstate(divide="ignore"):
        near(masked.log_softmax(x, 1, mask=mask).numpy(), np.log(e / e.sum(1, keepdims=True)), rtol=1e-10)
    e = np.where(FULL[0], np.exp(-X), 0)
    near(masked.softmin(x, 1, mask=mask).numpy(), e / e.sum(1, keepdims=True), rtol=1e-12)
    kept = np.where(FULL[0], X, 0)
    near(masked.normalize(x, 2.0, -1, mask=mask).numpy(), kept / np.linalg.norm(kept, axis=-1, keepdims=True), rtol=1e-12)
    near(masked.normalize(torch.zeros(2), 2.0, 0).numpy(), [0, 0])
    a, b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.5, 0.5, 0.5])
    y = masked.logaddexp(a, b, input_mask=torch.tensor([True, False, True]), other_mask=torch.tensor([True, True, False]))
    near(y.numpy(), [np.logaddexp(1, 0.5), 0.5, 3], rtol=1e-6)


def test_integers():
    x, mask = torch.tensor([[1, 2, 3], [4, 5, 6]]), torch.tensor([True, False, True])
    assert masked.sum(x.to(torch.int8), mask=mask).dtype == torch.int64 and masked.sum(x, 1, mask=mask).tolist() == [4, 10]
    assert masked.prod(x, mask=mask).item() == 72
    assert masked.amax(x, 0, mask=torch.tensor([[True], [False]])).tolist() == [1, 2, 3]
    assert masked.amin(x.to(torch.uint8), 1, mask=torch.tensor([False, True, True])).tolist() == [2, 5]
    assert masked.var(x).dtype == torch.float32
    with pytest.raises(ValueError, match="Input dtype"):
        masked.mean(x)


def test_nothing_kept():
    x, none = torch.ones(2, 3), torch.tensor(False)
    assert masked.sum(x, 1, mask=none).tolist() == [0, 0] and masked.prod(x, 1, mask=none).tolist() == [1, 1]
    assert masked.amax(x, 1, mask=none).tolist() == [-np.inf] * 2 and masked.amin(x, mask=none).item() == np.inf
    assert masked.mean(x, mask=none).isnan().item() and masked.var(x, mask=none).isnan().item()


@pytest.mark.parametrize("name", ["sum", "prod", "amax", "mean", "var", "std", "logsumexp", "norm", "softmax", "log_softmax", "normalize", "cumsum"])
def test_gradients(name):
    x, mask = torch.tensor(X[0]).requires_grad_(), torch.tensor(MASKS[0][0])
    ord = (2.0,) if name in ("norm", "normalize") else ()

    def function(x):
        y = getattr(masked, name)(x, *ord, -1, mask=mask)
        return torch.where(y.isfinite(), y, 0)

    assert torch.autograd.gradcheck(function, x) and torch.autograd.gradgradcheck(function, x)
    g, = torch.autograd.grad(function(x).sum(), x)
    assert (g[~mask] == 0).all()


def test_wrong_arguments():
    with pytest.raises(IndexError, match="out of range"):
        masked.sum(torch.ones(2), 1)
    with pytest.raises(RuntimeError, match="multiple times"):
        masked.sum(torch.ones(2, 2), (0, -2))
    with pytest.raises(IndexError, match="more dimensions"):
        masked.sum(torch.ones(2), mask=torch.ones(2, 2, dtype=torch.bool))
    with pytest.raises(AssertionError, match="correction"):
        masked.var(torch.ones(2), 0, True, correction=1)
