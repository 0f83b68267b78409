/* GPU kernels of the family `index`. Indices have been checked before.

   Where values are combined, one thread does all that goes to one place, in the order of the
   indices: so the bits are the same each time. Threads share out the places that are not indexed
   ("lines") and, where those are few, the indexed ones too ("shares": a thread walks all indices and
   takes its own). Where values only replace, of several for one place any one may win. */
#include "pyxtorch/cuda_block.h"
#include "pyxtorch/put.h"

namespace pyx_gpu {

constexpr int DIMS = 64;
struct word16 { pyx_u64 low, high; };

/* The layout of pyx_indexing. */
struct Indexing {
    pyx_i64 count;
    int nindex, wrap;
    const pyx_i64* index[DIMS];
    pyx_i64 size[DIMS], stride[DIMS];
    int nbefore, nafter;
    pyx_i64 rest_size[DIMS], rest_stride[DIMS];
    __device__ pyx_i64 offset(pyx_i64 j) const {
        pyx_i64 sum = 0;
#pragma unroll 1
        for (int k = 0; k < nindex; k++) {
            pyx_i64 i = index[k][j];
            sum += (i < 0 ? i + size[k] : i) * stride[k];
        }
        return sum;
    }
    /* Byte offset of position i among dimensions begin .. end - 1 of the rest. */
    __device__ pyx_i64 rest(pyx_i64 i, int begin, int end) const {
        pyx_i64 sum = 0;
#pragma unroll 1
        for (int d = end - 1; d >= begin; d--) {
            pyx_i64 left = i / rest_size[d];
            sum += (i - left * rest_size[d]) * rest_stride[d];
            i = left;
        }
        return sum;
    }
};

/* *bad: the least first + i whose index is out of range. */
__global__ void check(const pyx_i64* index, pyx_i64 n, pyx_i64 size, int wrap, pyx_u64 first, pyx_u64* bad) {
    PYX_EACH(i, n) {
        if (index[i] >= size || index[i] < (wrap ? -size : 0)) atomicMin((unsigned long long*)bad, (unsigned long long)(first + i));
    }
}

template <class W>
__global__ void get(Indexing at, const char* x, W* values, pyx_i64 total, pyx_i64 after) {
    PYX_EACH(i, total) {
        pyx_i64 j = i / after, b = j / at.count;
        values[i] = *(const W*)(x + at.rest(b, 0, at.nbefore) + at.offset(j - b * at.count) +
                                at.rest(i - j * after, at.nbefore, at.nbefore + at.nafter));
    }
}

template <class W>
__global__ void put_any(Indexing at, char* x, const W* values, pyx_i64 total, pyx_i64 after, int step) {
    PYX_EACH(i, total) {
        pyx_i64 j = i / after, b = j / at.count;
        *(W*)(x + at.rest(b, 0, at.nbefore) + at.offset(j - b * at.count) +
              at.rest(i - j * after, at.nbefore, at.nbefore + at.nafter)) = values[i * step];
    }
}

/* One of `shares` for a place, evenly whatever the strides. */
__device__ inline bool is_mine(pyx_i64 place, pyx_i64 shares, pyx_i64 mine) {
    return shares == 1 || (pyx_i64)(((pyx_u64)place * 0x9E3779B97F4A7C15ull >> 32) % (pyx_u64)shares) == mine;
}

template <class Op, class T>
__global__ void put_ordered(Indexing at, char* x, const T* values, pyx_i64 lines, pyx_i64 after, int step, pyx_i64 shares) {
    PYX_EACH(i, lines * shares) {
        pyx_i64 line = i % lines, mine = i / lines, b = line / after, a = line - b * after;
        char* to = x + at.rest(b, 0, at.nbefore) + at.rest(a, at.nbefore, at.nbefore + at.nafter);
#pragma unroll 1
        for (pyx_i64 j = 0; j < at.count; j++) {
            pyx_i64 offset = at.offset(j);
            if (is_mine(offset, shares, mine))
                Op::one((T*)(to + offset), values + ((b * at.count + j) * after + a) * step);
        }
    }
}

/* ------------------------------------------------------------------ gather, scatter */

struct Lines {
    int nd, dim;
    pyx_i64 shape[DIMS], x[DIMS], source[DIMS]; /* strides in bytes */
};

template <class W>
__global__ void gather(Lines l, const char* x, const pyx_i64* index, W* out, pyx_i64 total) {
    PYX_EACH(i, total) {
        pyx_i64 rest = i, offset = 0;
#pragma unroll 1
        for (int d = l.nd - 1; d >= 0; d--) {
            pyx_i64 left = rest / l.shape[d];
            offset += (d == l.dim ? index[i] : rest - left * l.shape[d]) * l.x[d];
            rest = left;
        }
        out[i] = *(const W*)(x + offset);
    }
}

template <class W>
__global__ void scatter_any(Lines l, char* x, const pyx_i64* index, const char* source, pyx_i64 total) {
    PYX_EACH(i, total) {
        pyx_i64 rest = i, to = 0, from = 0;
#pragma unroll 1
        for (int d = l.nd - 1; d >= 0; d--) {
            pyx_i64 left = rest / l.shape[d], at = rest - left * l.shape[d];
            to += (d == l.dim ? index[i] : at) * l.x[d];
            from += at * l.source[d];
            rest = left;
        }
        *(W*)(x + to) = *(const W*)(source + from);
    }
}

template <class Op, class T>
__global__ void scatter_ordered(Lines l, char* x, const pyx_i64* index, const char* source, pyx_i64 lines, pyx_i64 shares) {
    PYX_EACH(i, lines * shares) {
        pyx_i64 rest = i % lines, mine = i / lines, to = 0, from = 0, first = 0, step = 1, along = 1;
#pragma unroll 1
        for (int d = l.nd - 1; d >= 0; d--) {
            if (d == l.dim) along = step;
            else {
                pyx_i64 left = rest / l.shape[d], at = rest - left * l.shape[d];
                to += at * l.x[d];
                from += at * l.source[d];
                first += at * step;
                rest = left;
            }
            step *= l.shape[d];
        }
        pyx_i64 n = l.nd ? l.shape[l.dim] : 1, x_step = l.nd ? l.x[l.dim] : 0, source_step = l.nd ? l.source[l.dim] : 0;
#pragma unroll 1
        for (pyx_i64 k = 0; k < n; k++) {
            pyx_i64 at = index[first + k * along];
            if (is_mine(at, shares, mine)) Op::one((T*)(x + to + at * x_step), (const T*)(source + from + k * source_step));
        }
    }
}

/* --------------------------------------------------------------------------- masks */

/* A block takes CHUNK elements of a mask, each thread EACH of them. */
constexpr int EACH = 8, CHUNK = THREADS * EACH;

__device__ inline int count_mine(const pyx_u8* mask, pyx_i64 n, pyx_i64 begin) {
    int count = 0;
    for (int k = 0; k < EACH && begin + k < n; k++) count += mask[begin + k] != 0;
    return count;
}

/* counts[i]: true elements of chunk i. */
__global__ void count_chunks(const pyx_u8* mask, pyx_i64 n, pyx_i64* counts, pyx_i64 chunks) {
    __shared__ int shared[THREADS];
    for (pyx_i64 i = blockIdx.x; i < chunks; i += gridDim.x) {
        int total;
        sum_before(count_mine(mask, n, i * CHUNK + (pyx_i64)threadIdx.x * EACH), shared, &total);
        if (threadIdx.x == 0) counts[i] = total;
    }
}

/* counts[i] becomes the sum of those before it. One block. */
__global__ void sum_chunks(pyx_i64* counts, pyx_i64 chunks) {
    __shared__ pyx_i64 shared[THREADS];
    pyx_i64 carried = 0, total;
    for (pyx_i64 first = 0; first < chunks; first += THREADS) {
        pyx_i64 i = first + threadIdx.x, mine = i < chunks ? counts[i] : 0, before = sum_before(mine, shared, &total);
        if (i < chunks) counts[i] = carried + before;
        carried += total;
    }
}

/* f(position in the mask, how many true elements are before it) for each true element. */
template <class F>
__device__ void each_true(const pyx_u8* mask, pyx_i64 n, const pyx_i64* starts, pyx_i64 chunks, pyx_i64 room, F f) {
    __shared__ int shared[THREADS];
    for (pyx_i64 i = blockIdx.x; i < chunks; i += gridDim.x) {
        int total;
        pyx_i64 begin = i * CHUNK + (pyx_i64)threadIdx.x * EACH;
        pyx_i64 at = starts[i] + sum_before(count_mine(mask, n, begin), shared, &total);
        for (int k = 0; k < EACH && begin + k < n; k++)
            if (mask[begin + k] && at < room) f(begin + k, at++);
    }
}

template <class W>
__global__ void masked_select(const W* x, const pyx_u8* mask, pyx_i64 n, const pyx_i64* starts, pyx_i64 chunks, pyx_i64 room, W* out) {
    each_true(mask, n, starts, chunks, room, [=](pyx_i64 i, pyx_i64 k) { out[k] = x[i]; });
}

template <class W>
__global__ void masked_scatter(W* x, const pyx_u8* mask, pyx_i64 n, const pyx_i64* starts, pyx_i64 chunks, pyx_i64 room, const W* source) {
    each_true(mask, n, starts, chunks, room, [=](pyx_i64 i, pyx_i64 k) { x[i] = source[k]; });
}

__global__ void nonzero(Lines l, const pyx_u8* mask, pyx_i64 n, const pyx_i64* starts, pyx_i64 chunks, pyx_i64 room, pyx_i64* out) {
    each_true(mask, n, starts, chunks, room, [&](pyx_i64 i, pyx_i64 k) {
#pragma unroll 1
        for (int d = l.nd - 1; d >= 0; d--) {
            pyx_i64 left = i / l.shape[d];
            out[k * l.nd + d] = i - left * l.shape[d];
            i = left;
        }
    });
}

template <class W>
__global__ void triangle(int upper, pyx_i64 diagonal, pyx_i64 total, pyx_i64 rows, pyx_i64 columns, const W* x, W* y) {
    PYX_EACH(i, total) {
        pyx_i64 row = i / columns % rows, column = i % columns;
        /* the distance from the diagonal, without overflow for any `diagonal` */
        bool keep = upper ? column - row >= diagonal : column - row <= diagonal;
        y[i] = keep ? x[i] : W{};
    }
}

}  // namespace pyx_gpu
