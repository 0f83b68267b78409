"""Reductions and normalisations that leave out elements: those where `mask` is False.

Each is its unmasked operation on a tensor in which the elements left out were replaced by one that
changes nothing: 0 in a sum, 1 in a product, the smallest number in a maximum. A mask is a bool tensor
that broadcasts to the input; None keeps all elements. `dim` is an int, several, or None for all
dimensions. What is left out gets a gradient of zero. A slice that is left out as a whole gives the
operation's value for no elements: 0 of a sum, NaN of a mean.
"""
import builtins
import math

import pyxtorch as torch
from pyxtorch.ops._precision import rounds_once

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp", "logsumexp", "mean", "median", "norm", "normalize",
    "prod", "softmax", "softmin", "std", "sum", "var",
]


# --------------------------------------------------------------------------------- helpers

def _extreme(dtype, sign):
    """The dtype's smallest (sign -1) or largest (sign 1) number."""
    if dtype.is_floating_point or dtype.is_complex:
        return sign * math.inf
    if dtype == torch.bool:
        return sign > 0
    info = torch.iinfo(dtype)
    return info.max if sign > 0 else info.min


def _expanded(input, mask):
    """The mask as a bool tensor in the input's shape."""
    if mask.ndim > input.ndim:
        raise IndexError(f"masked: mask {tuple(mask.shape)} has more dimensions than the input {tuple(input.shape)}.")
    return mask.to(torch.bool).expand(input.shape)


def _replaced(input, mask, value):
    """The input with `value` where the mask is False."""
    if mask is None:
        return input
    return torch.where(_expanded(input, mask), input, torch.full((), value, dtype=input.dtype, device=input.device))


def _dims(dim, ndim):
    """`dim` as a sorted tuple of non-negative dimensions."""
    if dim is None:
        return tuple(range(ndim))
    dims, limit = [], builtins.max(ndim, 1)
    for d in (dim,) if isinstance(dim, int) else dim:
        if not -limit <= d < limit:
            raise IndexError(f"masked: Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {d})")
        if d % limit in dims:
            raise RuntimeError(f"masked: dim={d % limit} appears multiple times in the list of dims")
        dims.append(d % limit)
    return tuple(sorted(dims))


def _sum_dtype(input, dtype):
    return dtype or (input.dtype if input.dtype.is_floating_point or input.dtype.is_complex else torch.int64)


def _count(input, dim, keepdim, mask):
    """How many elements are kept."""
    kept = torch.ones((), dtype=torch.bool, device=input.device) if mask is None else mask
    return _expanded(input, kept).sum(_dims(dim, input.ndim), keepdim)


# ---------------------------------------------------------------------------- sums and products

def sum(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The sum. Integers are summed as int64 unless dtype is given."""
    return torch.sum(_replaced(input, mask, 0), _dims(dim, input.ndim), bool(keepdim), dtype=_sum_dtype(input, dtype))


def prod(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The product. Integers are multiplied as int64 unless dtype is given."""
    y = _replaced(input, mask, 1).to(_sum_dtype(input, dtype))
    for d in reversed(_dims(dim, input.ndim)):
        y = y.prod(d, bool(keepdim))
    return y


def cumsum(input, dim, *, dtype=None, mask=None):
    """Sums up to each element, along `dim` (an int), in the input's dtype unless one is given."""
    dtype = dtype or input.dtype
    return torch.cumsum(_replaced(input, mask, 0), _dims(dim, input.ndim)[0], dtype=dtype).to(dtype)


def cumprod(input, dim, *, dtype=None, mask=None):
    """Products up to each element, along `dim` (an int), in the input's dtype unless one is given."""
    dtype = dtype or input.dtype
    return torch.cumprod(_replaced(input, mask, 1), _dims(dim, input.ndim)[0], dtype=dtype).to(dtype)


def norm(input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The norm of vectors of order `ord` (see `linalg.vector_norm`)."""
    neutral = math.inf if ord is not None and ord < 0 else 0
    return torch.linalg.vector_norm(_replaced(input, mask, neutral), 2 if ord is None else ord, _dims(dim, input.ndim), bool(keepdim), dtype=dtype)


# -------------------------------------------------------------------------------- the extremes

def amax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The largest element. Equal ones share the gradient."""
    y = torch.amax(_replaced(input, mask, _extreme(input.dtype, -1)), _dims(dim, input.ndim), bool(keepdim))
    return y.to(dtype or input.dtype)


def amin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The smallest element. Equal ones share the gradient."""
    y = torch.amin(_replaced(input, mask, _extreme(input.dtype, 1)), _dims(dim, input.ndim), bool(keepdim))
    return y.to(dtype or input.dtype)


def argmax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Where the largest element is: along `dim`, or among all. In the input's dtype unless one is given."""
    return torch.argmax(_replaced(input, mask, _extreme(input.dtype, -1)), dim, bool(keepdim)).to(dtype or input.dtype)


def argmin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Where the smallest element is: along `dim`, or among all. In the input's dtype unless one is given."""
    return torch.argmin(_replaced(input, mask, _extreme(input.dtype, 1)), dim, bool(keepdim)).to(dtype or input.dtype)


# ---------------------------------------------------------------------------------- statistics

def mean(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The mean.

    Raises:
        ValueError: neither dtype nor the input's dtype is floating point or complex.
    """
    source, dtype = ("Input", input.dtype) if dtype is None else ("Optional", dtype)
    if not (dtype.is_floating_point or dtype.is_complex):
        raise ValueError(f"mean(): Could not infer output dtype. {source} dtype must be either a floating point or complex dtype. Got: {dtype}")
    return sum(input, dim, keepdim=keepdim, dtype=dtype, mask=mask) / _count(input, dim, bool(keepdim), mask)


def median(input, dim=-1, *, keepdim=False, dtype=None, mask=None):
    """The middle element along `dim` (an int), the lower one of two.

    Raises:
        ValueError: a slice of integers is left out as a whole; there is no NaN to give.
    """
    x = input if input.is_floating_point() else input.to(torch.float32)
    y = torch.nanmedian(_replaced(x, mask, math.nan), _dims(dim, input.ndim)[0], keepdim).values
    if x is input:
        return y
    if torch.isnan(y).any():
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return y.to(dtype or input.dtype)


def _variance(input, dim, unbiased, correction, keepdim, dtype, mask):
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    if dtype is None:
        dtype = input.dtype if input.dtype.is_floating_point or input.dtype.is_complex else torch.float32
    compute = dtype if dtype.is_floating_point or dtype.is_complex else torch.float32
    gap = input - sum(input, dim, keepdim=True, dtype=compute, mask=mask) / _count(input, dim, True, mask)
    total = sum(gap * gap.conj(), dim, keepdim=keepdim, dtype=compute, mask=mask)
    count = _count(input, dim, bool(keepdim), mask)
    return (total / (count - correction).clamp(min=0)).to(dtype)


def var(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """The variance, divided by the number of elements less `correction` (default 1; 0 for unbiased=False)."""
    return _variance(input, dim, unbiased, correction, keepdim, dtype, mask)


def std(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """The root of `var`."""
    return _variance(input, dim, unbiased, correction, keepdim, dtype, mask).sqrt()


# ------------------------------------------------------------------ exponentials, normalisations

def logsumexp(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """log(sum(exp(input)))"""
    x = input if input.is_floating_point() or input.is_complex() else input.to(torch.get_default_dtype())
    return torch.logsumexp(_replaced(x, mask, -math.inf), _dims(dim, input.ndim), keepdim).to(dtype or input.dtype)


def logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None):
    """log(exp(input) + exp(other)), without what either mask leaves out of its tensor."""
    return torch.logaddexp(_replaced(input, input_mask, -math.inf), _replaced(other, other_mask, -math.inf)).to(dtype or input.dtype)


def softmax(input, dim, *, dtype=None, mask=None):
    """exp(input) / sum(exp(input)) along `dim` (an int); 0 for what is left out."""
    return torch.softmax(_replaced(input, mask, _extreme(input.dtype, -1)), _dims(dim, input.ndim)[0], dtype=dtype or input.dtype)


def log_softmax(input, dim, *, dtype=None, mask=None):
    """log(softmax(input)) along `dim` (an int); -inf for what is left out."""
    return torch.log_softmax(_replaced(input, mask, _extreme(input.dtype, -1)), _dims(dim, input.ndim)[0], dtype=dtype or input.dtype)


def softmin(input, dim, *, dtype=None, mask=None):
    """exp(-input) / sum(exp(-input)) along `dim` (an int); 0 for what is left out."""
    return torch.nn.functional.softmin(_replaced(input, mask, _extreme(input.dtype, 1)), _dims(dim, input.ndim)[0], dtype=dtype or input.dtype)


@rounds_once
def normalize(input, ord, dim, *, eps=1e-12, dtype=None, mask=None):
    """The input divided by its `norm` along `dim`, or by eps where that is larger; 0 for what is left out."""
    size = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return _replaced(input, mask, 0) / size.clamp(min=eps)
