"""Tensors made of data, of ranges, and filled."""
import pyxtorch as torch
from pyxtorch import Tensor
from pyxtorch.array_api._dtypes import default_complex, need_tensor


def _shape(shape):
    return tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)


def asarray(obj, /, *, dtype=None, device=None, copy=None):
    """A tensor of numbers, nested lists of numbers, an array, or a tensor, which keeps its place in the graph.

    Args:
        obj: what has the elements. Whole numbers become int64, others the default dtypes.
        dtype: the dtype, if not that of the elements.
        device: where the tensor shall be.
        copy: True copies always; False never; None where it must be.
    Raises:
        ValueError: copy=False, and `obj` must be copied.
    """
    if isinstance(obj, Tensor):
        moved = obj.to(device=device, dtype=dtype)
        if copy is False and moved is not obj:
            raise ValueError(f"asarray: copy=False, but {obj.dtype} on {obj.device} must be copied to be {moved.dtype} on {moved.device}. Leave copy out.")
        return moved.clone() if copy and moved is obj else moved
    return torch.asarray(obj, dtype=dtype, device=device, copy=copy)


def arange(start, /, stop=None, step=1, *, dtype=None, device=None):
    """The numbers from `start` in steps of `step` as far as they lie before `stop`, shape (ceil((stop - start) / step),).

    With one number, that is `stop` and `start` is 0. None lie before it where `step` leads away from it.
    """
    if stop is None:
        start, stop = 0, start
    if step and (stop - start) / step <= 0:
        whole = all(isinstance(number, int) for number in (start, stop, step))
        return torch.empty(0, dtype=dtype or (torch.int64 if whole else torch.get_default_dtype()), device=device)
    return torch.arange(start, stop, step, dtype=dtype, device=device)


def empty(shape, *, dtype=None, device=None):
    """A tensor of this shape whose elements are not set."""
    return torch.empty(_shape(shape), dtype=dtype, device=device)


def zeros(shape, *, dtype=None, device=None):
    """A tensor of zeros."""
    return torch.zeros(_shape(shape), dtype=dtype, device=device)


def ones(shape, *, dtype=None, device=None):
    """A tensor of ones."""
    return torch.ones(_shape(shape), dtype=dtype, device=device)


def full(shape, fill_value, *, dtype=None, device=None):
    """A tensor of one number, of the dtype that fits it where none is given."""
    return torch.full(_shape(shape), fill_value, dtype=dtype, device=device)


def _like(name):
    function = getattr(torch, name)

    def f(x, /, *, dtype=None, device=None):
        need_tensor(name, x)
        return function(x, dtype=dtype, device=device)

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"`{name.removesuffix('_like')}` with the shape of `x`, and with its dtype and device where none are given."
    return f


empty_like, zeros_like, ones_like = _like("empty_like"), _like("zeros_like"), _like("ones_like")


def full_like(x, /, fill_value, *, dtype=None, device=None):
    """A tensor of one number with the shape of `x`, and with its dtype and device where none are given."""
    need_tensor("full_like", x)
    return torch.full_like(x, fill_value, dtype=dtype, device=device)


def eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None):
    """A matrix of zeros with ones on one diagonal: the main one, or `k` above it (below, where `k` is negative)."""
    n_cols = n_rows if n_cols is None else n_cols
    result = torch.zeros(n_rows, n_cols, dtype=dtype, device=device)
    if -n_rows < k < n_cols:
        result.diagonal(k).fill_(1)
    return result


def linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True):
    """`num` numbers at equal distances from `start` to `stop`, which is the last of them unless `endpoint` is False."""
    if dtype is None and (isinstance(start, complex) or isinstance(stop, complex)):
        dtype = default_complex()
    points = torch.linspace(start, stop, num if endpoint else num + 1, dtype=dtype, device=device)
    return points if endpoint else points[:num]


def meshgrid(*arrays, indexing="xy"):
    """A list of the coordinates of a grid, a tensor for each of the vectors `arrays`; "xy" has the second one along the first dimension."""
    need_tensor("meshgrid", *arrays)
    return list(torch.meshgrid(*arrays, indexing=indexing)) if arrays else []


def tril(x, /, *, k=0):
    """Matrices (..., m, n) with zeros above the diagonal `k`."""
    return torch.tril(x, k)


def triu(x, /, *, k=0):
    """Matrices (..., m, n) with zeros below the diagonal `k`."""
    return torch.triu(x, k)


def from_dlpack(x, /, *, device=None, copy=None):
    """A tensor on the memory of an object with `__dlpack__`; a copy where `copy` is True or the device another one."""
    return torch.from_dlpack(x, device=device, copy=copy)


__all__ = [
    "arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "linspace", "meshgrid", "ones", "ones_like", "tril",
    "triu", "zeros", "zeros_like",
]  # fmt: skip
