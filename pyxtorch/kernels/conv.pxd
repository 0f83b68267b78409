"""The table of the family `conv`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/conv.h" nogil:
    ctypedef struct pyx_conv:
        int64_t batch
        int64_t groups
        int64_t channels
        int64_t filters
        int64_t in_ "in"[3]
        int64_t kernel[3]
        int64_t out[3]
        int64_t stride[3]
        int64_t padding[3]
        int64_t dilation[3]
        int precise
    ctypedef struct pyx_conv_kernels:
        int (*forward)(int dtype, const pyx_conv* c, const void* x, const void* w, const void* bias, void* y) except? NO_KERNEL nogil
        int (*backward_data)(int dtype, const pyx_conv* c, const void* gy, const void* w, void* gx) except? NO_KERNEL nogil
        int (*backward_weight)(int dtype, const pyx_conv* c, const void* x, const void* gy, void* gw) except? NO_KERNEL nogil
