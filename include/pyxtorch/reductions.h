/* What each reduction does with one element and with two partial results.

   A is folded within a short stretch of elements, W over stretches; `map` takes an element in,
   `finish` gives the result, of type R. Read by g++ and by NVRTC.

   PYX_REDUCTIONS is their one list: X(name, struct, the dtypes that it is computed in). A reduction's
   number is its place there; operations ask for it by its name. The CPU's and the GPU's kernels come
   from its line. */
#pragma once
#include "formula.h"

#define PYX_SUMMED (1 << PYX_INT64 | PYX_WIDE_FLOATS | PYX_WIDE_COMPLEXES)
#define PYX_REDUCTIONS(X)                              \
    X(sum, Sum, PYX_SUMMED)                            \
    X(nansum, Nansum, PYX_SUMMED)                      \
    X(prod, Prod, PYX_SUMMED)                          \
    X(max, Max, PYX_BITS | PYX_WIDE_FLOATS)                   \
    X(min, Min, PYX_BITS | PYX_WIDE_FLOATS)                   \
    X(any, Any, PYX_BITS | PYX_WIDE_FLOATS | PYX_WIDE_COMPLEXES) \
    X(all, All, PYX_BITS | PYX_WIDE_FLOATS | PYX_WIDE_COMPLEXES) \
    X(count, Count, PYX_BITS | PYX_WIDE_FLOATS | PYX_WIDE_COMPLEXES) \
    X(norm0, Norm0, PYX_WIDE_FLOATS)                          \
    X(norm1, Norm1, PYX_WIDE_FLOATS)                          \
    X(norm2, Norm2, PYX_WIDE_FLOATS)                          \
    X(norm_max, NormMax, PYX_WIDE_FLOATS)                     \
    X(norm_min, NormMin, PYX_WIDE_FLOATS)                     \
    X(norm_p, NormP, PYX_WIDE_FLOATS)

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace reduction {

template <class T> struct wide { typedef T type; };
template <> struct wide<float> { typedef double type; };
template <class T> using wide_t = typename wide<T>::type;

template <class To, class T> struct Conversion { static PYX_HD To of(T x) { return (To)x; } };
template <class T> struct Conversion<T, T> { static PYX_HD T of(T x) { return x; } };
template <class To, class T> PYX_HD To convert(T x) { return Conversion<To, T>::of(x); }

/* The largest and the smallest value, infinities where there are. */
template <class T> PYX_HD T top() {
    if constexpr (kind_of<T>::value == 1) return infinity<T>();
    else return is_signed_type<T>::value ? (T)(((pyx_u64)1 << (8 * sizeof(T) - 1)) - 1) : (T)~(pyx_u64)0;
}
template <class T> PYX_HD T bottom() {
    if constexpr (kind_of<T>::value == 1) return -infinity<T>();
    else return is_signed_type<T>::value ? (T)((pyx_u64)1 << (8 * sizeof(T) - 1)) : (T)0;
}

template <class T> struct Sum {
    typedef T A; typedef wide_t<T> W; typedef T R;
    static PYX_HD A first() { return as<T>::of(0); }
    static PYX_HD A map(T x, double) { return x; }
    template <class V> static PYX_HD V fold(V a, V b) { return add(a, b); }
    static PYX_HD R finish(W w, double) { return convert<T>(w); }
};
template <class T> struct Nansum : Sum<T> {
    static PYX_HD T map(T x, double) { return is_nan(x) ? as<T>::of(0) : x; }
};
template <class T> struct Prod : Sum<T> {
    typedef T W;
    static PYX_HD T first() { return as<T>::of(1); }
    template <class V> static PYX_HD V fold(V a, V b) { return mul(a, b); }
    static PYX_HD T finish(T w, double) { return w; }
};
/* NaN wins, and -0 is less than 0; to `quick` the two are equal. `zero`: which one wins, 0 (1) or -0 (-1); 0: there is no -0. */
template <class T> struct Max {
    typedef T A; typedef T W; typedef T R;
    static constexpr int zero = kind_of<T>::value == 1;
    static PYX_HD A first() { return bottom<T>(); }
    static PYX_HD A map(T x, double) { return x; }
    template <class V> static PYX_HD V quick(V a, V b) { return (b > a) | (b != b) ? b : a; }
    template <class V> static PYX_HD V fold(V a, V b) { return (b == a) & sign_bit(a) ? b : quick(a, b); }
    static PYX_HD R finish(W w, double) { return w; }
};
template <class T> struct Min : Max<T> {
    static constexpr int zero = -Max<T>::zero;
    static PYX_HD T first() { return top<T>(); }
    template <class V> static PYX_HD V quick(V a, V b) { return (b < a) | (b != b) ? b : a; }
    template <class V> static PYX_HD V fold(V a, V b) { return (b == a) & sign_bit(b) ? b : quick(a, b); }
};
template <class T> struct Any {
    typedef pyx_u8 A; typedef pyx_u8 W; typedef pyx_u8 R;
    static PYX_HD A first() { return 0; }
    static PYX_HD A map(T x, double) { return nonzero(x); }
    template <class V> static PYX_HD V fold(V a, V b) { return a | b; }
    static PYX_HD R finish(W w, double) { return w; }
};
template <class T> struct All : Any<T> {
    static PYX_HD pyx_u8 first() { return 1; }
    template <class V> static PYX_HD V fold(V a, V b) { return a & b; }
};
template <class T> struct Count {
    typedef pyx_i64 A; typedef pyx_i64 W; typedef pyx_i64 R;
    static PYX_HD A first() { return 0; }
    static PYX_HD A map(T x, double) { return nonzero(x); }
    template <class V> static PYX_HD V fold(V a, V b) { return a + b; }
    static PYX_HD R finish(W w, double) { return w; }
};
template <class T> struct Norm0 : Sum<T> { static PYX_HD T map(T x, double) { return (T)nonzero(x); } };
template <class T> struct Norm1 : Sum<T> { static PYX_HD T map(T x, double) { return x < 0 ? -x : x; } };
template <class T> struct Norm2 : Sum<T> {
    static PYX_HD T map(T x, double) { return x * x; }
    static PYX_HD T finish(wide_t<T> w, double) { return (T)::sqrt(w); }
};
template <class T> struct NormMax : Max<T> {
    static constexpr int zero = 0;
    static PYX_HD T first() { return 0; }
    static PYX_HD T map(T x, double) { return fabs(x); }
};
template <class T> struct NormMin : Min<T> {
    static constexpr int zero = 0;
    static PYX_HD T map(T x, double) { return fabs(x); }
};
template <class T> struct NormP : Sum<T> {
    static PYX_HD T map(T x, double p) { return (T)::pow((double)(x < 0 ? -x : x), p); }
    static PYX_HD T finish(wide_t<T> w, double p) { return (T)::pow((double)w, 1 / p); }
};

}  // namespace reduction
}  // namespace PYX_LEVEL_NS
}  // namespace pyx
