"""The family `optim` on the GPU: launches the kernels of optim.cuh for up to 32 parameters at a time."""
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset
from pyxtorch._core cimport *
from pyxtorch._cuda cimport Kernels, blocks_for, bring, define, device_of_call, register, scratch, scratch_free, start
from pyxtorch.kernels.optim cimport *

from pyxtorch._cuda_program import C_TYPES

cdef enum:
    MANY = 32
    PIECE = 4096

# The layout of Parameters in optim.cuh.
cdef struct Parameters:
    int count
    int64_t starts[33]
    char* lists[5][32]
    double each[64]

cdef pyx_optim_kernels* cpu = <pyx_optim_kernels*>kernel_tables(b"optim", sizeof(pyx_optim_kernels))[CPU]

cdef enum:
    SCALE, SUM_OF_SQUARES, STEP      # then the optimisers, by their numbers


def kernel_names():
    """{number: name expression} of all kernels."""
    steps, i = [], 0
    while cpu.name(i) != NULL:
        steps.append(cpu.name(i).decode())
        i += 1
    expressions = ["scale<{}>", "sum_of_squares<{}>", *[f"step<pyx::{name}, {{}}>" for name in steps]]
    return {i * NUM_DTYPES + dt: "pyx_gpu::" + text.format(C_TYPES[dt]) for i, text in enumerate(expressions) for dt in range(FLOAT16, FLOAT64 + 1)}


cdef Kernels kernels
define(&kernels, "optim.cuh", kernel_names())


cdef int64_t part(Parameters* p, const pyx_optim_list* list, int64_t first, int scalars) noexcept nogil:
    """Parameters first .. first + 31, each with so many of `each`; returns how many elements they have."""
    cdef int i, k
    memset(p, 0, sizeof(Parameters))
    p.count = <int>(list.count - first if list.count - first < MANY else MANY)
    for i in range(p.count):
        p.starts[i + 1] = list.starts[first + i + 1] - list.starts[first]
        for k in range(5):
            if list.lists[k] != NULL:
                p.lists[k][i] = list.lists[k][first + i]
    for i in range(p.count * scalars):
        p.each[i] = list.each[first * scalars + i]
    return p.starts[p.count]


cdef int run(int kernel, int dtype, const pyx_optim_list* list, const void* option, int scalars) noexcept nogil:
    cdef Parameters p
    cdef int64_t i, n
    cdef void* a[2]
    cdef int code = 0
    for i in range((list.count + MANY - 1) // MANY):
        n = part(&p, list, i * MANY, scalars)
        if n == 0:
            continue
        a[:] = [&p, <void*>option]
        code = start(&kernels, device_of_call(), kernel * NUM_DTYPES + dtype, blocks_for(n, device_of_call()), a)
        if code:
            break
    return code


cdef int step(int optimizer, int dtype, const pyx_optim_list* list, const pyx_optim_options* options) noexcept nogil:
    return run(STEP + optimizer, dtype, list, options, cpu.scalars(optimizer) if list.each != NULL else 0)


cdef int scale(int dtype, const pyx_optim_list* list, double factor) noexcept nogil:
    return run(SCALE, dtype, list, &factor, 0)


cdef int sum_of_squares(int dtype, const pyx_optim_list* list, double* total) noexcept nogil:
    """Sums of pieces by the GPU; the host adds them up in their order."""
    cdef Parameters p
    cdef int64_t k, n, pieces, i
    cdef int device, code = 0
    cdef void* block = NULL
    cdef double* sums
    cdef double* host
    cdef void* a[3]
    total[0] = 0
    for k in range((list.count + MANY - 1) // MANY):
        n = part(&p, list, k * MANY, 0)
        pieces = (n + PIECE - 1) // PIECE
        if pieces == 0:
            continue
        device = device_of_call()
        sums = <double*>scratch(device, pieces * sizeof(double), &block)
        host = <double*>malloc(pieces * sizeof(double))
        if sums == NULL or host == NULL:
            scratch_free(block)
            free(host)
            return -2
        a[:] = [&p, &sums, &pieces]
        code = start(&kernels, device, SUM_OF_SQUARES * NUM_DTYPES + dtype, pieces, a)
        if code == 0 and bring(device, host, sums, pieces * sizeof(double)) == 0:
            for i in range(pieces):
                total[0] += host[i]
        scratch_free(block)
        free(host)
        if code:
            break
    return code

cdef pyx_optim_kernels table
table.find = cpu.find
table.name = cpu.name
table.scalars = cpu.scalars
table.step = step
table.sum_of_squares = sum_of_squares
table.scale = scale
register(b"optim", &table, sizeof(pyx_optim_kernels), range(FLOAT16, FLOAT64 + 1))
