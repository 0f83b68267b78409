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


def gradient_of(function, *values, dtype=torch.float64):
    leaf = torch.tensor(*values, dtype=dtype, requires_grad=True)
    return torch.autograd.grad(function(leaf).sum(), leaf)[0].tolist()


SPREADS = [lambda x: x.std(), lambda x: x.std(-1), lambda x: x.std(correction=0), lambda x: torch.std_mean(x)[0], lambda x: x.norm(), lambda x: x.norm(3.0), lambda x: x.norm(1.5),
           lambda x: torch.view_as_complex(torch.stack([x, x], -1)).std()]


@pytest.mark.parametrize("function", SPREADS[:4])
@pytest.mark.parametrize("dtype", FLOAT)
def test_the_deviation_of_equal_values_has_a_gradient_of_zero(function, dtype):
    assert gradient_of(function, [[2.0, 2.0, 2.0]], dtype=dtype) == [[0, 0, 0]]
    x = torch.full((3,), 2.0, dtype=torch.float64, requires_grad=True)
    first, = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    assert torch.autograd.grad(first.sum(), x)[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("function", SPREADS)
@pytest.mark.parametrize("dtype, scales", [(torch.float32, (1e30, 1e-30, 1e-38)), (torch.float64, (1e200, 1e-200, 1e-305))])
def test_squares_out_of_range_do_not_spoil_their_root(function, dtype, scales):
    """f(s x) = s f(x), and its gradient does not depend on s, though (s x)^2 can't be told from 0 or infinity."""
    x = torch.tensor([1.0, -1.0, 3.0], dtype=torch.float64)
    expected, slope = function(x).item(), gradient_of(function, x.tolist())
    for scale in scales:
        y = (x * scale).to(dtype).requires_grad_()
        value = function(y)
        assert value.item() / scale == pytest.approx(expected, rel=1e-5 if dtype == torch.float32 else 1e-12)
        g, = torch.autograd.grad(value, y)
        assert g.tolist() == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_the_range_is_kept_for_each_slice():
    x = torch.tensor([[1e200, -1e200, 3e200], [1.0, -1.0, 3.0], [1e-200, -1e-200, 3e-200], [0.0, 0.0, 0.0]], dtype=torch.float64)
    assert (x.std(1) / torch.tensor([1e200, 1, 1e-200, 1], dtype=torch.float64)).tolist() == pytest.approx([2, 2, 2, 0])
    assert (x.t().norm(dim=0, keepdim=True)[0] / torch.tensor([1e200, 1, 1e-200, 1], dtype=torch.float64)).tolist() == pytest.approx([11**0.5] * 3 + [0])
    assert torch.linalg.vector_norm(x, -2, 1).tolist() == pytest.approx([(2 + 1 / 9) ** -0.5 * s for s in (1e200, 1, 1e-200)] + [0])
    assert x.var(1).tolist() == [np.inf, 4, 0, 0]       # that is out of range
    inf = torch.tensor([1.0, np.inf])
    assert inf.norm().item() == np.inf and np.isnan(inf.std().item()) and np.isnan(torch.tensor([nan, 1e30]).norm().item())


@pytest.mark.parametrize("function", [torch.prod, lambda x: x.prod(0), lambda x: x[None].prod(1)])
@pytest.mark.parametrize("dtype, big", [(torch.float32, 1e13), (torch.float64, 1e130)])
def test_products_that_nobody_asked_for_may_overflow(function, dtype, big):
    assert gradient_of(function, [big, 0, 0, big, big, 0, big, big, big], dtype=dtype) == [0] * 9
    assert gradient_of(function, [0, big, big, big], dtype=dtype) == [np.inf, 0, 0, 0]
    # 1e-30 four times, then 1e30 four times: on the way 1e-120 and 1e120
    assert gradient_of(function, [1e-30] * 4 + [1e30] * 4, dtype=dtype) == pytest.approx([1e30] * 4 + [1e-30] * 4, rel=1e-5)
    assert np.isnan(gradient_of(function, [0.0, nan], dtype=dtype)[0])


def test_infinite_terms_of_logsumexp_have_the_gradient():
    inf = np.inf
    cases = {(inf, 0.0): [1, 0], (inf, inf): [0.5, 0.5], (-inf, 0.0): [0, 1], (-inf, -inf): [0.5, 0.5], (inf, -inf): [1, 0], (1.0, 1.0): [0.5, 0.5]}
    for x, slope in cases.items():
        assert gradient_of(lambda x: torch.logsumexp(x, 0), list(x)) == pytest.approx(slope), x
        assert gradient_of(lambda x: torch.logsumexp(x, (0, 1), True), [list(x)])[0] == pytest.approx(slope), x
    assert np.isnan(gradient_of(lambda x: torch.logsumexp(x, 0), [nan, 0.0])).all()


def test_a_tensor_beside_keepdim_is_a_dimension():
    x = torch.arange(6.0).view(2, 3)
    values, indices = x.max(torch.tensor(1), True)
    assert values.tolist() == [[2], [5]] and indices.tolist() == [[2], [2]]
    assert torch.min(x, torch.tensor(0), keepdim=True).values.tolist() == [[0, 1, 2]]
    assert x.max(torch.tensor(1)).tolist() == [[1, 1, 2], [3, 4, 5]]
    for other in (torch.tensor(1.0), torch.tensor([1]), x):
        with pytest.raises(TypeError, match=r"max\(\): argument 'dim' must be int"):
            x.max(other, keepdim=True)
