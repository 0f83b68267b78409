"""The table of the family `index`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t, uint8_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/index.h" nogil:
    ctypedef struct pyx_indexing:
        int64_t count
        int nindex
        int wrap
        const int64_t* index[64]
        int64_t size[64]
        int64_t stride[64]
        int nbefore
        int nafter
        int64_t rest_size[64]
        int64_t rest_stride[64]
    int PUT_SET "PYX_PUT_SET"
    int PUT_ADD "PYX_PUT_ADD"
    int PUT_MUL "PYX_PUT_MUL"
    int PUT_MIN "PYX_PUT_MIN"
    int PUT_MAX "PYX_PUT_MAX"
    ctypedef struct pyx_index_kernels:
        int (*get)(int itemsize, const pyx_indexing* at, const char* x, char* values, int64_t* bad) except? NO_KERNEL nogil
        int (*put)(int put, int dtype, const pyx_indexing* at, char* x, const char* values, int scalar, int64_t* bad) except? NO_KERNEL nogil
        int (*gather)(int itemsize, int nd, const int64_t* shape, int dim, int64_t size, const char* x,
                      const int64_t* strides, const int64_t* index, char* out, int64_t* bad) except? NO_KERNEL nogil
        int (*scatter)(int put, int dtype, int nd, const int64_t* shape, int dim, int64_t size, char* x,
                       const int64_t* strides, const int64_t* index, const char* src, const int64_t* src_strides,
                       int64_t* bad) except? NO_KERNEL nogil
        int64_t (*count_true)(const uint8_t* mask, int64_t n) except? NO_KERNEL nogil
        int (*masked_select)(int itemsize, const char* x, const uint8_t* mask, int64_t n, int64_t room, char* out) except? NO_KERNEL nogil
        int (*masked_scatter)(int itemsize, char* x, const uint8_t* mask, int64_t n, int64_t room, const char* source) except? NO_KERNEL nogil
        int (*nonzero)(const uint8_t* mask, int nd, const int64_t* shape, int64_t room, int64_t* out) except? NO_KERNEL nogil
        int (*triangle)(int itemsize, int upper, int64_t diagonal, int64_t batch, int64_t rows, int64_t columns,
                        const char* x, char* y) except? NO_KERNEL nogil
        int (*repeat_index)(const int64_t* repeats, int64_t n, int64_t* out, int64_t total) except? NO_KERNEL nogil
