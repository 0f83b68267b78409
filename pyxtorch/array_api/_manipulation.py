"""Tensors rearranged, joined and repeated."""
import pyxtorch as torch
from pyxtorch.array_api._dtypes import need_tensor, operands


def tuple_of(axis):
    """An axis, or several, as a tuple."""
    return (axis,) if isinstance(axis, int) else tuple(axis)


def broadcast_arrays(*arrays):
    """A list of the tensors as views of the shape that all broadcast to."""
    need_tensor("broadcast_arrays", *arrays)
    return list(torch.broadcast_tensors(*arrays))


def broadcast_to(x, /, shape):
    """A view of `x` of a shape that it broadcasts to."""
    return torch.broadcast_to(x, tuple(shape))


def concat(arrays, /, *, axis=0):
    """The tensors one after the other along `axis`; None flattens them first. Dtypes are promoted."""
    arrays = operands("concat", *arrays)
    return torch.cat([x.reshape(-1) for x in arrays]) if axis is None else torch.cat(arrays, axis)


def expand_dims(x, /, axis=0):
    """A view of `x` with a new dimension of size 1 at `axis` of the result."""
    return torch.unsqueeze(x, axis)


def flip(x, /, *, axis=None):
    """The elements in the opposite order along `axis`, or along several, or all if None."""
    need_tensor("flip", x)
    return torch.flip(x, tuple(range(x.ndim)) if axis is None else tuple_of(axis))


def matrix_transpose(x, /):
    """Matrices (..., m, n) as (..., n, m)."""
    need_tensor("matrix_transpose", x)
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose: x has shape {tuple(x.shape)}; matrices have at least 2 dimensions.")
    return x.mT


def moveaxis(x, source, destination, /):
    """A view of `x` with one or several dimensions at other places."""
    return torch.moveaxis(x, source, destination)


def permute_dims(x, /, axes):
    """A view of `x` with its dimensions in the order `axes`."""
    return torch.permute(x, tuple(axes))


def repeat(x, repeats, /, *, axis=None):
    """Each element of `x` along `axis` repeated: a number of times, or as often as a tensor says for each. None flattens first."""
    need_tensor("repeat", x)
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    if isinstance(repeats, torch.Tensor):
        repeats = repeats.to(torch.int64)
        repeats = repeats.expand(x.shape[axis]) if repeats.numel() == 1 else repeats
    elif not isinstance(repeats, int):
        repeats = torch.tensor(repeats, device=x.device)
    return torch.repeat_interleave(x, repeats, dim=axis)


def reshape(x, /, shape, *, copy=None):
    """The elements in a new shape, one size of which may be -1.

    Args:
        copy: True copies always; False never; None where it must be.
    Raises:
        ValueError: copy=False, and the memory cannot be looked at in that shape.
    """
    need_tensor("reshape", x)
    if copy is False:
        try:
            return x.view(tuple(shape))
        except RuntimeError as error:
            raise ValueError(f"reshape: copy=False, but {error}") from error
    return torch.reshape(x.clone() if copy else x, tuple(shape))


def roll(x, /, shift, *, axis=None):
    """The elements moved on by `shift` places along `axis`, those beyond the end to the beginning. None flattens for that."""
    if axis is None:
        return torch.roll(x, shift)
    axes = tuple_of(axis)
    return torch.roll(x, (shift,) * len(axes) if isinstance(shift, int) else tuple(shift), axes)


def squeeze(x, /, axis):
    """A view of `x` without these dimensions.

    Raises:
        ValueError: one of them is not of size 1.
    """
    need_tensor("squeeze", x)
    axes = tuple_of(axis)
    for one in axes:
        if x.shape[one] != 1:
            raise ValueError(f"squeeze: axis {one} has size {x.shape[one]}; only dimensions of size 1 can be left out.")
    return torch.squeeze(x, axes)


def stack(arrays, /, *, axis=0):
    """The tensors, all of one shape, side by side along a new dimension. Dtypes are promoted."""
    return torch.stack(operands("stack", *arrays), axis)


def tile(x, repetitions, /):
    """`x` as a whole repeated along each dimension."""
    return torch.tile(x, tuple(repetitions))


def unstack(x, /, *, axis=0):
    """A tuple of the slices of `x` along `axis`."""
    return torch.unbind(x, axis)


__all__ = [
    "broadcast_arrays", "broadcast_to", "concat", "expand_dims", "flip", "matrix_transpose", "moveaxis", "permute_dims", "repeat", "reshape",
    "roll", "squeeze", "stack", "tile", "unstack",
]  # fmt: skip
