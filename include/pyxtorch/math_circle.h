/* Sine, cosine, tangent, their hyperbolic kin and the inverses, on the CPU. */
#pragma once
#include "math.h"

#ifndef __CUDACC_RTC__
namespace pyx {
inline namespace PYX_LEVEL_NS {

/* ----------------------------------------------------------------------------------- circle */

/* sin and cos of arguments of any size are the C library's. The functions named _near are ours,
   for |x| up to near_limit: x = n pi + r, subtracting n pi in parts. */
PYX_LIBRARY1(sin)
PYX_LIBRARY1(cos)
PYX_LIBRARY1(tan)
template <class T> constexpr T near_limit = 1e5;

PYX_HD float minus_pi(float x, float n) {
#if defined(__FMA__)
    x = x - n * 3.14159274f;
    x = x + n * 8.74227766e-8f;
    return x + n * 3.430249e-15f;
#else
    /* without fused multiply-add the products are exact in double */
    double r = (double)x - (double)n * 3.1415926535897932;
    return (float)r;
#endif
}
PYX_HD double minus_pi(double x, double n) {
    /* the first two parts have 33 bits, so that products with n are exact */
    x = x - n * 3.14159265346825122833;
    x = x - n * 1.21542010130123852e-10;
    return x - n * 4.04453249758915862e-20;
}
/* sin r for |r| <= pi/2; exactly 1 at pi/2, so that cos(0) is */
PYX_HD float sin_reduced(float r) {
    float s = r * r, p = -2.40801522e-8f;
    p = p * s + 2.75408684e-6f;
    p = p * s - 1.98410865e-4f;
    p = p * s + 8.33333277e-3f;
    p = p * s - 0.166666667f;
    return r + r * s * p;
}
PYX_HD double sin_reduced(double r) {
    double s = r * r, p = -8.006061395705421e-18;
    p = p * s + 2.8104686991374947e-15;
    p = p * s - 7.6471391190428317e-13;
    p = p * s + 1.6059043479361995e-10;
    p = p * s - 2.5052108382390798e-8;
    p = p * s + 2.755731922397126e-6;
    p = p * s - 1.9841269841269806e-4;
    p = p * s + 8.3333333333333333e-3;
    p = p * s - 0.16666666666666667;
    return r + r * s * p;
}
PYX_HD float flip_sign(float x, float k) { return bits<float>(bits<pyx_u32>(x) ^ bits<pyx_u32>(k) << 31); }
PYX_HD double flip_sign(double x, double k) { return bits<double>(bits<pyx_u64>(x) ^ bits<pyx_u64>(k) << 63); }
template <class T> constexpr T round_magic = 0;
template <> constexpr float round_magic<float> = round_float;
template <> constexpr double round_magic<double> = round_double;

template <class T> PYX_HD T sin_near(T x) {
    T k = x * (T)(1 / PYX_PI) + round_magic<T>, n = k - round_magic<T>;
    T y = flip_sign(sin_reduced(minus_pi(x, n)), k);
    return x == (T)0 ? x : y;       /* -0 stays */
}
/* Below this cos(x) is nearer to 1 than to the next number. */
template <class T> constexpr T cos_is_one = 1.05e-8;
template <> constexpr float cos_is_one<float> = 2.44e-4f;
/* cos(x) = (-1)^n sin(x - (n - 1/2) pi), n - 1/2 next to x / pi */
template <class T> PYX_HD T cos_near(T x) {
    T a = fabs(x), k = a * (T)(1 / PYX_PI) + (T)0.5 + round_magic<T>, n = k - round_magic<T>;
    T y = flip_sign(sin_reduced(minus_pi(a, n - (T)0.5)), k);
    return a < cos_is_one<T> ? (T)1 : y;
}
template <class T> PYX_HD T tan_near(T x) { return sin_near(x) / cos_near(x); }

/* ---------------------------------------------------------------------------- inverse circle */

/* atan(t) for 0 <= t <= 1 */
PYX_HD float atan_reduced(float t) {
    float s = t * t, p = -2.38699732e-3f;
    p = p * s + 1.35077714e-2f;
    p = p * s - 3.5871539e-2f;
    p = p * s + 6.25016944e-2f;
    p = p * s - 8.65688043e-2f;
    p = p * s + 0.110337641f;
    p = p * s - 0.142785687f;
    p = p * s + 0.199997393f;
    p = p * s - 0.333333317f;
    return t + t * s * p;
}
PYX_HD double atan_reduced(double t) {
    double s = t * t, p = -1.1832505417555693e-5;
    p = p * s + 1.368724853148122e-4;
    p = p * s - 7.5184725269738215e-4;
    p = p * s + 2.622977891906089e-3;
    p = p * s - 6.5756833441516986e-3;
    p = p * s + 1.2756172907694297e-2;
    p = p * s - 2.0238706986393516e-2;
    p = p * s + 2.7567942297344677e-2;
    p = p * s - 3.3750132001619734e-2;
    p = p * s + 3.8726402140426325e-2;
    p = p * s - 4.3081196553304713e-2;
    p = p * s + 4.7520867735766561e-2;
    p = p * s - 5.2612657357094544e-2;
    p = p * s + 5.8820749563712946e-2;
    p = p * s - 6.6666364357776927e-2;
    p = p * s + 7.6923053546786548e-2;
    p = p * s - 9.0909089695574031e-2;
    p = p * s + 0.11111111107234799;
    p = p * s - 0.14285714285648404;
    p = p * s + 0.19999999999999553;
    p = p * s - 0.33333333333333333;
    return t + t * s * p;
}
template <class T> PYX_HD T atan_real(T x) {
    T a = fabs(x);
    bool big = a > (T)1;
    T y = atan_reduced(big ? (T)1 / a : a);
    return copysign(big ? (T)(PYX_PI / 2) - y : y, x);
}
PYX_HD float atan(float x) { return atan_real(x); }
PYX_HD double atan(double x) { return atan_real(x); }
template <class T> PYX_HD T atan2_real(T y, T x) {
    T a = fabs(x), b = fabs(y);
    T high = a > b ? a : b, low = a > b ? b : a;
    T t = low / high;
    t = high == (T)0 ? (T)0 : t;
    t = low == infinity<T>() ? (T)1 : t;
    T r = atan_reduced(t);
    r = b > a ? (T)(PYX_PI / 2) - r : r;
    r = sign_bit(x) ? (T)PYX_PI - r : r;
    r = copysign(r, y);
    return (x != x) | (y != y) ? x + y : r;
}
PYX_HD float atan2(float y, float x) { return atan2_real(y, x); }
PYX_HD double atan2(double y, double x) { return atan2_real(y, x); }

/* asin(t) for 0 <= t <= 1/2, s = t^2 */
PYX_HD float asin_reduced(float t, float s) {
    float p = 3.80850236e-2f;
    p = p * s + 2.65545422e-2f;
    p = p * s + 4.50013801e-2f;
    p = p * s + 7.49885507e-2f;
    p = p * s + 0.166666724f;
    return t + t * s * p;
}
PYX_HD double asin_reduced(double t, double s) {
    double p = 2.8757851367421565e-2;
    p = p * s - 1.4851887071247203e-2;
    p = p * s + 1.7400879442694022e-2;
    p = p * s + 5.4575067186403583e-3;
    p = p * s + 1.0322814350185779e-2;
    p = p * s + 1.1479177415184906e-2;
    p = p * s + 1.3971212973552933e-2;
    p = p * s + 1.7352392720869973e-2;
    p = p * s + 2.2372172942149888e-2;
    p = p * s + 3.0381944138531247e-2;
    p = p * s + 4.464285714635543e-2;
    p = p * s + 7.4999999999984329e-2;
    p = p * s + 0.16666666666666668;
    return t + t * s * p;
}
/* above 1/2: asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)) */
template <class T> PYX_HD T asin_real(T x) {
    T a = fabs(x), half = (T)0.5 * ((T)1 - a);
    bool big = a > (T)0.5;
    T s = big ? half : a * a, t = big ? sqrt(half) : a;
    T y = asin_reduced(t, s);
    return copysign(big ? (T)(PYX_PI / 2) - (y + y) : y, x);
}
template <class T> PYX_HD T acos_real(T x) {
    T a = fabs(x), half = (T)0.5 * ((T)1 - a);
    bool big = a > (T)0.5;
    T s = big ? half : x * x, t = big ? sqrt(half) : x;
    T y = asin_reduced(t, s);
    T far = x < (T)0 ? (T)PYX_PI - (y + y) : y + y;
    return big ? far : (T)(PYX_PI / 2) - y;
}
PYX_HD float asin(float x) { return asin_real(x); }
PYX_HD double asin(double x) { return asin_real(x); }
PYX_HD float acos(float x) { return acos_real(x); }
PYX_HD double acos(double x) { return acos_real(x); }

/* -------------------------------------------------------------------------------- hyperbola */

/* (sinh(x) - x) / x^3 for |x| <= 1, q = x^2 */
PYX_HD float sinh_tail(float q) { return ((2.80628026e-6f * q + 1.9838102e-4f) * q + 8.33333968e-3f) * q + 0.166666666f; }
PYX_HD double sinh_tail(double q) {
    double p = 2.8445264169895286e-15;
    p = p * q + 7.6466253616566577e-13;
    p = p * q + 1.6059048396350562e-10;
    p = p * q + 2.5052108364058041e-8;
    p = p * q + 2.7557319224040339e-6;
    p = p * q + 1.9841269841269773e-4;
    p = p * q + 8.3333333333333334e-3;
    return p * q + 0.16666666666666667;
}
/* e^|x| / 2 as a product of two, which overflows no earlier than the result */
template <class T> PYX_HD T half_exp(T a) {
    T e = exp((T)0.5 * a);
    return (T)0.5 * e * e;
}
template <class T> PYX_HD T sinh_real(T x) {
    T a = fabs(x), h = half_exp(a), q = x * x;
    return a < (T)1 ? x + x * q * sinh_tail(q) : copysign(h - (T)0.25 / h, x);
}
template <class T> PYX_HD T cosh_real(T x) {
    T h = half_exp(fabs(x));
    return h + (T)0.25 / h;
}
/* With t = |x| + x^2 / (1 + sqrt(1 + x^2)): asinh |x| = log(1 + t) */
template <class T> PYX_HD T asinh_real(T x) {
    T a = fabs(x), q = x * x;
    bool big = a > (T)1e9;
    T y = log1p(big ? a - (T)1 : a + q / ((T)1 + sqrt((T)1 + q)));
    return copysign(big ? y + (T)PYX_LN2 : y, x);
}
template <class T> PYX_HD T acosh_real(T x) {
    T t = x - (T)1;
    bool big = x > (T)1e9;
    T y = log1p(big ? t : t + sqrt(t + t + t * t));
    y = big ? y + (T)PYX_LN2 : y;
    return x < (T)1 ? not_a_number<T>() : y;
}
template <class T> PYX_HD T atanh_real(T x) {
    T a = fabs(x);
    return copysign((T)0.5 * log1p((a + a) / ((T)1 - a)), x);
}
#define PYX_REAL1(name)                                        \
    PYX_HD float name(float x) { return name##_real(x); }      \
    PYX_HD double name(double x) { return name##_real(x); }
PYX_REAL1(sinh)
PYX_REAL1(cosh)
PYX_REAL1(asinh)
PYX_REAL1(acosh)
PYX_REAL1(atanh)
#undef PYX_REAL1

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
#endif
