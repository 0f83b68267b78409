"""torch.utils._python_dispatch: what programs ask of tensors that wrap tensors. There is no dispatch below the tape that Python could see."""
from pyxtorch import Tensor

__all__ = ["is_traceable_wrapper_subclass", "is_traceable_wrapper_subclass_type", "transform_subclass"]


def is_traceable_wrapper_subclass(t):
    """Whether `t` is a tensor of a class that takes itself apart by `__tensor_flatten__` and `__tensor_unflatten__`."""
    return isinstance(t, Tensor) and is_traceable_wrapper_subclass_type(type(t))


def is_traceable_wrapper_subclass_type(t):
    """The same of a class."""
    return t is not Tensor and isinstance(t, type) and issubclass(t, Tensor) and hasattr(t, "__tensor_flatten__") and hasattr(t, "__tensor_unflatten__")


def transform_subclass(t, callback, outer_size=None, outer_stride=None):
    """A tensor of such a class from `callback(name, inner tensor)` of each of its inner tensors."""
    names, context = t.__tensor_flatten__()
    changed = {name: callback(name, getattr(t, name)) for name in names}
    return type(t).__tensor_unflatten__(changed, context, t.shape if outer_size is None else outer_size, t.stride() if outer_stride is None else outer_stride)
