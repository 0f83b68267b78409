"""torch.autograd.forward_ad: tensors that carry a tangent, and what functions make of it.

A dual tensor is one that the tape follows, and a tangent is computed when it is asked for: the gradient u -> u' J is differentiated once
more (as in `func.jvp`). So whatever differentiates twice has tangents; what runs under `no_grad` has none, which `unpack_dual` says; and a
tangent and its primal hang on one graph, so that who goes backward through both keeps it (`retain_graph=True`).
"""
from typing import NamedTuple

import pyxtorch
from pyxtorch import Tensor
from pyxtorch.autograd import Variable

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]

_levels = []  # of the level that is open, if one is: the list of its (leaf, tangent)


class UnpackedDualTensor(NamedTuple):
    """A tensor without its tangent, and the tangent; None where there is none."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level():
    """Open the level in which dual tensors are made; its number, 0.

    Raises:
        RuntimeError: it is open already.
    """
    if _levels:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _levels.append([])
    return 0


def exit_dual_level(*, level=None):
    """Close the level: tensors made in it have no tangents any more.

    Raises:
        RuntimeError: none is open, or another one than `level`.
    """
    if not _levels or level not in (None, 0):
        raise RuntimeError(f"exit_dual_level: {'no level is open' if not _levels else f'level 0 is open, not {level}'}.")
    _levels.pop()


class dual_level:
    """`with dual_level():` opens the level for a block."""

    def __enter__(self):
        return enter_dual_level()

    def __exit__(self, *error):
        exit_dual_level()


def make_dual(tensor, tangent, *, level=None):
    """`tensor` as a tensor that carries `tangent`.

    Args:
        tensor, tangent: of one shape, and of floating point or complex dtypes.
    Raises:
        RuntimeError: no level is open, the shapes differ, or nothing is recorded (`no_grad`).
        ValueError: another dtype.
    """
    if not _levels:
        raise RuntimeError("Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first.")
    for what, x in (("primal", tensor), ("tangent", tangent)):
        if not isinstance(x, Tensor):
            raise TypeError(f"make_dual: expected tensors, but {what} is {type(x).__name__}.")
        if not (x.is_floating_point() or x.is_complex()):
            raise ValueError(f"Expected {what} to be floating point or complex, but got: {x.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError("Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. "
                           f"Tensor is of size {list(tensor.shape)} while the given forward gradient is of size {list(tangent.shape)}.")  # fmt: skip
    if unpack_dual(tensor).tangent is not None:
        raise RuntimeError("Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not supported.")
    if not pyxtorch.is_grad_enabled():
        raise RuntimeError("make_dual: tangents are computed by the tape, which records nothing here. Leave no_grad or inference_mode.")
    leaf = tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()
    _levels[-1].append((leaf, tangent))
    return leaf.clone()  # which may be changed in place, as a leaf may not


def unpack_dual(tensor, *, level=None):
    """(`tensor` without its tangent, the tangent), both connected to what else is differentiated; without a tangent (tensor, None).

    Raises:
        RuntimeError: a dual tensor is open and nothing is recorded here (`no_grad`).
    """
    duals = _levels[-1] if _levels else []
    if not duals or not isinstance(tensor, Variable) or not tensor.requires_grad:
        return UnpackedDualTensor(tensor, None)
    if not pyxtorch.is_grad_enabled():
        raise RuntimeError("unpack_dual: tangents are computed by the tape, which records nothing here. Leave no_grad or inference_mode.")
    from pyxtorch.func import _closed

    leaves = [leaf for leaf, _ in duals]
    u = pyxtorch.zeros_like(tensor).requires_grad_()
    back = pyxtorch.autograd.grad(tensor, leaves, u, create_graph=True, allow_unused=True)
    if all(g is None for g in back):
        return UnpackedDualTensor(tensor, None)
    pairs = [(g, v.to(g.dtype)) for g, (_, v) in zip(back, duals) if g is not None and g.requires_grad]
    found = pyxtorch.autograd.grad([g for g, _ in pairs], u, [v for _, v in pairs], create_graph=True, allow_unused=True)[0] if pairs else None
    tangent = pyxtorch.zeros_like(tensor) if found is None else found
    return UnpackedDualTensor(_closed([tensor], leaves, True)[0], _closed([tangent], [*leaves, u], True)[0])
