"""Running sums, products and extremes; differences and integrals."""
import numpy as np
import scipy.integrate

import pyxtorch as torch
from pyxtorch.testing.operations import COMPLEX, FLOAT, INT, WIDE, Error, Op, S, tensor

LARGE = (131, 1009)
DIMS = (S((2, 3, 4), 1), S((5,), -1), S((), 0), S((0,), 0), S((2, 0, 3), 2), S((2, 3), 0))
BAD_DIM = [Error(IndexError, "Dimension out of range|dim", (2, 3), 2)]


def running(function):
    def reference(x, dim):
        wide = x if x.dtype.kind in "fc" else x.astype(np.int64)
        return function(wide, axis=dim).astype(wide.dtype) if x.ndim else wide
    return reference


def extreme(function, better):
    """Values and the last place of each running extreme."""
    def reference(x, dim):
        if x.ndim == 0:
            return x, np.int64(0)
        values = function.accumulate(x, axis=dim)
        moved = np.moveaxis(x, dim, 0)
        places = np.zeros(moved.shape, np.int64)
        for i in range(1, len(moved)):
            best = np.take_along_axis(moved, places[i - 1:i], 0)[0]
            places[i] = np.where(better(moved[i], best), i, places[i - 1])
        return values, np.moveaxis(places, 0, dim)
    return reference


def diff(x, n=1, dim=-1, prepend=None, append=None):
    more = {k: v for k, v in (("prepend", prepend), ("append", append)) if v is not None}
    return np.diff(x, n, axis=dim, **more)


def gradient(x, spacing=1, dim=None, edge_order=1):
    found = np.gradient(x, spacing, axis=dim, edge_order=edge_order)
    return tuple(found) if isinstance(found, (list, tuple)) else (found,)


OPS = [
    Op("cumsum", *DIMS, reference=running(np.cumsum), dtypes=FLOAT + COMPLEX + INT, gives="sum", large=S(LARGE, 1), inplace="cumsum_", out=True, errors=BAD_DIM),
    Op("cumsum", S((200, 700), 0), reference=running(np.cumsum), dtypes=(torch.float64, torch.float32), gradgrad=False, large=S((200, 700), 0), tol={torch.float32: (3e-6, 5e-5)}),
    Op("cumprod", *DIMS, reference=running(np.cumprod), dtypes=FLOAT + COMPLEX + INT, gives="sum", domain=(0.5, 1.5), large=S(LARGE, 0), inplace="cumprod_", out=True, errors=BAD_DIM,
       tol={torch.bfloat16: (2e-2, 1e-2)}),
    Op("logcumsumexp", *DIMS, reference=running(np.logaddexp.accumulate), large=S(LARGE, 1), out=True, errors=BAD_DIM),
    Op("cummax", *DIMS, reference=extreme(np.maximum, np.greater_equal), dtypes=FLOAT + INT, gives=("same", torch.int64), large=S(LARGE, 1), out=True, errors=BAD_DIM),
    Op("cummin", *DIMS, reference=extreme(np.minimum, np.less_equal), dtypes=FLOAT + INT, gives=("same", torch.int64), large=S(LARGE, 1), out=True, errors=BAD_DIM),
    Op("diff", S((2, 5)), S((2, 5), 2), S((4, 3), dim=0), S((2, 3), prepend=tensor(2, 1), append=tensor(2, 2)), S((2, 1)), reference=diff, dtypes=FLOAT + COMPLEX + INT),
    Op("gradient", S((5,)), S((4, 5), spacing=2.0), S((4, 5), dim=1, edge_order=2), reference=gradient, dtypes=WIDE),
    Op("trapezoid", S((2, 5)), S((2, 5), dx=0.5), S((5,), tensor(5)), S((5, 2), dx=2, dim=0), reference=lambda y, x=None, dx=1, dim=-1: np.trapezoid(y, x, dx, axis=dim),
       dtypes=WIDE, aliases=["trapz"]),
    Op("cumulative_trapezoid", S((2, 5)), S((2, 5), dx=0.5), S((5,), tensor(5)),
       reference=lambda y, x=None, dx=1, dim=-1: scipy.integrate.cumulative_trapezoid(y, x, dx, axis=dim), dtypes=WIDE),
]


def test_cummax_carries_nan_on():
    values, places = torch.tensor([1.0, np.nan, 2.0]).cummax(0)
    assert np.isnan(values.tolist()).tolist() == [False, True, True] and places.tolist() == [0, 1, 1]


def test_gradient_of_cumprod_with_zeros():
    x = torch.tensor([2.0, 0.0, 3.0], dtype=torch.float64, requires_grad=True)
    x.cumprod(0).sum().backward()
    # d/dx0 (x0 + x0 x1 + x0 x1 x2) and so on, at (2, 0, 3)
    assert x.grad.tolist() == [1.0, 8.0, 0.0]


def test_what_overflows_behind_a_zero_does_not_count():
    for dtype, big in ((torch.float32, 1e13), (torch.float64, 1e130)):
        x = torch.tensor([big, 0, 0, big, big, 0, big, big, big], dtype=dtype, requires_grad=True)
        g, = torch.autograd.grad(x.cumprod(0).sum(), x)
        assert torch.equal(g, torch.tensor([1, big] + [0] * 7, dtype=dtype))


def test_infinite_terms_of_logcumsumexp_have_the_gradient():
    inf = np.inf
    # Jacobians, row i of output i: equal infinite terms share.
    cases = {(-inf, 0.0): [[1, 0], [0, 1]], (-inf, -inf): [[1, 0], [0.5, 0.5]], (inf, 0.0): [[1, 0], [1, 0]], (0.0, inf): [[1, 0], [0, 1]],
             (inf, inf): [[1, 0], [0.5, 0.5]], (-inf, inf, inf): [[1, 0, 0], [0, 1, 0], [0, 0.5, 0.5]], (0.0, -inf): [[1, 0], [1, 0]]}
    for x, jacobian in cases.items():
        for i, row in enumerate(jacobian):
            leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
            assert torch.autograd.grad(leaf.logcumsumexp(0)[i], leaf)[0].tolist() == row, (x, i)
