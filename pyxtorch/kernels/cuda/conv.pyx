"""The family `conv` on the GPU: chooses and launches the kernels of conv.cuh."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport *
from pyxtorch._cuda cimport Kernels, blocks_for, define, device_of_call, fail, register, scratch, scratch_free, start
from pyxtorch.kernels.conv cimport *

from pyxtorch._cuda_program import C_TYPES

cdef enum:
    FORWARD, BY_INPUT, BY_WEIGHT, ADD_PIECES
cdef enum:
    LARGE, SMALL, SHAPES
cdef enum:
    TILES = 512         # blocks below which the sum of a weight's gradient is cut into pieces
    SHORTEST = 512      # of a piece
    FEW = 8             # rows of the product up to which a tile of few rows is taken
    LARGEST = 0x7fffffff
# (MT, NT, KT, RM, RN) of correlate in conv.cuh
_TILES = ("64, 64, 16, 4, 4", "4, 256, 16, 4, 1")
cdef int ROWS[2]
cdef int COLUMNS[2]
ROWS[:] = [64, 4]
COLUMNS[:] = [64, 256]


def kernel_names():
    """{number: name expression} of all kernels."""
    names = {}
    for dt in range(FLOAT16, FLOAT64 + 1):
        T = C_TYPES[dt]
        for way in range(ADD_PIECES):
            for shape, tile in enumerate(_TILES):
                names[(way * SHAPES + shape) * NUM_DTYPES + dt] = f"pyx_gpu::correlate<{way}, {T}, {tile}>"
        names[ADD_PIECES * SHAPES * NUM_DTYPES + dt] = f"pyx_gpu::add_pieces<{T}>"
    return names


cdef Kernels kernels
define(&kernels, "conv.cuh", kernel_names())

# The layout of Sizes in conv.cuh.
cdef struct Sizes:
    int64_t M, N, K, inside, out, taps, piece, pieces


cdef int64_t volume(const int64_t* n) noexcept nogil:
    return n[0] * n[1] * n[2]


cdef bint fits(const pyx_conv* c) noexcept nogil:
    """Whether places along each dimension fit the kernels' 32 bits."""
    cdef int i
    for i in range(3):
        if (c.in_[i] + 2 * c.padding[i] + c.stride[i] > LARGEST or c.kernel[i] * c.dilation[i] > LARGEST
                or c.out[i] * c.stride[i] > LARGEST or c.dilation[i] > LARGEST):
            return False
    return True


cdef int correlate(int way, int dtype, const pyx_conv* c, const void* A, const void* B, const void* bias, void* C) noexcept nogil:
    cdef int device = device_of_call(), shape, code, number
    cdef Sizes s
    cdef int64_t tiles, n, f = c.filters // c.groups, channels = c.channels // c.groups
    cdef void* block = NULL
    cdef void* part = C
    cdef void* a[6]
    if dtype < FLOAT16 or dtype > FLOAT64:
        return -1
    s.inside, s.out, s.taps = volume(c.in_), volume(c.out), volume(c.kernel)
    if way == FORWARD:
        s.M, s.N, s.K = f, c.batch * s.out, channels * s.taps
    elif way == BY_INPUT:
        s.M, s.N, s.K = channels, c.batch * s.inside, f * s.taps
    else:
        s.M, s.N, s.K = f, channels * s.taps, c.batch * s.out
    n = c.groups * s.M * s.N
    if n == 0:
        return 0
    if not fits(c):
        with gil:
            fail("convolution: dimensions of 2^31 and more, with their padding, are not supported on cuda.")
        return 0
    shape = SMALL if s.M <= FEW else LARGE
    tiles = (s.M + ROWS[shape] - 1) // ROWS[shape] * ((s.N + COLUMNS[shape] - 1) // COLUMNS[shape]) * c.groups
    s.pieces, s.piece = 1, s.K
    if way == BY_WEIGHT and tiles < TILES and s.K > 2 * SHORTEST:
        s.pieces = (s.K + SHORTEST - 1) // SHORTEST
        if s.pieces > TILES // tiles + 1:
            s.pieces = TILES // tiles + 1
        s.piece = (s.K + s.pieces - 1) // s.pieces
        s.pieces = (s.K + s.piece - 1) // s.piece
    if s.pieces > 1:
        part = scratch(device, s.pieces * n * (8 if dtype == FLOAT64 else 4), &block)
        if part == NULL:
            return 0    # kept, and raised later
    number = (way * SHAPES + shape) * NUM_DTYPES + dtype
    a[:] = [&A, &B, &bias, &part, <void*>c, &s]
    code = start(&kernels, device, number, tiles * s.pieces, a)
    if code == 0 and s.pieces > 1:
        a[:4] = [&part, &C, &n, &s.pieces]
        code = start(&kernels, device, ADD_PIECES * SHAPES * NUM_DTYPES + dtype, blocks_for(n, device), a)
    scratch_free(block)
    return code


cdef int forward(int dtype, const pyx_conv* c, const void* x, const void* w, const void* bias, void* y) noexcept nogil:
    return correlate(FORWARD, dtype, c, w, x, bias, y)


cdef int backward_data(int dtype, const pyx_conv* c, const void* gy, const void* w, void* gx) noexcept nogil:
    return correlate(BY_INPUT, dtype, c, w, gy, NULL, gx)


cdef int backward_weight(int dtype, const pyx_conv* c, const void* x, const void* gy, void* gw) noexcept nogil:
    return correlate(BY_WEIGHT, dtype, c, gy, x, NULL, gw)

cdef pyx_conv_kernels table
table.forward = forward
table.backward_data = backward_data
table.backward_weight = backward_weight
register(b"conv", &table, sizeof(pyx_conv_kernels), range(FLOAT16, FLOAT64 + 1))
