"""torch.autograd.forward_ad: tensors that carry a tangent, and what functions make of it.

Tangents travel with tensors: docs/forward_mode.md. `func.jvp` opens levels within each other; here one is open at most, as in PyTorch.
"""
from typing import NamedTuple

from pyxtorch import Tensor
from pyxtorch._batching._values import at_base, base, expanded, levels_of, running
from pyxtorch._tape import forward
from pyxtorch.autograd import _alike

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]

_levels = []  # those of `func.jvp` and of `dual_level` that are open, the outermost first


class UnpackedDualTensor(NamedTuple):
    """A tensor without its tangent, and the tangent; None where there is none."""

    primal: Tensor
    tangent: Tensor | None


class _Level:
    """`with _Level() as level:` opens a level within those that are open, and computes tangents even where they were switched off."""

    def __enter__(self):
        self.level, self.before = forward.open_level(), forward.switch(True)
        _levels.append(self.level)
        return self.level

    def __exit__(self, *error):
        forward.close_level(self.level)
        forward.switch(self.before)
        del _levels[_levels.index(self.level):]


def enter_dual_level():
    """Open the level in which dual tensors are made; its number, 0.

    Raises:
        RuntimeError: it is open already.
    """
    if _levels:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _levels.append(forward.open_level())
    return 0


def exit_dual_level(*, level=None):
    """Close the level: tensors made in it have no tangents any more.

    Raises:
        RuntimeError: none is open, or another one than `level`.
    """
    if not _levels or level not in (None, 0):
        raise RuntimeError(f"exit_dual_level: {'no level is open' if not _levels else f'level 0 is open, not {level}'}.")
    forward.close_level(_levels.pop())


class dual_level:
    """`with dual_level():` opens the level for a block."""

    def __enter__(self):
        return enter_dual_level()

    def __exit__(self, *error):
        exit_dual_level()


class _set_fwd_grad_enabled:
    """Whether tangents are computed: at once, and as before at the end of a `with` block."""

    def __init__(self, mode):
        self.before = forward.switch(bool(mode))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        forward.switch(self.before)


def make_dual(tensor, tangent, *, level=None):
    """`tensor` as a tensor that carries `tangent`; it is another one on the same memory.

    Args:
        tensor, tangent: of one shape, on one device, and of floating point or complex dtypes; the tangent gets the dtype of the tensor.
    Raises:
        RuntimeError: no level is open, the shapes or devices differ, or a tangent is complex and its tensor is not.
        ValueError: another dtype.
    """
    if not _levels:
        raise RuntimeError("Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first.")
    return _dual(tensor, tangent, _levels[-1])


def _dual(tensor, tangent, level):
    for what, x in (("primal", tensor), ("tangent", tangent)):
        if not isinstance(x, Tensor):
            raise TypeError(f"make_dual: expected tensors, but {what} is {type(x).__name__}.")
        if not (x.is_floating_point() or x.is_complex()):
            raise ValueError(f"Expected {what} to be floating point or complex, but got: {x.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError("Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. "
                           f"Tensor is of size {list(tensor.shape)} while the given forward gradient is of size {list(tangent.shape)}.")  # fmt: skip
    levels = [one for one in running() if one in levels_of(tensor) or one in levels_of(tangent)]
    if levels:
        tensor, tangent = expanded(tensor, levels), expanded(tangent, levels)   # each slice has a tangent of its own
    v = base(tangent)
    if base(tensor).device != v.device:
        raise RuntimeError(f"make_dual: Expected all tensors to be on the same device, but the tensor is on {tensor.device} and its tangent on {tangent.device}.")
    if v.is_complex() and not tensor.is_complex():
        raise RuntimeError(f"make_dual: a tangent of {v.dtype} was given for a tensor of {tensor.dtype}, which has real numbers.")
    if forward.tangent_of(base(tensor), level) is not None:
        raise RuntimeError(f"Making a dual Tensor based on a Tensor that already has a forward gradient at the same level {level.depth} is not supported.")
    return at_base(tensor, lambda x: forward.make_dual(_alike(x), v if v.dtype == x.dtype else v.to(x.dtype), level))


def unpack_dual(tensor, *, level=None):
    """(`tensor` without its tangent, the tangent), both connected to what else is differentiated; without a tangent (tensor, None)."""
    if not _levels or not isinstance(tensor, Tensor):
        return UnpackedDualTensor(tensor, None)
    return _unpacked(tensor, _levels[-1])


def _unpacked(tensor, level):
    tangent = forward.tangent_of(base(tensor), level)
    if tangent is None:
        return UnpackedDualTensor(tensor, None)
    return UnpackedDualTensor(at_base(tensor, lambda x: forward.without_tangent(_alike(x), x, level)), at_base(tensor, lambda _: tangent))
