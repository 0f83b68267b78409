"""Process-wide settings that PyTorch has, with what they mean here."""
import warnings

_MODES = ("default", "warn", "error")
_PRECISIONS = ("highest", "high", "medium")
_state = {"deterministic": 0, "precision": "highest", "interop": 1, "warn_always": False}

has_lapack = has_spectral = True  # SciPy's
has_mkl = has_openmp = False


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Ask for operations that give the same bits every time. All of them do, on any number of threads, whatever is set.

    Raises:
        TypeError: `mode` is not a bool.
    """
    if not isinstance(mode, bool):
        raise TypeError(f"use_deterministic_algorithms: argument 'mode' must be bool, not {type(mode).__name__}")
    _state["deterministic"] = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled():
    """What `use_deterministic_algorithms` set."""
    return _state["deterministic"] > 0


def is_deterministic_algorithms_warn_only_enabled():
    """Whether `use_deterministic_algorithms` was called with `warn_only`."""
    return _state["deterministic"] == 1


def set_deterministic_debug_mode(debug_mode):
    """The same by "default", "warn", "error" or 0, 1, 2.

    Raises:
        TypeError, RuntimeError: none of these.
    """
    if isinstance(debug_mode, str):
        if debug_mode not in _MODES:
            raise RuntimeError(f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}")
        debug_mode = _MODES.index(debug_mode)
    elif isinstance(debug_mode, bool) or not isinstance(debug_mode, int):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if not 0 <= debug_mode <= 2:
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    _state["deterministic"] = debug_mode


def get_deterministic_debug_mode():
    """0, 1 or 2: what `set_deterministic_debug_mode` set."""
    return _state["deterministic"]


def set_float32_matmul_precision(precision):
    """The least precision that products of float32 may have: "highest", "high" or "medium".

    Products have at least the precision of float32 arithmetic whatever is set. As in PyTorch, an
    unknown word changes nothing and gives a warning.
    """
    if precision in _PRECISIONS:
        _state["precision"] = precision
    else:
        warnings.warn(f"set_float32_matmul_precision: {precision} is not one of 'highest', 'high', or 'medium'; nothing is changed.", stacklevel=2)


def get_float32_matmul_precision():
    """What `set_float32_matmul_precision` set."""
    return _state["precision"]


def set_num_interop_threads(count):
    """Accepted: operations run one after the other, each on all threads of `set_num_threads`.

    Raises:
        RuntimeError: `count` is not positive.
    """
    if count <= 0:
        raise RuntimeError(f"set_num_interop_threads expects a positive integer, not {count}")
    _state["interop"] = int(count)


def get_num_interop_threads():
    """What `set_num_interop_threads` set."""
    return _state["interop"]


def set_flush_denormal(mode):
    """Whether denormal numbers could be made to flush to zero: False, they are always kept."""
    return False


def set_warn_always(b, /):
    """Whether warnings that PyTorch gives once in a process are to come every time. Those here do, as far as the filters of `warnings` let them."""
    if not isinstance(b, bool):
        raise TypeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    _state["warn_always"] = b


def is_warn_always_enabled():
    """What `set_warn_always` set."""
    return _state["warn_always"]


def init_num_threads():
    """Begin with the number of threads that the environment says: the pool has, when it was made."""


def get_device_module(device=None):
    """`pyxtorch.cuda` or `pyxtorch.cpu`, by a device or its name; without one, that of the accelerator if there is one.

    Raises:
        RuntimeError: there is no module for such devices.
    """
    import pyxtorch

    if device is None:
        return pyxtorch.cuda if pyxtorch.cuda.is_available() else pyxtorch.cpu
    kind = pyxtorch.device(device).type
    if kind not in ("cpu", "cuda"):
        raise RuntimeError(f"Invalid device '{kind}', make sure it is available: the devices with a module are cpu and cuda.")
    return getattr(pyxtorch, kind)


def typename(obj):
    """The name of an object's type; of a tensor, PyTorch's name for its dtype ("torch.FloatTensor")."""
    if hasattr(obj, "type") and hasattr(obj, "dtype"):
        return obj.type()
    module = getattr(obj if isinstance(obj, type) else type(obj), "__module__", "") or ""
    name = obj.__qualname__ if hasattr(obj, "__qualname__") else type(obj).__qualname__
    return name if module in ("", "builtins", "__builtin__") else f"{module}.{name}"


__all__ = [name for name, value in globals().items() if not name.startswith("_") and (callable(value) or name.startswith("has_"))]
