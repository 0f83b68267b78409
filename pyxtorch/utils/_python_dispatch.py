"""torch.utils._python_dispatch: modes that see PyTorch's internal operations, and what programs ask of tensors that wrap tensors."""
import contextlib

from pyxtorch import Tensor
from pyxtorch._beneath import set_dispatcher
from pyxtorch._dispatch import Modes, TorchDispatchMode, entered_modes

__all__ = [
    "BaseTorchDispatchMode", "TorchDispatchMode", "is_traceable_wrapper_subclass", "is_traceable_wrapper_subclass_type", "transform_subclass",
]  # fmt: skip


class BaseTorchDispatchMode(TorchDispatchMode):
    """A mode that changes nothing: every operation runs."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def _only(modes, out):
    before = set_dispatcher(Modes(modes) if modes else None)
    try:
        yield out
    finally:
        set_dispatcher(before)


# By their names in PyTorch, which programs use: the mode entered last, all of them, and blocks without the last one and without any.
_get_current_dispatch_mode_stack = entered_modes
_get_current_dispatch_mode = lambda: (entered_modes() or [None])[-1]                            # noqa: E731
_pop_mode_temporarily = lambda k=None: _only(entered_modes()[:-1], entered_modes()[-1])         # noqa: E731
_disable_current_modes = lambda: _only([], entered_modes())                                     # noqa: E731


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
