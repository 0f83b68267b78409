"""Regions in which operations run in the precision that suits them (`autocast`), and Functions of one's own there.

Matrix products and convolutions take float16 or bfloat16, sums of many terms, losses and the like take float32; the lists are in
`_lists.py`, the casts in `_cast.pyx`. Nothing of it concerns operations outside of a region.
"""
import collections.abc
import contextlib
import functools
import warnings

import numpy

import pyxtorch
from pyxtorch.amp._cast import (
    enter_region,
    get_autocast_dtype,
    is_autocast_available,
    is_autocast_cache_enabled,
    is_autocast_enabled,
    leave_region,
    set_autocast_dtype,
    set_autocast_enabled,
)

__all__ = ["autocast", "autocast_decorator", "custom_bwd", "custom_fwd", "is_autocast_available"]

_DTYPES = (pyxtorch.bfloat16, pyxtorch.float16)


def autocast_decorator(autocast_instance, func):
    """`func`, each call of which runs in the region."""

    @functools.wraps(func)
    def decorate_autocast(*args, **kwargs):
        with autocast_instance:
            return func(*args, **kwargs)

    return decorate_autocast


class autocast:
    """A region, as a context manager or decorator, in which operations of this thread choose their precision by PyTorch's lists.

    Tensors of float64, integers and other devices are left alone, and so are in-place forms and calls with `out=`. Gradients come in the
    dtypes of what they are gradients of; `backward` belongs outside of the region. Weights in float32 are cast once in a region, and
    again where they have changed.

    Args:
        device_type: "cpu" or "cuda", whose operations are meant.
        dtype: float16 or bfloat16; by default `get_autocast_dtype(device_type)`.
        enabled: False: operations run as outside of any region.
        cache_enabled: whether weights are cast once; by default as around it.
    Raises:
        RuntimeError: another device_type; bfloat16 on a GPU that does not have it.
    Warns:
        UserWarning: another dtype, or "cuda" where there is none; the region is disabled then.
    Example:
        >>> a = pyxtorch.ones(2, 2)
        >>> with pyxtorch.autocast("cpu"):
        ...     b = a @ a
        >>> b.dtype
        torch.bfloat16
    """

    def __init__(self, device_type, dtype=None, enabled=True, cache_enabled=None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self.device = device_type
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        if enabled and device_type == "cuda" and not pyxtorch.cuda.is_available():
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=2)
            enabled = False
        elif enabled and device_type == "cuda" and self.fast_dtype == pyxtorch.bfloat16 and not pyxtorch.cuda.is_bf16_supported():
            raise RuntimeError("Current CUDA Device does not support bfloat16. Please switch dtype to float16.")
        elif enabled and self.fast_dtype not in _DTYPES:
            warnings.warn(
                f"In {device_type.upper()} autocast, but the target dtype is not supported. Disabling autocast.\n{device_type.upper()} Autocast "
                f"only supports dtypes of {', '.join(map(str, _DTYPES))} currently.",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled

    def __enter__(self):
        enter_region(self.device, self._enabled, self.fast_dtype, self._cache_enabled)
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        leave_region()
        return False

    def __call__(self, func):
        if not callable(func):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(func).__name__}. Did you mean to use autocast as a context manager? "
                "For example:\n    with torch.autocast(device_type=...):\n        output = model(input)"
            )
        return autocast_decorator(self, func)


def regions_here():
    """What holds in this thread now, as a function that makes a context of the same: for what is run again later."""
    held = [(d, get_autocast_dtype(d), is_autocast_enabled(d), is_autocast_cache_enabled()) for d in ("cpu", "cuda")]

    @contextlib.contextmanager
    def again():
        for device, dtype, enabled, caching in held:
            enter_region(device, enabled, dtype, caching)
        try:
            yield
        finally:
            for _ in held:
                leave_region()

    return again


# ----------------------------------------------------------------------------------------------------- Functions of one's own


def _cast(value, device_type, dtype):
    """`value` with the tensors that autocast may cast, in it or in collections in it, in another dtype."""
    if isinstance(value, pyxtorch.Tensor):
        suits = value.is_floating_point() and value.device.type == device_type and value.dtype is not pyxtorch.float64
        return value.to(dtype) if suits else value
    if isinstance(value, str | bytes | numpy.ndarray):
        return value
    if isinstance(value, collections.abc.Mapping):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, collections.abc.Iterable):
        cast = (_cast(v, device_type, dtype) for v in value)
        return type(value)(cast) if isinstance(value, list | tuple) else cast
    return value


def _check_device_type(device_type):
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


def custom_fwd(fwd=None, *, device_type, cast_inputs=None):
    """A decorator for `forward` of a Function: how it runs in a region.

    Args:
        device_type: whose regions are meant.
        cast_inputs: a dtype to which floating-point arguments are cast, after which `forward` runs with autocast off. None: it runs in
            the region. Outside of a region nothing is done.
    """
    _check_device_type(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorate_fwd(*args, **kwargs):
        args[0]._dtype = get_autocast_dtype(device_type)
        enabled = is_autocast_enabled(device_type)
        args[0]._fwd_used_autocast = enabled and cast_inputs is None
        if cast_inputs is None or not enabled:
            return fwd(*args, **kwargs)
        with autocast(device_type=device_type, enabled=False):
            return fwd(*_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs))

    return decorate_fwd


def custom_bwd(bwd=None, *, device_type):
    """A decorator for `backward` of a Function: it runs as its `forward` did, in a region or not.

    Args:
        device_type: whose regions are meant.
    """
    _check_device_type(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorate_bwd(*args, **kwargs):
        with autocast(device_type=device_type, enabled=args[0]._fwd_used_autocast, dtype=args[0]._dtype):
            return bwd(*args, **kwargs)

    return decorate_bwd


# ------------------------------------------------------------------- older names of the state of one device, as in PyTorch


def is_autocast_cpu_enabled():
    """`is_autocast_enabled("cpu")`."""
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled):
    """`set_autocast_enabled("cpu", enabled)`."""
    set_autocast_enabled("cpu", enabled)


def get_autocast_cpu_dtype():
    """`get_autocast_dtype("cpu")`."""
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype):
    """`set_autocast_dtype("cpu", dtype)`."""
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype():
    """`get_autocast_dtype("cuda")`."""
    return get_autocast_dtype("cuda")


def set_autocast_gpu_dtype(dtype):
    """`set_autocast_dtype("cuda", dtype)`."""
    set_autocast_dtype("cuda", dtype)
