"""The family `sort` on the GPU: chooses and launches the kernels of sort.cuh."""
from libc.stdint cimport int64_t, uint64_t
from pyxtorch._core cimport *
from pyxtorch._cuda cimport (
    Kernels, blocks_for, bring, define, device_of_call, memcpy_device, memset_device, register, scratch, scratch_free, start,
)
from pyxtorch.kernels.cuda.index cimport checked
from pyxtorch.kernels.scan cimport *
from pyxtorch.kernels.sort cimport *

from pyxtorch._cuda_program import C_TYPES

cdef pyx_scan_kernels** scans = <pyx_scan_kernels**>kernel_tables(b"scan", sizeof(pyx_scan_kernels))

cdef enum:
    KEYS, FRESH, SEARCH, HISTOGRAM, PUT_COUNTS, TYPED                   # by dtype
cdef enum:
    TAKE = TYPED * NUM_DTYPES                                           # by size of the elements
    PICK = TAKE + 9
    MERGE = PICK + 9
    COMPOSE = MERGE + 1
    RUNS = MERGE + 2
    COUNT = MERGE + 3
cdef enum:
    PAIR = 16               # bytes
    MODE = -2               # what `pick` does beside its k
_ORDERED = (*range(BOOL, INT64 + 1), *range(FLOAT16, FLOAT64 + 1))
_HALVES = tuple(range(FLOAT16, FLOAT64 + 1))


def kernel_names():
    """{number: name expression} of all kernels."""
    names = {k * NUM_DTYPES + dt: f"pyx_gpu::{name}<{C_TYPES[dt]}>"
             for k, name, dtypes in ((KEYS, "keys", _ORDERED), (FRESH, "fresh", (*_ORDERED, COMPLEX64, COMPLEX128)), (SEARCH, "search", _ORDERED),
                                     (HISTOGRAM, "histogram", _HALVES), (PUT_COUNTS, "put_counts", _HALVES)) for dt in dtypes}
    for first, name in ((TAKE, "take"), (PICK, "pick")):
        for size in (1, 2, 4, 8):
            names[first + size] = f"pyx_gpu::{name}<pyx_u{8 * size}>"
    return {**names, MERGE: "pyx_gpu::merge", COMPOSE: "pyx_gpu::compose", RUNS: "pyx_gpu::runs", COUNT: "pyx_gpu::count"}


cdef Kernels kernels
define(&kernels, "sort.cuh", kernel_names())


cdef uint64_t ones(int dtype) noexcept nogil:
    """All bits of a key: the other order, and the key of NaN."""
    return ~<uint64_t>0 >> (64 - 8 * itemsize_of(dtype))


cdef int sorted_pairs(int device, int dtype, const void* x, int64_t lines, int64_t n, int64_t inner, uint64_t flip, const int64_t* order,
                      void* buffer, void** pairs) noexcept nogil:
    """Lines of pairs in order; `buffer` holds all of them twice, `pairs` is the half where they end."""
    cdef int64_t width = 1, total = lines * n
    cdef void* a = buffer
    cdef void* b = <char*>buffer + total * PAIR
    cdef void* p[7]
    cdef int code
    p[:] = [&x, &a, &lines, &n, &inner, &flip, &order]
    code = start(&kernels, device, KEYS * NUM_DTYPES + dtype, blocks_for(total, device), p)
    while width < n and code == 0:
        p[:5] = [&a, &b, &lines, &n, &width]
        code = start(&kernels, device, MERGE, blocks_for(total, device), p)
        a, b = b, a
        width *= 2
    pairs[0] = a
    return code


cdef int chosen(int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t n, int64_t inner, int64_t k, int flipped,
                bint picked) noexcept nogil:
    """Lines sorted, and the first k of each, or (picked) one of each."""
    cdef int device = device_of_call(), code
    cdef int64_t lines = outer * inner
    cdef uint64_t flip = ones(dtype) if flipped else 0, nan = ones(dtype) if dtype >= FLOAT16 else 0
    cdef void* block = NULL
    cdef void* buffer
    cdef void* pairs
    cdef void* p[9]
    if not kernels.defined[KEYS * NUM_DTYPES + dtype]:
        return -1
    if lines == 0 or n == 0:
        return 0
    buffer = scratch(device, 2 * lines * n * PAIR, &block)
    if buffer == NULL:
        return 0    # kept, and raised later
    code = sorted_pairs(device, dtype, x, lines, n, inner, flip, NULL, buffer, &pairs)
    if code == 0:
        p[:] = [&pairs, &x, &values, &indices, &lines, &n, &inner, &k, &nan]
        code = start(&kernels, device, (PICK if picked else TAKE) + itemsize_of(dtype), blocks_for(lines if picked else lines * k, device), p)
    scratch_free(block)
    return code


cdef int sort(int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t n, int64_t inner, int descending) noexcept nogil:
    return chosen(dtype, x, values, indices, outer, n, inner, n, descending, False)


cdef int topk(int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t n, int64_t inner, int64_t k, int largest,
              int sorted) noexcept nogil:
    return chosen(dtype, x, values, indices, outer, n, inner, k, largest, False)


cdef int kthvalue(int dtype, const void* x, void* value, int64_t* index, int64_t outer, int64_t n, int64_t inner, int64_t k) noexcept nogil:
    return chosen(dtype, x, value, index, outer, n, inner, k, 0, True)


cdef int mode(int dtype, const void* x, void* value, int64_t* index, int64_t outer, int64_t n, int64_t inner) noexcept nogil:
    return chosen(dtype, x, value, index, outer, n, inner, MODE, 0, True)


cdef int64_t runs(int dtype, const void* x, int64_t n, int64_t width, int64_t* starts, int64_t* run_of) noexcept nogil:
    cdef int device = device_of_call()
    cdef int64_t found = 0
    cdef void* block = NULL
    cdef char* flags
    cdef char* numbers
    cdef void* p[5]
    if not kernels.defined[FRESH * NUM_DTYPES + dtype]:
        return -1
    if n == 0:
        return 0
    flags = <char*>scratch(device, 16 * n, &block)
    if flags == NULL:
        return -4
    numbers = flags + 8 * n
    p[:] = [&x, &n, &width, &flags, NULL]
    start(&kernels, device, FRESH * NUM_DTYPES + dtype, blocks_for(n, device), p)
    with gil:
        scans[CUDA].scan(CUMSUM, INT64, flags, numbers, 1, n, 1, 0)
    p[:] = [&flags, &numbers, &n, &starts, &run_of]
    start(&kernels, device, RUNS, blocks_for(n, device), p)
    if bring(device, &found, numbers + 8 * (n - 1), 8):
        found = -4
    scratch_free(block)
    return found


cdef int sort_rows(int dtype, const void* x, int64_t rows, int64_t width, int64_t* order) noexcept nogil:
    """By the last column first: each sort keeps the order of equal ones."""
    cdef int device = device_of_call(), code = 0
    cdef int64_t column
    cdef const char* at
    cdef void* block = NULL
    cdef char* buffer
    cdef void* pairs
    cdef int64_t* known = NULL
    cdef int64_t* fresh
    cdef void* p[4]
    if not kernels.defined[KEYS * NUM_DTYPES + dtype]:
        return -1
    if rows == 0:
        return 0
    buffer = <char*>scratch(device, 2 * rows * PAIR + 8 * rows, &block)
    if buffer == NULL:
        return 0
    fresh = <int64_t*>(buffer + 2 * rows * PAIR)
    for column in range(width - 1, -1, -1):
        at = <const char*>x + column * itemsize_of(dtype)
        # A line whose elements lie `width` apart; `keys` takes line 0 alone.
        code = sorted_pairs(device, dtype, at, 1, rows, width, 0, known, buffer, &pairs)
        if code:
            break
        p[:] = [&pairs, &known, &fresh, &rows]
        start(&kernels, device, COMPOSE, blocks_for(rows, device), p)
        memcpy_device(<char*>order, <const char*>fresh, 8 * rows)
        known = order
    scratch_free(block)
    return code


cdef int search(int dtype, const void* sequence, const int64_t* sorter, int64_t batch, int64_t n, const void* values, int64_t m, int one,
                int right, int64_t* out) noexcept nogil:
    cdef int device = device_of_call()
    cdef void* p[9]
    p[:] = [&sequence, &sorter, &batch, &n, &values, &m, &one, &right, &out]
    return start(&kernels, device, SEARCH * NUM_DTYPES + dtype, blocks_for(batch * m, device), p)


cdef int count(const int64_t* x, int64_t n, int64_t* counts, int64_t bins) noexcept nogil:
    cdef int device = device_of_call(), code
    cdef int64_t bad[2]
    cdef void* p[3]
    if n == 0:
        return 0
    code = checked(device, 1, &x, &bins, n, 0, bad)
    if code:
        return code
    p[:] = [&x, &n, &counts]
    return start(&kernels, device, COUNT, blocks_for(n, device), p)


cdef int histogram(int dtype, const void* x, int64_t n, double low, double high, int64_t bins, void* out) noexcept nogil:
    cdef int device = device_of_call(), code = 0
    cdef void* block = NULL
    cdef void* counts
    cdef void* p[6]
    if not kernels.defined[HISTOGRAM * NUM_DTYPES + dtype]:
        return -1
    counts = scratch(device, 8 * bins, &block)
    if counts == NULL:
        return 0
    memset_device(<char*>counts, 0, 8 * bins)
    if n:
        p[:] = [&x, &n, &low, &high, &bins, &counts]
        code = start(&kernels, device, HISTOGRAM * NUM_DTYPES + dtype, blocks_for(n, device), p)
    p[:3] = [&counts, &bins, &out]
    if code == 0:
        code = start(&kernels, device, PUT_COUNTS * NUM_DTYPES + dtype, blocks_for(bins, device), p)
    scratch_free(block)
    return code

cdef pyx_sort_kernels table
table.sort = sort
table.topk = topk
table.kthvalue = kthvalue
table.mode = mode
table.runs = runs
table.sort_rows = sort_rows
table.search = search
table.count = count
table.histogram = histogram
register(b"sort", &table, sizeof(pyx_sort_kernels), (*_ORDERED, COMPLEX64, COMPLEX128))
