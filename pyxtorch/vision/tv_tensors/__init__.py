"""torchvision.tv_tensors: tensors that say what they are of, images, masks, boxes or points, for `transforms.v2`."""
import contextlib
from enum import Enum

import pyxtorch as torch
from pyxtorch.utils._pytree import tree_flatten
from pyxtorch.vision._pillow import is_pil

__all__ = ["BoundingBoxFormat", "BoundingBoxes", "Image", "KeyPoints", "Mask", "TVTensor", "Video", "is_rotated_bounding_format", "set_return_type", "wrap"]

_return_subclass = False
_KEEP = {"clone", "to", "detach", "requires_grad_", "pin_memory"}  # methods whose results are of the same kind


@contextlib.contextmanager
def _restoring(before):
    global _return_subclass
    try:
        yield
    finally:
        _return_subclass = before


def set_return_type(return_type):
    """What operations on such tensors give: "Tensor" (as at first) or "TVTensor". Also a context manager."""
    global _return_subclass
    kinds = {"tensor": False, "tvtensor": True}
    if return_type.lower() not in kinds:
        raise ValueError(f"return_type must be 'TVTensor' or 'Tensor', got {return_type}")
    before, _return_subclass = _return_subclass, kinds[return_type.lower()]
    return _restoring(before)


def wrap(wrappee, *, like, **kwargs):
    """A tensor as one of the kind of `like`, with its further data, of which some may be given anew."""
    return type(like).wrap(wrappee, like, **kwargs) if hasattr(type(like), "wrap") else wrappee.as_subclass(type(like))


class TVTensor(torch.Tensor):
    """What all kinds have in common: operations give plain tensors, but for `clone`, `to`, `detach` and `requires_grad_`."""

    @staticmethod
    def _to_tensor(data, dtype=None, device=None, requires_grad=None):
        if requires_grad is None:
            requires_grad = data.requires_grad if isinstance(data, torch.Tensor) else False
        data = data.as_subclass(torch.Tensor) if isinstance(data, torch.Tensor) else data
        return torch.as_tensor(data, dtype=dtype, device=device).requires_grad_(requires_grad)

    @classmethod
    def wrap(cls, tensor, like, **kwargs):
        """A tensor as one of this kind."""
        return tensor.as_subclass(cls)

    @classmethod
    def _wrap_output(cls, output, args=(), kwargs=None):
        if isinstance(output, torch.Tensor) and not isinstance(output, cls):
            like = next((x for x in tree_flatten((args, kwargs or {}))[0] if isinstance(x, cls)), None)
            return output.as_subclass(cls) if like is None else cls.wrap(output, like)
        if isinstance(output, tuple | list):
            return type(output)(cls._wrap_output(part, args, kwargs) for part in output)
        return output

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if not all(issubclass(cls, t) for t in types):
            return NotImplemented
        with torch._C.DisableTorchFunctionSubclass():
            output = func(*args, **(kwargs or {}))
        if _return_subclass or (getattr(func, "__name__", "") in _KEEP and isinstance(args[0], cls)):
            return cls._wrap_output(output, args, kwargs)
        return output.as_subclass(torch.Tensor) if isinstance(output, cls) else output

    def _make_repr(self, **kwargs):
        return f"{super().__repr__()[:-1]}, {', '.join(f'{key}={value}' for key, value in kwargs.items())})"

    def __deepcopy__(self, memo):
        return self.detach().clone().requires_grad_(self.requires_grad)


def _from_pil(data):
    if not is_pil(data):
        return data
    from pyxtorch.vision.transforms.functional import pil_to_tensor

    return pil_to_tensor(data)


class Image(TVTensor):
    """An image, (..., C, H, W), from a tensor, an image of Pillow or what `as_tensor` takes; (H, W) becomes (1, H, W)."""

    def __new__(cls, data, *, dtype=None, device=None, requires_grad=None):
        tensor = cls._to_tensor(_from_pil(data), dtype, device, requires_grad)
        if tensor.ndim < 2:
            raise ValueError(f"Tensor must be 2D or higher, got {tensor.ndim}D tensor.")
        return (tensor.unsqueeze(0) if tensor.ndim == 2 else tensor).as_subclass(cls)

    def __repr__(self, *, tensor_contents=None):
        return self._make_repr()


class Video(TVTensor):
    """A video, (..., T, C, H, W)."""

    def __new__(cls, data, *, dtype=None, device=None, requires_grad=None):
        tensor = cls._to_tensor(data, dtype, device, requires_grad)
        if tensor.ndim < 4:
            raise ValueError(f"Expected a 4D or higher tensor, got {tensor.ndim}D")
        return tensor.as_subclass(cls)

    def __repr__(self, *, tensor_contents=None):
        return self._make_repr()


class Mask(TVTensor):
    """Masks of segmentation, (..., H, W)."""

    def __new__(cls, data, *, dtype=None, device=None, requires_grad=None):
        return cls._to_tensor(_from_pil(data), dtype, device, requires_grad).as_subclass(cls)


class BoundingBoxFormat(Enum):
    """What the numbers of a box are; those with R or four corners are of boxes turned by degrees counter-clockwise."""

    XYXY = "XYXY"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"
    XYWHR = "XYWHR"
    CXCYWHR = "CXCYWHR"
    XYXYXYXY = "XYXYXYXY"


def is_rotated_bounding_format(format):
    """Whether boxes of a format, or of its name, may be turned."""
    if not isinstance(format, BoundingBoxFormat | str):
        raise ValueError(f"format should be str or BoundingBoxFormat, got {type(format)}")
    return (format if isinstance(format, str) else format.value) in ("XYWHR", "CXCYWHR", "XYXYXYXY")


class BoundingBoxes(TVTensor):
    """Boxes, (N, 4), or one, (4).

    Args:
        format: a `BoundingBoxFormat` or its name.
        canvas_size: (H, W) of the image.
        clamping_mode: how transforms cut boxes off at its border: "soft", "hard" (of boxes that are turned: keep the angle's right angles), None.
    """

    def __new__(cls, data, *, format, canvas_size, clamping_mode="soft", dtype=None, device=None, requires_grad=None):
        tensor = cls._to_tensor(data, dtype, device, requires_grad)
        if not tensor.is_floating_point() and is_rotated_bounding_format(format):
            raise ValueError(f"Rotated bounding boxes should be floating point tensors, got {tensor.dtype}.")
        if tensor.ndim == 1:
            tensor = tensor.unsqueeze(0)
        elif tensor.ndim != 2:
            raise ValueError(f"Expected a 1D or 2D tensor, got {tensor.ndim}D")
        return cls._make(tensor, format, canvas_size, clamping_mode)

    @classmethod
    def _make(cls, tensor, format, canvas_size, clamping_mode):
        if clamping_mode not in (None, "hard", "soft"):
            raise ValueError(f"clamping_mode must be None, hard or soft, got {clamping_mode}.")
        boxes = tensor.as_subclass(cls)
        boxes.format = BoundingBoxFormat[format.upper()] if isinstance(format, str) else format
        boxes.canvas_size, boxes.clamping_mode = canvas_size, clamping_mode
        return boxes

    @classmethod
    def wrap(cls, tensor, like, **kwargs):
        """A tensor as boxes with the format, canvas and mode of `like`, where no others are given."""
        return cls._make(tensor, *(kwargs.get(name, getattr(like, name)) for name in ("format", "canvas_size", "clamping_mode")))

    def __repr__(self, *, tensor_contents=None):
        return self._make_repr(format=self.format, canvas_size=self.canvas_size, clamping_mode=self.clamping_mode)


class KeyPoints(TVTensor):
    """Points, (..., 2), x and y, in an image of `canvas_size` (H, W)."""

    def __new__(cls, data, *, canvas_size, dtype=None, device=None, requires_grad=None):
        tensor = cls._to_tensor(data, dtype, device, requires_grad)
        if tensor.ndim == 1:
            tensor = tensor.unsqueeze(0)
        elif tensor.shape[-1] != 2:
            raise ValueError(f"Expected a tensor of shape (..., 2), not {tensor.shape}")
        points = tensor.as_subclass(cls)
        points.canvas_size = canvas_size
        return points

    @classmethod
    def wrap(cls, tensor, like, **kwargs):
        """A tensor as points on the canvas of `like`, where no other is given."""
        points = tensor.as_subclass(cls)
        points.canvas_size = kwargs.get("canvas_size", like.canvas_size)
        return points

    def __repr__(self, *, tensor_contents=None):
        return self._make_repr(canvas_size=self.canvas_size)
