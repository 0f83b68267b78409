"""The family `index` on the GPU: chooses and launches the kernels of index.cuh.

Indices are checked by a kernel of its own before anything else is launched, and its answer is
waited for: an index out of range is an error of the operation that has it.
"""
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset
from pyxtorch._core cimport *
from pyxtorch._cuda cimport (
    Kernels, blocks_for, bring, define, memset_device, device_of_call, register, scratch, scratch_free, send, start,
)
from pyxtorch.kernels.index cimport *

from pyxtorch._cuda_program import C_TYPES

cdef pyx_index_kernels** tables = <pyx_index_kernels**>kernel_tables(b"index", sizeof(pyx_index_kernels))

# The layout of Lines in index.cuh.
cdef struct Lines:
    int nd, dim
    int64_t shape[64]
    int64_t x[64]
    int64_t source[64]

# Numbers of kernels: those by item size (1, 2, 4, 8, 16 bytes), those without a type, those that combine.
_BY_SIZE = ("get", "put_any", "gather", "scatter_any", "masked_select", "masked_scatter", "triangle")
_PLAIN = ("check", "count_chunks", "sum_chunks", "nonzero")
_COMBINE = ("Add", "Mul", "Min", "Max")     # enum pyx_put, from 1 on
cdef enum:
    GET, PUT_ANY, GATHER, SCATTER_ANY, MASKED_SELECT, MASKED_SCATTER, TRIANGLE
cdef enum:
    CHECK = 35
    COUNT_CHUNKS = 36
    SUM_CHUNKS = 37
    NONZERO = 38
    PUT_ORDERED = 40
    SCATTER_ORDERED = 40 + 4 * NUM_DTYPES
    CHUNK = 2048                # elements of a mask for a block, as in index.cuh
    ENOUGH_THREADS = 16384      # threads that combining aims at


def kernel_names():
    """{number: name expression} of all kernels."""
    words = ("pyx_u8", "pyx_u16", "pyx_u32", "pyx_u64", "pyx_gpu::word16")
    names = {i * 5 + k: f"pyx_gpu::{name}<{word}>" for i, name in enumerate(_BY_SIZE) for k, word in enumerate(words)}
    names.update((CHECK + i, f"pyx_gpu::{name}") for i, name in enumerate(_PLAIN))
    for first, kernel in ((PUT_ORDERED, "put_ordered"), (SCATTER_ORDERED, "scatter_ordered")):
        for i, op in enumerate(_COMBINE):
            for dt, T in enumerate(C_TYPES):
                if not is_float8(dt) and (dt <= FLOAT64 or op in ("Add", "Mul")):
                    names[first + i * NUM_DTYPES + dt] = f"pyx_gpu::{kernel}<pyx::putting::{op}<{T}>, {T}>"
    return names


cdef Kernels kernels
define(&kernels, "index.cuh", kernel_names())


cdef int sized(int kernel, int itemsize) noexcept nogil:
    return kernel * 5 + (0 if itemsize == 1 else 1 if itemsize == 2 else 2 if itemsize == 4 else 3 if itemsize == 8 else 4)


cdef int64_t product(int n, const int64_t* sizes) noexcept nogil:
    cdef int64_t p = 1
    cdef int i
    for i in range(n):
        p *= sizes[i]
    return p


cdef int checked(int device, int count, const int64_t** index, const int64_t* size, int64_t n, int wrap, int64_t* bad) noexcept nogil:

    cdef void* block = NULL
    cdef void* flag = scratch(device, 8, &block)
    cdef void* a[6]
    cdef uint64_t first, found = 0
    cdef int k, failed
    if flag == NULL:
        return -4
    memset_device(<char*>flag, 0xff, 8)
    for k in range(count):
        first = <uint64_t>k * n
        a[:] = [&index[k], &n, <void*>&size[k], &wrap, &first, &flag]
        start(&kernels, device, CHECK, blocks_for(n, device), a)
    failed = bring(device, &found, flag, 8)
    scratch_free(block)
    if failed:
        return -4
    if found == ~<uint64_t>0:
        return 0
    k = <int>(found // <uint64_t>n)
    if bring(device, bad, index[k] + found % <uint64_t>n, 8):
        return -4
    bad[1] = k
    return -2


cdef int get(int itemsize, const pyx_indexing* at, const char* x, char* values, int64_t* bad) noexcept nogil:
    cdef int64_t after = product(at.nafter, at.rest_size + at.nbefore)
    cdef int64_t total = product(at.nbefore, at.rest_size) * at.count * after
    cdef int device = device_of_call(), code
    cdef void* a[5]
    if at.count:
        code = checked(device, at.nindex, <const int64_t**>at.index, at.size, at.count, at.wrap, bad)
        if code:
            return code
    a[:] = [<void*>at, &x, &values, &total, &after]
    return start(&kernels, device, sized(GET, itemsize), blocks_for(total, device), a)


cdef int64_t shares_of(int64_t lines, int64_t count) noexcept nogil:
    cdef int64_t shares = ENOUGH_THREADS // lines
    if shares > count:
        shares = count
    return shares if shares > 1 else 1


cdef int put(int how, int dtype, const pyx_indexing* at, char* x, const char* values, int scalar, int64_t* bad) noexcept nogil:
    cdef int64_t after = product(at.nafter, at.rest_size + at.nbefore)
    cdef int64_t lines = product(at.nbefore, at.rest_size) * after
    cdef int64_t total = lines * at.count, shares
    cdef int device = device_of_call(), code, step = 0 if scalar else 1
    cdef void* a[7]
    if at.count:
        code = checked(device, at.nindex, <const int64_t**>at.index, at.size, at.count, at.wrap, bad)
        if code:
            return code
    if total == 0:
        return 0
    if how == PUT_SET:
        a[:] = [<void*>at, &x, &values, &total, &after, &step, NULL]
        return start(&kernels, device, sized(PUT_ANY, itemsize_of(dtype)), blocks_for(total, device), a)
    shares = shares_of(lines, at.count)
    a[:] = [<void*>at, &x, &values, &lines, &after, &step, &shares]
    return start(&kernels, device, PUT_ORDERED + (how - 1) * NUM_DTYPES + dtype, blocks_for(lines * shares, device), a)


cdef void lines_of(Lines* l, int nd, const int64_t* shape, int dim, const int64_t* x, const int64_t* source) noexcept nogil:
    cdef int i
    memset(l, 0, sizeof(Lines))
    l.nd = nd
    l.dim = dim
    for i in range(nd):
        l.shape[i] = shape[i]
        if x != NULL:
            l.x[i] = x[i]
        if source != NULL:
            l.source[i] = source[i]


cdef int gather(int itemsize, int nd, const int64_t* shape, int dim, int64_t size, const char* x, const int64_t* strides,
                const int64_t* index, char* out, int64_t* bad) noexcept nogil:
    cdef int64_t n = product(nd, shape)
    cdef int device = device_of_call(), code
    cdef Lines l
    cdef void* a[5]
    if n == 0:
        return 0
    code = checked(device, 1, &index, &size, n, 0, bad)
    if code:
        bad[1] = dim
        return code
    lines_of(&l, nd, shape, dim, strides, NULL)
    a[:] = [&l, &x, &index, &out, &n]
    return start(&kernels, device, sized(GATHER, itemsize), blocks_for(n, device), a)


cdef int scatter(int how, int dtype, int nd, const int64_t* shape, int dim, int64_t size, char* x, const int64_t* strides,
                 const int64_t* index, const char* src, const int64_t* src_strides, int64_t* bad) noexcept nogil:
    cdef int64_t n = product(nd, shape), lines, shares, along
    cdef int device = device_of_call(), code
    cdef Lines l
    cdef void* a[6]
    if n == 0:
        return 0
    code = checked(device, 1, &index, &size, n, 0, bad)
    if code:
        bad[1] = dim
        return code
    lines_of(&l, nd, shape, dim, strides, src_strides)
    if how == PUT_SET:
        a[:] = [&l, &x, &index, &src, &n, NULL]
        return start(&kernels, device, sized(SCATTER_ANY, itemsize_of(dtype)), blocks_for(n, device), a)
    along = shape[dim] if nd else 1
    lines = n // along
    shares = shares_of(lines, along)
    a[:] = [&l, &x, &index, &src, &lines, &shares]
    return start(&kernels, device, SCATTER_ORDERED + (how - 1) * NUM_DTYPES + dtype, blocks_for(lines * shares, device), a)

# ------------------------------------------------------------------------------------ masks

cdef int64_t* chunk_starts(int device, const uint8_t* mask, int64_t n, int64_t* chunks, void** block) noexcept nogil:
    """On the device: the number of true elements before each chunk of the mask; and of all, at the end."""
    cdef int64_t* starts
    cdef int64_t all_chunks
    cdef void* a[4]
    chunks[0] = (n + CHUNK - 1) // CHUNK
    all_chunks = chunks[0] + 1
    starts = <int64_t*>scratch(device, all_chunks * 8, block)
    if starts == NULL:
        return NULL
    memset_device(<char*>(starts + chunks[0]), 0, 8)
    a[:] = [&mask, &n, &starts, chunks]
    start(&kernels, device, COUNT_CHUNKS, chunks[0], a)
    a[:] = [&starts, &all_chunks, NULL, NULL]
    start(&kernels, device, SUM_CHUNKS, 1, a)
    return starts


cdef int64_t count_true(const uint8_t* mask, int64_t n) noexcept nogil:
    cdef void* block = NULL
    cdef int64_t chunks, total = 0
    cdef int device = device_of_call()
    cdef int64_t* starts
    if n == 0:
        return 0
    starts = chunk_starts(device, mask, n, &chunks, &block)
    if starts != NULL and bring(device, &total, starts + chunks, 8):
        total = 0
    scratch_free(block)
    return total


cdef int each_true(int number, void* first, const uint8_t* mask, int64_t n, int64_t room, void* out) noexcept nogil:
    """Launch a kernel over the true elements, `room` at most; `first` is the address of its first parameter."""
    cdef void* block = NULL
    cdef int64_t chunks
    cdef int device = device_of_call(), code
    cdef void* a[7]
    cdef int64_t* starts
    if n == 0:
        return 0
    starts = chunk_starts(device, mask, n, &chunks, &block)
    if starts == NULL:
        return -4
    a[:] = [first, &mask, &n, &starts, &chunks, &room, &out]
    code = start(&kernels, device, number, chunks, a)
    scratch_free(block)
    return code


cdef int masked_select(int itemsize, const char* x, const uint8_t* mask, int64_t n, int64_t room, char* out) noexcept nogil:
    return each_true(sized(MASKED_SELECT, itemsize), &x, mask, n, room, out)


cdef int masked_scatter(int itemsize, char* x, const uint8_t* mask, int64_t n, int64_t room, const char* source) noexcept nogil:
    return each_true(sized(MASKED_SCATTER, itemsize), &x, mask, n, room, <void*>source)


cdef int nonzero(const uint8_t* mask, int nd, const int64_t* shape, int64_t room, int64_t* out) noexcept nogil:
    cdef Lines l
    if nd == 0:
        return 0
    lines_of(&l, nd, shape, 0, NULL, NULL)
    return each_true(NONZERO, &l, mask, product(nd, shape), room, out)


cdef int triangle(int itemsize, int upper, int64_t diagonal, int64_t batch, int64_t rows, int64_t columns, const char* x, char* y) noexcept nogil:
    cdef int device = device_of_call()
    cdef int64_t total = batch * rows * columns
    cdef void* a[7]
    a[:] = [&upper, &diagonal, &total, &rows, &columns, &x, &y]
    return start(&kernels, device, sized(TRIANGLE, itemsize), blocks_for(total, device), a)


cdef int repeat_index(const int64_t* repeats, int64_t n, int64_t* out, int64_t total) noexcept nogil:
    """By the host: the counts are few, and their sum had to be known there anyway."""
    cdef int device, code = -4
    cdef int64_t* host
    if total == 0 and n == 0:
        return 0
    device = device_of_call()
    host = <int64_t*>malloc((n + total) * 8)
    if host == NULL:
        return -4
    if bring(device, host, repeats, n * 8) == 0:
        code = tables[CPU].repeat_index(host, n, host + n, total)
        if code == 0 and send(device, out, host + n, total * 8):
            code = -4
    free(host)
    return code

cdef pyx_index_kernels table
table.get = get
table.put = put
table.gather = gather
table.scatter = scatter
table.count_true = count_true
table.masked_select = masked_select
table.masked_scatter = masked_scatter
table.nonzero = nonzero
table.triangle = triangle
table.repeat_index = repeat_index
register(b"index", &table, sizeof(pyx_index_kernels), range(NUM_DTYPES))
