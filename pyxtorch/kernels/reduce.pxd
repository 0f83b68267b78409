"""The table of the family `reduce`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t, uint32_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/reduce.h" nogil:
    ctypedef struct pyx_reduce_kernels:
        int (*find)(const char* name) except? NO_KERNEL nogil
        const char* (*name)(int op) noexcept nogil
        uint32_t (*dtypes)(int op) except? NO_KERNEL nogil
        int (*reduce)(int op, int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, double p) except? NO_KERNEL nogil
        int (*extreme)(int smallest, int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner) except? NO_KERNEL nogil
        int (*variance)(int dtype, const void* x, void* var, void* mean, int64_t outer, int64_t dim, int64_t inner, double correction) except? NO_KERNEL nogil
