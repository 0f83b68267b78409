"""The table of the family `rnn`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/rnn.h" nogil:
    ctypedef struct pyx_rnn_kernels:
        int (*lstm)(int dtype, const void* a, const void* b, const void* c, void* next_h, void* next_c, void* gates, int64_t rows, int64_t n) except? NO_KERNEL nogil
        int (*lstm_backward)(int dtype, const void* grad_h, const void* grad_c, const void* gates, const void* c, const void* next_c, void* grad_gates, void* grad_old_c, int64_t rows, int64_t n) except? NO_KERNEL nogil
        int (*gru)(int dtype, const void* a, const void* b, const void* h, void* next_h, void* gates, int64_t rows, int64_t n) except? NO_KERNEL nogil
        int (*gru_backward)(int dtype, const void* grad, const void* gates, const void* b, const void* h, void* grad_a, void* grad_b, void* grad_h, int64_t rows, int64_t n) except? NO_KERNEL nogil
