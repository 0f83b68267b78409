"""Which function does an operation for which kind of input.

A functional, such as `resize`, is a name and a signature; its kernels are registered here by type. "PIL" stands for images of Pillow,
which may not be installed.
"""
import inspect

import pyxtorch as torch
from pyxtorch.vision import tv_tensors
from pyxtorch.vision._pillow import is_pil
from pyxtorch.vision.transforms._interpolation import InterpolationMode, interpolation_mode

_KERNELS = {}
FUNCTIONALS = {}
_BUILT_IN = (tv_tensors.TVTensor, tv_tensors.Image, tv_tensors.Video, tv_tensors.Mask, tv_tensors.BoundingBoxes, tv_tensors.KeyPoints)


def is_pure_tensor(inpt):
    """Whether `inpt` is a tensor that does not say what it is of."""
    return isinstance(inpt, torch.Tensor) and not isinstance(inpt, tv_tensors.TVTensor)


def mode_of(interpolation):
    """An InterpolationMode from itself, its name or Pillow's number; a ValueError for anything else."""
    try:
        return InterpolationMode(interpolation) if isinstance(interpolation, str) else interpolation_mode(interpolation)
    except (TypeError, ValueError):
        names = [mode.value for mode in InterpolationMode]
        raise ValueError(f"Invalid interpolation mode: {interpolation!r}. Give an InterpolationMode, one of {names}, or Pillow's number.") from None


def register(functional, image=None, pil=None, mask=None, boxes=None, keypoints=None, kinds=(tv_tensors.Image, tv_tensors.Video)):
    """Say what does `functional`: for tensors and `kinds` of them, images of Pillow, masks, boxes, points."""
    FUNCTIONALS[functional.__name__] = functional
    table = _KERNELS.setdefault(functional, {})
    if image is not None:
        table[torch.Tensor] = image
        table.update((kind, _like(image)) for kind in kinds)
    if pil is not None:
        table["PIL"] = pil
    if mask is not None:
        table[tv_tensors.Mask] = _like(_picking(mask))
    for kind, kernel in ((tv_tensors.BoundingBoxes, boxes), (tv_tensors.KeyPoints, keypoints)):
        if kernel is not None:
            table[kind] = _on_canvas(_picking(kernel))


def register_plain(functional, pil, tensor, *more):
    """The same of what gives numbers: results are not made tensors of a kind again. `more` are pairs of a type and a kernel."""
    register(functional, pil=pil)
    table = _KERNELS[functional]
    table.update((kind, tensor) for kind in (torch.Tensor, tv_tensors.Image, tv_tensors.Video))
    table.update(more)


def _like(kernel):
    """A kernel of plain tensors for those of a kind; one that gives several gives several of the kind."""

    def call(inpt, *args, **kwargs):
        output = kernel(inpt.as_subclass(torch.Tensor), *args, **kwargs)
        if isinstance(output, tuple):
            return tuple(tv_tensors.wrap(part, like=inpt) for part in output)
        return tv_tensors.wrap(output, like=inpt)

    return call


def _picking(kernel):
    """A kernel that lets arguments be that it does not know, such as an interpolation of boxes."""
    names = set(inspect.signature(kernel).parameters)
    return lambda inpt, **kwargs: kernel(inpt, **{name: value for name, value in kwargs.items() if name in names})


def _on_canvas(kernel):
    """A kernel of plain tensors for boxes and points, which are told their canvas and may give a new one."""

    def call(inpt, **kwargs):
        known = {name: getattr(inpt, name) for name in ("format", "canvas_size", "clamping_mode") if hasattr(inpt, name)}
        output = kernel(inpt.as_subclass(torch.Tensor), **known, **kwargs)
        output, canvas = output if isinstance(output, tuple) else (output, inpt.canvas_size)
        return tv_tensors.wrap(output, like=inpt, canvas_size=canvas)

    return call


def register_kernel(functional, tv_tensor_cls):
    """A decorator: the function does `functional` for a class of one's own of `TVTensor`.

    Args:
        functional: one of `transforms.v2.functional`, or its name.
    Raises:
        ValueError: no such functional, or a class that is not one's own.
    """
    if isinstance(functional, str):
        if functional not in FUNCTIONALS:
            raise ValueError(f"Could not find functional with name '{functional}' in torchvision.transforms.v2.functional.")
        functional = FUNCTIONALS[functional]
    if functional not in _KERNELS:
        raise ValueError(f"Kernels can only be registered on functionals from the torchvision.transforms.v2.functional namespace, but got {functional}.")
    if not (isinstance(tv_tensor_cls, type) and issubclass(tv_tensor_cls, tv_tensors.TVTensor)):
        raise ValueError(f"Kernels can only be registered for subclasses of torchvision.tv_tensors.TVTensor, but got {tv_tensor_cls}.")
    if tv_tensor_cls in _BUILT_IN:
        raise ValueError(f"Kernels cannot be registered for the builtin tv_tensor classes, but got {tv_tensor_cls}")

    def register_it(kernel):
        _KERNELS[functional][tv_tensor_cls] = kernel
        return kernel

    return register_it


def kernel_for(functional, inpt, allow_passthrough=False):
    """What does `functional` for `inpt`.

    Raises:
        TypeError: nothing, unless it is allowed to be passed through.
    """
    table = _KERNELS[functional]
    if is_pil(inpt):
        kernel = table.get("PIL")
    else:
        kernel = None
        for cls in type(inpt).__mro__:
            kernel = table.get(cls)
            if kernel is not None or cls is tv_tensors.TVTensor:
                break
    if kernel is not None:
        return kernel
    if allow_passthrough:
        return lambda inpt, *args, **kwargs: inpt
    known = [kind if isinstance(kind, str) else kind.__name__ for kind in table]
    raise TypeError(f"Functional F.{functional.__name__} supports inputs of type {known}, but got {type(inpt)} instead.")


def dispatch(functional, inpt, **kwargs):
    """Do `functional` by the kernel for `inpt`."""
    return kernel_for(functional, inpt)(inpt, **kwargs)
