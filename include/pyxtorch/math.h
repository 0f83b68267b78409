/* Scalar mathematics for the formulas of unary.h, binary.h and ternary.h.

   Read by g++ and by NVRTC. On the CPU the functions of float, and most of double, are
   branch-free polynomials of our own, so that loops over them vectorise at every instruction
   level; elsewhere they are the C library's. The coefficients were fitted by Lawson's algorithm
   (weighted least squares on Chebyshev nodes) to the relative error of the whole function; those
   of double precision are mostly the exact series. Errors stay below about 3 ULP, of the rational
   tanh and erf below 6. */
#pragma once
#include "dtype.h"

#ifndef __CUDACC_RTC__
#include <cmath>
#include <complex>
#endif

namespace pyx {
inline namespace PYX_LEVEL_NS {

/* ------------------------------------------------------------------------ what a type is */

template <class T> struct kind_of { static constexpr int value = 0; };  /* 0 integer, 1 real, 2 complex */
template <> struct kind_of<float> { static constexpr int value = 1; };
template <> struct kind_of<double> { static constexpr int value = 1; };
template <class T> struct kind_of<complex<T>> { static constexpr int value = 2; };

template <class T> struct is_signed_type { static constexpr bool value = (T)-1 < (T)0; };

/* Integer arithmetic wraps around: it is done in an unsigned type at least as wide as int. */
template <class T> struct wrap { typedef T type; };
template <> struct wrap<bool> { typedef pyx_u32 type; };
template <> struct wrap<pyx_u8> { typedef pyx_u32 type; };
template <> struct wrap<pyx_u16> { typedef pyx_u32 type; };
template <> struct wrap<pyx_i8> { typedef pyx_u32 type; };
template <> struct wrap<pyx_i16> { typedef pyx_u32 type; };
template <> struct wrap<pyx_i32> { typedef pyx_u32 type; };
template <> struct wrap<pyx_i64> { typedef pyx_u64 type; };
template <class T> using wrap_t = typename wrap<T>::type;

template <class T> PYX_HD T infinity();
template <> PYX_HD float infinity<float>() { return bits<float>(0x7f800000u); }
template <> PYX_HD double infinity<double>() { return bits<double>((pyx_u64)0x7ff << 52); }
template <class T> PYX_HD T not_a_number();
template <> PYX_HD float not_a_number<float>() { return bits<float>(0x7fc00000u); }
template <> PYX_HD double not_a_number<double>() { return bits<double>((pyx_u64)0x7ff8 << 48); }
template <class T> PYX_HD T largest();
template <> PYX_HD float largest<float>() { return bits<float>(0x7f7fffffu); }
template <> PYX_HD double largest<double>() { return bits<double>(((pyx_u64)0x7ff << 52) - 1); }

#define PYX_PI 3.14159265358979323846
#define PYX_LN2 0.69314718055994530942
#define PYX_SQRT_HALF 0.70710678118654752440
#define PYX_SQRT_2_PI 0.79788456080286535588      /* sqrt(2 / pi) */
#define PYX_INV_SQRT_2PI 0.39894228040143267794   /* 1 / sqrt(2 pi) */
#define PYX_2_SQRT_PI 1.12837916709551257390      /* 2 / sqrt(pi) */

/* ------------------------------------------------ the C library's functions, by overloading */

#define PYX_LIBRARY1(name)                                     \
    PYX_HD float name(float x) { return ::name##f(x); }        \
    PYX_HD double name(double x) { return ::name(x); }
#define PYX_LIBRARY2(name)                                             \
    PYX_HD float name(float x, float y) { return ::name##f(x, y); }    \
    PYX_HD double name(double x, double y) { return ::name(x, y); }
#define PYX_BUILTIN1(name)                                               \
    PYX_HD float name(float x) { return __builtin_##name##f(x); }        \
    PYX_HD double name(double x) { return __builtin_##name(x); }
#define PYX_BUILTIN2(name)                                                       \
    PYX_HD float name(float x, float y) { return __builtin_##name##f(x, y); }    \
    PYX_HD double name(double x, double y) { return __builtin_##name(x, y); }

#ifdef __CUDACC_RTC__
#define PYX_EITHER1 PYX_LIBRARY1
#define PYX_EITHER2 PYX_LIBRARY2
#else
#define PYX_EITHER1 PYX_BUILTIN1
#define PYX_EITHER2 PYX_BUILTIN2
#endif
PYX_EITHER1(fabs)
PYX_EITHER1(sqrt)
PYX_EITHER1(floor)
PYX_EITHER1(ceil)
PYX_EITHER1(trunc)
PYX_EITHER1(rint)
PYX_EITHER2(copysign)

PYX_LIBRARY1(erfc)
PYX_LIBRARY1(tgamma)
PYX_LIBRARY2(fmod)
PYX_LIBRARY2(hypot)
PYX_LIBRARY2(nextafter)
#ifdef __CUDACC_RTC__
PYX_LIBRARY1(lgamma)
#else
/* The C library's lgamma writes the sign where all threads do. */
PYX_HD float lgamma(float x) { int sign; return ::lgammaf_r(x, &sign); }
PYX_HD double lgamma(double x) { int sign; return ::lgamma_r(x, &sign); }
#endif

/* ------------------------------------------------------------------------------ selections */

template <class T> PYX_HD bool is_nan(T x) { return x != x; }
template <class T> PYX_HD bool nonzero(T x) { return x != (T)0; }
PYX_HD bool is_inf(float x) { return fabs(x) == infinity<float>(); }
PYX_HD bool is_inf(double x) { return fabs(x) == infinity<double>(); }
template <class T> PYX_HD bool is_inf(T) { return false; }
PYX_HD bool sign_bit(float x) { return bits<pyx_i32>(x) < 0; }
PYX_HD bool sign_bit(double x) { return bits<pyx_i64>(x) < 0; }
template <class T> PYX_HD bool sign_bit(T x) { return x < (T)0; }
template <class T> PYX_HD T maximum(T a, T b) { return (a > b) | (a != a) ? a : b; }
template <class T> PYX_HD T minimum(T a, T b) { return (a < b) | (a != a) ? a : b; }
template <class T> PYX_HD T fmax(T a, T b) { return (a > b) | (b != b) ? a : b; }
template <class T> PYX_HD T fmin(T a, T b) { return (a < b) | (b != b) ? a : b; }

/* ---------------------------------------------------------------------- exp, log and others */

#ifdef __CUDACC_RTC__
PYX_LIBRARY1(exp)
PYX_LIBRARY1(exp2)
PYX_LIBRARY1(expm1)
PYX_LIBRARY1(log)
PYX_LIBRARY1(log2)
PYX_LIBRARY1(log10)
PYX_LIBRARY1(log1p)
PYX_LIBRARY1(sin)
PYX_LIBRARY1(cos)
PYX_LIBRARY1(tan)
PYX_LIBRARY1(asin)
PYX_LIBRARY1(acos)
PYX_LIBRARY1(atan)
PYX_LIBRARY1(sinh)
PYX_LIBRARY1(cosh)
PYX_LIBRARY1(tanh)
PYX_LIBRARY1(asinh)
PYX_LIBRARY1(acosh)
PYX_LIBRARY1(atanh)
PYX_LIBRARY1(erf)
PYX_LIBRARY2(pow)
PYX_LIBRARY2(atan2)
#else

/* 2^n for integers n from -126 to 127 (float), -1022 to 1023 (double); n as the low bits. */
/* Exponents are unsigned, modulo 2^32 or 2^64: those that a nan leads to may be anything. */
PYX_HD float power_of_2(pyx_u32 n) { return bits<float>((n + 127u) << 23); }
PYX_HD double power_of_2(pyx_u64 n) { return bits<double>((n + 1023u) << 52); }

/* Adding 1.5 * 2^23 (2^52) leaves the nearest integer in the low bits. */
constexpr float round_float = 12582912.0f;
constexpr double round_double = 6755399441055744.0;
PYX_HD pyx_u32 rounded(float k) { return bits<pyx_u32>(k) - bits<pyx_u32>(round_float); }
PYX_HD pyx_u64 rounded(double k) { return bits<pyx_u64>(k) - bits<pyx_u64>(round_double); }

/* e^r - 1 for |r| <= ln(2) / 2 */
PYX_HD float expm1_reduced(float r) {
    float p = 1.39505218e-3f;
    p = p * r + 8.36890842e-3f;
    p = p * r + 4.16662053e-2f;
    p = p * r + 0.166665187f;
    p = p * r + 0.50000001f;
    return r * r * p + r;
}
PYX_HD double expm1_reduced(double r) {
    double p = 1.0 / 87178291200.0;
    p = p * r + 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    return r * r * p + r;
}

/* (1 + p) * 2^n in two steps, so that neither a denormal nor the largest results are lost */
PYX_HD float scale_twice(float p, pyx_u32 n) {
    pyx_u32 half = (pyx_u32)((pyx_i32)n >> 1);
    return p * power_of_2(half) * power_of_2(n - half);
}
PYX_HD double scale_twice(double p, pyx_u64 n) {
    /* A shift of 64-bit integers that keeps the sign needs AVX-512; this one does not. */
    pyx_u64 half = ((n + 4096u) >> 1) - 2048u;
    return p * power_of_2(half) * power_of_2(n - half);
}

/* x = n ln(2) + r; *k gets the float whose low bits are n. */
PYX_HD float reduce_exp(float x, float* k) {
    *k = x * 1.44269504f + round_float;
    float n = *k - round_float;
    float r = x - n * 0.693359375f;
    return r + n * 2.12194440e-4f;
}
/* 2^n (1 + p) by adding n to the exponent, for -126 <= n <= 127 */
PYX_HD float scale_once(float p, float k) { return bits<float>(bits<pyx_i32>(1.0f + p) + (pyx_i32)((pyx_u32)bits<pyx_i32>(k) << 23)); }
/* e^x for -87.3 < x < 88.3; anything, but no trap, beyond */
PYX_HD float exp_inside(float x) {
    float k, r = reduce_exp(x, &k);
    return scale_once(expm1_reduced(r), k);
}
PYX_HD float exp(float x) {
    /* Results that may be denormal are computed 2^64 times too large. */
    bool low = x < -80.0f;
    float k, r = reduce_exp(x < -104.0f ? -104.0f : x, &k);
    pyx_u32 n = (pyx_u32)bits<pyx_i32>(k) + (low ? 64u : 0u);
    float y = bits<float>(bits<pyx_u32>(1.0f + expm1_reduced(r)) + (n << 23));
    y = low ? y * 5.42101086e-20f : y;
    return x <= 88.7228394f ? y : x + infinity<float>();
}
PYX_HD double exp(double x) {
    x = x < -746.0 ? -746.0 : x;
    x = x > 710.0 ? 710.0 : x;
    double k = x * 1.4426950408889634 + round_double, n = k - round_double;
    double r = x - n * 0.693147180369123816490;
    r = r - n * 1.90821492927058770002e-10;
    return scale_twice(1.0 + expm1_reduced(r), rounded(k));
}

PYX_HD float exp2(float x) {
    x = x < -151.0f ? -151.0f : x;
    x = x > 129.0f ? 129.0f : x;
    float k = x + round_float, n = k - round_float;
    return scale_twice(1.0f + expm1_reduced((x - n) * 0.693147181f), rounded(k));
}
PYX_HD double exp2(double x) {
    x = x < -1080.0 ? -1080.0 : x;
    x = x > 1025.0 ? 1025.0 : x;
    double k = x + round_double, n = k - round_double;
    return scale_twice(1.0 + expm1_reduced((x - n) * PYX_LN2), rounded(k));
}

/* 2^(n-1) rather than 2^n: it must not overflow before the subtraction. */
PYX_HD float expm1(float x0) {
    float x = x0 < -30.0f ? -30.0f : x0;
    x = x > 89.0f ? 89.0f : x;
    float k, r = reduce_exp(x, &k);
    float s = power_of_2(rounded(k) - 1u);
    float y = expm1_reduced(r) * s + (s - 0.5f);
    return x0 == 0.0f ? x0 : y + y;
}
PYX_HD double expm1(double x0) {
    double x = x0 < -60.0 ? -60.0 : x0;
    x = x > 710.0 ? 710.0 : x;
    double k = x * 1.4426950408889634 + round_double, n = k - round_double;
    double r = x - n * 0.693147180369123816490;
    r = r - n * 1.90821492927058770002e-10;
    double s = power_of_2(rounded(k) - 1u);
    double y = expm1_reduced(r) * s + (s - 0.5);
    return x0 == 0.0 ? x0 : y + y;
}

/* x = m * 2^e with m in [sqrt(1/2), sqrt(2)), for positive finite x */
PYX_HD float split(float x, float* e) {
    bool tiny = x < 1.17549435e-38f;
    pyx_i32 i = bits<pyx_i32>(tiny ? x * 8388608.0f : x);
    pyx_i32 n = (i - 0x3f3504f3) >> 23;
    *e = (float)n - (tiny ? 23.0f : 0.0f);
    return bits<float>(i - (n << 23));
}
PYX_HD double split(double x, double* e) {
    bool tiny = x < 2.2250738585072014e-308;
    pyx_u64 i = bits<pyx_u64>(tiny ? x * 4503599627370496.0 : x);
    /* exponent + bias, without a signed shift; made a double by putting it below 2^52 */
    pyx_u64 n = (i - 0x3fe6a09e667f3bcdull + ((pyx_u64)1023 << 52)) >> 52;
    *e = bits<double>(n + 0x4330000000000000ull) - 4503599627370496.0 - (tiny ? 1075.0 : 1023.0);
    return bits<double>(i - (n << 52) + ((pyx_u64)1023 << 52));
}

/* log(1 + f) - f + f^2/2, for 1 + f in [sqrt(1/2), sqrt(2)) */
PYX_HD float log_tail(float f) {
    float p = 6.74660133e-2f;
    p = p * f - 0.116756413f;
    p = p * f + 0.118881746f;
    p = p * f - 0.124055914f;
    p = p * f + 0.142195509f;
    p = p * f - 0.166679957f;
    p = p * f + 0.200021187f;
    p = p * f - 0.250000096f;
    p = p * f + 0.333333126f;
    return f * f * f * p;
}
PYX_HD double log_tail(double f) {
    /* 2 atanh(s) with s = f / (2 + f): its series */
    double s = f / (2.0 + f), q = s * s, half = 0.5 * f * f;
    double p = 2.0 / 23.0;
    p = p * q + 2.0 / 21.0;
    p = p * q + 2.0 / 19.0;
    p = p * q + 2.0 / 17.0;
    p = p * q + 2.0 / 15.0;
    p = p * q + 2.0 / 13.0;
    p = p * q + 2.0 / 11.0;
    p = p * q + 2.0 / 9.0;
    p = p * q + 2.0 / 7.0;
    p = p * q + 2.0 / 5.0;
    p = p * q + 2.0 / 3.0;
    return s * (half + q * p);
}

/* The logarithm's special values: of 0, of negative numbers, of infinity, of NaN. */
template <class T>
PYX_HD T log_special(T x, T y) {
    y = x < infinity<T>() ? y : x;
    y = x < (T)0 ? not_a_number<T>() : y;
    return x == (T)0 ? -infinity<T>() : y;
}

PYX_HD float log(float x) {
    float e, f = split(x, &e) - 1.0f;
    float y = log_tail(f) - e * 2.12194440e-4f;
    y = y - 0.5f * f * f;
    return log_special(x, y + f + e * 0.693359375f);
}
PYX_HD double log(double x) {
    double e, f = split(x, &e) - 1.0;
    double y = log_tail(f) + e * 1.90821492927058770002e-10;
    y = y - 0.5 * f * f;
    return log_special(x, y + f + e * 0.693147180369123816490);
}
PYX_HD float log2(float x) {
    float e, f = split(x, &e) - 1.0f;
    float t = log_tail(f) - 0.5f * f * f;
    /* log2(e) = 1 + 0.44269504 */
    return log_special(x, t * 0.442695041f + f * 0.442695041f + t + f + e);
}
PYX_HD double log2(double x) {
    double e, f = split(x, &e) - 1.0;
    double t = log_tail(f) - 0.5 * f * f;
    return log_special(x, t * 0.44269504088896340736 + f * 0.44269504088896340736 + t + f + e);
}
/* A power of ten must give a whole number: the large parts are exact products, of numbers of 12 bits, and what their sum rounds off is kept. */
PYX_HD float log10(float x) {
    float e, f = split(x, &e) - 1.0f;
    float half = 0.5f * f * f, large = bits<float>(bits<pyx_u32>(f - half) & 0xfffff000u);
    float small = f - large - half + log_tail(f);
    float a = e * 0.301029205f, b = large * 0.434326172f, sum = a + b;
    float rest = e * 7.90341517e-7f - (small + large) * 3.16899714e-5f + small * 0.434326172f;
    return log_special(x, rest + (a - sum + b) + sum);
}
PYX_HD double log10(double x) {
    double e, f = split(x, &e) - 1.0;
    double t = log_tail(f) - 0.5 * f * f;
    return log_special(x, (t + f) * 0.43429448190325182765 + e * 3.69423907715893078616e-13 + e * 3.01029995663611771306e-01);
}
/* log(u) for u = 1 + x, plus what the addition rounded off */
template <class T>
PYX_HD T log1p_real(T x) {
    T u = (T)1 + x;
    T c = (x - (u - (T)1)) / u;
    T y = log(u) + (fabs(x) < (T)1 ? c : (T)0);
    y = x == (T)-1 ? -infinity<T>() : y;
    return fabs(x) < (sizeof(T) == 4 ? (T)6e-8 : (T)1e-16) ? x : y;
}
PYX_HD float log1p(float x) { return log1p_real(x); }
PYX_HD double log1p(double x) { return log1p_real(x); }

/* Rational forms of functions that go to +-1, x P(s) / Q(s), s = x^2: s is held where the quotient has
   grown past 1, which is cut off then. */
PYX_HD float within_one(float y) {
    y = y > 1.0f ? 1.0f : y;
    return y < -1.0f ? -1.0f : y;
}

PYX_HD float tanh(float x) {
    float s = x * x;
    s = s > 88.0f ? 88.0f : s;
    float p = 1.33546412e-8f;
    p = p * s + 2.06090658e-5f;
    p = p * s + 3.49558703e-3f;
    p = p * s + 0.133810247f;
    p = p * s + 1.0f;
    float q = 7.77654948e-7f;
    q = q * s + 3.2856331e-4f;
    q = q * s + 2.58769779e-2f;
    q = q * s + 0.467143403f;
    q = q * s + 1.0f;
    return within_one(x * p / q);
}
/* tanh |x| = t / (t + 2), t = e^(2|x|) - 1; from |x| = 20 on it rounds to 1 */
PYX_HD double tanh(double x0) {
    double x = fabs(x0) * 2.0;
    x = x > 40.0 ? 40.0 : x;
    double k = x * 1.4426950408889634 + round_double, n = k - round_double;
    double r = x - n * 0.693147180369123816490;
    r = r - n * 1.90821492927058770002e-10;
    double s = power_of_2(rounded(k));
    double t = expm1_reduced(r) * s + (s - 1.0);
    return copysign(t / (t + 2.0), x0);
}

/* ------------------------------------------------------------------------------------- erf */

PYX_HD float erf(float x) {
    float s = x * x;
    s = s > 16.7f ? 16.7f : s;
    float p = 2.02616280e-6f;
    p = p * s + 2.84689776e-4f;
    p = p * s + 3.8077109e-3f;
    p = p * s + 5.28740989e-2f;
    p = p * s + 0.191538191f;
    p = p * s + 1.128379144f;
    float q = 3.78345416e-5f;
    q = q * s + 1.17063909e-3f;
    q = q * s + 1.50541783e-2f;
    q = q * s + 0.114554846f;
    q = q * s + 0.503078978f;
    q = q * s + 1.0f;
    return within_one(x * p / q);
}
/* Below 1 a series in x^2; above 1 - e^(-x^2) P(1 / (2 + x)) */
PYX_HD double erf(double x) {
    double s = x * x, a = fabs(x);
    double p = -4.2309458242953378e-12;
    p = p * s + 8.7090451290531067e-11;
    p = p * s - 1.216456005728345e-9;
    p = p * s + 1.4792401209404813e-8;
    p = p * s - 1.6364642158167615e-7;
    p = p * s + 1.6462045441468419e-6;
    p = p * s - 1.4925647567519332e-5;
    p = p * s + 1.2055332902888735e-4;
    p = p * s - 8.5483270219348296e-4;
    p = p * s + 5.2239776254232983e-3;
    p = p * s - 2.6866170645129841e-2;
    p = p * s + 0.1128379167095512;
    p = p * s - 0.37612638903183752;
    p = p * s + 0.12837916709551257;
    double z = a > 6.0 ? 6.0 : a, t = 1.0 / (z + 2.0);
    double q = 304.16608771430898;
    q = q * t - 10.55673616648935;
    q = q * t - 2084.402612867848;
    q = q * t + 4433.8277267601067;
    q = q * t - 4585.8797731851913;
    q = q * t + 2814.4832228130412;
    q = q * t - 1088.5948399765554;
    q = q * t + 294.23546268022413;
    q = q * t - 72.40696352832619;
    q = q * t + 10.155077464127899;
    q = q * t + 1.4137417939896922;
    q = q * t + 2.9356964703787379;
    q = q * t + 1.967121964040468;
    q = q * t + 1.1287190937699005;
    q = q * t + 0.56418017744506566;
    q = q * t + 1.2053433109547357e-7;
    double far = copysign(1.0 - exp(-z * z) * q, x);
    return a < 1.0 ? x + x * p : x != x ? x : far;
}

/* ------------------------------------------------------------------------------------ power */

/* x^y = 2^(y log2 |x|), the logarithm in double: its error times y stays below a float's. */
PYX_HD float pow(float x, float y) {
    float e, a = fabs(x), m = split(a, &e);
    double f = (double)m - 1.0, p = 7.7806413400707884e-2;
    p = p * f - 0.14097221528751061;
    p = p * f + 0.14317132178056746;
    p = p * f - 0.14334821889467334;
    p = p * f + 0.15910622759722468;
    p = p * f - 0.18031147164855267;
    p = p * f + 0.20614907195673269;
    p = p * f - 0.24045144082476982;
    p = p * f + 0.2885381588757277;
    p = p * f - 0.36067372693917406;
    p = p * f + 0.48089835109371932;
    p = p * f - 0.72134752050877303;
    double l = (double)e + (f * f * p + f * 1.4426950408889634);
    l = a == 0.0f ? -infinity<double>() : l;
    l = a < infinity<float>() ? l : (double)a;
    double t = (double)y * l;
    t = t < -200.0 ? -200.0 : t;
    t = t > 200.0 ? 200.0 : t;
    double k = t + round_double;
    float r = (float)(t - (k - round_double)), n = (float)(k - round_double);
    float q = 1.54531629e-4f;
    q = q * r + 1.33908634e-3f;
    q = q * r + 9.61808256e-3f;
    q = q * r + 5.55035711e-2f;
    q = q * r + 0.240226508f;
    q = q * r + 0.693147188f;
    /* float(n) + round_float has n in its low bits, within a float's range */
    n = n < -151.0f ? -151.0f : n;
    n = n > 129.0f ? 129.0f : n;
    float z = scale_twice(1.0f + r * q, rounded(n + round_float));
    bool whole = rint(y) == y, odd = whole & (rint(y * 0.5f) != y * 0.5f);
    z = odd & sign_bit(x) ? -z : z;
    z = (x < 0.0f) & (a < infinity<float>()) & !whole ? not_a_number<float>() : z;
    z = (x == -1.0f) & (fabs(y) == infinity<float>()) ? 1.0f : z;
    return (y == 0.0f) | (x == 1.0f) ? 1.0f : z;
}
PYX_HD double pow(double x, double y) { return ::pow(x, y); }
#endif

#ifdef __CUDACC_RTC__
PYX_HD float exp_inside(float x) { return exp(x); }
PYX_HD float sigmoid(float x) { return 1.0f / (1.0f + exp(-x)); }
#else
PYX_HD float sigmoid(float x) {
    float a = x < -88.0f ? -88.0f : x;
    float y = 1.0f / (1.0f + exp_inside(-(a > 88.0f ? 88.0f : a)));
    return x < -88.0f ? 0.0f : y;
}
#endif
PYX_HD double exp_inside(double x) { return exp(x); }
PYX_HD double sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }

}  // namespace PYX_LEVEL_NS
}  // namespace pyx

#include "math_circle.h"
#include "math_integer.h"
#include "math_complex.h"
#include "math_more.h"
#include "math_special.h"
