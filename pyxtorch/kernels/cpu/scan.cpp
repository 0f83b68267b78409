/* Scans. Each slice is folded in an order of its own, so the result does not depend on how slices are
   grouped; several rows, or a tile of columns, go side by side to hide the latency of the chain.
   float32 is summed in double. */
#include "pyxtorch/kernels/scan.h"

#include <math.h>
#include <string.h>

#include "pyxtorch/runtime.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace {

constexpr int64_t SIDE = 8, TILE = 128;

template <class T> struct wide { typedef T type; };
template <> struct wide<float> { typedef double type; };
template <> struct wide<c64> { typedef c128 type; };
template <class T> using wide_t = typename wide<T>::type;

template <class T> inline complex<T> operator+(complex<T> a, complex<T> b) { return {a.re + b.re, a.im + b.im}; }
template <class T> inline complex<T> operator*(complex<T> a, complex<T> b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
template <class To, class T> struct Convert {
    static To of(T x) { return (To)x; }
};
template <class To, class T> struct Convert<complex<To>, complex<T>> {
    static complex<To> of(complex<T> x) { return {(To)x.re, (To)x.im}; }
};

/* A scan: S is carried along, `next` takes an element in, `value` is the result so far. Integers
   go through their unsigned type: overflow wraps. */
template <class T, bool integral = std::is_integral<T>::value> struct carried { typedef wide_t<T> type; };
template <class T> struct carried<T, true> { typedef typename std::make_unsigned<T>::type type; };

template <class T> struct Add {
    typedef typename carried<T>::type S;
    static void start(S& s) { s = S{}; }
    static void next(S& s, T x) { s = s + Convert<S, T>::of(x); }
    static T value(const S& s) { return Convert<T, S>::of(s); }
};
template <class S> struct One {
    static S of() { return (S)1; }
};
template <class R> struct One<complex<R>> {
    static complex<R> of() { return {1, 0}; }
};
template <class T> struct Multiply {
    typedef typename carried<T>::type S;
    static void start(S& s) { s = One<S>::of(); }
    static void next(S& s, T x) { s = s * Convert<S, T>::of(x); }
    static T value(const S& s) { return Convert<T, S>::of(s); }
};

/* log(sum(exp(x))) as a maximum and the sum of exponentials relative to it */
template <class T> struct LogAdd {
    struct S { double top, sum; };
    static void start(S& s) { s = {-INFINITY, 0}; }
    static void next(S& s, T x) {
        double v = x;
        if (v > s.top) {
            s.sum = s.sum * ::exp(s.top - v) + 1;
            s.top = v;
        } else if (v == s.top) {
            s.sum += v > -INFINITY;
        } else {
            s.sum += ::exp(v - s.top);
        }
    }
    static T value(const S& s) { return (T)(s.top + ::log(s.sum)); }
};
template <class R> struct LogAdd<complex<R>> {
    /* The logarithm so far; its imaginary part goes on from that of the larger summand. */
    struct S { double re, im; };
    static void start(S& s) { s = {-INFINITY, 0}; }
    static void next(S& s, complex<R> x) {
        S v = {x.re, x.im}, a = s.re >= v.re ? s : v, b = s.re >= v.re ? v : s;
        if (b.re == -INFINITY || s.re != s.re) {
            s = s.re == -INFINITY ? v : a;
            return;
        }
        double size = a.re == b.re ? 1 : ::exp(b.re - a.re), re = size * ::cos(b.im - a.im), im = size * ::sin(b.im - a.im);
        s = {a.re + 0.5 * ::log1p(2 * re + size * size), a.im + ::atan2(im, 1 + re)};
    }
    static complex<R> value(const S& s) { return {(R)s.re, (R)s.im}; }
};

inline int64_t grain(int64_t work) { return std::max<int64_t>(1, 32768 / std::max<int64_t>(1, work)); }

template <class Op, class T, int64_t N>
void rows(const T* x, T* y, int64_t dim, bool reverse) {
    typename Op::S s[N];
    for (int64_t k = 0; k < N; k++) Op::start(s[k]);
    int64_t step = reverse ? -1 : 1, i = reverse ? dim - 1 : 0;
    for (int64_t j = 0; j < dim; j++, i += step)
        for (int64_t k = 0; k < N; k++) {
            Op::next(s[k], x[k * dim + i]);
            y[k * dim + i] = Op::value(s[k]);
        }
}

/* Running sums of floats within a vector of doubles by log2(lanes) shifted additions, so that only one
   addition for each vector waits for the one before. */
#if PYX_VECTOR_BYTES >= 32
constexpr int LANES = PYX_VECTOR_BYTES / 8;
typedef double doubles __attribute__((vector_size(PYX_VECTOR_BYTES)));
typedef int64_t places __attribute__((vector_size(PYX_VECTOR_BYTES)));

/* Lane i from lane i - by; 0 where there is none */
template <int by> inline doubles shifted(doubles v) {
    auto from = [](int i) { return (int64_t)(i - by >= 0 && i - by < LANES ? LANES + i - by : 0); };
#if PYX_VECTOR_BYTES == 64
    const places p = {from(0), from(1), from(2), from(3), from(4), from(5), from(6), from(7)};
#else
    const places p = {from(0), from(1), from(2), from(3)};
#endif
    return __builtin_shuffle(doubles{}, v, p);
}

template <class T, bool reverse> void sum_row(const T* x, T* y, int64_t dim) {
    typedef T vector __attribute__((vector_size(LANES * sizeof(T))));
    constexpr int sign = reverse ? -1 : 1;
    doubles carry = {};
    int64_t done = 0;
    for (; done + LANES <= dim; done += LANES) {
        int64_t at = reverse ? dim - done - LANES : done;
        vector in;
        memcpy(&in, x + at, sizeof in);
        doubles v = __builtin_convertvector(in, doubles);
        v += shifted<sign>(v);
        v += shifted<2 * sign>(v);
        if constexpr (LANES == 8) v += shifted<4 * sign>(v);
        vector out = __builtin_convertvector(v + carry, vector);
        memcpy(y + at, &out, sizeof out);
        carry += v[reverse ? 0 : LANES - 1];
    }
    double s = carry[0];
    for (; done < dim; done++) {
        int64_t at = reverse ? dim - done - 1 : done;
        s += x[at];
        y[at] = (T)s;
    }
}
template <class T> constexpr bool sums_in_vectors = std::is_floating_point<T>::value;
#else
template <class T, bool reverse> void sum_row(const T*, T*, int64_t) {}
template <class T> constexpr bool sums_in_vectors = false;
#endif

template <class Op, class T>
int run(const T* x, T* y, int64_t outer, int64_t dim, int64_t inner, bool reverse) {
    if (!outer || !dim || !inner) return 0;
    if constexpr (std::is_same<Op, Add<T>>::value && sums_in_vectors<T>) {
        if (inner == 1 && dim >= 32) {
            parallel_for(outer, grain(dim), [=](int64_t a, int64_t b) {
                for (int64_t i = a; i < b; i++) {
                    if (reverse) sum_row<T, true>(x + i * dim, y + i * dim, dim);
                    else sum_row<T, false>(x + i * dim, y + i * dim, dim);
                }
            });
            return 0;
        }
    }
    if (inner == 1) {
        int64_t groups = (outer + SIDE - 1) / SIDE;
        parallel_for(groups, grain(SIDE * dim), [=](int64_t a, int64_t b) {
            for (int64_t g = a; g < b; g++) {
                int64_t row = g * SIDE;
                if (row + SIDE <= outer) rows<Op, T, SIDE>(x + row * dim, y + row * dim, dim, reverse);
                else
                    for (; row < outer; row++) rows<Op, T, 1>(x + row * dim, y + row * dim, dim, reverse);
            }
        });
        return 0;
    }
    int64_t tiles = (inner + TILE - 1) / TILE;
    parallel_for(outer * tiles, grain(dim * std::min(inner, TILE)), [=](int64_t a, int64_t b) {
        for (int64_t t = a; t < b; t++) {
            int64_t c0 = t % tiles * TILE, n = std::min(TILE, inner - c0), base = t / tiles * dim * inner + c0;
            typename Op::S s[TILE];
            for (int64_t c = 0; c < n; c++) Op::start(s[c]);
            for (int64_t j = 0; j < dim; j++) {
                int64_t at = base + (reverse ? dim - 1 - j : j) * inner;
                for (int64_t c = 0; c < n; c++) {
                    Op::next(s[c], x[at + c]);
                    y[at + c] = Op::value(s[c]);
                }
            }
        }
    });
    return 0;
}

int scan(int op, int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, int reverse) {
    if (op == PYX_LOGCUMSUMEXP) {
        PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return run<LogAdd<T>, T>((const T*)x, (T*)y, outer, dim, inner, reverse); })
                   PYX_COMPLEX_CASES({ return run<LogAdd<T>, T>((const T*)x, (T*)y, outer, dim, inner, reverse); }))
        return -1;
    }
#define BOTH                                                                                     \
    {                                                                                            \
        if (op == PYX_CUMSUM) return run<Add<T>, T>((const T*)x, (T*)y, outer, dim, inner, reverse); \
        return run<Multiply<T>, T>((const T*)x, (T*)y, outer, dim, inner, reverse);              \
    }
    PYX_SWITCH(dtype, PYX_INTEGER_CASES(BOTH) PYX_FLOAT_CASES(BOTH) PYX_COMPLEX_CASES(BOTH))
#undef BOTH
    return -1;
}

template <class T>
int running(bool minimum, const T* x, T* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner) {
    if (!outer || !dim || !inner) return 0;
    parallel_for(outer * inner, grain(dim), [=](int64_t a, int64_t b) {
        for (int64_t i = a; i < b; i++) {
            int64_t base = i / inner * dim * inner + i % inner, at = 0;
            T best = x[base];
            for (int64_t r = 0; r < dim; r++) {
                T e = x[base + r * inner];
                if (e != e || (best == best && (minimum ? e <= best : e >= best))) {
                    best = e;
                    at = r;
                }
                values[base + r * inner] = best;
                indices[base + r * inner] = at;
            }
        }
    });
    return 0;
}

int extreme(int minimum, int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner) {
#define RUNNING { return running<T>(minimum, (const T*)x, (T*)values, indices, outer, dim, inner); }
    PYX_SWITCH(dtype, PYX_CASE(PYX_BOOL, unsigned char, RUNNING) PYX_INTEGER_CASES(RUNNING) PYX_FLOAT_CASES(RUNNING))
#undef RUNNING
    return -1;
}

/* a * s, but 0 where a is 0: what overflowed behind a factor of 0 does not count. */
template <class T> inline T absorbing(T a, T s) { return a == (T)0 ? (T)0 * (s == s ? (T)0 : s) : a * s; }
template <class T> inline complex<T> absorbing(complex<T> a, complex<T> s) {
    return a.re == 0 && a.im == 0 && s.re == s.re && s.im == s.im ? complex<T>{} : a * s;
}

template <class T>
int recur(const T* a, const T* b, T* y, int64_t outer, int64_t dim, int64_t inner, bool reverse) {
    if (!outer || !dim || !inner) return 0;
    parallel_for(outer * inner, grain(dim), [=](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; i++) {
            int64_t base = i / inner * dim * inner + i % inner;
            T s{};
            for (int64_t j = 0; j < dim; j++) {
                int64_t at = base + (reverse ? dim - 1 - j : j) * inner;
                if (j == 0) s = b[at];
                else s = b[at] + absorbing(a[reverse ? at + inner : at], s);
                y[at] = s;
            }
        }
    });
    return 0;
}

int recurrence(int dtype, const void* a, const void* b, void* y, int64_t outer, int64_t dim, int64_t inner, int reverse) {
#define RECUR { return recur<T>((const T*)a, (const T*)b, (T*)y, outer, dim, inner, reverse); }
    PYX_SWITCH(dtype, PYX_FLOAT_CASES(RECUR) PYX_COMPLEX_CASES(RECUR))
#undef RECUR
    return -1;
}

const pyx_scan_kernels table = {scan, extreme, recurrence};

}  // namespace
}  // namespace PYX_LEVEL_NS
}  // namespace pyx

PYX_KERNELS(scan, pyx::table)
