"""The table of the family `elementwise`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport NO_KERNEL, pyx_strided

cdef extern from "pyxtorch/kernels/elementwise.h" nogil:
    ctypedef void (*pyx_loop)(char* const* data, const int64_t* strides, int64_t n, const double* params) noexcept nogil
    ctypedef struct pyx_elementwise_kernels:
        int (*formula)(const char* name) noexcept nogil
        int (*result_dtype)(int formula, int dtype) noexcept nogil
        pyx_loop (*loop)(int formula, int dtype) noexcept nogil
        int (*run)(int formula, int dtype, const pyx_strided* walk, const double* params) except? NO_KERNEL nogil
        int (*cast)(const pyx_strided* walk) except? NO_KERNEL nogil
        int (*fill)(char* data, int64_t n, int itemsize, const char* value) except? NO_KERNEL nogil
