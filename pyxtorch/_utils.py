"""torch._utils: what libraries take from it. Tensors in one piece and apart again, numbers of devices, errors that travel, and how pickles name tensors."""
import collections
import importlib
import sys
import traceback

import pyxtorch
from pyxtorch.serialization import (
    _rebuild_meta_tensor_no_storage,
    _rebuild_parameter,
    _rebuild_parameter_with_state,
    _rebuild_sparse_tensor,
    _rebuild_tensor,
    _rebuild_tensor_v2,
    _rebuild_tensor_v3,
)

__all__ = [
    "ExceptionWrapper", "KeyErrorMessage", "_flatten_dense_tensors", "_get_all_device_indices", "_get_available_device_type",
    "_get_current_device_index", "_get_device_index", "_import_dotted_name", "_is_privateuse1_backend_available", "_rebuild_meta_tensor_no_storage",
    "_rebuild_parameter", "_rebuild_parameter_with_state", "_rebuild_sparse_tensor", "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3",
    "_reorder_tensors_as", "_take_tensors", "_unflatten_dense_tensors", "classproperty", "is_compiling",
]  # fmt: skip


# ------------------------------------------------------------------------- tensors in one piece

def _flatten_dense_tensors(tensors):
    """The elements of tensors of one dtype, in one vector."""
    return pyxtorch.cat([t.reshape(-1) for t in tensors]) if len(tensors) else pyxtorch.empty(0)


def _unflatten_dense_tensors(flat, tensors):
    """Views of a vector in the shapes of tensors."""
    parts, place = [], 0
    for t in tensors:
        parts.append(flat.narrow(0, place, t.numel()).view(t.shape))
        place += t.numel()
    return tuple(parts)


def _take_tensors(tensors, size_limit):
    """Lists of tensors of one type and device, of about `size_limit` bytes each, as an iterator."""
    waiting = collections.defaultdict(lambda: [[], 0])
    for t in tensors:
        entry = waiting[t.dtype, t.device]
        size = t.numel() * t.element_size()
        if entry[1] + size > size_limit and entry[1] > 0:
            yield entry[0]
            entry[:] = [[], 0]
        entry[0].append(t)
        entry[1] += size
    for parts, _ in waiting.values():
        if parts:
            yield parts


def _reorder_tensors_as(tensors, ordered_tensors):
    """The tensors in the order in which tensors of their types stand in another list."""
    by_type = collections.defaultdict(list)
    for t in tensors:
        by_type[t.dtype].append(t)
    parts = {dtype: iter(found) for dtype, found in by_type.items()}
    return tuple(next(parts[t.dtype]) for t in ordered_tensors)


# ------------------------------------------------------------------------------------ devices

def _get_device_index(device, optional=False, allow_cpu=False):
    """The number of a device, which is given as such, by name or as a number; of the current one where it says none.

    Raises:
        ValueError: it is a CPU, and that is not allowed, or it is none at all.
    """
    if isinstance(device, str):
        device = pyxtorch.device(device)
    if isinstance(device, pyxtorch.device):
        if device.type == "cpu":
            if allow_cpu:
                return -1
            raise ValueError(f"Expected a non cpu device, but got: {device}")
        device = device.index
    if isinstance(device, int):
        return device
    if device is None and optional:
        return pyxtorch.cuda.current_device() if pyxtorch.cuda.is_available() else -1
    raise ValueError(f"Expected a torch.device with a specified index or an integer, but got: {device}")


def _get_available_device_type():
    """ "cuda" where there is a GPU, else None."""
    return "cuda" if pyxtorch.cuda.is_available() else None


def _get_all_device_indices():
    """The numbers of all GPUs."""
    return list(range(pyxtorch.cuda.device_count())) if pyxtorch.cuda.is_available() else []


def _get_current_device_index():
    """The number of the GPU in use; -1 without one."""
    return pyxtorch.cuda.current_device() if pyxtorch.cuda.is_available() else -1


# ------------------------------------------------------------------------------------- errors

class KeyErrorMessage(str):
    """A text that prints with its lines, as the message of a KeyError."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


class ExceptionWrapper:
    """An error of a thread or process with its traceback as text, to be raised elsewhere."""

    def __init__(self, exc_info=None, where="in background"):
        kind, value, trace = exc_info or sys.exc_info()
        self.exc_type, self.where = kind, where
        self.exc_msg = "".join(traceback.format_exception(kind, value, trace))

    def reraise(self):
        """Raise it, with both tracebacks in its message; RuntimeError where its class takes no message."""
        message = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if self.exc_type is KeyError:
            message = KeyErrorMessage(message)
        elif getattr(self.exc_type, "message", None):
            raise self.exc_type(message=message)
        try:
            error = self.exc_type(message)
        except Exception:
            raise RuntimeError(message) from None
        raise error


# -------------------------------------------------------------------------------------- names

def _import_dotted_name(name):
    """A module, or something in one, by its full name."""
    first, *rest = name.split(".")
    found = importlib.import_module(first)
    for i, part in enumerate(rest, 1):
        try:
            found = getattr(found, part)
        except AttributeError:
            found = importlib.import_module(".".join([first, *rest[:i]]))
    return found


class classproperty:  # noqa: N801
    """A property of a class."""

    def __init__(self, func):
        self.func = func

    def __get__(self, instance, owner):
        return self.func(owner)


def is_compiling():
    """False: programs run as they are written."""
    return False


def _is_privateuse1_backend_available():
    return False
