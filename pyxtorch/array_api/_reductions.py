"""Sums, means, extremes, and what is like them. `axis` is one dimension, several, none of them (`()`), or all (None)."""
import pyxtorch as torch
from pyxtorch.array_api._dtypes import is_integral, need_tensor
from pyxtorch.array_api._manipulation import tuple_of


def axes_of(x, axis, op):
    """The dimensions to reduce, each from 0."""
    need_tensor(op, x)
    axes = range(x.ndim) if axis is None else tuple_of(axis)
    for one in axes:
        if not -x.ndim <= one < x.ndim:
            raise IndexError(f"{op}: axis={one} is out of range for a tensor of {x.ndim} dimensions.")
    axes = tuple(one % x.ndim for one in axes)
    if len(set(axes)) < len(axes):
        raise ValueError(f"{op}: axis={axis} names a dimension twice.")
    return axes


def sum_dtype(x, dtype):
    """The dtype of sums and products where none is given: integers become 64 bits wide and stay signed or not."""
    if dtype is not None:
        return dtype
    if x.dtype == torch.bool:
        return torch.int64
    return x.dtype if not is_integral(x.dtype) else torch.int64 if x.dtype.is_signed else torch.uint64


def all(x, /, *, axis=None, keepdims=False):
    """Whether all elements along `axis` are true: not 0."""
    axes = axes_of(x, axis, "all")
    return torch.all(x != 0, axes, keepdims) if axes else x != 0


def any(x, /, *, axis=None, keepdims=False):
    """Whether one of the elements along `axis` is true: not 0."""
    axes = axes_of(x, axis, "any")
    return torch.any(x != 0, axes, keepdims) if axes else x != 0


def count_nonzero(x, /, *, axis=None, keepdims=False):
    """How many elements along `axis` are not 0; int64."""
    axes = axes_of(x, axis, "count_nonzero")
    return torch.sum(x != 0, axes, keepdims, dtype=torch.int64) if axes else (x != 0).to(torch.int64)


def sum(x, /, *, axis=None, dtype=None, keepdims=False):
    """The sum along `axis`, in `dtype`: if None, that of `x`, or the widest integer one."""
    axes, d = axes_of(x, axis, "sum"), sum_dtype(x, dtype)
    return torch.sum(x, axes, keepdims, dtype=d) if axes else x.to(d, copy=True)


def prod(x, /, *, axis=None, dtype=None, keepdims=False):
    """The product along `axis`, in `dtype`: if None, that of `x`, or the widest integer one."""
    axes, d = axes_of(x, axis, "prod"), sum_dtype(x, dtype)
    if not axes:
        return x.to(d, copy=True)
    # PyTorch's takes one dimension: all that are reduced are put last and made one.
    rest = [i for i in range(x.ndim) if i not in axes]
    rows = x.permute(*rest, *axes).flatten(len(rest)) if len(axes) > 1 else x.movedim(axes[0], -1)
    result = torch.prod(rows, -1, dtype=d)
    for one in sorted(axes) if keepdims else ():
        result = result.unsqueeze(one)
    return result


def max(x, /, *, axis=None, keepdims=False):
    """The greatest element along `axis`; NaN where there is one."""
    axes = axes_of(x, axis, "max")
    return torch.amax(x, axes, keepdims) if axes else x.clone()


def min(x, /, *, axis=None, keepdims=False):
    """The least element along `axis`; NaN where there is one."""
    axes = axes_of(x, axis, "min")
    return torch.amin(x, axes, keepdims) if axes else x.clone()


def _floating(x):
    return x if x.dtype.is_floating_point or x.dtype.is_complex else x.to(torch.get_default_dtype())


def mean(x, /, *, axis=None, keepdims=False):
    """The mean along `axis`."""
    axes = axes_of(x, axis, "mean")
    return torch.mean(_floating(x), axes, keepdims) if axes else _floating(x).clone()


def var(x, /, *, axis=None, correction=0.0, keepdims=False):
    """The variance along `axis`: squared distances from the mean, summed and divided by their number less `correction`."""
    axes = axes_of(x, axis, "var")
    if not axes:  # each element is its own mean
        return torch.abs(_floating(x) - _floating(x)) / (1 - correction if correction < 1 else 0)
    return torch.var(_floating(x), axes, correction=correction, keepdim=keepdims)


def std(x, /, *, axis=None, correction=0.0, keepdims=False):
    """The standard deviation along `axis`, the square root of `var`."""
    axes = axes_of(x, axis, "std")
    return torch.std(_floating(x), axes, correction=correction, keepdim=keepdims) if axes else torch.sqrt(var(x, axis=(), correction=correction))


def _cumulative(name, function, neutral):
    def f(x, /, *, axis=None, dtype=None, include_initial=False):
        need_tensor(name, x)
        if axis is None:
            if x.ndim != 1:
                raise ValueError(f"{name}: x has {x.ndim} dimensions; say along which one by axis=.")
            axis = 0
        result = function(x, axis, dtype=sum_dtype(x, dtype))
        if include_initial:
            shape = list(x.shape)
            shape[axis] = 1
            result = torch.cat([result.new_full(shape, neutral), result], axis)
        return result

    f.__name__ = f.__qualname__ = name
    f.__doc__ = (
        f"The {name.split('_')[1].replace('prod', 'product')}s of the first elements along `axis`, which a vector need not give.\n\n"
        f"    `include_initial` puts {neutral}, that of none, in front. `dtype` is what they are computed in: if None, that of `x`, or the widest integer one.\n    "
    )
    return f


cumulative_sum = _cumulative("cumulative_sum", torch.cumsum, 0)
cumulative_prod = _cumulative("cumulative_prod", torch.cumprod, 1)


def diff(x, /, *, axis=-1, n=1, prepend=None, append=None):
    """The differences of neighbours along `axis`, `n` times, with other tensors put in front or behind before that."""
    need_tensor("diff", x)
    return torch.diff(x, n, axis, prepend, append)


__all__ = [
    "all", "any", "count_nonzero", "cumulative_prod", "cumulative_sum", "diff", "max", "mean", "min", "prod", "std", "sum", "var",
]  # fmt: skip
