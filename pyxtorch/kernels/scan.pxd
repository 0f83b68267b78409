"""The table of the family `scan`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/scan.h" nogil:
    int CUMSUM "PYX_CUMSUM"
    int CUMPROD "PYX_CUMPROD"
    int LOGCUMSUMEXP "PYX_LOGCUMSUMEXP"
    ctypedef struct pyx_scan_kernels:
        int (*scan)(int op, int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, int reverse) except? NO_KERNEL nogil
        int (*extreme)(int minimum, int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner) except? NO_KERNEL nogil
        int (*recurrence)(int dtype, const void* a, const void* b, void* y, int64_t outer, int64_t dim, int64_t inner, int reverse) except? NO_KERNEL nogil
