"""The table of the family `random`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t, uint8_t, uint64_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/random.h" nogil:
    int UNIFORM "PYX_UNIFORM"
    int NORMAL "PYX_NORMAL"
    int EXPONENTIAL "PYX_EXPONENTIAL"
    int LOG_NORMAL "PYX_LOG_NORMAL"
    int CAUCHY "PYX_CAUCHY"
    int GEOMETRIC "PYX_GEOMETRIC"
    int BERNOULLI "PYX_BERNOULLI"
    int PRIVATE_BLOCKS "PYX_PRIVATE_BLOCKS"
    ctypedef struct pyx_random_kernels:
        int (*fill)(int law, int dtype, void* out, int64_t n, double a, double b, uint64_t seed, uint64_t offset) except? NO_KERNEL nogil
        int (*integers)(int dtype, void* out, int64_t n, int64_t low, uint64_t range, uint64_t seed, uint64_t offset) except? NO_KERNEL nogil
        int (*bernoulli)(int dtype, const void* p, int p_dtype, void* out, int64_t n, uint64_t seed, uint64_t offset) except? NO_KERNEL nogil
        int (*dropout)(int dtype, const void* x, void* y, uint8_t* keep, int64_t n, double p, double scale, uint64_t seed, uint64_t offset) except? NO_KERNEL nogil
        int (*masked_scale)(int dtype, const void* x, const uint8_t* keep, void* y, int64_t n, double scale) except? NO_KERNEL nogil
        int (*permutation)(int64_t* out, int64_t n, uint64_t seed, uint64_t offset) except? NO_KERNEL nogil
        int (*multinomial)(int dtype, const void* weights, int64_t rows, int64_t n, int64_t count, int replacement, int64_t* out, uint64_t seed, uint64_t offset) except? NO_KERNEL nogil
        int (*poisson)(int dtype, const void* rate, void* out, int64_t n, uint64_t seed, uint64_t offset) except? NO_KERNEL nogil
        int (*binomial)(int dtype, const void* count, const void* p, void* out, int64_t n, uint64_t seed, uint64_t offset) except? NO_KERNEL nogil
        int (*gamma)(int dtype, const void* shape, void* out, int64_t n, uint64_t seed, uint64_t offset) except? NO_KERNEL nogil
        int64_t (*blocks)(int64_t n, int words) except? NO_KERNEL nogil
        int (*words)(int law, int dtype) except? NO_KERNEL nogil
