"""Elements found, taken, sorted, and counted."""
import numbers
from collections import namedtuple

import pyxtorch as torch
from pyxtorch.array_api._dtypes import need_tensor, operands

UniqueAllResult = namedtuple("UniqueAllResult", ("values", "indices", "inverse_indices", "counts"))
UniqueCountsResult = namedtuple("UniqueCountsResult", ("values", "counts"))
UniqueInverseResult = namedtuple("UniqueInverseResult", ("values", "inverse_indices"))


def _arg(name):
    function = getattr(torch, name)

    def f(x, /, *, axis=None, keepdims=False):
        need_tensor(name, x)
        if axis is None:
            found = function(x)
            return found.reshape((1,) * x.ndim) if keepdims else found
        return function(x, axis, keepdims)

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"Where the {'greatest' if name == 'argmax' else 'least'} element along `axis` is, the first of equal ones; if None, in all of `x`, flattened. int64."
    return f


argmax, argmin = _arg("argmax"), _arg("argmin")


def nonzero(x, /):
    """A tuple of the places of the elements that are not 0, int64, a tensor for each dimension.

    Raises:
        ValueError: `x` has no dimensions.
    """
    need_tensor("nonzero", x)
    if not x.ndim:
        raise ValueError("nonzero: x has no dimensions; take it as a vector by x[None].")
    return torch.nonzero(x, as_tuple=True)


def searchsorted(x1, x2, /, *, side="left", sorter=None):
    """Where in the sorted vector `x1` the elements of `x2` belong: before equal ones, or behind these with side="right".

    Args:
        sorter: the order that sorts `x1`, if that is not sorted.
    Returns:
        int64 tensor of the shape of `x2`.
    """
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side={side!r} is neither 'left' nor 'right'.")
    x1, x2 = operands("searchsorted", x1, x2)
    if x1.ndim != 1:
        raise ValueError(f"searchsorted: x1 has shape {tuple(x1.shape)}, but a vector is searched.")
    if sorter is not None:
        x1 = take(x1, sorter)
    return torch.searchsorted(x1, x2.contiguous(), right=side == "right")


def where(condition, x1, x2, /):
    """Elements of `x1` where the condition is true, of `x2` elsewhere; each of the two may be a number."""
    need_tensor("where", condition)
    if isinstance(x1, numbers.Number) and isinstance(x2, numbers.Number):
        x1, x2 = torch.full((), x1, device=condition.device), torch.full((), x2, device=condition.device)
    return torch.where(condition, *operands("where", x1, x2))


def _from_the_end(indices, n):
    """Indices with negative ones counted from the end."""
    indices = indices.to(torch.int64)
    return torch.where(indices < 0, indices + n, indices)


def take(x, indices, /, *, axis=None):
    """The slices of `x` along `axis` that a vector of indices names; a vector `x` needs no axis."""
    need_tensor("take", x, indices)
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"take: x has {x.ndim} dimensions; say along which one by axis=.")
        axis = 0
    axis = axis % x.ndim if -x.ndim <= axis < x.ndim else axis
    taken = torch.index_select(x, axis, _from_the_end(indices, x.shape[axis]).reshape(-1))
    return taken if indices.ndim == 1 else taken.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])


def take_along_axis(x, indices, /, *, axis=-1):
    """For each place in `indices` the element of `x` at that index along `axis`; the other dimensions are broadcast."""
    need_tensor("take_along_axis", x, indices)
    return torch.take_along_dim(x, _from_the_end(indices, x.shape[axis]), axis)


def argsort(x, /, *, axis=-1, descending=False, stable=True):
    """The indices that sort `x` along `axis`, int64; equal elements stay in order."""
    need_tensor("argsort", x)
    return torch.sort(x, dim=axis, descending=descending, stable=True).indices


def sort(x, /, *, axis=-1, descending=False, stable=True):
    """The elements of `x` along `axis` in order."""
    need_tensor("sort", x)
    return torch.sort(x, dim=axis, descending=descending, stable=True).values


def _order(x):
    """A stable order of a vector in which equal elements are neighbours."""
    if not x.dtype.is_complex:
        return torch.sort(x, stable=True).indices
    by_imag = torch.sort(x.imag, stable=True).indices
    return by_imag[torch.sort(x.real[by_imag], stable=True).indices]


def unique_all(x, /):
    """The different elements of `x`, flattened: values, where each is first, which one each element is, and how often it is there.

    Returns:
        Named tuple of `values`, sorted, each NaN for itself; `indices` and `counts`, one for each value; `inverse_indices` of the
        shape of `x`. All but the values are int64.
    """
    need_tensor("unique_all", x)
    flat = x.reshape(-1)
    order = _order(flat)
    ordered = flat[order]
    new = torch.ones(ordered.shape, dtype=torch.bool, device=x.device)
    new[1:] = ordered[1:] != ordered[:-1]
    (first,) = torch.nonzero(new, as_tuple=True)
    inverse = torch.empty_like(order)
    inverse[order] = torch.cumsum(new, 0) - 1
    counts = torch.diff(first, append=first.new_full((1,), len(order)))
    return UniqueAllResult(ordered[first], order[first], inverse.reshape(x.shape), counts)


def unique_counts(x, /):
    """The different elements of `x` and how often each is there: a named tuple of `values` and `counts`."""
    found = unique_all(x)
    return UniqueCountsResult(found.values, found.counts)


def unique_inverse(x, /):
    """The different elements of `x` and which of them each element is: a named tuple of `values` and `inverse_indices`."""
    found = unique_all(x)
    return UniqueInverseResult(found.values, found.inverse_indices)


def unique_values(x, /):
    """The different elements of `x`, sorted; each NaN for itself."""
    return unique_all(x).values


__all__ = [
    "argmax", "argmin", "argsort", "nonzero", "searchsorted", "sort", "take", "take_along_axis", "unique_all", "unique_counts",
    "unique_inverse", "unique_values", "where",
]  # fmt: skip
