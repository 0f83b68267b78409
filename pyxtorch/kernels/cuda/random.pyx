"""The family `random` on the GPU: chooses and launches the kernels of random.cuh.

The same numbers as on the CPU (those of laws with a logarithm to the last bits). Permutations and
samplers by rejection are drawn by the host and sent.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from pyxtorch._core cimport *
from pyxtorch._cuda cimport (
    Kernels, blocks_for, bring, define, memset_device, device_of_call, register, scratch, scratch_free, send, start,
)
from pyxtorch.kernels.random cimport *

from pyxtorch._cuda_program import C_TYPES

cdef pyx_random_kernels* cpu = <pyx_random_kernels*>kernel_tables(b"random", sizeof(pyx_random_kernels))[CPU]

# The layout of Law in random.cuh.
cdef struct Law:
    int law
    uint32_t keep
    double a, b

cdef enum:
    FILL = 0
    INTEGERS = NUM_DTYPES
    DROPOUT = 2 * NUM_DTYPES
    MASKED_SCALE = 3 * NUM_DTYPES
    BERNOULLI_32 = 4 * NUM_DTYPES
    BERNOULLI_64 = 5 * NUM_DTYPES


def kernel_names():
    """{number: name expression} of all kernels."""
    names = {}
    for dt, T in enumerate(C_TYPES):
        if is_float8(dt):
            continue
        if dt <= FLOAT64:
            names[FILL + dt] = f"pyx_gpu::fill<{T}>"
            names[INTEGERS + dt] = f"pyx_gpu::integers<{T}>"
            names[BERNOULLI_32 + dt] = f"pyx_gpu::bernoulli<{T}, float>"
            names[BERNOULLI_64 + dt] = f"pyx_gpu::bernoulli<{T}, double>"
        if dt > INT64:
            names[DROPOUT + dt] = f"pyx_gpu::dropout<{T}>"
            names[MASKED_SCALE + dt] = f"pyx_gpu::masked_scale<{T}>"
    return names


cdef Kernels kernels
define(&kernels, "random.cuh", kernel_names())


cdef int fill(int which, int dtype, void* out, int64_t n, double a, double b, uint64_t seed, uint64_t offset) noexcept nogil:
    cdef Law law
    cdef int64_t blocks = cpu.blocks(n, cpu.words(which, dtype))
    cdef int device = device_of_call()
    cdef void* p[6]
    if dtype <= INT64 and which != GEOMETRIC and which != BERNOULLI:
        return -1
    law.law = which
    law.keep = 0xffffffff
    if which == UNIFORM and dtype == FLOAT16:
        law.keep = <uint32_t>0xffffffff << 21
    if which == UNIFORM and dtype == BFLOAT16:
        law.keep = <uint32_t>0xffffffff << 24
    law.a, law.b = a, b
    p[:] = [&law, &out, &n, &seed, &offset, &blocks]
    return start(&kernels, device, FILL + dtype, blocks_for(blocks, device), p)


cdef int integers(int dtype, void* out, int64_t n, int64_t low, uint64_t range, uint64_t seed, uint64_t offset) noexcept nogil:
    cdef int64_t blocks = cpu.blocks(n, 1 if range and range <= <uint64_t>1 << 32 else 2)
    cdef int device = device_of_call()
    cdef void* p[7]
    p[:] = [&out, &n, &low, &range, &seed, &offset, &blocks]
    return start(&kernels, device, INTEGERS + dtype, blocks_for(blocks, device), p)


cdef int bernoulli(int dtype, const void* p, int p_dtype, void* out, int64_t n, uint64_t seed, uint64_t offset) noexcept nogil:
    cdef int64_t blocks = cpu.blocks(n, 2 if p_dtype == FLOAT64 else 1)
    cdef int device = device_of_call(), code, wrong = 0
    cdef void* block = NULL
    cdef void* flag
    cdef void* a[7]
    if p_dtype != FLOAT32 and p_dtype != FLOAT64:
        return -1
    if n == 0:
        return 0
    flag = scratch(device, 4, &block)
    if flag == NULL:
        return -4
    memset_device(<char*>flag, 0, 4)
    a[:] = [&p, &out, &n, &seed, &offset, &blocks, &flag]
    code = start(&kernels, device, (BERNOULLI_32 if p_dtype == FLOAT32 else BERNOULLI_64) + dtype, blocks_for(blocks, device), a)
    if code == 0:
        bring(device, &wrong, flag, 4)
    scratch_free(block)
    return code if code else -2 if wrong else 0


cdef int dropout(int dtype, const void* x, void* y, uint8_t* keep, int64_t n, double p, double scale, uint64_t seed, uint64_t offset) noexcept nogil:
    cdef int64_t blocks = cpu.blocks(n, 1)
    cdef double edge = p * 4294967296.0
    cdef int decided = -1 if edge >= 4294967295.5 else 1 if edge <= 0 else 0
    cdef uint32_t least = <uint32_t>edge if decided == 0 else 0
    cdef int device = device_of_call()
    cdef void* a[10]
    a[:] = [&x, &y, &keep, &n, &least, &decided, &scale, &seed, &offset, &blocks]
    return start(&kernels, device, DROPOUT + dtype if dtype > INT64 else -1, blocks_for(blocks, device), a)


cdef int masked_scale(int dtype, const void* x, const uint8_t* keep, void* y, int64_t n, double scale) noexcept nogil:
    cdef int device = device_of_call()
    cdef void* a[5]
    a[:] = [&x, &keep, &y, &n, &scale]
    return start(&kernels, device, MASKED_SCALE + dtype if dtype > INT64 else -1, blocks_for(n, device), a)

# --------------------------------------------------------------------- drawn by the host

cdef struct Host:
    char* input
    char* second
    char* output


cdef int host_memory(Host* h, int device, const void* input, const void* second, int64_t in_bytes, int64_t out_bytes) noexcept nogil:
    """Copies of the inputs, and room for the output; -4 where that fails."""
    h.input = <char*>malloc(in_bytes * 2 + out_bytes + 1)
    if h.input == NULL:
        return -4
    h.second = h.input + in_bytes
    h.output = h.second + in_bytes
    if (input != NULL and bring(device, h.input, input, in_bytes)) or (second != NULL and bring(device, h.second, second, in_bytes)):
        free(h.input)
        return -4
    return 0


cdef int host_done(Host* h, int device, int code, void* out, int64_t out_bytes) noexcept nogil:
    """Send the output, if it was made."""
    if code == 0 and send(device, out, h.output, out_bytes):
        code = -4
    free(h.input)
    return code


cdef int permutation(int64_t* out, int64_t n, uint64_t seed, uint64_t offset) noexcept nogil:
    cdef Host h
    cdef int device = device_of_call()
    if host_memory(&h, device, NULL, NULL, 0, n * 8):
        return -4
    return host_done(&h, device, cpu.permutation(<int64_t*>h.output, n, seed, offset), out, n * 8)


cdef int multinomial(int dtype, const void* weights, int64_t rows, int64_t n, int64_t count, int replacement, int64_t* out,
                     uint64_t seed, uint64_t offset) noexcept nogil:
    cdef Host h
    cdef int device = device_of_call()
    if host_memory(&h, device, weights, NULL, rows * n * itemsize_of(dtype), rows * count * 8):
        return -4
    return host_done(&h, device, cpu.multinomial(dtype, h.input, rows, n, count, replacement, <int64_t*>h.output, seed, offset), out,
                     rows * count * 8)


cdef int poisson(int dtype, const void* rate, void* out, int64_t n, uint64_t seed, uint64_t offset) noexcept nogil:
    cdef Host h
    cdef int device = device_of_call()
    if host_memory(&h, device, rate, NULL, n * itemsize_of(dtype), n * itemsize_of(dtype)):
        return -4
    return host_done(&h, device, cpu.poisson(dtype, h.input, h.output, n, seed, offset), out, n * itemsize_of(dtype))


cdef int binomial(int dtype, const void* count, const void* p, void* out, int64_t n, uint64_t seed, uint64_t offset) noexcept nogil:
    cdef Host h
    cdef int device = device_of_call()
    if host_memory(&h, device, count, p, n * itemsize_of(dtype), n * itemsize_of(dtype)):
        return -4
    return host_done(&h, device, cpu.binomial(dtype, h.input, h.second, h.output, n, seed, offset), out, n * itemsize_of(dtype))


cdef int gamma(int dtype, const void* shape, void* out, int64_t n, uint64_t seed, uint64_t offset) noexcept nogil:
    cdef Host h
    cdef int device = device_of_call()
    if host_memory(&h, device, shape, NULL, n * itemsize_of(dtype), n * itemsize_of(dtype)):
        return -4
    return host_done(&h, device, cpu.gamma(dtype, h.input, h.output, n, seed, offset), out, n * itemsize_of(dtype))

cdef pyx_random_kernels table
table.fill = fill
table.integers = integers
table.bernoulli = bernoulli
table.dropout = dropout
table.masked_scale = masked_scale
table.permutation = permutation
table.multinomial = multinomial
table.poisson = poisson
table.binomial = binomial
table.gamma = gamma
table.blocks = cpu.blocks
table.words = cpu.words
register(b"random", &table, sizeof(pyx_random_kernels), range(NUM_DTYPES))
