"""The family `pool` on the GPU: chooses and launches the kernels of pool.cuh."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport *
from pyxtorch._cuda cimport Kernels, blocks_for, define, device_of_call, fail, register, start
from pyxtorch.kernels.cuda.index cimport checked
from pyxtorch.kernels.pool cimport *

from pyxtorch._cuda_program import C_TYPES

cdef enum:
    MAX_FORWARD, SCATTER, AVG_FORWARD, AVG_BACKWARD
cdef enum:
    SHARES = 1024           # threads among which the places of a plane are shared out
    LARGEST = 0x7fffffff
_NUMBERS = (*range(UINT8, INT64 + 1), FLOAT32, FLOAT64)


def kernel_names():
    """{number: name expression} of all kernels."""
    names = {}
    for k, (name, dtypes) in enumerate((("max_forward", _NUMBERS), ("scatter", _NUMBERS), ("avg_forward", (INT64, FLOAT32, FLOAT64)),
                                        ("avg_backward", (FLOAT32, FLOAT64)))):
        for dt in dtypes:
            names[k * NUM_DTYPES + dt] = f"pyx_gpu::{name}<{C_TYPES[dt]}>"
    return names


cdef Kernels kernels
define(&kernels, "pool.cuh", kernel_names())


cdef int64_t elements(int64_t planes, const int64_t* n) noexcept nogil:
    return planes * n[0] * n[1] * n[2]


cdef int extremes(int dtype, const void* x, void* y, int64_t* indices, const pyx_window* w, int adaptive) noexcept nogil:
    cdef int64_t n = elements(w.planes, w.out)
    cdef int device = device_of_call()
    cdef void* a[6]
    a[:] = [&x, &y, &indices, <void*>w, &adaptive, &n]
    return start(&kernels, device, MAX_FORWARD * NUM_DTYPES + dtype, blocks_for(n, device), a)


cdef int max_forward(int dtype, const void* x, void* y, int64_t* indices, const pyx_window* w) noexcept nogil:
    return extremes(dtype, x, y, indices, w, 0)


cdef int adaptive_max_forward(int dtype, const void* x, void* y, int64_t* indices, const pyx_window* w) noexcept nogil:
    return extremes(dtype, x, y, indices, w, 1) if dtype >= FLOAT32 else -1


cdef int scatter(int dtype, const void* g, const int64_t* indices, void* gx, int64_t planes, int64_t out, int64_t inside) noexcept nogil:
    cdef int device = device_of_call(), code
    cdef int64_t shares = SHARES if inside > SHARES else inside
    cdef int64_t bad[2]
    cdef void* a[7]
    if inside > LARGEST:
        with gil:
            fail("max pooling: planes of 2^31 elements and more are not supported on cuda.")
        return 0
    if planes * out:
        code = checked(device, 1, &indices, &inside, planes * out, 0, bad)
        if code:
            return code
    if planes * inside == 0:
        return 0
    a[:] = [&g, &indices, &gx, &planes, &out, &inside, &shares]
    return start(&kernels, device, SCATTER * NUM_DTYPES + dtype, blocks_for(planes * shares, device), a)


cdef int average(int kernel, int dtype, const void* source, void* to, const pyx_window* w, int adaptive, int padded, int64_t divisor) noexcept nogil:
    cdef int64_t n = elements(w.planes, w.out) if kernel == AVG_FORWARD else elements(w.planes, w.inside)
    cdef int device = device_of_call()
    cdef void* a[7]
    a[:] = [&source, &to, <void*>w, &adaptive, &padded, &divisor, &n]
    return start(&kernels, device, kernel * NUM_DTYPES + dtype, blocks_for(n, device), a)


cdef int avg_forward(int dtype, const void* x, void* y, const pyx_window* w, int padded, int64_t divisor) noexcept nogil:
    return average(AVG_FORWARD, dtype, x, y, w, 0, padded, divisor)


cdef int avg_backward(int dtype, const void* g, void* gx, const pyx_window* w, int padded, int64_t divisor) noexcept nogil:
    return average(AVG_BACKWARD, dtype, g, gx, w, 0, padded, divisor)


cdef int adaptive_avg_forward(int dtype, const void* x, void* y, const pyx_window* w) noexcept nogil:
    return average(AVG_FORWARD, dtype, x, y, w, 1, 0, 0) if dtype >= FLOAT32 else -1


cdef int adaptive_avg_backward(int dtype, const void* g, void* gx, const pyx_window* w) noexcept nogil:
    return average(AVG_BACKWARD, dtype, g, gx, w, 1, 0, 0)

cdef pyx_pool_kernels table
table.max_forward = max_forward
table.scatter = scatter
table.avg_forward = avg_forward
table.avg_backward = avg_backward
table.adaptive_max_forward = adaptive_max_forward
table.adaptive_avg_forward = adaptive_avg_forward
table.adaptive_avg_backward = adaptive_avg_backward
register(b"pool", &table, sizeof(pyx_pool_kernels), _NUMBERS)
