"""Sorting, searching, counting."""
import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.testing.operations import BOOL, FLOAT, INT, WIDE, Error, Op, S, given, tensor

LARGE = (131, 1009)
ORDERED = FLOAT + INT
DIMS = (S((2, 3, 4), 1), S((2, 5)), S((), 0), S((0,), 0), S((2, 0), 1), S((40,), 0))
BAD_DIM = [Error(IndexError, "Dimension out of range|dim", (2, 3), 2)]
nan = np.nan


def order(x, dim=-1, descending=False, stable=False):
    if x.ndim == 0:
        return np.int64(0)
    if descending:
        return x.shape[dim] - 1 - np.flip(np.argsort(np.flip(x, dim), dim, kind="stable"), dim)
    return np.argsort(x, dim, kind="stable")


def sort(x, dim=-1, descending=False, stable=False):
    i = order(x, dim, descending)
    return (np.take_along_axis(x, i, dim) if x.ndim else x), i


def topk(x, k, dim=-1, largest=True, sorted=True):
    i = np.take(order(x, dim, largest), range(k), dim) if x.ndim else np.int64(0)
    return (np.take_along_axis(x, i, dim) if x.ndim else x), i


def kthvalue(x, k, dim=-1, keepdim=False):
    if x.ndim == 0:
        return x, np.int64(0)
    i = np.take(order(x, dim), [k - 1], dim)
    v = np.take_along_axis(x, i, dim)
    return (v, i) if keepdim else (v.squeeze(dim), i.squeeze(dim))


def median(x, dim=None, keepdim=False):
    if dim is None:
        return np.sort(x.ravel())[(x.size - 1) // 2]
    return kthvalue(x, (x.shape[dim] + 1) // 2, dim, keepdim)


def mode(x, dim=-1, keepdim=False):
    def one(row):
        values, counts = np.unique(row, return_counts=True)
        best = values[np.argmax(counts)]
        return best, np.max(np.nonzero(row == best))
    moved = np.moveaxis(x, dim, -1)
    found = [one(row) for row in moved.reshape(-1, moved.shape[-1])]
    shape = moved.shape[:-1]
    v, i = np.array([f[0] for f in found]).reshape(shape), np.array([f[1] for f in found]).reshape(shape)
    return (np.expand_dims(v, dim), np.expand_dims(i, dim)) if keepdim else (v, i)


def quantile(x, q, dim=None, keepdim=False, interpolation="linear"):
    return np.quantile(x, q, axis=dim, keepdims=keepdim, method=interpolation)


def unique(x, sorted=True, return_inverse=False, return_counts=False, dim=None):
    return np.unique(x, return_inverse=return_inverse, return_counts=return_counts, axis=dim)


def consecutive(x):
    return x[np.concatenate([[True], x[1:] != x[:-1]])]


def histc(x, bins=100, min=0, max=0):
    return np.histogram(x, bins, (min, max) if min != max else None)[0].astype(float)


REPEATED = given([3, 1, 3, 2, 1, 1])
OPS = [
    Op("sort", *DIMS, S((2, 5), 1, True), S((2, 5), 0, descending=True), reference=sort, dtypes=FLOAT, gives=("same", torch.int64), large=S(LARGE, 1), out=True, errors=BAD_DIM),
    Op("sort", S((6, 7), 1, stable=True), S((6, 7), 0, True, stable=True), function=lambda x, dim, descending=False, stable=True: torch.sort(x, dim=dim, descending=descending, stable=stable),
       reference=sort, dtypes=INT, gives=("same", torch.int64), grad=False),
    Op("argsort", *DIMS, S((2, 5), 1, True), reference=order, gives=torch.int64, grad=False, errors=BAD_DIM),
    Op("argsort", S((6, 7), 1, stable=True), reference=order, dtypes=INT, gives=torch.int64, grad=False),
    Op("msort", S((4, 3)), S((0, 2)), reference=lambda x: np.sort(x, 0), dtypes=ORDERED),
    Op("topk", S((2, 5), 3), S((4, 3), 2, 0, False), S((5,), 0), S((), 1), S((3, 300), 7), reference=topk, dtypes=FLOAT, gives=("same", torch.int64), large=S(LARGE, 5), out=True,
       errors=[Error(RuntimeError, "k|range", (2, 3), 4), *[Error(IndexError, "Dimension out of range|dim", (2, 3), 1, 2)]]),
    Op("kthvalue", S((2, 5), 2), S((4, 3), 4, 0, True), S((), 1), reference=kthvalue, dtypes=FLOAT, gives=("same", torch.int64), out=True, errors=[Error(RuntimeError, "k", (2, 3), 4), Error(RuntimeError, "k", (2, 3), 0)]),
    Op("median", S((2, 5)), S((2, 6), 1), S((5, 2), 0, True), S((4,)), reference=median, dtypes=FLOAT, gives=None, large=S(LARGE, 1), errors=BAD_DIM),
    Op("nanmedian", S((2, 5)), S(given([1.0, nan, 3.0, 2.0, nan], torch.float64)), S((2, 6), 1), reference=lambda x, dim=None: median(x[~np.isnan(x)] if dim is None else x, dim), dtypes=WIDE, gives=None),
    Op("mode", S(given([[3.0, 1.0, 3.0], [2.0, 2.0, 0.0]], torch.float64)), S((2, 5), 1), S((2, 4), 0, True), reference=mode, dtypes=(torch.float64,), gives=("same", torch.int64), errors=BAD_DIM),
    *[Op("quantile", S((2, 5), 0.3, interpolation=how), S((2, 5), given([0.0, 0.45, 1.0], torch.float64), 1, interpolation=how), S((4, 3), 0.5, 0, True, interpolation=how), reference=quantile, dtypes=(torch.float64,))
      for how in ("linear", "lower", "higher", "nearest", "midpoint")],
    Op("quantile", S((2, 5), 0.3), reference=quantile, dtypes=WIDE, errors=[Error(RuntimeError, "range|0 and 1|\\[0, 1\\]", (5,), 1.5), Error(RuntimeError, "float|double", (5,), 0.5, dtype=torch.int64)]),
    Op("nanquantile", S((2, 5), 0.3), S(given([1.0, nan, 3.0, 2.0], torch.float64), 0.5), reference=lambda x, q: np.nanquantile(x, q), dtypes=(torch.float64,)),
    Op("unique", S(REPEATED), S(REPEATED, return_inverse=True, return_counts=True), S((2, 3)), S(given([[1, 2], [0, 1], [1, 2]]), dim=0, return_inverse=True), S((0,)), reference=unique,
       dtypes=ORDERED + BOOL, gives=None, grad=False),
    Op("unique_consecutive", S(REPEATED), S(given([1, 1, 2, 2, 2, 1])), reference=consecutive, dtypes=INT[:1], grad=False),
    Op("bincount", S(REPEATED), S(REPEATED, minlength=7), S(given([], torch.int64)), reference=lambda x, minlength=0: np.bincount(np.asarray(x, np.int64), minlength=minlength), dtypes=INT[:1], gives=torch.int64,
       grad=False, errors=[Error(RuntimeError, "1-d|non-negative|negative", given([-1]))]),
    Op("bincount", S(REPEATED, tensor(6)), reference=lambda x, w: np.bincount(x, w), dtypes=(torch.float64,), gives=torch.float64, grad=False),
    Op("histc", S((30,), 5), S((30,), 4, -1, 1), reference=histc, dtypes=WIDE, grad=False, errors=[Error(RuntimeError, "bins", (3,), 0), Error(RuntimeError, "max", (3,), 3, 2, 1)]),
    Op("histogram", S((30,), 5, range=(-2.0, 2.0)), S((30,), 4, range=(-2.0, 2.0), density=True), S((30,), given([-1.0, 0.0, 0.5, 2.0], torch.float64)),
       reference=lambda x, bins, range=None, density=False: np.histogram(x, bins, range, density=density), dtypes=(torch.float64,), grad=False),
    Op("histogramdd", S((30, 2), [3, 4], range=[-2.0, 2.0, -2.0, 2.0]), function=lambda x, bins, range: torch.histogramdd(x, bins, range=range)[0],
       reference=lambda x, bins, range: np.histogramdd(x, bins, [(-2, 2), (-2, 2)])[0], dtypes=(torch.float64,), grad=False),
    Op("isin", S((2, 3), (4,)), S(given([1, 2, 3, 2]), given([2, 5])), S(given([1, 2, 3]), given([], torch.int64)), S(given([1, 2, 3]), given([3]), invert=True), reference=np.isin, dtypes=ORDERED, gives=torch.bool, grad=False),
    Op("searchsorted", S(given([1.0, 3.0, 3.0, 5.0]), tensor(6, low=0, high=6, dtype=torch.float64)), S(given([1.0, 3.0, 3.0, 5.0]), given([3.0, 1.0, 9.0]), right=True), gives=torch.int64, grad=False, dtypes=WIDE,
       reference=lambda a, v, right=False: np.searchsorted(a, v, "right" if right else "left"), layouts=False, errors=[Error(RuntimeError, "first N-1 dimensions", (2, 3), (3, 2))]),
    Op("bucketize", S((2, 3), given([-1.0, 0.0, 1.0], torch.float64)), S(given([0.0, 1.0], torch.float64), given([0.0, 1.0], torch.float64), right=True), gives=torch.int64, grad=False, dtypes=(torch.float64,),
       reference=lambda v, a, right=False: np.searchsorted(a, v, "right" if right else "left"), layouts=False),
]


def test_nan_sorts_last_and_stably():
    x = torch.tensor([nan, 2.0, nan, 1.0])
    values, places = x.sort()
    assert values[:2].tolist() == [1.0, 2.0] and places.tolist() == [3, 1, 0, 2]
    assert x.sort(descending=True).indices.tolist()[2:] == [1, 3]
    assert x.topk(1).indices.item() in (0, 2)


@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 100, 1000, 5000])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "int8"])
def test_sort_of_every_size_with_repeats(n, dtype):
    rng = np.random.default_rng(n)
    a = rng.integers(0, 100, n).astype(dtype)
    values, places = torch.from_numpy(a).sort(stable=True)
    assert (values.numpy() == np.sort(a)).all() and (places.numpy() == np.argsort(a, kind="stable")).all()
    values, places = torch.from_numpy(a).topk(min(n, 7))
    assert (values.numpy() == np.sort(a)[::-1][:7]).all() and (a[places.numpy()] == values.numpy()).all()


def test_searchsorted_in_many_rows():
    rows = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])
    assert torch.searchsorted(rows, torch.tensor([[2.5], [4.0]])).tolist() == [[2], [1]]
