/* Indexing by tensors: get, put, gather, scatter.

   Reads are split over the elements read. Writes are split only over places that no two pieces
   share (the dimensions that are not indexed), so that the last, or the sum, of several values
   for one place is the same for every number of threads. */
#include "pyxtorch/kernels/index.h"

#include <string.h>

#include "pyxtorch/put.h"
#include "pyxtorch/runtime.h"
#include "index_masked.h"

namespace {
using namespace pyx;

constexpr int64_t GRAIN = 32768;  // elements in a piece
constexpr int BLOCK = 512;        // offsets computed at a time

/* Elements of 1, 2, 4, 8 and 16 bytes, to be moved. */
struct b16 {
    uint64_t a, b;
};
#define ITEMSIZE_SWITCH(itemsize, ...)                              \
    switch (itemsize) {                                             \
        case 1: { typedef uint8_t T; __VA_ARGS__; break; }          \
        case 2: { typedef uint16_t T; __VA_ARGS__; break; }         \
        case 4: { typedef uint32_t T; __VA_ARGS__; break; }         \
        case 8: { typedef uint64_t T; __VA_ARGS__; break; }         \
        default: { typedef b16 T; __VA_ARGS__; break; }             \
    }

#define ORDERED_DTYPE(dtype, ...) \
    PYX_SWITCH(dtype, PYX_BOOL_CASE(__VA_ARGS__) PYX_INTEGER_CASES(__VA_ARGS__) PYX_HALF_CASES(__VA_ARGS__) PYX_FLOAT_CASES(__VA_ARGS__))
#define ANY_DTYPE(dtype, ...) \
    PYX_SWITCH(dtype, PYX_BOOL_CASE(__VA_ARGS__) PYX_INTEGER_CASES(__VA_ARGS__) PYX_HALF_CASES(__VA_ARGS__) \
                          PYX_FLOAT_CASES(__VA_ARGS__) PYX_COMPLEX_CASES(__VA_ARGS__))

/* Byte offsets of the positions in some dimensions, row-major: i * stride where they lie evenly,
   else a table. */
struct Offsets {
    int64_t n = 1, stride = 0;
    int64_t* table = nullptr;
    bool failed = false;
    Offsets(int nd, const int64_t* size, const int64_t* strides) {
        int64_t sizes[PYX_MAX_DIMS], steps[PYX_MAX_DIMS];
        int k = 0;
        for (int i = 0; i < nd; i++) {
            n *= size[i];
            if (size[i] == 1) continue;
            if (k && steps[k - 1] == strides[i] * size[i]) {
                sizes[k - 1] *= size[i];
                steps[k - 1] = strides[i];
            } else {
                sizes[k] = size[i];
                steps[k++] = strides[i];
            }
        }
        if (k == 1) stride = steps[0];
        if (k < 2 || n == 0) return;
        table = (int64_t*)pyx_rt->alloc(n * (int64_t)sizeof(int64_t));
        if (!table) {
            failed = true;
            return;
        }
        int64_t at[PYX_MAX_DIMS] = {0}, offset = 0;
        for (int64_t i = 0; i < n; i++) {
            table[i] = offset;
            for (int d = k - 1; d >= 0; d--) {
                offset += steps[d];
                if (++at[d] < sizes[d]) break;
                offset -= steps[d] * sizes[d];
                at[d] = 0;
            }
        }
    }
    ~Offsets() { if (table) pyx_rt->free(table); }
    Offsets(const Offsets&) = delete;
    int64_t operator[](int64_t i) const { return table ? table[i] : i * stride; }
};

/* Check indices begin..end of all index tensors. */
bool in_range(const pyx_indexing* at, int64_t begin, int64_t end, int64_t* bad) {
    for (int k = 0; k < at->nindex; k++) {
        const int64_t* index = at->index[k];
        int64_t size = at->size[k], least = at->wrap ? -size : 0, wrong = 0;
        for (int64_t j = begin; j < end; j++) wrong |= (index[j] < least) | (index[j] >= size);
        if (!wrong) continue;
        for (int64_t j = begin; j < end; j++)
            if (index[j] < least || index[j] >= size) {
                bad[0] = index[j];
                bad[1] = k;
                return false;
            }
    }
    return true;
}

/* Indices are checked before anything is written, and once more where they are used: another thread may
   write them meanwhile. What has become wrong by then goes to place 0. */
inline int64_t placed(int64_t i, int64_t size) { return (uint64_t)i < (uint64_t)size ? i : 0; }

void find_offsets(const pyx_indexing* at, int64_t begin, int64_t end, int64_t* out) {
    for (int k = 0; k < at->nindex; k++) {
        const int64_t* index = at->index[k] + begin;
        int64_t size = at->size[k], stride = at->stride[k], n = end - begin;
        if (k == 0)
            for (int64_t j = 0; j < n; j++) out[j] = placed(index[j] + (index[j] < 0 ? size : 0), size) * stride;
        else
            for (int64_t j = 0; j < n; j++) out[j] += placed(index[j] + (index[j] < 0 ? size : 0), size) * stride;
    }
    if (at->nindex == 0)
        for (int64_t j = begin; j < end; j++) out[j - begin] = 0;
}

bool all_in_range(const pyx_indexing* at, int64_t* bad) {
    int64_t pieces = (at->count + GRAIN - 1) / GRAIN;
    if (pieces <= 1) return in_range(at, 0, at->count, bad);
    scratch<int64_t> found(pieces * 3);
    if (!found) return in_range(at, 0, at->count, bad);
    parallel_for(at->count, GRAIN, [&](int64_t begin, int64_t end) {
        int64_t* mine = found + 3 * (begin / GRAIN);
        mine[0] = !in_range(at, begin, end, mine + 1);
    });
    for (int64_t i = 0; i < pieces; i++)
        if (found[3 * i]) {
            bad[0] = found[3 * i + 1];
            bad[1] = found[3 * i + 2];
            return false;
        }
    return true;
}

/* The dimensions after the indexed ones as runs of elements that lie together in x. */
struct Runs {
    int64_t length = 1;  // elements in a run
    int nd;
    Runs(const pyx_indexing* at, int itemsize) : nd(at->nafter) {
        const int64_t* size = at->rest_size + at->nbefore;
        const int64_t* stride = at->rest_stride + at->nbefore;
        while (nd && (size[nd - 1] == 1 || stride[nd - 1] == length * itemsize)) length *= size[--nd];
    }
};

template <class T>
void get_rows(const char* x, const int64_t* offsets, int64_t n, const Offsets& after, int64_t run, T* out) {
    if (run == 1 && after.n == 1) {
        for (int64_t j = 0; j < n; j++) out[j] = *(const T*)(x + offsets[j]);
        return;
    }
    for (int64_t j = 0; j < n; j++) {
        const char* row = x + offsets[j];
        if (run == 1) {
            for (int64_t a = 0; a < after.n; a++) *out++ = *(const T*)(row + after[a]);
        } else {
            for (int64_t a = 0; a < after.n; a++, out += run) memcpy(out, row + after[a], run * sizeof(T));
        }
    }
}

int get(int itemsize, const pyx_indexing* at, const char* x, char* values, int64_t* bad) {
    if (!all_in_range(at, bad)) return -2;
    Runs runs(at, itemsize);
    Offsets before(at->nbefore, at->rest_size, at->rest_stride);
    Offsets after(runs.nd, at->rest_size + at->nbefore, at->rest_stride + at->nbefore);
    if (before.failed || after.failed) return -4;
    int64_t count = at->count, row = runs.length * after.n, total = before.n * count;
    if (total == 0 || row == 0) return 0;
    /* With an outer dimension the same offsets serve many times. */
    int64_t kept = before.n > 1 ? count : 0;
    scratch<int64_t> known(kept ? kept : 1);
    if (!known) return -4;
    if (kept) find_offsets(at, 0, count, known);
    int64_t grain = std::max<int64_t>(1, GRAIN / row);
    ITEMSIZE_SWITCH(itemsize, parallel_for(total, grain, [&](int64_t begin, int64_t end) {
        int64_t block[BLOCK];
        while (begin < end) {
            int64_t b = begin / count, j = begin - b * count;
            int64_t n = std::min(end - begin, count - j);
            const int64_t* offsets = known + j;
            if (!kept) {
                n = std::min<int64_t>(n, BLOCK);
                find_offsets(at, j, j + n, block);
                offsets = block;
            }
            get_rows<T>(x + before[b], offsets, n, after, runs.length, (T*)values + begin * row);
            begin += n;
        }
    }))
    return 0;
}

/* One piece of a put: before b0..b1 and elements c0..c1 of each run. */
template <class T, class Op>
void put_piece(const pyx_indexing* at, char* x, const T* values, int64_t step, const Offsets& before,
               const Offsets& after, int64_t run, int64_t b0, int64_t b1, int64_t c0, int64_t c1) {
    int64_t block[BLOCK], count = at->count;
    for (int64_t j0 = 0; j0 < count; j0 += BLOCK) {
        int64_t n = std::min<int64_t>(BLOCK, count - j0);
        find_offsets(at, j0, j0 + n, block);
        for (int64_t b = b0; b < b1; b++) {
            char* base = x + before[b];
            if (run == 1 && after.n == 1) {
                const T* v = values + (b * count + j0) * step;
                for (int64_t j = 0; j < n; j++) Op::one((T*)(base + block[j]), v + j * step);
                continue;
            }
            for (int64_t j = 0; j < n; j++)
                for (int64_t a = 0; a < after.n; a++) {
                    const T* v = values + (((b * count + j0 + j) * after.n + a) * run) * step;
                    T* d = (T*)(base + block[j] + after[a]);
                    if (step)
                        for (int64_t c = c0; c < c1; c++) Op::one(d + c, v + c);
                    else
                        for (int64_t c = c0; c < c1; c++) Op::one(d + c, v);
                }
        }
    }
}

template <class T, class Op>
int put_all(const pyx_indexing* at, char* x, const char* values, int scalar) {
    Runs runs(at, sizeof(T));
    Offsets before(at->nbefore, at->rest_size, at->rest_stride);
    Offsets after(runs.nd, at->rest_size + at->nbefore, at->rest_stride + at->nbefore);
    if (before.failed || after.failed) return -4;
    int64_t run = runs.length, row = run * after.n, total = before.n * at->count * row;
    if (total == 0) return 0;
    const T* v = (const T*)values;
    int64_t step = scalar ? 0 : 1;
    if (before.n > 1) {
        int64_t grain = std::max<int64_t>(1, GRAIN / (at->count * row));
        parallel_for(before.n, grain, [&](int64_t begin, int64_t end) {
            put_piece<T, Op>(at, x, v, step, before, after, run, begin, end, 0, run);
        });
    } else {
        /* columns of the runs: at least a cache line wide */
        int64_t pieces = std::max<int64_t>(1, std::min<int64_t>({8, total / GRAIN, run * (int64_t)sizeof(T) / 256}));
        parallel_for(run, (run + pieces - 1) / pieces, [&](int64_t begin, int64_t end) {
            put_piece<T, Op>(at, x, v, step, before, after, run, 0, 1, begin, end);
        });
    }
    return 0;
}

int put(int how, int dtype, const pyx_indexing* at, char* x, const char* values, int scalar, int64_t* bad) {
    if (!all_in_range(at, bad)) return -2;
#define PUT(Op) return put_all<T, pyx::putting::Op<T>>(at, x, values, scalar)
    switch (how) {
        case PYX_PUT_SET: ITEMSIZE_SWITCH(pyx_itemsize(dtype), PUT(Set)) break;
        case PYX_PUT_ADD: ANY_DTYPE(dtype, PUT(Add)) break;
        case PYX_PUT_MUL: ANY_DTYPE(dtype, PUT(Mul)) break;
        case PYX_PUT_MIN: ORDERED_DTYPE(dtype, PUT(Min)) break;
        case PYX_PUT_MAX: ORDERED_DTYPE(dtype, PUT(Max)) break;
    }
#undef PUT
    return -1;
}

/* ------------------------------------------------------------------ gather, scatter */

/* Rows of the index tensor: its dimensions but the innermost (that of most use there). */
struct Rows {
    int nd = 0;                      // outer dimensions
    int64_t n = 1, length = 1;       // rows, and elements in a row
    int64_t shape[PYX_MAX_DIMS], x_stride[PYX_MAX_DIMS], s_stride[PYX_MAX_DIMS];
    int64_t x_inner = 0, s_inner = 0;  // a step within the row; x_inner is 0 along dim
    bool inner_is_dim = false;
    Rows(int nd_, const int64_t* size, int dim, const int64_t* xs, const int64_t* ss) {
        int last = nd_ - 1;
        while (last > 0 && size[last] == 1) last--;
        for (int i = 0; i < nd_; i++) {
            int64_t sx = i == dim ? 0 : xs[i], sv = ss ? ss[i] : 0;
            if (i == last) {
                length = size[i];
                x_inner = sx;
                s_inner = sv;
                inner_is_dim = i == dim;
            } else if (size[i] != 1) {
                shape[nd] = size[i];
                x_stride[nd] = sx;
                s_stride[nd++] = sv;
                n *= size[i];
            }
        }
    }
    /* f(row, offset in x, offset in src) for rows begin..end */
    template <class F>
    void each(int64_t begin, int64_t end, F&& f) const {
        int64_t at[PYX_MAX_DIMS], x = 0, s = 0, rest = begin;
        for (int d = nd - 1; d >= 0; d--) {
            at[d] = rest % shape[d];
            rest /= shape[d];
            x += at[d] * x_stride[d];
            s += at[d] * s_stride[d];
        }
        for (int64_t r = begin; r < end; r++) {
            f(r, x, s);
            for (int d = nd - 1; d >= 0; d--) {
                x += x_stride[d];
                s += s_stride[d];
                if (++at[d] < shape[d]) break;
                x -= x_stride[d] * shape[d];
                s -= s_stride[d] * shape[d];
                at[d] = 0;
            }
        }
    }
};

bool check_flat(const int64_t* index, int64_t n, int64_t size, int dim, int64_t* bad) {
    pyx_indexing at;
    at.count = n;
    at.nindex = 1;
    at.wrap = 0;
    at.index[0] = index;
    at.size[0] = size;
    if (all_in_range(&at, bad)) return true;
    bad[1] = dim;
    return false;
}

int64_t numel(int nd, const int64_t* shape) {
    int64_t n = 1;
    for (int i = 0; i < nd; i++) n *= shape[i];
    return n;
}

int gather(int itemsize, int nd, const int64_t* shape, int dim, int64_t size, const char* x,
           const int64_t* strides, const int64_t* index, char* out, int64_t* bad) {
    int64_t n = numel(nd, shape);
    if (n == 0) return 0;
    if (!check_flat(index, n, size, dim, bad)) return -2;
    Rows rows(nd, shape, dim, strides, nullptr);
    int64_t step = nd ? strides[dim] : 0, length = rows.length, inner = rows.x_inner;
    int64_t grain = std::max<int64_t>(1, GRAIN / length);
    if (rows.n == 1) {  /* one long row: split it */
        ITEMSIZE_SWITCH(itemsize, parallel_for(length, GRAIN, [&](int64_t begin, int64_t end) {
            T* o = (T*)out;
            for (int64_t i = begin; i < end; i++) {
                o[i] = *(const T*)(x + i * inner + placed(index[i], size) * step);
            }
        }))
        return 0;
    }
    ITEMSIZE_SWITCH(itemsize, parallel_for(rows.n, grain, [&](int64_t begin, int64_t end) {
        rows.each(begin, end, [&](int64_t r, int64_t base, int64_t) {
            const int64_t* k = index + r * length;
            T* o = (T*)out + r * length;
            const char* from = x + base;
            if (inner == 0 && step == sizeof(T))
                for (int64_t i = 0; i < length; i++) o[i] = ((const T*)from)[placed(k[i], size)];
            else
                for (int64_t i = 0; i < length; i++)
                    o[i] = *(const T*)(from + i * inner + placed(k[i], size) * step);
        });
    }))
    return 0;
}

template <class T, class Op>
int scatter_all(const Rows& rows, int64_t size, int64_t step, char* x, const int64_t* index, const char* src) {
    int64_t length = rows.length, inner = rows.x_inner, from = rows.s_inner;
    auto piece = [&](int64_t begin, int64_t end, int64_t i0, int64_t i1) {
        rows.each(begin, end, [&](int64_t r, int64_t base, int64_t sbase) {
            const int64_t* k = index + r * length;
            char* to = x + base;
            const char* s = src + sbase;
            if (inner == 0 && step == sizeof(T) && from == sizeof(T))
                for (int64_t i = i0; i < i1; i++) Op::one((T*)to + placed(k[i], size), (const T*)s + i);
            else
                for (int64_t i = i0; i < i1; i++)
                    Op::one((T*)(to + i * inner + placed(k[i], size) * step), (const T*)(s + i * from));
        });
    };
    if (rows.inner_is_dim)  /* rows share no place */
        parallel_for(rows.n, std::max<int64_t>(1, GRAIN / length), [&](int64_t a, int64_t b) { piece(a, b, 0, length); });
    else                    /* columns do not */
        parallel_for(length, std::max<int64_t>(64, GRAIN / rows.n), [&](int64_t a, int64_t b) { piece(0, rows.n, a, b); });
    return 0;
}

int scatter(int how, int dtype, int nd, const int64_t* shape, int dim, int64_t size, char* x,
            const int64_t* strides, const int64_t* index, const char* src, const int64_t* src_strides,
            int64_t* bad) {
    int64_t n = numel(nd, shape);
    if (n == 0) return 0;
    if (!check_flat(index, n, size, dim, bad)) return -2;
    Rows rows(nd, shape, dim, strides, src_strides);
    int64_t step = nd ? strides[dim] : 0;
#define PUT(Op) return scatter_all<T, pyx::putting::Op<T>>(rows, size, step, x, index, src)
    switch (how) {
        case PYX_PUT_SET: ITEMSIZE_SWITCH(pyx_itemsize(dtype), PUT(Set)) break;
        case PYX_PUT_ADD: ANY_DTYPE(dtype, PUT(Add)) break;
        case PYX_PUT_MUL: ANY_DTYPE(dtype, PUT(Mul)) break;
        case PYX_PUT_MIN: ORDERED_DTYPE(dtype, PUT(Min)) break;
        case PYX_PUT_MAX: ORDERED_DTYPE(dtype, PUT(Max)) break;
    }
#undef PUT
    return -1;
}

const pyx_index_kernels table = {get, put, gather, scatter, index_count_true, index_masked_select,
                                 index_masked_scatter, index_nonzero, index_triangle, index_repeat};
}  // namespace

PYX_KERNELS(index, table)
