"""The table of the family `embedding`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/embedding.h" nogil:
    int BAG_SUM "PYX_BAG_SUM"
    int BAG_MEAN "PYX_BAG_MEAN"
    int BAG_MAX "PYX_BAG_MAX"
    ctypedef struct pyx_embedding_kernels:
        int (*backward)(int dtype, const int64_t* ids, int64_t n, const void* g, void* table_grad, int64_t rows, int64_t width, int64_t padding, int by_frequency, int64_t* bad) except? NO_KERNEL nogil
        int (*bag)(int dtype, int mode, const void* table, int64_t rows, int64_t width, const int64_t* ids, int64_t n, const int64_t* offsets, int64_t bags, const void* weights, int64_t padding, void* out, int64_t* taken, int64_t* sizes, int64_t* bad) except? NO_KERNEL nogil
        int (*renorm)(int dtype, void* table, int64_t rows, int64_t width, const int64_t* ids, int64_t n, double max_norm, double p, int64_t* bad) except? NO_KERNEL nogil
