"""The family `scan` on the GPU: chooses and launches the kernels of scan.cuh."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport *
from pyxtorch._cuda cimport THREADS, Kernels, blocks_for, define, device_of_call, register, scratch, scratch_free, start
from pyxtorch.kernels.scan cimport *

from pyxtorch._cuda_program import C_TYPES

cdef enum:
    MAXIMUM = 3         # after CUMSUM, CUMPROD, LOGCUMSUMEXP
    MINIMUM = 4
    RECURRENCE = 5
    STAGES = 2
    FEW = 512           # blocks below which long lines are cut into pieces
    STEPS = 8           # turns of a box in the shortest piece
    MOST = 1024         # pieces of a line: one thread joins them
    PARTIAL = 32        # bytes of the largest carried value
_INTEGERS = tuple(range(UINT8, INT64 + 1))
_FLOATS = (FLOAT32, FLOAT64)
_COMPLEX = (COMPLEX64, COMPLEX128)
_OPERATIONS = (("Add<{}>", (*_INTEGERS, *_FLOATS, *_COMPLEX)), ("Multiply<{}>", (*_INTEGERS, *_FLOATS, *_COMPLEX)),
               ("LogAdd<{}>", (*_FLOATS, *_COMPLEX)), ("Extreme<{}, 0>", (BOOL, *_INTEGERS, *_FLOATS)),
               ("Extreme<{}, 1>", (BOOL, *_INTEGERS, *_FLOATS)), ("Recur<{}>", (*_FLOATS, *_COMPLEX)))


def kernel_names():
    """{number: name expression} of all kernels."""
    names = {}
    for i, (op, dtypes) in enumerate(_OPERATIONS):
        for dt in dtypes:
            T = "pyx_u8" if dt == BOOL else C_TYPES[dt]
            if i < MAXIMUM:
                T = T.replace("_i", "_u")       # sums and products of signed integers are those of unsigned ones
            whole = "pyx_gpu::" + op.format(T)
            for stage, kernel in enumerate(("scan", "scan_parts")):
                names[(i * NUM_DTYPES + dt) * STAGES + stage] = f"pyx_gpu::{kernel}<{whole} >"
    return names


cdef Kernels kernels
define(&kernels, "scan.cuh", kernel_names())


cdef int power_of_2(int64_t n, int most) noexcept nogil:
    cdef int p = 1
    while p < n and p < most:
        p *= 2
    return p


cdef int run(int op, int dtype, const void* x, const void* factor, void* y, int64_t* indices, int64_t outer, int64_t dim, int64_t inner,
             int reverse) noexcept nogil:
    cdef int device = device_of_call(), number = (op * NUM_DTYPES + dtype) * STAGES, across, along, mode = 0, code
    cdef int64_t lines, boxes, pieces = 1, piece = dim, most
    cdef void* block = NULL
    cdef void* part = NULL
    cdef void* a[14]
    if outer == 0 or dim == 0 or inner == 0:
        return 0
    across = power_of_2(inner, 32)
    # Which branch of the logarithm of complex numbers comes out depends on the order: it is that of the elements.
    along = 1 if op == LOGCUMSUMEXP and dtype >= COMPLEX64 else power_of_2(dim, THREADS // across)
    lines = THREADS // (across * along)
    boxes = (outer + lines - 1) // lines * ((inner + across - 1) // across)
    a[:] = [&x, &factor, &y, &indices, &part, &mode, &outer, &dim, &inner, &pieces, &piece, &reverse, &across, &along]
    if boxes >= FEW or dim <= 2 * STEPS * along or (op == LOGCUMSUMEXP and dtype >= COMPLEX64):
        return start(&kernels, device, number, boxes, a)
    most = FEW // boxes + 1 if FEW // boxes + 1 < MOST else MOST
    piece = (dim + most - 1) // most
    if piece < STEPS * along:
        piece = STEPS * along
    pieces = (dim + piece - 1) // piece
    part = scratch(device, outer * pieces * inner * PARTIAL, &block)
    if part == NULL:
        return 0    # kept, and raised later
    boxes = (outer * pieces + lines - 1) // lines * ((inner + across - 1) // across)
    mode = 1
    code = start(&kernels, device, number, boxes, a)
    if code == 0:
        a[:4] = [&part, &outer, &pieces, &inner]
        code = start(&kernels, device, number + 1, blocks_for(outer * inner, device), a)
    if code == 0:
        mode = 2
        a[:4] = [&x, &factor, &y, &indices]
        code = start(&kernels, device, number, boxes, a)
    scratch_free(block)
    return code


cdef int scan(int op, int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, int reverse) noexcept nogil:
    return run(op, dtype, x, NULL, y, NULL, outer, dim, inner, reverse)


cdef int extreme(int minimum, int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner) noexcept nogil:
    return run(MINIMUM if minimum else MAXIMUM, dtype, x, NULL, values, indices, outer, dim, inner, 0)


cdef int recurrence(int dtype, const void* a, const void* b, void* y, int64_t outer, int64_t dim, int64_t inner, int reverse) noexcept nogil:
    return run(RECURRENCE, dtype, b, a, y, NULL, outer, dim, inner, reverse)

cdef pyx_scan_kernels table
table.scan = scan
table.extreme = extreme
table.recurrence = recurrence
register(b"scan", &table, sizeof(pyx_scan_kernels), (BOOL, *_INTEGERS, *_FLOATS, *_COMPLEX))
