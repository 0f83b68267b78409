/* GPU kernels of the family `reduce`, from the operations of reductions.h.

   A line of dim elements is folded by the threads of a box; a long one is cut into pieces, whose
   partial results a second launch folds. Pieces and boxes depend on the sizes alone, so the bits do
   not depend on the device's number of multiprocessors. */
#include "pyxtorch/cuda_block.h"
#include "pyxtorch/reductions.h"

namespace pyx_gpu {

/* One reduction over elements of T: take(x, position) makes a partial result of an element, put
   stores the final one. The results go to one array, or to two (values and indices, variances and means). */
template <class Op, class T>
struct Plain {
    typedef T In;
    typedef typename Op::A A;
    typedef typename Op::W W;
    static __device__ A first() { return Op::first(); }
    static __device__ A take(T x, pyx_i64, double p) { return Op::map(x, p); }
    template <class V> static __device__ V fold(V a, V b) { return Op::template fold<V>(a, b); }
    static __device__ W widen(A a) { return reduction::convert<W>(a); }
    static __device__ void put(void* y, void*, pyx_i64 i, W w, double p) { ((typename Op::R*)y)[i] = Op::finish(w, p); }
};

/* The extreme and the first position that has it. */
template <class Op, class T>
struct Extreme {
    typedef T In;
    struct A {
        T value;
        pyx_i64 at; /* -1: of no element */
    };
    typedef A W;
    static __device__ A first() { return A{Op::first(), -1}; }
    static __device__ A take(T x, pyx_i64 i, double) { return A{x, i}; }
    static __device__ A fold(A a, A b) {
        if (b.at < 0) return a;
        if (a.at < 0) return b;
        bool same = a.value == b.value || (is_nan(a.value) && is_nan(b.value));
        if (same) return a.at < b.at ? a : b;
        T best = Op::template fold<T>(a.value, b.value);
        return best == a.value || (is_nan(best) && is_nan(a.value)) ? a : b;
    }
    static __device__ W widen(A a) { return a; }
    static __device__ void put(void* values, void* indices, pyx_i64 i, W w, double) {
        if (values) ((T*)values)[i] = w.value;
        if (indices) ((pyx_i64*)indices)[i] = w.at;
    }
};

/* Count, mean and squared deviations, merged as Chan, Golub and LeVeque do ("Updating formulae and a
   pairwise algorithm for computing sample variances", 1979). */
template <class V>
struct Moments {
    V n, mean, squares;
};
template <class V>
__device__ Moments<V> merged(Moments<V> a, Moments<V> b) {
    V n = a.n + b.n, gap = b.mean - a.mean;
    if (b.n == 0) return a;
    if (a.n == 0) return b;
    V share = b.n / n;
    return Moments<V>{n, a.mean + gap * share, a.squares + b.squares + gap * gap * a.n * share};
}
template <class T>
struct Variance {
    typedef T In;
    typedef Moments<T> A;
    typedef Moments<double> W;
    static __device__ A first() { return A{0, 0, 0}; }
    static __device__ A take(T x, pyx_i64, double) { return A{1, x, 0}; }
    template <class V> static __device__ V fold(V a, V b) { return merged(a, b); }
    static __device__ W widen(A a) { return W{(double)a.n, (double)a.mean, (double)a.squares}; }
    static __device__ void put(void* var, void* mean, pyx_i64 i, W w, double correction) {
        double divisor = w.n - correction;
        ((T*)var)[i] = (T)(w.squares / (divisor < 0 ? 0 : divisor));
        if (mean) ((T*)mean)[i] = (T)(w.n > 0 ? w.mean : not_a_number<double>());
    }
};

/* x (outer, dim, inner) to partial results (outer, pieces, inner) of type W. */
template <class Op>
__global__ void fold_pieces(const typename Op::In* x, typename Op::W* y, pyx_i64 outer, pyx_i64 dim, pyx_i64 inner, pyx_i64 pieces,
                            pyx_i64 piece, int across, int along, double p) {
    __shared__ typename Op::W shared[THREADS];
    Box box(across, along);
    pyx_i64 n = box.count(outer * pieces, inner), o, c;
#pragma unroll 1
    for (pyx_i64 i = blockIdx.x; i < n; i += gridDim.x) {
        bool inside = box.place(i, outer * pieces, inner, o, c);
        typename Op::A a = Op::first();
        if (inside) {
            pyx_i64 begin = o % pieces * piece, end = begin + piece < dim ? begin + piece : dim;
            const typename Op::In* from = x + o / pieces * dim * inner + c;
            for (pyx_i64 k = begin + box.step; k < end; k += along) a = Op::fold(a, Op::take(from[k * inner], k, p));
        }
        typename Op::W w = box.fold(Op::widen(a), shared, [](typename Op::W u, typename Op::W v) { return Op::fold(u, v); });
        if (inside && box.step == 0) y[o * inner + c] = w;
    }
}

/* The same to final results (outer, inner). */
template <class Op>
__global__ void fold_all(const typename Op::In* x, void* y, void* z, pyx_i64 outer, pyx_i64 dim, pyx_i64 inner, int across, int along,
                         double p) {
    __shared__ typename Op::W shared[THREADS];
    Box box(across, along);
    pyx_i64 n = box.count(outer, inner), o, c;
#pragma unroll 1
    for (pyx_i64 i = blockIdx.x; i < n; i += gridDim.x) {
        bool inside = box.place(i, outer, inner, o, c);
        typename Op::A a = Op::first();
        if (inside) {
            const typename Op::In* from = x + o * dim * inner + c;
            for (pyx_i64 k = box.step; k < dim; k += along) a = Op::fold(a, Op::take(from[k * inner], k, p));
        }
        typename Op::W w = box.fold(Op::widen(a), shared, [](typename Op::W u, typename Op::W v) { return Op::fold(u, v); });
        if (inside && box.step == 0) Op::put(y, z, o * inner + c, w, p);
    }
}

/* Partial results (outer, pieces, inner) to final ones. */
template <class Op>
__global__ void fold_rest(const typename Op::W* x, void* y, void* z, pyx_i64 outer, pyx_i64 pieces, pyx_i64 inner, int across, int along,
                          double p) {
    __shared__ typename Op::W shared[THREADS];
    Box box(across, along);
    pyx_i64 n = box.count(outer, inner), o, c;
#pragma unroll 1
    for (pyx_i64 i = blockIdx.x; i < n; i += gridDim.x) {
        bool inside = box.place(i, outer, inner, o, c);
        typename Op::W w = Op::widen(Op::first());
        if (inside) {
            const typename Op::W* from = x + o * pieces * inner + c;
            for (pyx_i64 k = box.step; k < pieces; k += along) w = Op::fold(w, from[k * inner]);
        }
        w = box.fold(w, shared, [](typename Op::W u, typename Op::W v) { return Op::fold(u, v); });
        if (inside && box.step == 0) Op::put(y, z, o * inner + c, w, p);
    }
}

}  // namespace pyx_gpu
