"""Looking up rows of a table."""
import numpy as np

import pyxtorch as torch
from pyxtorch.testing.operations import FLOAT, WIDE, Error, Op, S, given, index, tensor


def bag(indices, weight, offsets=None, mode="mean", per_sample_weights=None, include_last_offset=False, padding_idx=None):
    if indices.ndim == 2:
        groups = [range(i * indices.shape[1], (i + 1) * indices.shape[1]) for i in range(len(indices))]
    else:
        ends = [*offsets, *([] if include_last_offset else [len(indices)])]
        groups = [range(a, b) for a, b in zip(ends, ends[1:])]
    flat = indices.ravel()
    factors = np.ones(len(flat)) if per_sample_weights is None else per_sample_weights.ravel()
    out = np.zeros((len(groups), weight.shape[1]))
    for i, group in enumerate(groups):
        rows = [weight[flat[k]] * factors[k] for k in group if flat[k] != padding_idx]
        if rows:
            out[i] = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode](rows, 0)
    return out


def op(name, *samples, **named):
    return Op("nn.functional." + name, *samples, **{"dtypes": FLOAT, **named})


IDS = given([0, 3, 1, 1, 4])
BAGS = given([0, 2, 2])
BAD = [Error(IndexError, "range|index", given([5]), (5, 3)), Error(IndexError, "range|index", given([-1]), (5, 3)), Error((RuntimeError, TypeError), "int|Long|type|integer", given([0.0]), (5, 3))]
OPS = [
    op("embedding", S(index(2, 3, high=5), (5, 4)), S(given(2), (5, 4)), S(index(0, high=5), (5, 4)), reference=lambda i, w: w[i],
       large=S(index(100, high=50), (50, 2100)), errors=BAD, gives=None),
    *[op("embedding_bag", S(IDS, (5, 3), BAGS, mode=mode), S(given([[0, 1], [4, 4]]), (5, 3), mode=mode), S(IDS, (5, 3), given([0, 2, 5]), mode=mode, include_last_offset=True),
         reference=bag, gives=None) for mode in ("sum", "mean", "max")],
    op("embedding_bag", S(IDS, (5, 3), BAGS, mode="sum", per_sample_weights=tensor(5)), reference=bag, gives=None,
       errors=[Error(IndexError, "range|index", given([5]), (5, 3), given([0])), Error(ValueError, "offsets", given([1]), (5, 3))]),
    op("one_hot", S(given([0, 2, 1])), S(given([[0], [1]]), 4), dtypes=WIDE[:1], grad=False, gives=torch.int64, reference=lambda i, n=-1: np.eye(i.max() + 1 if n < 0 else n, dtype=int)[i],
       errors=[Error(RuntimeError, "smaller|less|class", given([3]), 2), Error(RuntimeError, "negative|non-negative", given([-1]), 2)]),
]


def test_padding_rows_get_no_gradient():
    w = torch.ones(3, 2, requires_grad=True)
    torch.nn.functional.embedding(torch.tensor([0, 1, 1, 2]), w, padding_idx=1).sum().backward()
    assert w.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]


def test_gradient_scaled_by_frequency():
    w = torch.ones(3, 1, requires_grad=True)
    torch.nn.functional.embedding(torch.tensor([0, 1, 1]), w, scale_grad_by_freq=True).sum().backward()
    assert w.grad.tolist() == [[1.0], [1.0], [0.0]]


def test_max_norm_renormalises_the_used_rows():
    w = torch.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]])
    torch.nn.functional.embedding(torch.tensor([0, 1]), w, max_norm=1.0)
    assert np.allclose(w.tolist(), [[0.6, 0.8], [0.3, 0.4], [6.0, 8.0]], atol=1e-6)
    torch.embedding_renorm_(w, torch.tensor([2]), 2.0, 1.0)
    assert np.allclose(w[2].tolist(), [6 / 7, 8 / 7], atol=1e-6)
