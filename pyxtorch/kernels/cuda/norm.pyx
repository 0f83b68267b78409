"""The family `norm` on the GPU: chooses and launches the kernels of norm.cuh."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport *
from pyxtorch._cuda cimport THREADS, Kernels, blocks_for, define, device_of_call, register, scratch, scratch_free, start
from pyxtorch.kernels.norm cimport *

from pyxtorch._cuda_program import C_TYPES

_NAMES = ("moments", "statistics", "normalise", "gradient_sums", "merge_sums", "input_gradient", "column_sums", "merge_columns")
cdef enum:
    MOMENTS, STATISTICS, NORMALISE, GRADIENT_SUMS, MERGE_SUMS, INPUT_GRADIENT, COLUMN_SUMS, MERGE_COLUMNS
cdef enum:
    PIECE = 8192        # elements of a channel, and rows of a column, that one block sums
    ROWS = 256
    MOMENTS_SIZE = 24
    PAIR_SIZE = 16


def kernel_names():
    """{number: name expression} of all kernels."""
    return {k * NUM_DTYPES + dt: f"pyx_gpu::{name}<{C_TYPES[dt]}>" for k, name in enumerate(_NAMES) for dt in (FLOAT32, FLOAT64)}


cdef Kernels kernels
define(&kernels, "norm.cuh", kernel_names())

# The layout of Pieces in norm.cuh.
cdef struct Pieces:
    int64_t N, C, S, images, length, across_pieces, count
    int across, along


cdef int power_of_2(int64_t n, int most) noexcept nogil:
    cdef int p = 1
    while p < n and p < most:
        p *= 2
    return p


cdef int64_t cut(Pieces* q, int64_t N, int64_t C, int64_t S) noexcept nogil:
    """How channels are cut into pieces, by the sizes alone; returns the number of blocks."""
    q.N, q.C, q.S = N, C, S
    q.across = power_of_2(C, 32) if S == 1 else power_of_2(S, THREADS)
    q.along = THREADS // q.across
    q.length = S if S < PIECE else PIECE
    q.images = PIECE // S if S < PIECE and S > 0 else 1
    q.across_pieces = (S + q.length - 1) // q.length if S else 1
    q.count = (N + q.images - 1) // q.images * q.across_pieces
    if q.count < 1:
        q.count = 1
    return ((C + q.across - 1) // q.across if S == 1 else C) * q.count


cdef int find_statistics(int device, int dtype, const void* x, void* mean, void* var, void* rstd, int64_t N, int64_t C, int64_t S, double eps) noexcept nogil:
    cdef Pieces q
    cdef int64_t blocks = cut(&q, N, C, S)
    cdef int code
    cdef void* block = NULL
    cdef void* part = scratch(device, C * q.count * MOMENTS_SIZE, &block)
    cdef void* a[7]
    if part == NULL:
        return 0    # kept, and raised later
    a[:] = [&x, &part, &q, NULL, NULL, NULL, NULL]
    code = start(&kernels, device, MOMENTS * NUM_DTYPES + dtype, blocks, a)
    if code == 0:
        a[:] = [&part, &C, &q.count, &mean, &var, &rstd, &eps]
        code = start(&kernels, device, STATISTICS * NUM_DTYPES + dtype, blocks_for(C, device), a)
    scratch_free(block)
    return code


cdef int apply(int device, int dtype, const void* x, const void* mean, const void* scale, const void* shift, const void* weight,
               const void* bias, void* y, int64_t lines, int64_t C, int64_t S) noexcept nogil:
    cdef int across = power_of_2(S, THREADS)
    cdef void* a[11]
    if lines == 0 or S == 0:
        return 0
    a[:] = [&x, &mean, &scale, &shift, &weight, &bias, &y, &lines, &C, &S, &across]
    return start(&kernels, device, NORMALISE * NUM_DTYPES + dtype, blocks_for(lines * S, device), a)


cdef int gradients(int device, int dtype, const void* g, const void* x, const void* weight, int by_channel, const void* mean,
                   const void* rstd, void* gx, void* gw, void* gb, int64_t N, int64_t C, int64_t S, int training) noexcept nogil:
    """Of the input; and, by channel, of weight and bias."""
    cdef Pieces q
    cdef int64_t blocks = cut(&q, N, C, S), lines = N * C
    cdef int code, across = power_of_2(S, THREADS)
    cdef double number = <double>(N * S)
    cdef void* block = NULL
    cdef void* sums = scratch(device, C * q.count * PAIR_SIZE, &block)
    cdef const void* by_element = weight
    cdef const void* counted = sums
    cdef void* a[14]
    if sums == NULL:
        return 0
    if by_channel:
        by_element = NULL
    if not training:
        counted = NULL
    a[:6] = [&g, &x, &by_element, &mean, &sums, &q]
    code = start(&kernels, device, GRADIENT_SUMS * NUM_DTYPES + dtype, blocks, a)
    if code == 0:
        a[:6] = [&sums, &C, &q.count, &rstd, &gw, &gb]
        code = start(&kernels, device, MERGE_SUMS * NUM_DTYPES + dtype, blocks_for(C, device), a)
    if code == 0 and gx != NULL and lines * S > 0:
        a[:] = [&g, &x, &weight, &by_channel, &mean, &rstd, &counted, &q.count, &number, &gx, &lines, &C, &S, &across]
        code = start(&kernels, device, INPUT_GRADIENT * NUM_DTYPES + dtype, blocks_for(lines * S, device), a)
    scratch_free(block)
    return code


cdef int layer_forward(int dtype, const void* x, const void* weight, const void* bias, void* y, void* mean, void* rstd, int64_t rows,
                       int64_t n, double eps) noexcept nogil:
    cdef int device = device_of_call(), code
    if rows == 0:
        return 0
    code = find_statistics(device, dtype, x, mean, NULL, rstd, 1, rows, n, eps)
    return code if code else apply(device, dtype, x, mean, rstd, NULL, weight, bias, y, rows, rows, n)


cdef int layer_backward(int dtype, const void* g, const void* x, const void* weight, const void* mean, const void* rstd, void* gx,
                        void* gw, void* gb, int64_t rows, int64_t n) noexcept nogil:
    cdef int device = device_of_call(), code = 0, across, along
    cdef int64_t pieces = (rows + ROWS - 1) // ROWS, piece = ROWS, boxes, lines
    cdef void* block = NULL
    cdef void* part
    cdef void* a[11]
    if gx != NULL and rows:
        code = gradients(device, dtype, g, x, weight, 0, mean, rstd, gx, NULL, NULL, 1, rows, n, 1)
    if code or (gw == NULL and gb == NULL) or n == 0:
        return code
    part = scratch(device, pieces * n * PAIR_SIZE, &block)
    if part == NULL:
        return 0
    if pieces:
        across = power_of_2(n, 32)
        along = power_of_2(rows, THREADS // across)
        lines = THREADS // (across * along)
        boxes = (pieces + lines - 1) // lines * ((n + across - 1) // across)
        a[:] = [&g, &x, &mean, &rstd, &part, &rows, &n, &pieces, &piece, &across, &along]
        code = start(&kernels, device, COLUMN_SUMS * NUM_DTYPES + dtype, boxes, a)
    if code == 0:
        a[:5] = [&part, &n, &pieces, &gw, &gb]
        code = start(&kernels, device, MERGE_COLUMNS * NUM_DTYPES + dtype, blocks_for(n, device), a)
    scratch_free(block)
    return code


cdef int channel_stats(int dtype, const void* x, void* mean, void* var, void* rstd, int64_t N, int64_t C, int64_t S, double eps) noexcept nogil:
    return find_statistics(device_of_call(), dtype, x, mean, var, rstd, N, C, S, eps) if C else 0


cdef int channel_affine(int dtype, const void* x, const void* mean, const void* scale, const void* shift, void* y, int64_t N, int64_t C, int64_t S) noexcept nogil:
    return apply(device_of_call(), dtype, x, mean, scale, shift, NULL, NULL, y, N * C, C, S)


cdef int channel_backward(int dtype, const void* g, const void* x, const void* weight, const void* mean, const void* rstd, void* gx,
                          void* gw, void* gb, int64_t N, int64_t C, int64_t S, int training) noexcept nogil:
    return gradients(device_of_call(), dtype, g, x, weight, 1, mean, rstd, gx, gw, gb, N, C, S, training) if C else 0

cdef pyx_norm_kernels table
table.layer_forward = layer_forward
table.layer_backward = layer_backward
table.channel_stats = channel_stats
table.channel_affine = channel_affine
table.channel_backward = channel_backward
register(b"norm", &table, sizeof(pyx_norm_kernels), (FLOAT32, FLOAT64))
