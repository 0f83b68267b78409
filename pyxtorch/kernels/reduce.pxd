"""The table of the family `reduce`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t, uint32_t

cdef extern from "pyxtorch/kernels/reduce.h" nogil:
    ctypedef struct pyx_reduce_kernels:
        int (*find)(const char* name) noexcept nogil
        const char* (*name)(int op) noexcept nogil
        uint32_t (*dtypes)(int op) noexcept nogil
        int (*reduce)(int op, int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, double p) noexcept nogil
        int (*extreme)(int smallest, int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner) noexcept nogil
        int (*variance)(int dtype, const void* x, void* var, void* mean, int64_t outer, int64_t dim, int64_t inner, double correction) noexcept nogil
