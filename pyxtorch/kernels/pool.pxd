"""The table of the family `pool`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/pool.h" nogil:
    ctypedef struct pyx_window:
        int64_t planes
        int64_t[3] inside "in"
        int64_t[3] out
        int64_t[3] kernel
        int64_t[3] stride
        int64_t[3] padding
        int64_t[3] dilation
        int64_t channels
        int layout
    ctypedef struct pyx_pool_kernels:
        int (*max_forward)(int dtype, const void* x, void* y, int64_t* indices, const pyx_window* w) except? NO_KERNEL nogil
        int (*scatter)(int dtype, const void* grad_output, const int64_t* indices, void* grad_input, int64_t planes, int64_t out, int64_t inside) except? NO_KERNEL nogil
        int (*avg_forward)(int dtype, const void* x, void* y, const pyx_window* w, int count_include_pad, int64_t divisor) except? NO_KERNEL nogil
        int (*avg_backward)(int dtype, const void* grad_output, void* grad_input, const pyx_window* w, int count_include_pad, int64_t divisor) except? NO_KERNEL nogil
        int (*adaptive_max_forward)(int dtype, const void* x, void* y, int64_t* indices, const pyx_window* w) except? NO_KERNEL nogil
        int (*adaptive_avg_forward)(int dtype, const void* x, void* y, const pyx_window* w) except? NO_KERNEL nogil
        int (*adaptive_avg_backward)(int dtype, const void* grad_output, void* grad_input, const pyx_window* w) except? NO_KERNEL nogil
