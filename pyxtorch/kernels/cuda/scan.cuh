/* GPU kernels of the family `scan`, on contiguous (outer, dim, inner). A block's threads form a box (cuda_block.h);
   a line is gone through in chunks as long as the box, each scanned in shared memory. A long line is cut into pieces,
   which are folded first, then scanned, each from what the pieces before it fold to. Everything depends on the sizes alone. */
#include "pyxtorch/cuda_block.h"
#include "pyxtorch/math.h"

namespace pyx_gpu {

template <class T> struct wide { typedef T type; };
template <> struct wide<float> { typedef double type; };
template <> struct wide<c64> { typedef c128 type; };
template <class T> using wide_t = typename wide<T>::type;

template <class To, class T> __device__ To to(T x) { return (To)x; }
template <class To> __device__ To to(c64 x) { return To{x.re, x.im}; }
template <class To> __device__ To to(c128 x) { typedef decltype(To().re) R; return To{(R)x.re, (R)x.im}; }
template <class T> __device__ T plus(T a, T b) { return (T)(a + b); }
template <class R> __device__ complex<R> plus(complex<R> a, complex<R> b) { return {a.re + b.re, a.im + b.im}; }
template <class T> __device__ T times(T a, T b) { return (T)(a * b); }
__device__ inline pyx_u16 times(pyx_u16 a, pyx_u16 b) { return (pyx_u16)((pyx_u32)a * b); }
template <class R> __device__ complex<R> times(complex<R> a, complex<R> b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
template <class S> struct One { static __device__ S of() { return (S)1; } };
template <class R> struct One<complex<R>> { static __device__ complex<R> of() { return {1, 0}; } };

/* What is scanned: A is carried, join(a, b) has a before b. */
template <class T> struct Add {
    typedef T In;
    typedef wide_t<T> A;
    static __device__ A none() { return A{}; }
    static __device__ A take(const T* x, const T*, pyx_i64 at, pyx_i64, pyx_i64, int) { return to<A>(x[at]); }
    static __device__ A join(A a, A b) { return plus(a, b); }
    static __device__ void put(void* y, pyx_i64*, pyx_i64 at, A a) { ((T*)y)[at] = to<T>(a); }
};
template <class T> struct Multiply {
    typedef T In;
    typedef wide_t<T> A;
    static __device__ A none() { return One<A>::of(); }
    static __device__ A take(const T* x, const T*, pyx_i64 at, pyx_i64, pyx_i64, int) { return to<A>(x[at]); }
    static __device__ A join(A a, A b) { return times(a, b); }
    static __device__ void put(void* y, pyx_i64*, pyx_i64 at, A a) { ((T*)y)[at] = to<T>(a); }
};

/* log(sum(exp(x))) as a maximum and the sum of exponentials relative to it */
template <class T> struct LogAdd {
    typedef T In;
    struct A { double top, sum; };
    static __device__ A none() { return A{-infinity<double>(), 0}; }
    static __device__ A take(const T* x, const T*, pyx_i64 at, pyx_i64, pyx_i64, int) {
        double v = (double)x[at];
        return A{v, v > -infinity<double>() || v != v ? 1.0 : 0.0};
    }
    static __device__ A join(A a, A b) {
        if (a.top != a.top || b.top != b.top) return A{not_a_number<double>(), 1};
        if (a.top == b.top) return A{a.top, a.sum + b.sum};
        return a.top > b.top ? A{a.top, a.sum + b.sum * ::exp(b.top - a.top)} : A{b.top, b.sum + a.sum * ::exp(a.top - b.top)};
    }
    static __device__ void put(void* y, pyx_i64*, pyx_i64 at, A a) { ((T*)y)[at] = (T)(a.top + ::log(a.sum)); }
};
template <class R> struct LogAdd<complex<R>> {
    typedef complex<R> In;
    /* The logarithm so far; its imaginary part goes on from that of the larger summand. */
    struct A { double re, im; };
    static __device__ A none() { return A{-infinity<double>(), 0}; }
    static __device__ A take(const In* x, const In*, pyx_i64 at, pyx_i64, pyx_i64, int) { return A{(double)x[at].re, (double)x[at].im}; }
    static __device__ A join(A s, A v) {
        A a = s.re >= v.re ? s : v, b = s.re >= v.re ? v : s;
        if (b.re == -infinity<double>() || s.re != s.re) return s.re == -infinity<double>() ? v : a;
        double size = a.re == b.re ? 1 : ::exp(b.re - a.re), re = size * ::cos(b.im - a.im), im = size * ::sin(b.im - a.im);
        return A{a.re + 0.5 * ::log1p(2 * re + size * size), a.im + ::atan2(im, 1 + re)};
    }
    static __device__ void put(void* y, pyx_i64*, pyx_i64 at, A a) { ((In*)y)[at] = In{(R)a.re, (R)a.im}; }
};

/* The extreme so far and the last position that has it; NaN stays. */
template <class T, int least> struct Extreme {
    typedef T In;
    struct A { T value; pyx_i64 at; /* -1: of nothing */ };
    static __device__ A none() { return A{T{}, -1}; }
    static __device__ A take(const T* x, const T*, pyx_i64 at, pyx_i64 k, pyx_i64, int) { return A{x[at], k}; }
    static __device__ A join(A a, A b) {
        if (a.at < 0) return b;
        if (b.at < 0) return a;
        return b.value != b.value || (a.value == a.value && (least ? b.value <= a.value : b.value >= a.value)) ? b : a;
    }
    static __device__ void put(void* y, pyx_i64* indices, pyx_i64 at, A a) { ((T*)y)[at] = a.value; indices[at] = a.at; }
};

/* y[i] = b[i] + a[i] y[i - 1]: the affine maps joined. A factor of 0 forgets what was before, overflowed or not. */
template <class T> __device__ T absorbing(T a, T s) { return a == (T)0 ? (T)0 * (s == s ? (T)0 : s) : a * s; }
template <class R> __device__ complex<R> absorbing(complex<R> a, complex<R> s) {
    return a.re == 0 && a.im == 0 && s.re == s.re && s.im == s.im ? complex<R>{} : times(a, s);
}
template <class T> struct Recur {
    typedef T In;
    struct A { T factor, value; };
    static __device__ A none() { return A{One<T>::of(), T{}}; }
    static __device__ A take(const T* b, const T* a, pyx_i64 at, pyx_i64 k, pyx_i64 inner, int reverse) {
        return A{k == 0 ? T{} : a[reverse ? at + inner : at], b[at]};
    }
    static __device__ A join(A u, A v) { return A{absorbing(v.factor, u.factor), plus(v.value, absorbing(v.factor, u.value))}; }
    static __device__ void put(void* y, pyx_i64*, pyx_i64 at, A a) { ((T*)y)[at] = a.value; }
};

/* mode 0: x to y. 1: each piece folded, to part (outer, pieces, inner). 2: each piece, from what lies before it in part. */
template <class Op>
__global__ void scan(const typename Op::In* x, const typename Op::In* factor, void* y, pyx_i64* indices, typename Op::A* part, int mode,
                     pyx_i64 outer, pyx_i64 dim, pyx_i64 inner, pyx_i64 pieces, pyx_i64 piece, int reverse, int across, int along) {
    typedef typename Op::A A;
    __shared__ A shared[THREADS];
    Box box(across, along);
    pyx_i64 n = box.count(outer * pieces, inner), o, c;
#pragma unroll 1
    for (pyx_i64 i = blockIdx.x; i < n; i += gridDim.x) {
        bool inside = box.place(i, outer * pieces, inner, o, c);
        pyx_i64 begin = o % pieces * piece, end = begin + piece < dim ? begin + piece : dim, line = o / pieces * dim * inner + c;
        A carry = Op::none();
        if (mode == 2 && inside && o % pieces) carry = part[(o - 1) * inner + c];
#pragma unroll 1
        for (pyx_i64 from = 0; from < piece; from += along) { /* as many turns for every thread */
            pyx_i64 k = begin + from + box.step, at = line + (reverse ? dim - 1 - k : k) * inner;
            A a = inside && k < end ? Op::take(x, factor, at, k, inner, reverse) : Op::none();
            shared[threadIdx.x] = a;
            __syncthreads();
            for (int step = 1; step < along; step *= 2) {
                A before = box.step >= step ? shared[threadIdx.x - step * across] : Op::none();
                __syncthreads();
                if (box.step >= step) shared[threadIdx.x] = a = Op::join(before, a);
                __syncthreads();
            }
            A last = shared[threadIdx.x + (along - 1 - box.step) * across];
            __syncthreads();
            if (mode != 1 && inside && k < end) Op::put(y, indices, at, Op::join(carry, a));
            carry = Op::join(carry, last);
        }
        if (mode == 1 && inside && box.step == 0) part[o * inner + c] = carry;
    }
}

/* The running fold of the pieces, in place. */
template <class Op>
__global__ void scan_parts(typename Op::A* part, pyx_i64 outer, pyx_i64 pieces, pyx_i64 inner) {
    PYX_EACH(i, outer * inner) {
        typename Op::A carry = Op::none();
        typename Op::A* p = part + i / inner * pieces * inner + i % inner;
        for (pyx_i64 k = 0; k < pieces; k++) p[k * inner] = carry = Op::join(carry, p[k * inner]);
    }
}

}  // namespace pyx_gpu
