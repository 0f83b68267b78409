"""The families `reduce` and `softmax` on the GPU: chooses and launches the kernels of reduce.cuh and softmax.cuh."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport *
from pyxtorch._cuda cimport THREADS, Kernels, define, device_of_call, register, scratch, scratch_free, start
from pyxtorch.kernels.reduce cimport *
from pyxtorch.kernels.softmax cimport *

from pyxtorch._cuda_program import C_TYPES

cdef pyx_reduce_kernels* cpu = <pyx_reduce_kernels*>kernel_tables(b"reduce", sizeof(pyx_reduce_kernels))[CPU]

_FLOATS = (FLOAT32, FLOAT64)
_ORDERED = (*range(BOOL, INT64 + 1), FLOAT32, FLOAT64)


def _operations():
    """(shape, C++ name, dtypes): the reductions by their numbers, then the extremes with their positions, and the variance."""
    found = []
    while cpu.name(len(found)) != NULL:
        i = len(found)
        mask = cpu.dtypes(i)
        found.append(("Plain", cpu.name(i).decode(), tuple([dt for dt in range(NUM_DTYPES) if mask >> dt & 1])))
    return [*found, ("Extreme", "Max", _ORDERED), ("Extreme", "Min", _ORDERED), ("Variance", None, _FLOATS)]


_OPERATIONS = _operations()
cdef int EXTREME = len(_OPERATIONS) - 3
cdef int VARIANCE = EXTREME + 2
cdef enum:
    STAGES = 3
    STEPS = 16      # elements of a piece for each thread along dim
    FEW = 512       # blocks below which long lines are cut into pieces
    PARTIAL = 24    # bytes of the largest partial result


def reduce_names():
    """{number: name expression}: three kernels for each operation and dtype."""
    names = {}
    for i, (shape, op, dtypes) in enumerate(_OPERATIONS):
        for dt in dtypes:
            T = "pyx_u8" if dt == BOOL else C_TYPES[dt]
            whole = f"pyx_gpu::{shape}<pyx::reduction::{op}<{T}>, {T}>" if op else f"pyx_gpu::{shape}<{T}>"
            for stage, kernel in enumerate(("fold_all", "fold_pieces", "fold_rest")):
                names[(i * NUM_DTYPES + dt) * STAGES + stage] = f"pyx_gpu::{kernel}<{whole} >"
    return names


def softmax_names():
    """{number: name expression} of softmax, forward and backward."""
    return {dt * 2 + i: f"pyx_gpu::softmax_{way}<{C_TYPES[dt]}>" for dt in _FLOATS for i, way in enumerate(("forward", "backward"))}


cdef Kernels reduce_kernels
cdef Kernels softmax_kernels
define(&reduce_kernels, "reduce.cuh", reduce_names())
define(&softmax_kernels, "softmax.cuh", softmax_names())


cdef int power_of_2(int64_t n, int most) noexcept nogil:
    """The least power of two from n on, at most `most`."""
    cdef int p = 1
    while p < n and p < most:
        p *= 2
    return p


cdef int64_t box(int64_t outer, int64_t dim, int64_t inner, int* across, int* along) noexcept nogil:
    """The shape of a block's box of threads, by the sizes alone; returns how many boxes there are."""
    cdef int64_t lines
    across[0] = power_of_2(inner, 32)
    along[0] = power_of_2(dim, THREADS // across[0])
    lines = THREADS // (across[0] * along[0])
    return (outer + lines - 1) // lines * ((inner + across[0] - 1) // across[0])


cdef int fold(int operation, int dtype, const void* x, void* y, void* z, int64_t outer, int64_t dim, int64_t inner, double p) noexcept nogil:
    cdef int number = (operation * NUM_DTYPES + dtype) * STAGES
    cdef int device, across, along, rc
    cdef int64_t boxes, piece, pieces
    cdef void* block = NULL
    cdef void* partial
    cdef void* a[10]
    if outer == 0 or inner == 0:
        return 0
    device = device_of_call()
    if dim == 0:
        x = NULL    # a view of nothing has no address
    boxes = box(outer, dim, inner, &across, &along)
    piece = along * STEPS
    if boxes >= FEW or dim <= 2 * piece:
        a[:] = [&x, &y, &z, &outer, &dim, &inner, &across, &along, &p, NULL]
        return start(&reduce_kernels, device, number, boxes, a)
    pieces = (dim + piece - 1) // piece
    partial = scratch(device, outer * pieces * inner * PARTIAL, &block)
    if partial == NULL:
        return 0    # kept, and raised later
    boxes = box(outer * pieces, piece, inner, &across, &along)
    a[:] = [&x, &partial, &outer, &dim, &inner, &pieces, &piece, &across, &along, &p]
    rc = start(&reduce_kernels, device, number + 1, boxes, a)
    if rc == 0:
        boxes = box(outer, pieces, inner, &across, &along)
        a[:] = [&partial, &y, &z, &outer, &pieces, &inner, &across, &along, &p, NULL]
        rc = start(&reduce_kernels, device, number + 2, boxes, a)
    scratch_free(block)
    return rc


cdef int reduce(int op, int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, double p) noexcept nogil:
    if op < 0 or op >= EXTREME:
        return -1
    return fold(op, dtype, x, y, NULL, outer, dim, inner, p)


cdef int extreme(int smallest, int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner) noexcept nogil:
    return fold(EXTREME + 1 if smallest else EXTREME, dtype, x, values, indices, outer, dim, inner, 0)


cdef int variance(int dtype, const void* x, void* var, void* mean, int64_t outer, int64_t dim, int64_t inner, double correction) noexcept nogil:
    return fold(VARIANCE, dtype, x, var, mean, outer, dim, inner, correction)


cdef int forward(int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, int log) noexcept nogil:
    cdef int across, along
    cdef int64_t boxes = box(outer, dim, inner, &across, &along)
    cdef void* a[8]
    a[:] = [&x, &y, &outer, &dim, &inner, &across, &along, &log]
    return start(&softmax_kernels, device_of_call(), dtype * 2, boxes, a)


cdef int backward(int dtype, const void* g, const void* y, void* gx, int64_t outer, int64_t dim, int64_t inner, int log) noexcept nogil:
    cdef int across, along
    cdef int64_t boxes = box(outer, dim, inner, &across, &along)
    cdef void* a[9]
    a[:] = [&g, &y, &gx, &outer, &dim, &inner, &across, &along, &log]
    return start(&softmax_kernels, device_of_call(), dtype * 2 + 1, boxes, a)

cdef pyx_reduce_kernels reduce_table
reduce_table.find = cpu.find
reduce_table.name = cpu.name
reduce_table.dtypes = cpu.dtypes
reduce_table.reduce = reduce
reduce_table.extreme = extreme
reduce_table.variance = variance
register(b"reduce", &reduce_table, sizeof(pyx_reduce_kernels), (*_ORDERED, COMPLEX64, COMPLEX128))

cdef pyx_softmax_kernels softmax_table
softmax_table.forward = forward
softmax_table.backward = backward
register(b"softmax", &softmax_table, sizeof(pyx_softmax_kernels), _FLOATS)
