/* From uniform numbers to those of other laws, the same on every device: logarithm, sine and cosine are our own.
   Numbers u come from philox.h; those of a logarithm are in (0, 1]. Read by g++ and by NVRTC. */
#pragma once
#include "dtype.h"
#ifndef __CUDACC_RTC__
#include <math.h>
#endif

namespace pyx {
inline namespace PYX_LEVEL_NS {

template <class F> struct same_size;
template <> struct same_size<float> { typedef pyx_i32 integer; };
template <> struct same_size<double> { typedef pyx_i64 integer; };

/* log(x) of a normal positive number: x = m * 2^e with m near 1, and log m by the series of
   2 atanh(s), s = (m - 1) / (m + 1). */
PYX_HD float log_lane(float x) {
    pyx_i32 i = bits<pyx_i32>(x), e = (i - 0x3f3504f3) >> 23;
    float m = bits<float>(i - (e << 23)), s = (m - 1.0f) / (m + 1.0f), z = s * s;
    float p = s * (2.0f + z * (0.666666667f + z * (0.4f + z * (0.285714286f + z * 0.222222222f))));
    return p + (float)e * 0.693147181f;
}
PYX_HD double log_lane(double x) {
    pyx_i64 i = bits<pyx_i64>(x), e = (i - 0x3fe6a09e667f3bcdll) >> 52;
    double m = bits<double>(i - (e << 52)), s = (m - 1.0) / (m + 1.0), z = s * s;
    double p = 2.0 / 21;
    p = p * z + 2.0 / 19;
    p = p * z + 2.0 / 17;
    p = p * z + 2.0 / 15;
    p = p * z + 2.0 / 13;
    p = p * z + 2.0 / 11;
    p = p * z + 2.0 / 9;
    p = p * z + 2.0 / 7;
    p = p * z + 2.0 / 5;
    p = p * z + 2.0 / 3;
    p = p * z + 2.0;
    return p * s + (double)e * 0.69314718055994530942;
}

/* sin and cos of 2 pi u, 0 <= u < 1: u is reduced to an eighth of a turn about the nearest quarter. */
template <class F>
PYX_HD void turn(F u, F& sine, F& cosine) {
    typedef typename same_size<F>::integer I;
    I q = (I)(u * 4 + (F)0.5);
    F x = (u - (F)q * (F)0.25) * (F)6.283185307179586477, z = x * x;
    F s, c;
    if (sizeof(F) == 4) {
        s = x + x * z * ((F)-0.16666667 + z * ((F)0.0083333310 + z * (F)-0.00019840874));
        c = 1 + z * ((F)-0.5 + z * ((F)0.041666666 + z * ((F)-0.0013888397 + z * (F)2.4760495e-5)));
    } else {
        F p = (F)(1.0 / 1307674368000.0);
        p = (F)(1.0 / 6227020800.0) - z * p;
        p = (F)(1.0 / 39916800.0) - z * p;
        p = (F)(1.0 / 362880.0) - z * p;
        p = (F)(1.0 / 5040.0) - z * p;
        p = (F)(1.0 / 120.0) - z * p;
        p = (F)(1.0 / 6.0) - z * p;
        s = x - x * z * p;
        p = (F)(1.0 / 20922789888000.0);
        p = (F)(1.0 / 87178291200.0) - z * p;
        p = (F)(1.0 / 479001600.0) - z * p;
        p = (F)(1.0 / 3628800.0) - z * p;
        p = (F)(1.0 / 40320.0) - z * p;
        p = (F)(1.0 / 720.0) - z * p;
        p = (F)(1.0 / 24.0) - z * p;
        p = (F)0.5 - z * p;
        c = 1 - z * p;
    }
    F a = q & 1 ? c : s, b = q & 1 ? s : c;
    sine = q & 2 ? -a : a;
    cosine = (q + 1) & 2 ? -b : b;
}

PYX_HD float root(float x) { return ::sqrtf(x); }
PYX_HD double root(double x) { return ::sqrt(x); }
PYX_HD float round_up_law(float x) { return ::ceilf(x); }
PYX_HD double round_up_law(double x) { return ::ceil(x); }

/* span: b - a; rounding may reach b */
template <class F>
PYX_HD F uniform_law(F u, F a, F b, F span) {
    F v = a + u * span;
    return v < b ? v : a;
}
/* Two numbers of mean a and deviation b, by the method of Box and Muller. */
template <class F>
PYX_HD void normal_law(F u, F turns, F a, F b, F& x, F& y) {
    F r = root((F)-2 * log_lane(u)), s, c;
    turn(turns, s, c);
    x = a + b * r * c;
    y = a + b * r * s;
}
/* scale: -1 / rate; 0 has probability 0 and becomes `least` */
template <class F>
PYX_HD F exponential_law(F u, F scale, F least) {
    F v = log_lane(u) * scale;
    return v > 0 ? v : least;
}
/* middle: in (0, 1) */
template <class F>
PYX_HD F cauchy_law(F middle, F a, F b) {
    F s, c;
    turn(middle * (F)0.5, s, c);
    return a - b * c / s;
}
/* scale: 1 / log(1 - p) */
template <class F>
PYX_HD F geometric_law(F u, F scale) {
    F v = round_up_law(log_lane(u) * scale);
    return v >= 1 ? v : 1;
}

/* Numbers in (0, 1) of a word, of two words. */
PYX_HD float uniform_float_middle(pyx_u32 x) { return ((float)(int)(x >> 8) + 0.5f) * 5.9604644775390625e-8f; }
PYX_HD double uniform_double_middle(double u) { return u + 5.5e-17; }

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
