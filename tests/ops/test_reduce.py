"""Reductions."""
import warnings

import numpy as np
import pytest
import scipy.special as sp

import pyxtorch as torch
from pyxtorch.testing.operations import BOOL, COMPLEX, FLOAT, INT, WIDE, Error, Op, S, given, tensor

LARGE = (131, 1009)
ALL = (S((2, 3, 4)), S(()), S((0,)), S((2, 3, 4), 1), S((2, 3, 4), -1, True), S((0, 3), 0), S((0, 3), 1))
SOME = (S((2, 3, 4)), S(()), S((2, 3, 4), 1), S((2, 3, 4), -1, True), S((0, 3), 1), S((), 0))
MANY = (S((2, 3, 4), dim=(0, 2)), S((2, 3, 4), dim=(-1, 0), keepdim=True), S((2, 3, 0), dim=(0, 1)), S((5, 1, 3), dim=(0, 1, 2)))
BAD_DIM = [Error(IndexError, "Dimension out of range|dim", (2, 3), 2), Error(RuntimeError, "multiple times|appears", (2, 3), dim=(0, 0))]
BAD_ONE_DIM = [Error(IndexError, "Dimension out of range|dim", (2, 3), -3)]
nan = np.nan


def along(function, **fixed):
    """A NumPy reduction with PyTorch's argument names."""
    def reference(x, dim=None, keepdim=False, **more):
        x = np.asarray(x)
        axis = None if dim is None or x.ndim == 0 else dim
        return function(x, axis=axis, keepdims=keepdim, **{**fixed, **more})
    return reference


def with_indices(value, place):
    """A reduction that also gives where it was found."""
    def reference(x, dim=None, keepdim=False):
        if dim is None:
            return value(x)
        if x.ndim == 0:
            return x, np.int64(0)
        return value(x, axis=dim, keepdims=keepdim), place(x, axis=dim, keepdims=keepdim)
    return reference


def index_of(place):
    def reference(x, dim=None, keepdim=False):
        return np.int64(0) if x.ndim == 0 else np.int64(place(x)) if dim is None else place(x, axis=dim, keepdims=keepdim)
    return reference


def variance(x, dim=None, keepdim=False, unbiased=True, correction=None):
    ddof = int(unbiased) if correction is None else correction
    return np.var(x, axis=None if x.ndim == 0 else dim, keepdims=keepdim, ddof=ddof)


def deviation(*args, **kwargs):
    return np.sqrt(variance(*args, **kwargs))


def mean(x, dim=None, keepdim=False):
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):     # of nothing: nan
        return np.mean(x, axis=None if x.ndim == 0 else dim, keepdims=keepdim)


def norm(x, p="fro", dim=None, keepdim=False):
    p = 2 if p == "fro" else p
    a = np.abs(x)
    axis = None if dim is None or x.ndim == 0 else dim
    if p == np.inf:
        return a.max(axis=axis, keepdims=keepdim)
    if p == -np.inf:
        return a.min(axis=axis, keepdims=keepdim)
    if p == 0:
        return (a != 0).sum(axis=axis, keepdims=keepdim).astype(float)
    return (a ** p).sum(axis=axis, keepdims=keepdim) ** (1 / p)


def widened(x, axis=None, keepdims=False):
    return np.sum(x, axis=axis, keepdims=keepdims, dtype=x.dtype if x.dtype.kind in "fc" else np.int64)


def product(x, axis=None, keepdims=False):
    return np.prod(x, axis=axis, keepdims=keepdims, dtype=x.dtype if x.dtype.kind in "fc" else np.int64)




SPREAD = (S((3, 4)), S((3, 4), 1), S((3, 4), dim=(0, 1), keepdim=True), S((3, 4), dim=0, correction=0), S((3, 4), dim=0, unbiased=False))
# Sums of float16 numbers are rounded once, at the end.
OPS = [
    Op("sum", *ALL, *MANY, reference=along(widened), dtypes=FLOAT + COMPLEX + INT + BOOL, gives="sum", large=S(LARGE), errors=BAD_DIM),
    Op("sum", S(LARGE, 0), reference=along(widened), grad=False, layouts=False, large=S(LARGE, 0), tol={torch.float32: (3e-6, 3e-5)}),
    Op("sum", S(LARGE, 1), reference=along(widened), grad=False, layouts=False, large=S(LARGE, 1), tol={torch.float32: (3e-6, 3e-5), torch.bfloat16: (8e-3, 4e-2), torch.float16: (1e-3, 4e-2)}),
    Op("mean", *SOME, *MANY[:2], reference=mean, dtypes=FLOAT + COMPLEX, large=S(LARGE), errors=BAD_DIM),
    Op("mean", S((0,)), S((0, 3), 0), S((2, 3, 0), dim=(0, 1)), reference=mean, dtypes=FLOAT, grad=False),
    Op("nansum", *SOME, S(given([1.0, nan, 2.0], torch.float64)), reference=along(np.nansum), dtypes=FLOAT, gives=None, large=S(LARGE)),
    Op("nanmean", *SOME[:4], S(given([1.0, nan, 2.0], torch.float64)), reference=along(np.nanmean), dtypes=WIDE, gives=None),
    Op("prod", *ALL, reference=along(product), dtypes=WIDE + COMPLEX + INT + BOOL, gives="sum", domain=(0.5, 2.0), large=S(LARGE), errors=BAD_ONE_DIM),
    Op("prod", S(given([2.0, 0.0, 3.0], torch.float64)), reference=np.prod, dtypes=(torch.float64,), grad=False),
    Op("var", *SPREAD, reference=variance, dtypes=WIDE, large=S(LARGE)),
    Op("std", *SPREAD, reference=deviation, dtypes=WIDE, large=S(LARGE)),
    Op("var_mean", *SPREAD, reference=lambda x, dim=None, keepdim=False, **k: (variance(x, dim, keepdim, **k), mean(x, dim, keepdim)), dtypes=WIDE),
    Op("std_mean", *SPREAD, reference=lambda x, dim=None, keepdim=False, **k: (deviation(x, dim, keepdim, **k), mean(x, dim, keepdim)), dtypes=WIDE),
    Op("logsumexp", S((3, 4), 1), S((3, 4), dim=(0, 1), keepdim=True), S((2, 0), 0), S((), 0),
       reference=lambda x, dim, keepdim=False: sp.logsumexp(x, axis=dim if x.ndim else None, keepdims=keepdim), large=S(LARGE, 1), out=True),
    Op("logsumexp", S((3, 2, 4), 0), S((3, 4), 0), reference=lambda x, dim: sp.logsumexp(x, axis=dim), domain=(-500, 500), dtypes=WIDE, singular=(-np.inf, 0.0)),
    Op("max", *SOME, reference=with_indices(np.max, np.argmax), dtypes=FLOAT + INT, gives=None, large=S(LARGE, 1), errors=[*BAD_ONE_DIM, Error(RuntimeError, "", (0,))]),
    Op("min", *SOME, reference=with_indices(np.min, np.argmin), dtypes=FLOAT + INT, gives=None, large=S(LARGE, 0), errors=[*BAD_ONE_DIM, Error(RuntimeError, "", (0,))]),
    Op("amax", *SOME, *MANY[:2], reference=along(np.max), dtypes=FLOAT + INT + BOOL, large=S(LARGE), out=True, errors=BAD_DIM),
    Op("amin", *SOME, *MANY[:2], reference=along(np.min), dtypes=FLOAT + INT + BOOL, large=S(LARGE), out=True, errors=BAD_DIM),
    Op("aminmax", S((3, 4)), S((3, 4), dim=1), S((3, 4), dim=0, keepdim=True), S(()), dtypes=FLOAT + INT,
       reference=lambda x, dim=None, keepdim=False: (np.min(x, axis=dim, keepdims=keepdim), np.max(x, axis=dim, keepdims=keepdim))),
    Op("argmax", *SOME, reference=index_of(np.argmax), dtypes=FLOAT + INT[:4], gives=torch.int64, grad=False, domain=(-100, 100), large=S(LARGE), errors=[*BAD_ONE_DIM, Error(IndexError, "", (0,))]),
    Op("argmin", *SOME, reference=index_of(np.argmin), dtypes=FLOAT + INT[:4], gives=torch.int64, grad=False, domain=(-100, 100), large=S(LARGE), errors=[*BAD_ONE_DIM, Error(IndexError, "", (0,))]),
    Op("all", *ALL, *MANY, reference=along(np.all), dtypes=FLOAT + INT[:4] + BOOL, gives=torch.bool, grad=False, large=S(LARGE), errors=BAD_ONE_DIM),
    Op("any", *ALL, *MANY, reference=along(np.any), dtypes=FLOAT + INT[:4] + BOOL, gives=torch.bool, grad=False, large=S(LARGE), errors=BAD_ONE_DIM),
    Op("count_nonzero", S((3, 4)), S((3, 4), dim=1), S((3, 4), dim=(0, 1)), S(()), reference=lambda x, dim=None: np.count_nonzero(x, axis=dim), dtypes=FLOAT + COMPLEX + INT + BOOL,
       gives=torch.int64, grad=False),
    *[Op("norm", S((3, 4), p), S((3, 4), p, 1), S((2, 3, 4), p, dim=(0, 2), keepdim=True), reference=norm, dtypes=WIDE, avoid=[0], zero=True) for p in (2, 1, 3.0, 0.5, np.inf, -np.inf)],
    Op("norm", S((3, 4)), S(()), S((3, 4), "fro", 0), S((3, 4), 0, 1), reference=norm, dtypes=WIDE, large=S(LARGE), avoid=[0]),
    Op("norm", S((3, 4)), S((3, 4), 2, 1), S((3, 4), p=1), reference=norm, dtypes=COMPLEX, gives="real", avoid=[0]),
    Op("cov", S((3, 6)), S((6,)), S((2, 5), correction=0), S((2, 4), fweights=given([1, 2, 1, 3])), S((2, 4), aweights=tensor(4, low=0.1, high=1, grad=False)), dtypes=WIDE,
       reference=lambda x, correction=1, fweights=None, aweights=None: np.cov(x, ddof=correction, fweights=fweights, aweights=aweights)),
    Op("corrcoef", S((3, 6)), reference=np.corrcoef, dtypes=WIDE, zero=False),
    Op("dist", S((3, 4), (3, 4)), S((3, 4), (4,), 3), S((), ()), S((3, 4), (3, 1), 1), reference=lambda a, b, p=2: norm(a - b, p), dtypes=WIDE, avoid=[0]),
]


def test_sums_of_many_numbers_are_accurate():
    """A million float32 tenths one after the other would be off by 1 in 100; in blocks by 1 in a million."""
    x = torch.full((1_000_000,), 0.1)
    assert abs(x.sum().item() - 100000.0) < 0.1
    assert abs(x.reshape(1000, 1000).sum(0).sum().item() - 100000.0) < 0.1


def test_sum_of_int8_does_not_overflow():
    assert torch.full((1000,), 100, dtype=torch.int8).sum().item() == 100_000


def test_nan_wins_in_max_and_argmax():
    x = torch.tensor([1.0, nan, 3.0])
    assert np.isnan(x.max().item()) and x.argmax().item() == 1
    assert np.isnan(x.min(0).values.item()) and x.min(0).indices.item() == 1


def test_ties_share_the_gradient_of_amax():
    x = torch.tensor([2.0, 1.0, 2.0], requires_grad=True)
    x.amax().backward()
    assert x.grad.tolist() == [0.5, 0.0, 0.5]


def test_gradient_of_prod_with_zeros():
    x = torch.tensor([2.0, 0.0, 3.0], requires_grad=True)
    x.prod().backward()
    assert x.grad.tolist() == [0.0, 6.0, 0.0]
    y = torch.tensor([[0.0, 0.0, 3.0]], requires_grad=True)
    y.prod(1).sum().backward()
    assert y.grad.tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("dtype", INT + BOOL)
def test_sums_and_products_are_of_the_dtype_asked_for(dtype):
    """Integers add up in int64, and then become what `dtype` says, as all conversions of integers do: modulo their range."""
    x = torch.tensor([[100, 100, 1], [3, 100, 2]])
    for op, exact in ((torch.sum, [103, 200, 3]), (torch.prod, [300, 10000, 2]), (torch.nansum, [103, 200, 3])):
        y = op(x, 0, dtype=dtype)
        assert y.dtype == dtype and torch.equal(y, torch.tensor(exact).to(dtype))
        assert torch.equal(op(x, 0, keepdim=True, dtype=dtype), y[None])
        assert op(x, dtype=dtype).dtype == dtype
