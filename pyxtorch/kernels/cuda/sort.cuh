/* GPU kernels of the family `sort`. Keys are unsigned integers that are ordered as the elements are (NaN last, -0 equal
   to 0); a key goes with its position, so every order is total and every result stable. Lines are sorted by merging runs
   of 1, 2, 4 ... pairs: each pair finds its place by a binary search in the other run of the two. */
#include "pyxtorch/cuda_block.h"

namespace pyx_gpu {

struct Pair {
    pyx_u64 key;
    pyx_i64 at;
};
__device__ inline bool before(const Pair& a, const Pair& b) { return a.key < b.key || (a.key == b.key && a.at < b.at); }

/* Bits of a float: negative ones reversed, positive ones above them. `inf`: the bits of infinity. */
template <class U> __device__ pyx_u64 float_key(U u, U inf) {
    const U top = (U)((U)1 << (8 * sizeof(U) - 1));
    U size = (U)(u & (U)~top);
    return size > inf ? (U)~(U)0 : size == 0 ? top : (u & top) ? (U)~u : (U)(u | top);
}
template <class T> __device__ pyx_u64 key_of(T x) {
    constexpr int bits = 8 * sizeof(T);
    if ((T)-1 > (T)0) return (pyx_u64)x;
    pyx_u64 top = (pyx_u64)1 << (bits - 1);
    return ((pyx_u64)x & (top | (top - 1))) ^ top;
}
template <> __device__ inline pyx_u64 key_of(bool x) { return x; }
template <> __device__ inline pyx_u64 key_of(f16 x) { return float_key<pyx_u16>(x.x, 0x7c00); }
template <> __device__ inline pyx_u64 key_of(bf16 x) { return float_key<pyx_u16>(x.x, 0x7f80); }
template <> __device__ inline pyx_u64 key_of(float x) { return float_key<pyx_u32>(bits<pyx_u32>(x), 0x7f800000u); }
template <> __device__ inline pyx_u64 key_of(double x) { return float_key<pyx_u64>(bits<pyx_u64>(x), (pyx_u64)0x7ff << 52); }

/* Pairs of x (outer, n, inner), line by line. flip: all ones of the key's width for the other order.
   order: element i of a line of rows is that of row order[i]; NULL: i itself. */
template <class T>
__global__ void keys(const T* x, Pair* out, pyx_i64 lines, pyx_i64 n, pyx_i64 inner, pyx_u64 flip, const pyx_i64* order) {
    PYX_EACH(i, lines * n) {
        pyx_i64 line = i / n, k = i % n, from = order ? order[k] : k;
        out[i] = Pair{key_of<T>(x[line / inner * n * inner + line % inner + from * inner]) ^ flip, k};
    }
}

__global__ void merge(const Pair* a, Pair* b, pyx_i64 lines, pyx_i64 n, pyx_i64 width) {
    PYX_EACH(i, lines * n) {
        pyx_i64 k = i % n, start = k - k % (2 * width), mid = start + width < n ? start + width : n,
                end = mid + width < n ? mid + width : n;
        const Pair* line = a + (i - k);
        Pair mine = line[k];
        bool left = k < mid;
        pyx_i64 low = left ? mid : start, count = left ? end - mid : mid - start, first = low;
        while (count > 0) {
            pyx_i64 half = count / 2;
            bool less = before(line[low + half], mine);
            low = less ? low + half + 1 : low;
            count = less ? count - half - 1 : half;
        }
        b[i - k + (left ? k : k - mid + start) + (low - first)] = mine;
    }
}

/* The first k of each line: values and positions (outer, k, inner), either may be NULL. T: of the elements' size. */
template <class T>
__global__ void take(const Pair* p, const T* x, T* values, pyx_i64* indices, pyx_i64 lines, pyx_i64 n, pyx_i64 inner, pyx_i64 k) {
    PYX_EACH(i, lines * k) {
        pyx_i64 c = i % inner, r = i / inner % k, o = i / (inner * k), at = p[(o * inner + c) * n + r].at;
        if (values) values[i] = x[(o * n + at) * inner + c];
        if (indices) indices[i] = at;
    }
}

__device__ inline pyx_i64 first_with(const Pair* p, pyx_i64 n, pyx_u64 key) {
    pyx_i64 low = 0;
    while (n > 0) {
        pyx_i64 half = n / 2;
        bool less = p[low + half].key < key;
        low = less ? low + half + 1 : low;
        n = less ? n - half - 1 : half;
    }
    return low;
}

/* The k-th of each line, or its median (k = 0, -1), or (k = -2) its most frequent element. nan: NaN's key, 0 where there is none. */
template <class T>
__global__ void pick(const Pair* pairs, const T* x, T* value, pyx_i64* index, pyx_i64 lines, pyx_i64 n, pyx_i64 inner, pyx_i64 k, pyx_u64 nan) {
    PYX_EACH(line, lines) {
        const Pair* p = pairs + line * n;
        pyx_i64 at = k - 1;
        if (k == -2) {
            pyx_i64 best = 0;
            for (pyx_i64 i = 0, j; i < n; i = j) {
                for (j = i + 1; j < n && p[j].key == p[i].key;) j++;
                if (j - i > best) best = j - i, at = j - 1;
            }
        } else if (k <= 0) {
            pyx_i64 valid = nan ? first_with(p, n, nan) : n;
            at = k == 0 && valid < n ? valid : ((valid ? valid : n) - 1) / 2;
        }
        pyx_i64 place = p[at].at;
        if (value) value[line] = x[line / inner * n * inner + line % inner + place * inner];
        if (index) index[line] = place;
    }
}

__global__ void compose(const Pair* p, const pyx_i64* order, pyx_i64* out, pyx_i64 n) {
    PYX_EACH(i, n) { out[i] = order ? order[p[i].at] : p[i].at; }
}

template <class T> __device__ bool differ(const T* a, const T* b) { return !(load(a) == load(b)); }
template <class R> __device__ bool differ(const complex<R>* a, const complex<R>* b) { return !(a->re == b->re && a->im == b->im); }

/* 1 where an item of `width` elements differs from the one before. */
template <class T>
__global__ void fresh(const T* x, pyx_i64 n, pyx_i64 width, pyx_i64* flag) {
    PYX_EACH(i, n) {
        bool is = i == 0;
        for (pyx_i64 j = 0; j < width && !is; j++) is = differ(x + (i - 1) * width + j, x + i * width + j);
        flag[i] = is;
    }
}
__global__ void runs(const pyx_i64* flag, const pyx_i64* number, pyx_i64 n, pyx_i64* starts, pyx_i64* run_of) {
    PYX_EACH(i, n) {
        if (flag[i]) starts[number[i] - 1] = i;
        if (run_of) run_of[i] = number[i] - 1;
    }
}

template <class T>
__global__ void search(const T* sequence, const pyx_i64* sorter, pyx_i64 batch, pyx_i64 n, const T* values, pyx_i64 m, int one, int right,
                       pyx_i64* out) {
    PYX_EACH(i, batch * m) {
        pyx_i64 line = one ? 0 : i / m * n, low = 0, count = n;
        pyx_u64 key = key_of<T>(values[i]);
        while (count > 0) { /* everything before `low` goes before the value */
            pyx_i64 half = count / 2, at = low + half;
            pyx_u64 k = key_of<T>(sequence[line + (sorter ? sorter[line + at] : at)]);
            bool less = right ? k <= key : k < key;
            low = less ? at + 1 : low;
            count = less ? count - half - 1 : half;
        }
        out[i] = low;
    }
}

__global__ void count(const pyx_i64* x, pyx_i64 n, pyx_i64* counts) {
    PYX_EACH(i, n) { atomicAdd((unsigned long long*)(counts + x[i]), 1ull); }
}

/* Which bin: computed in the elements' own type; the last bin includes `high`. */
template <class T>
__global__ void histogram(const T* x, pyx_i64 n, double low_, double high_, pyx_i64 bins, pyx_i64* counts) {
    typedef acc_t<T> A;
    A low = (A)low_, high = (A)high_;
    PYX_EACH(i, n) {
        A v = load(x + i);
        if (!(v >= low && v <= high)) continue;
        pyx_i64 bin = (pyx_i64)((v - low) / (high - low) * (A)bins);
        atomicAdd((unsigned long long*)(counts + (bin >= bins ? bins - 1 : bin)), 1ull);
    }
}
template <class T>
__global__ void put_counts(const pyx_i64* counts, pyx_i64 bins, T* out) {
    PYX_EACH(i, bins) { store<T>(out + i, (acc_t<T>)counts[i]); }
}

}  // namespace pyx_gpu
