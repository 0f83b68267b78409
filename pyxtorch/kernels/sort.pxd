"""The table of the family `sort`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/sort.h" nogil:
    ctypedef struct pyx_sort_kernels:
        int (*sort)(int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t n, int64_t inner, int descending) except? NO_KERNEL nogil
        int (*topk)(int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t n, int64_t inner, int64_t k, int largest, int sorted) except? NO_KERNEL nogil
        int (*kthvalue)(int dtype, const void* x, void* value, int64_t* index, int64_t outer, int64_t n, int64_t inner, int64_t k) except? NO_KERNEL nogil
        int (*mode)(int dtype, const void* x, void* value, int64_t* index, int64_t outer, int64_t n, int64_t inner) except? NO_KERNEL nogil
        int64_t (*runs)(int dtype, const void* x, int64_t n, int64_t width, int64_t* starts, int64_t* run_of) except? NO_KERNEL nogil
        int (*sort_rows)(int dtype, const void* x, int64_t rows, int64_t width, int64_t* order) except? NO_KERNEL nogil
        int (*search)(int dtype, const void* sequence, const int64_t* sorter, int64_t batch, int64_t n, const void* values, int64_t m, int one, int right, int64_t* out) except? NO_KERNEL nogil
        int (*count)(const int64_t* x, int64_t n, int64_t* counts, int64_t bins) except? NO_KERNEL nogil
        int (*histogram)(int dtype, const void* x, int64_t n, double low, double high, int64_t bins, void* out) except? NO_KERNEL nogil
