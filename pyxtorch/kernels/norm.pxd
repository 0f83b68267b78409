"""The table of the family `norm`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/norm.h" nogil:
    ctypedef struct pyx_norm_kernels:
        int (*layer_forward)(int dtype, const void* x, const void* weight, const void* bias, void* y, void* mean, void* rstd, int64_t rows, int64_t n, double eps) except? NO_KERNEL nogil
        int (*layer_backward)(int dtype, const void* grad_output, const void* x, const void* weight, const void* mean, const void* rstd, void* grad_input, void* grad_weight, void* grad_bias, int64_t rows, int64_t n) except? NO_KERNEL nogil
        int (*channel_stats)(int dtype, const void* x, void* mean, void* var, void* rstd, int64_t N, int64_t C, int64_t S, double eps) except? NO_KERNEL nogil
        int (*channel_affine)(int dtype, const void* x, const void* mean, const void* scale, const void* shift, void* y, int64_t N, int64_t C, int64_t S) except? NO_KERNEL nogil
        int (*channel_backward)(int dtype, const void* grad_output, const void* x, const void* weight, const void* mean, const void* rstd, void* grad_input, void* grad_weight, void* grad_bias, int64_t N, int64_t C, int64_t S, int training) except? NO_KERNEL nogil
