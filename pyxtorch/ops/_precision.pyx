"""Half precision: computed in float32, rounded once.

A kernel computes float16 and bfloat16 in float32 and rounds its result. An operation that consists of
several would round after each, forward and backward, and the errors add up (or cancel everything
else: x - mean(x)). `rounds_once` makes it behave like a kernel.
"""
from functools import wraps

from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable, recording_any
from pyxtorch.ops._common cimport *


cdef enum:
    NONE = -1           # no tensor of half precision
    MIXED = -2          # one, beside wider or other ones


cdef int low_dtype(object value, int found) noexcept:
    """The one dtype of half precision among the floating tensors of `value` and those `found` before, or NONE, or MIXED."""
    cdef int dt
    if isinstance(value, Variable):
        dt = (<Variable>value).dt
        if dt <= INT64 or dt == found:
            return found
        return dt if found == NONE and is_low(dt) else MIXED
    if isinstance(value, (tuple, list)):
        for item in value:
            found = low_dtype(item, found)
    return found


cdef object widened(object value):
    if isinstance(value, Variable):
        return value.to(dtype_of(FLOAT32)) if is_low((<Variable>value).dt) else value
    if type(value) is tuple or type(value) is list:
        return type(value)([widened(item) for item in value])
    return value


cdef object rounded(object result, object dtype):
    if isinstance(result, Variable):
        return result.to(dtype) if (<Variable>result).dt == FLOAT32 else result
    if isinstance(result, tuple):
        parts = [rounded(part, dtype) for part in result]
        return tuple(parts) if type(result) is tuple else type(result)(*parts)
    return result


def rounds_once(function):
    """`function`, where all floating-point tensors among its arguments are float16 (or all bfloat16), computed in float32.

    The result is rounded once; so is each gradient, since the casts are recorded. Other calls are passed on as they are, also
    those that name a `dtype`. What the function checks, it must check in any dtype: it sees float32.
    """
    return by_float32(function, False)


def slope_rounds_once(function):
    """`rounds_once` for an operation with a kernel, which rounds once already: only where its gradient is recorded."""
    return by_float32(function, True)


cdef object by_float32(object function, bint recorded_only):
    @wraps(function)
    def operation(*args, **kwargs):
        cdef int low = NONE
        for value in args:
            low = low_dtype(value, low)
        for value in kwargs.values():
            low = low_dtype(value, low)
        if low < 0 or kwargs.get("dtype") is not None or (recorded_only and not recording_any(args)):
            return function(*args, **kwargs)
        out = kwargs.pop("out", None)
        args = tuple([widened(value) for value in args])
        result = function(*args, **{name: widened(value) for name, value in kwargs.items()})
        return finish_out(rounded(result, dtype_of(low)), out, function.__name__)

    return operation
