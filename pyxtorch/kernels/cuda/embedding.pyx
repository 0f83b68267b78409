"""The family `embedding` on the GPU: checks ids, chooses and launches the kernels of embedding.cuh."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport *
from pyxtorch._cuda cimport Kernels, blocks_for, define, memset_device, device_of_call, register, scratch, scratch_free, start
from pyxtorch.kernels.embedding cimport *
from pyxtorch.kernels.cuda.index cimport checked, shares_of

from pyxtorch._cuda_program import C_TYPES

cdef enum:
    BACKWARD = 0
    BAG = NUM_DTYPES
    RENORM = 2 * NUM_DTYPES
    COUNT = 3 * NUM_DTYPES


def kernel_names():
    """{number: name expression} of all kernels."""
    names = {first + dt: f"pyx_gpu::{name}<{C_TYPES[dt]}>" for first, name in ((BACKWARD, "backward"), (BAG, "bag"), (RENORM, "renorm"))
             for dt in range(FLOAT16, FLOAT64 + 1)}
    names[COUNT] = "pyx_gpu::count"
    return names


cdef Kernels kernels
define(&kernels, "embedding.cuh", kernel_names())


cdef int in_range(int device, const int64_t* ids, int64_t n, int64_t rows, int64_t* bad) noexcept nogil:
    cdef int64_t found[2]
    cdef int code
    if n == 0:
        return 0
    code = checked(device, 1, &ids, &rows, n, 0, found)
    if code == -2:
        bad[0] = found[0]
    return code


cdef int backward(int dtype, const int64_t* ids, int64_t n, const void* g, void* out, int64_t rows, int64_t width, int64_t padding,
                  int by_frequency, int64_t* bad) noexcept nogil:
    cdef int device = device_of_call(), code
    cdef int64_t shares
    cdef void* block = NULL
    cdef void* counts = NULL
    cdef void* a[8]
    if dtype < FLOAT16 or dtype > FLOAT64:
        return -1
    code = in_range(device, ids, n, rows, bad)
    if code:
        return code
    memset_device(<char*>out, 0, rows * width * itemsize_of(dtype))
    if n == 0 or width == 0:
        return 0
    if by_frequency:
        counts = scratch(device, rows * 8, &block)
        if counts == NULL:
            return -4
        memset_device(<char*>counts, 0, rows * 8)
        a[:] = [&ids, &n, &counts, NULL, NULL, NULL, NULL, NULL]
        start(&kernels, device, COUNT, blocks_for(n, device), a)
    shares = shares_of(width, n)
    a[:] = [&ids, &n, &g, &out, &width, &padding, &counts, &shares]
    code = start(&kernels, device, BACKWARD + dtype, blocks_for(width * shares, device), a)
    scratch_free(block)
    return code


cdef int bag(int dtype, int mode, const void* table, int64_t rows, int64_t width, const int64_t* ids, int64_t n, const int64_t* offsets,
             int64_t bags, const void* weights, int64_t padding, void* out, int64_t* taken, int64_t* sizes, int64_t* bad) noexcept nogil:
    cdef int device = device_of_call(), code
    cdef void* a[11]
    if dtype < FLOAT16 or dtype > FLOAT64:
        return -1
    code = in_range(device, ids, n, rows, bad)
    if code:
        return code
    a[:] = [&mode, &table, &width, &ids, &offsets, &bags, &weights, &padding, &out, &taken, &sizes]
    return start(&kernels, device, BAG + dtype, blocks_for(bags * width, device), a)


cdef int renorm(int dtype, void* table, int64_t rows, int64_t width, const int64_t* ids, int64_t n, double max_norm, double p,
                int64_t* bad) noexcept nogil:
    cdef int device = device_of_call(), code
    cdef void* a[6]
    if dtype < FLOAT16 or dtype > FLOAT64:
        return -1
    code = in_range(device, ids, n, rows, bad)
    if code or n == 0:
        return code
    a[:] = [&table, &width, &ids, &n, &max_norm, &p]
    return start(&kernels, device, RENORM + dtype, 1, a)

cdef pyx_embedding_kernels table
table.backward = backward
table.bag = bag
table.renorm = renorm
register(b"embedding", &table, sizeof(pyx_embedding_kernels), range(FLOAT16, FLOAT64 + 1))
