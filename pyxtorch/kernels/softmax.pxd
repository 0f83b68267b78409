"""The table of the family `softmax`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/softmax.h" nogil:
    ctypedef struct pyx_softmax_kernels:
        int (*forward)(int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, int log) except? NO_KERNEL nogil
        int (*backward)(int dtype, const void* grad_output, const void* y, void* grad_input, int64_t outer, int64_t dim, int64_t inner, int log) except? NO_KERNEL nogil
