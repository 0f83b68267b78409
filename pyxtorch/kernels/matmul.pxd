"""The table of the family `matmul`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/matmul.h" nogil:
    ctypedef struct pyx_gemm:
        int64_t m
        int64_t n
        int64_t k
        const void* a
        int64_t a_row
        int64_t a_col
        const void* b
        int64_t b_row
        int64_t b_col
        void* c
        int64_t c_row
        const void* d
        int64_t d_row
        double alpha[2]
        double beta[2]
        int64_t batch
        int64_t a_batch
        int64_t b_batch
        int64_t c_batch
        int64_t d_batch
    ctypedef struct pyx_matmul_kernels:
        int (*gemm)(int dtype, const pyx_gemm* p) except? NO_KERNEL nogil
