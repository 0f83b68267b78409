"""Reductions, scans, sorting, statistics and norms."""
import math

import pyxtorch
from pyxtorch.onnx._graph import BOOL, INT, Value
from pyxtorch.onnx._rows import row
from pyxtorch.onnx._rows.elementwise import isnan
from pyxtorch.onnx.errors import UnsupportedOperatorError


def axes_of(x, dim):
    """A dimension, several, or all as a list."""
    if dim is None or isinstance(dim, (tuple, list)) and not dim:
        return list(range(x.ndim))
    return [x.axis(d) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]


def _summed(g, input, dtype):
    """As what a sum is computed in: whole numbers in int64."""
    return input.cast(dtype) if dtype is not None else input if input.floats else input.cast(INT)


def count(g, x, axes):
    """How many elements are along axes, as an int or a value of one element."""
    return g.product([x.size(a) for a in axes])


@row("sum")
def total(g, input, dim=None, keepdim=False, dtype=None):
    return _summed(g, input, dtype).sum(axes_of(input, dim), keepdim)


@row("nansum")
def nansum(g, input, dim=None, keepdim=False, dtype=None):
    return total(g, g.where(isnan(g, input), 0, input), dim, keepdim, dtype)


@row("mean")
def mean(g, input, dim=None, keepdim=False, dtype=None):
    x = input if dtype is None else input.cast(dtype)
    return x.mean(axes_of(input, dim), keepdim)


@row("nanmean")
def nanmean(g, input, dim=None, keepdim=False, dtype=None):
    gone = isnan(g, input)
    return total(g, g.where(gone, 0, input), dim, keepdim, dtype) / (~gone).cast(input.dtype).sum(axes_of(input, dim), keepdim)


@row("prod")
def prod(g, input, dim=None, keepdim=False, dtype=None):
    return _summed(g, input, dtype).reduce("ReduceProd", axes_of(input, dim), keepdim)


def extreme(g, op, input, axes, keepdim=False):
    wide = input if input.floats or input.dtype == INT else input.cast(INT)
    return wide.reduce(op, axes, keepdim).cast(input.dtype)


@row("amax")
def amax(g, input, dim=None, keepdim=False):
    return extreme(g, "ReduceMax", input, axes_of(input, dim), keepdim)


@row("amin")
def amin(g, input, dim=None, keepdim=False):
    return extreme(g, "ReduceMin", input, axes_of(input, dim), keepdim)


@row("aminmax")
def aminmax(g, input, dim=None, keepdim=False):
    return amin(g, input, dim, keepdim), amax(g, input, dim, keepdim)


def _comparable(input):
    """As a dtype that ArgMax and TopK know."""
    return input if input.floats else input.cast(pyxtorch.float64) if input.dtype in (INT, pyxtorch.uint64) else input.cast(pyxtorch.int32)


def arg(g, op, input, dim, keepdim):
    if dim is None:
        flat = _comparable(input).reshape([-1])
        index = flat.g.add(op, [flat], INT, [], axis=0, keepdims=0)
        return index.reshape([1] * input.ndim) if keepdim else index
    if input.ndim == 0:
        return g.number(0, INT)
    axis = input.axis(dim)
    shape = [1 if i == axis else n for i, n in enumerate(input.shape) if keepdim or i != axis]
    return g.add(op, [_comparable(input)], INT, shape, axis=axis, keepdims=int(keepdim))


@row("argmax")
def argmax(g, input, dim=None, keepdim=False):
    return arg(g, "ArgMax", input, dim, keepdim)


@row("argmin")
def argmin(g, input, dim=None, keepdim=False):
    return arg(g, "ArgMin", input, dim, keepdim)


def _max_or_min(which):
    def of(g, input, dim=None, keepdim=False, other=None):
        if isinstance(dim, Value) or other is not None:
            return g.arithmetic(which, input, dim if other is None else other)
        if dim is None:
            return extreme(g, f"Reduce{which}", input, axes_of(input, None))
        return extreme(g, f"Reduce{which}", input, axes_of(input, dim), keepdim), arg(g, f"Arg{which}", input, dim, keepdim)

    return of


row("max")(_max_or_min("Max"))
row("min")(_max_or_min("Min"))


@row("all")
def every(g, input, dim=None, keepdim=False):
    return ~(input == 0).any(axes_of(input, dim), keepdim)


@row("any")
def some(g, input, dim=None, keepdim=False):
    return input.any(axes_of(input, dim), keepdim)


@row("count_nonzero")
def count_nonzero(g, input, dim=None):
    return input.cast(BOOL).cast(INT).sum(axes_of(input, dim))


@row("logsumexp")
def logsumexp(g, input, dim, keepdim=False):
    return input.floating().reduce("ReduceLogSumExp", axes_of(input, dim), keepdim)


def _squares(g, input, axes, correction, keepdim):
    x = input.floating()
    middle = x.mean(axes, True)
    deviation = x - middle
    n = count(g, x, axes)
    n = n - correction if isinstance(n, int) else n.cast(pyxtorch.float64) - correction
    squares = (deviation * deviation).sum(axes, keepdim)
    divisor = g.number(max(n, 0), x.dtype) if not isinstance(n, Value) else g.number(n.maximum(0), x.dtype)
    return squares / divisor, middle if keepdim else middle.squeeze(*axes)


def _variance_arguments(input, dim, unbiased, keepdim, correction):
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None or unbiased is True else 0 if unbiased is False else unbiased
    return axes_of(input, dim), correction, keepdim


@row("var")
def var(g, input, dim=None, unbiased=None, keepdim=False, correction=None):
    axes, correction, keepdim = _variance_arguments(input, dim, unbiased, keepdim, correction)
    return _squares(g, input, axes, correction, keepdim)[0]


@row("std")
def std(g, input, dim=None, unbiased=None, keepdim=False, correction=None):
    return var(g, input, dim, unbiased, keepdim, correction).sqrt()


@row("var_mean")
def var_mean(g, input, dim=None, unbiased=None, keepdim=False, correction=None):
    axes, correction, keepdim = _variance_arguments(input, dim, unbiased, keepdim, correction)
    return _squares(g, input, axes, correction, keepdim)


@row("std_mean")
def std_mean(g, input, dim=None, unbiased=None, keepdim=False, correction=None):
    variance, middle = var_mean(g, input, dim, unbiased, keepdim, correction)
    return variance.sqrt(), middle


# ---------------------------------------------------------------------------- norms

def norm_over(g, input, p, axes, keepdim):
    """The p-norm of vectors along axes, without squares that overflow for p = 2."""
    x = abs(input.floating())
    axes = axes_of(x, axes)
    if p in ("fro", None):
        p = 2
    if p == math.inf:
        return x.reduce("ReduceMax", axes, keepdim)
    if p == -math.inf:
        return x.reduce("ReduceMin", axes, keepdim)
    if p == 0:
        return (x != 0).cast(x.dtype).sum(axes, keepdim)
    if p == 1:
        return x.sum(axes, keepdim)
    if p == 2:
        return x.reduce("ReduceL2", axes, keepdim)
    return (x ** float(p)).sum(axes, keepdim) ** (1.0 / p)


@row("norm")
def norm(g, input, p="fro", dim=None, keepdim=False, dtype=None):
    if p == "nuc":
        raise UnsupportedOperatorError(f"export: {g.at}: ONNX has no singular values.")
    return norm_over(g, input if dtype is None else input.cast(dtype), p, dim, keepdim)


@row("linalg_vector_norm")
def vector_norm(g, x, ord=2, dim=None, keepdim=False, dtype=None):
    return norm_over(g, x if dtype is None else x.cast(dtype), ord, dim, keepdim)


@row("linalg_norm")
def linalg_norm(g, A, ord=None, dim=None, keepdim=False, dtype=None):
    x = A if dtype is None else A.cast(dtype)
    pair = isinstance(dim, (tuple, list)) and len(dim) == 2 or dim is None and x.ndim == 2 and ord is not None
    if ord is None or ord == "fro" or not pair:
        return norm_over(g, x, 2 if ord in (None, "fro") else ord, dim, keepdim)
    return matrix_norm(g, x, ord, (-2, -1) if dim is None else dim, keepdim)


@row("linalg_matrix_norm")
def matrix_norm(g, A, ord="fro", dim=(-2, -1), keepdim=False, dtype=None):
    x = A if dtype is None else A.cast(dtype)
    if ord == "fro":
        return norm_over(g, x, 2, dim, keepdim)
    if ord not in (1, -1, math.inf, -math.inf):
        raise UnsupportedOperatorError(f"export: {g.at}: ONNX has no singular values, which the matrix norm {ord} is made of.")
    rows, columns = (x.axis(d) for d in dim)
    summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
    result = abs(x).sum([summed], True).reduce("ReduceMax" if ord > 0 else "ReduceMin", [other], True)
    return result if keepdim else result.squeeze(rows, columns)


@row("normalize")
def normalize(g, input, p=2.0, dim=1, eps=1e-12):
    return input / norm_over(g, input, p, dim, True).maximum(eps)


@row("cosine_similarity")
def cosine_similarity(g, x1, x2, dim=1, eps=1e-8):
    a, b = g.promoted(x1, x2)
    n = max(a.ndim, b.ndim)
    axis = dim % n - n
    return (a / norm_over(g, a, 2, axis, True).maximum(eps) * (b / norm_over(g, b, 2, axis, True).maximum(eps))).sum([axis])


@row("pairwise_distance")
def pairwise_distance(g, x1, x2, p=2.0, eps=1e-6, keepdim=False):
    return norm_over(g, x1 - x2 + eps, p, -1, keepdim)


@row("cdist")
def cdist(g, x1, x2, p=2.0, compute_mode=None):
    return norm_over(g, x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1, False)


# ---------------------------------------------------------------------------- scans

@row("cumsum")
def cumsum(g, input, dim, dtype=None):
    x = _summed(g, input, dtype)
    return x if x.ndim == 0 else g.add("CumSum", [x, g.number(x.axis(dim), INT)], x.dtype, x.shape)


@row("logcumsumexp")
def logcumsumexp(g, input, dim):
    if input.ndim == 0:
        return input
    big = extreme(g, "ReduceMax", input, [input.axis(dim)], True)
    return cumsum(g, (input - big).exp(), dim).log() + big


def _so_far(g, x, axis, neutral):
    """Along a new last axis j of axis i what is in x at j <= i, and `neutral` elsewhere: as many elements squared."""
    n = x.size(axis)
    last = x.swap(axis, -1)
    seen = g.arange(n).unsqueeze(0) <= g.arange(n).unsqueeze(1)
    return g.where(seen, last.unsqueeze(-2), g.number(neutral, x.dtype))


@row("cumprod")
def cumprod(g, input, dim, dtype=None):
    x = _summed(g, input, dtype)
    return x if x.ndim == 0 else _so_far(g, x, dim, 1).reduce("ReduceProd", [-1]).swap(dim, -1)


def _extreme_so_far(which):
    def of(g, input, dim):
        if input.ndim == 0:
            return input, g.number(0, INT)
        x = input if input.floats or input.dtype == INT else input.cast(INT)
        info = pyxtorch.finfo(x.dtype) if x.floats else pyxtorch.iinfo(x.dtype)
        neutral = (-math.inf if which == "Max" else math.inf) if x.floats else info.min if which == "Max" else info.max
        seen = _so_far(g, x, dim, neutral)
        # of equal ones the last is named
        found = _comparable(seen)
        places = g.add(f"Arg{which}", [found], INT, found.shape[:-1], axis=found.ndim - 1, keepdims=0, select_last_index=1)
        values = extreme(g, f"Reduce{which}", seen, [-1])
        return values.cast(input.dtype).swap(dim, -1), places.swap(dim, -1)

    return of


row("cummax")(_extreme_so_far("Max"))
row("cummin")(_extreme_so_far("Min"))


@row("diff")
def diff(g, input, n=1, dim=-1, prepend=None, append=None):
    x = input
    parts = [p for p in (prepend, x, append) if p is not None]
    x = g.concat(parts, x.axis(dim)) if len(parts) > 1 else x
    for _ in range(n):
        a, b = x.slice(dim, 1), x.slice(dim, 0, -1)
        x = g.add("Xor", [a, b], BOOL, a.shape) if x.dtype == BOOL else a - b
    return x


# ---------------------------------------------------------------------------- sorting

def top(g, x, k, axis, largest, ordered=True):
    """The k greatest along an axis and their places; k is an int or a value."""
    shape = [(k if isinstance(k, int) else None) if i == axis else n for i, n in enumerate(x.shape)]
    wide = x if x.floats or x.dtype == INT else x.cast(INT)
    values, places = g.add_many("TopK", [wide, g.vector([k])], [(wide.dtype, shape), (INT, shape)], axis=axis, largest=int(largest), sorted=int(ordered))
    return values.cast(x.dtype), places


@row("topk")
def topk(g, input, k, dim=-1, largest=True, sorted=True):
    if input.ndim == 0:
        return input, g.number(0, INT)
    return top(g, input, k, input.axis(dim), largest, sorted)


@row("sort")
def sort(g, input, dim=-1, descending=False, stable=False):
    if isinstance(dim, bool):
        dim, descending = -1, dim
    return topk(g, input, input.size(dim) if input.ndim else 1, dim, descending)


@row("msort")
def msort(g, input):
    return sort(g, input, 0)[0]


@row("argsort")
def argsort(g, input, dim=-1, descending=False, stable=False):
    return sort(g, input, dim, descending)[1]


@row("kthvalue")
def kthvalue(g, input, k, dim=-1, keepdim=False):
    if input.ndim == 0:
        return input, g.number(0, INT)
    found = [v.slice(dim, k - 1, k) for v in topk(g, input, k, dim, False)]
    return tuple(found) if keepdim else tuple([v.squeeze(dim) for v in found])


@row("median")
def median(g, input, dim=None, keepdim=False):
    x = input.reshape([-1]) if dim is None else input
    if x.ndim == 0:
        return x, g.number(0, INT)
    axis = 0 if dim is None else x.axis(dim)
    n = x.size(axis)
    values, places = topk(g, x, n, axis, False)
    middle = g.ints([(n - 1) // 2]) if isinstance(n, int) else (n - 1) // 2
    found = [v.gather(middle, axis) for v in (values, places)]
    if dim is None:
        return found[0].squeeze(0)
    return tuple(found) if keepdim else tuple([v.squeeze(axis) for v in found])


@row("quantile")
def quantile(g, input, q, dim=None, keepdim=False, interpolation="linear"):
    x = input.reshape([-1]) if dim is None else input
    axis = 0 if dim is None else x.axis(dim)
    fractions = q if isinstance(q, Value) else g.number(q, x.dtype)
    last = g.number(x.size(axis), x.dtype) - 1
    at = fractions.reshape([-1]) * last
    at = {"linear": at, "lower": at.floor(), "higher": at.unary("Ceil"), "nearest": at.unary("Round"), "midpoint": (at.floor() + at.unary("Ceil")) / 2}[interpolation]
    ordered = topk(g, x, x.size(axis), axis, False)[0]
    low = at.floor()
    share = (at - low).reshape([-1, *[1] * (x.ndim - axis - 1)])
    a, b = (ordered.gather(i.cast(INT), axis) for i in (low, at.unary("Ceil")))
    found = a + (b - a) * share
    many = fractions.ndim == 1
    rest = [i for i in range(x.ndim) if i != axis]
    if not keepdim:
        return found.transpose([axis, *rest]) if many else found.squeeze(axis)
    if dim is None:
        found = found.reshape([-1, *[1] * input.ndim]) if many else found.reshape([1] * input.ndim)
        return found
    return found.unsqueeze(0).swap(0, axis + 1) if many else found


@row("cov")
def cov(g, input, correction=1, fweights=None, aweights=None):
    if fweights is not None or aweights is not None:
        raise UnsupportedOperatorError(f"export: {g.at}: cov with weights.")
    x = input.unsqueeze(0) if input.ndim < 2 else input
    d = x - x.mean([-1], True)
    result = d.matmul(d.swap(0, 1)) / g.number(count(g, x, [1]) - correction, d.dtype)
    return result.squeeze(0, 1) if input.ndim < 2 else result


@row("corrcoef")
def corrcoef(g, input):
    c = cov(g, input)
    if input.ndim < 2:
        return c / c
    from pyxtorch.onnx._rows.shape import diagonal_of

    d = diagonal_of(g, c).sqrt()
    return (c / d.unsqueeze(1) / d.unsqueeze(0)).clip(-1, 1)


@row("pdist")
def pdist(g, input, p=2.0):
    n = input.fixed(0)
    i, j = (g.ints(k) for k in zip(*[(i, j) for i in range(n) for j in range(i + 1, n)])) if n > 1 else (g.ints([]), g.ints([]))
    return norm_over(g, input.gather(i) - input.gather(j), p, -1, False)


@row("frobenius_norm")
def frobenius_norm(g, input, dim=None, keepdim=False):
    return norm_over(g, input, 2, dim, keepdim)


@row("bincount")
def bincount(g, input, weights=None, minlength=0):
    n = (input.cast(INT).reduce("ReduceMax", [0], True) + 1).maximum(minlength)
    hit = input.unsqueeze(0) == g.arange(n).unsqueeze(1)
    return hit.cast(INT).sum([1]) if weights is None else g.where(hit, weights.floating(), 0).sum([1])


@row("trapezoid trapz")
def trapezoid(g, y, x=None, dim=-1, dx=1):
    middle = (y.slice(dim, 1) + y.slice(dim, 0, -1)) * 0.5
    if x is None:
        return (middle * dx).sum([dim])
    if x.ndim == 1 and y.ndim > 1:
        x = x.reshape([-1 if i == y.axis(dim) else 1 for i in range(y.ndim)])
    return (middle * (x.slice(dim, 1) - x.slice(dim, 0, -1))).sum([dim])


@row("cumulative_trapezoid")
def cumulative_trapezoid(g, y, x=None, dim=-1, dx=1):
    middle = (y.slice(dim, 1) + y.slice(dim, 0, -1)) * 0.5
    if x is None:
        return cumsum(g, middle * dx, dim)
    if x.ndim == 1 and y.ndim > 1:
        x = x.reshape([-1 if i == y.axis(dim) else 1 for i in range(y.ndim)])
    return cumsum(g, middle * (x.slice(dim, 1) - x.slice(dim, 0, -1)), dim)
