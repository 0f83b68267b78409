"""Half precision: computed in float32, rounded once."""
from pyxtorch._core cimport BFLOAT16, FLOAT16

cdef object widened(object value)                   # tensors of half precision, in tuples and lists too, as float32; recorded
cdef object rounded(object result, object dtype)    # float32 back in half precision


cdef inline bint is_low(int dt) noexcept:
    """float16 or bfloat16"""
    return dt == FLOAT16 or dt == BFLOAT16
