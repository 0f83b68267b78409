/* Arithmetic whose meaning depends on the kind of the type: integers wrap around and divide by
   zero without a trap (the operation above has refused it), floats follow IEEE 754. */
#pragma once
#include "math.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

template <class T> PYX_HD T add(T a, T b) { return (T)((wrap_t<T>)a + (wrap_t<T>)b); }
template <class T> PYX_HD T sub(T a, T b) { return (T)((wrap_t<T>)a - (wrap_t<T>)b); }
template <class T> PYX_HD T mul(T a, T b) { return (T)((wrap_t<T>)a * (wrap_t<T>)b); }
template <class T> PYX_HD T neg(T a) { return (T)((wrap_t<T>)0 - (wrap_t<T>)a); }
PYX_HD float neg(float a) { return -a; }
PYX_HD double neg(double a) { return -a; }

template <class T> PYX_HD T absolute(T x) { return x < (T)0 ? neg(x) : x; }
PYX_HD float absolute(float x) { return fabs(x); }
PYX_HD double absolute(double x) { return fabs(x); }
PYX_HD bool absolute(bool x) { return x; }
template <class T> PYX_HD T sign(T x) { return (T)((x > (T)0) - (x < (T)0)); }

/* Rounding leaves integers as they are. */
#define PYX_ROUNDING(name, f)                              \
    template <class T> PYX_HD T name(T x) { return x; }    \
    PYX_HD float name(float x) { return f(x); }            \
    PYX_HD double name(double x) { return f(x); }
PYX_ROUNDING(round_down, floor)
PYX_ROUNDING(round_up, ceil)
PYX_ROUNDING(round_to_zero, trunc)
PYX_ROUNDING(round_to_even, rint)
#undef PYX_ROUNDING

/* ------------------------------------------------------------------------------- division */

template <class T> PYX_HD T div_trunc(T a, T b) {
    if (b == (T)0) return (T)0;
    if (is_signed_type<T>::value && b == (T)-1) return neg(a);  /* the lowest / -1 would trap */
    return (T)(a / b);
}
template <class T> PYX_HD T div_floor(T a, T b) {
    T q = div_trunc(a, b), r = (T)sub(a, mul(q, b));
    return (T)(q - (b != (T)0 && r != (T)0 && (r < (T)0) != (b < (T)0)));
}
template <class T> PYX_HD T fmod_of(T a, T b) { return b == (T)0 ? (T)0 : sub(a, mul(div_trunc(a, b), b)); }
template <class T> PYX_HD T remainder_of(T a, T b) {
    T r = fmod_of(a, b);
    return r != (T)0 && (r < (T)0) != (b < (T)0) ? (T)(r + b) : r;
}
/* The remainder, whose sign is that of b even where it is 0, and the floor of the quotient, from r = fmod(a, b) */
template <class T> PYX_HD T remainder_from(T r, T b) {
    T near = (r < (T)0) != (b < (T)0) ? r + b : r;
    return r != (T)0 ? near : copysign((T)0, b);
}
template <class T> PYX_HD T div_floor_from(T r, T a, T b) {
    /* (a - r) / b is whole up to rounding: round it so. */
    T q = (a - r) / b;
    q = (r != (T)0) & ((r < (T)0) != (b < (T)0)) ? q - (T)1 : q;
    T f = floor(q);
    f = q - f > (T)0.5 ? f + (T)1 : f;
    f = q != (T)0 ? f : copysign((T)0, a / b);
    return b == (T)0 ? a / b : f;
}
#define PYX_DIVISION(T)                                                            \
    PYX_HD T div_trunc(T a, T b) { return trunc(a / b); }                          \
    PYX_HD T fmod_of(T a, T b) { return fmod(a, b); }                              \
    PYX_HD T remainder_of(T a, T b) { return remainder_from(fmod(a, b), b); }      \
    PYX_HD T div_floor(T a, T b) { return div_floor_from(fmod(a, b), a, b); }
PYX_DIVISION(float)
PYX_DIVISION(double)
#undef PYX_DIVISION

#ifndef __CUDACC_RTC__
/* fmod of quotients below 2^22 (2^50): a - q b is exact, q at most one too large */
#if defined(__FMA__)
#define PYX_EXACT_FMOD_DOUBLE 1
PYX_HD float exact_residue(float a, float q, float b) { return __builtin_fmaf(-q, b, a); }
PYX_HD double exact_residue(double a, double q, double b) { return __builtin_fma(-q, b, a); }
#else
#define PYX_EXACT_FMOD_DOUBLE 0
PYX_HD float exact_residue(float a, float q, float b) { return (float)((double)a - (double)q * (double)b); }
PYX_HD double exact_residue(double a, double q, double b) { return a - q * b; }
#endif
template <class T> PYX_HD bool fmod_is_near(T a, T b) {
    return (fabs(a) < fabs(b) * (sizeof(T) == 4 ? (T)4e6 : (T)1e15)) & (fabs(b) < (T)1e30) & (fabs(b) > (T)1e-30);
}
template <class T> PYX_HD T fmod_near(T a, T b) {
    T r = exact_residue(a, trunc(a / b), b);
    r = ((r < (T)0) != (a < (T)0)) & (r != (T)0) ? r + copysign(b, a) : r;
    return copysign(r, a);
}
#endif

/* ----------------------------------------------------------------------------- whole powers */

template <class T> PYX_HD T power(T a, T n) {
    if (n < (T)0) return a == (T)1 ? (T)1 : a == (T)-1 ? (n & 1 ? (T)-1 : (T)1) : (T)0;
    T y = (T)1;
    for (pyx_u64 e = (pyx_u64)n; e; e >>= 1) {
        if (e & 1) y = mul(y, a);
        a = mul(a, a);
    }
    return y;
}
PYX_HD bool power(bool a, bool n) { return a | !n; }
PYX_HD float power(float a, float n) { return pow(a, n); }
PYX_HD double power(double a, double n) { return pow(a, n); }

template <class T> PYX_HD T shift_left(T a, T n) {
    return n < (T)0 || n >= (T)(8 * sizeof(T)) ? (T)0 : (T)((wrap_t<T>)a << n);
}
template <class T> PYX_HD T shift_right(T a, T n) {
    int last = 8 * (int)sizeof(T) - (is_signed_type<T>::value ? 1 : 0);
    if (n < (T)0 || n >= (T)(8 * sizeof(T))) return is_signed_type<T>::value ? (T)(a >> last) : (T)0;
    return (T)(a >> n);
}
template <class T> PYX_HD T gcd(T a, T b) {
    wrap_t<T> u = (wrap_t<T>)absolute(a), v = (wrap_t<T>)absolute(b);
    while (v) {
        wrap_t<T> t = u % v;
        u = v;
        v = t;
    }
    return (T)u;
}
template <class T> PYX_HD T lcm(T a, T b) {
    T g = gcd(a, b);
    return g == (T)0 ? (T)0 : absolute(mul(div_trunc(a, g), b));
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
