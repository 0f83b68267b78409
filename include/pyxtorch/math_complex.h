/* Complex arithmetic and functions. On the CPU the functions are std::complex's, which get
   signed zeros, infinities and branch cuts right; on the GPU they are plain formulas. */
#pragma once
#include "math.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

template <class T> PYX_HD complex<T> make(T re, T im) { complex<T> z = {re, im}; return z; }
/* a real number as T */
template <class T> struct as { static PYX_HD T of(real_t<T> x) { return x; } };
template <class T> struct as<complex<T>> { static PYX_HD complex<T> of(T x) { return make(x, (T)0); } };

template <class T> PYX_HD complex<T> operator+(complex<T> a, complex<T> b) { return make(a.re + b.re, a.im + b.im); }
template <class T> PYX_HD complex<T> operator-(complex<T> a, complex<T> b) { return make(a.re - b.re, a.im - b.im); }
template <class T> PYX_HD complex<T> operator-(complex<T> a) { return make(-a.re, -a.im); }
template <class T> PYX_HD complex<T> operator*(complex<T> a, complex<T> b) {
    return make(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
}
template <class T> PYX_HD complex<T> operator*(complex<T> a, T b) { return make(a.re * b, a.im * b); }
template <class T> PYX_HD complex<T> operator*(T a, complex<T> b) { return make(a * b.re, a * b.im); }
template <class T> PYX_HD complex<T> operator/(complex<T> a, T b) { return make(a.re / b, a.im / b); }
template <class T> PYX_HD complex<T> operator+(complex<T> a, T b) { return make(a.re + b, a.im); }
template <class T> PYX_HD complex<T> operator+(T a, complex<T> b) { return make(a + b.re, b.im); }
template <class T> PYX_HD complex<T> operator-(complex<T> a, T b) { return make(a.re - b, a.im); }
template <class T> PYX_HD complex<T> operator-(T a, complex<T> b) { return make(a - b.re, -b.im); }
/* Scaled by the larger part of the divisor, so that its square neither overflows nor vanishes. */
template <class T> PYX_HD complex<T> operator/(complex<T> a, complex<T> b) {
    T s = fabs(b.re) > fabs(b.im) ? fabs(b.re) : fabs(b.im);
    if (s == (T)0 || is_inf(s) || s != s) {
        if (is_inf(s) && !is_inf(a.re) && !is_inf(a.im) && a.re == a.re && a.im == a.im) {
            T br = copysign(is_inf(b.re) ? (T)1 : (T)0, b.re), bi = copysign(is_inf(b.im) ? (T)1 : (T)0, b.im);
            return make((T)0 * (a.re * br + a.im * bi), (T)0 * (a.im * br - a.re * bi));
        }
        if (s == (T)0 && b.re == b.re) return make(a.re / s, a.im / s);
        return make(not_a_number<T>(), not_a_number<T>());
    }
    T r = b.re / s, i = b.im / s, d = (r * r + i * i) * s;
    return make((a.re * r + a.im * i) / d, (a.im * r - a.re * i) / d);
}
template <class T> PYX_HD bool operator==(complex<T> a, complex<T> b) { return (a.re == b.re) & (a.im == b.im); }
template <class T> PYX_HD bool operator!=(complex<T> a, complex<T> b) { return (a.re != b.re) | (a.im != b.im); }

template <class T> PYX_HD bool is_nan(complex<T> z) { return (z.re != z.re) | (z.im != z.im); }
template <class T> PYX_HD bool is_inf(complex<T> z) { return is_inf(z.re) | is_inf(z.im); }
template <class T> PYX_HD bool nonzero(complex<T> z) { return (z.re != (T)0) | (z.im != (T)0); }
template <class T> PYX_HD complex<T> add(complex<T> a, complex<T> b) { return a + b; }
template <class T> PYX_HD complex<T> sub(complex<T> a, complex<T> b) { return a - b; }
/* p - q of two products, both rounded. A compiler would fuse one of them with the difference, and z conj(z) would not be
   real, (1e20 + 1e20i)^2 infinite in its real part; a product that is compared as well is not fused. */
template <class T> PYX_HD T difference_of_products(T p, T q) { return p <= q ? p - q : -(q - p); }
template <class T> PYX_HD complex<T> mul(complex<T> a, complex<T> b) {
    return make(difference_of_products(a.re * b.re, a.im * b.im), difference_of_products(a.re * b.im, -(a.im * b.re)));
}
template <class T> PYX_HD complex<T> neg(complex<T> a) { return -a; }

template <class T> PYX_HD T conj(T x) { return x; }
template <class T> PYX_HD complex<T> conj(complex<T> z) { return make(z.re, -z.im); }
template <class T> PYX_HD T absolute(complex<T> z) { return hypot(z.re, z.im); }
PYX_HD float angle(float x) { return x < 0.0f ? (float)PYX_PI : x != x ? x : 0.0f; }
PYX_HD double angle(double x) { return x < 0.0 ? PYX_PI : x != x ? x : 0.0; }
template <class T> PYX_HD T angle(complex<T> z) { return atan2(z.im, z.re); }
template <class T> PYX_HD T sgn(T x) { return sign(x); }
template <class T> PYX_HD complex<T> sgn(complex<T> z) {
    T a = absolute(z);
    return a == (T)0 ? make((T)0, (T)0) : make(z.re / a, z.im / a);
}
template <class T> PYX_HD complex<T> polar(T r, T phi) { return make(r * cos(phi), r * sin(phi)); }

#ifndef __CUDACC_RTC__
template <class T> PYX_HD std::complex<T> to_std(complex<T> z) { return std::complex<T>(z.re, z.im); }
template <class T> PYX_HD complex<T> from_std(std::complex<T> z) { return make(z.real(), z.imag()); }
#define PYX_STD(name) \
    template <class T> PYX_HD complex<T> name(complex<T> z) { return from_std(std::name(to_std(z))); }
PYX_STD(exp)
PYX_STD(log)
PYX_STD(log10)
PYX_STD(sqrt)
PYX_STD(sin)
PYX_STD(cos)
PYX_STD(tan)
PYX_STD(sinh)
PYX_STD(cosh)
PYX_STD(tanh)
PYX_STD(asin)
PYX_STD(acos)
PYX_STD(atan)
PYX_STD(asinh)
PYX_STD(acosh)
PYX_STD(atanh)
#undef PYX_STD
#else
template <class T> PYX_HD complex<T> exp(complex<T> z) {
    T e = exp(z.re);
    if (z.im == (T)0) return make(e, z.im);
    return make(e * cos(z.im), e * sin(z.im));
}
template <class T> PYX_HD complex<T> log(complex<T> z) { return make(log(absolute(z)), angle(z)); }
template <class T> PYX_HD complex<T> log10(complex<T> z) { return log(z) * (T)0.43429448190325182765; }
template <class T> PYX_HD complex<T> sqrt(complex<T> z) {
    T a = absolute(z);
    if (a == (T)0) return make((T)0, z.im);
    T t = sqrt((a + fabs(z.re)) * (T)0.5);
    T u = z.im / (t + t);
    return z.re >= (T)0 ? make(t, u) : make(fabs(u), copysign(t, z.im));
}
template <class T> PYX_HD complex<T> sinh(complex<T> z) { return make(sinh(z.re) * cos(z.im), cosh(z.re) * sin(z.im)); }
template <class T> PYX_HD complex<T> cosh(complex<T> z) { return make(cosh(z.re) * cos(z.im), sinh(z.re) * sin(z.im)); }
template <class T> PYX_HD complex<T> tanh(complex<T> z) {
    if (fabs(z.re) > (T)20) return make(copysign((T)1, z.re), copysign((T)0, sin(z.im + z.im)));
    T d = cosh(z.re + z.re) + cos(z.im + z.im);
    return make(sinh(z.re + z.re) / d, sin(z.im + z.im) / d);
}
template <class T> PYX_HD complex<T> times_i(complex<T> z) { return make(-z.im, z.re); }
template <class T> PYX_HD complex<T> over_i(complex<T> z) { return make(z.im, -z.re); }
template <class T> PYX_HD complex<T> sin(complex<T> z) { return over_i(sinh(times_i(z))); }
template <class T> PYX_HD complex<T> cos(complex<T> z) { return cosh(times_i(z)); }
template <class T> PYX_HD complex<T> tan(complex<T> z) { return over_i(tanh(times_i(z))); }
/* Kahan, Branch cuts for complex elementary functions (1987). */
template <class T> PYX_HD complex<T> asin(complex<T> z) {
    complex<T> a = sqrt(make((T)1 - z.re, -z.im)), b = sqrt(make((T)1 + z.re, z.im));
    return make(atan2(z.re, a.re * b.re - a.im * b.im), asinh(a.re * b.im - a.im * b.re));
}
template <class T> PYX_HD complex<T> asinh(complex<T> z) { return over_i(asin(times_i(z))); }
template <class T> PYX_HD complex<T> acos(complex<T> z) {
    complex<T> a = sqrt(make((T)1 - z.re, -z.im)), b = sqrt(make((T)1 + z.re, z.im));
    return make((T)2 * atan2(a.re, b.re), asinh(b.re * a.im - b.im * a.re));
}
template <class T> PYX_HD complex<T> acosh(complex<T> z) {
    complex<T> a = sqrt(z - (T)1), b = sqrt(z + (T)1);
    return make(asinh(a.re * b.re + a.im * b.im), (T)2 * atan2(a.im, b.re));
}
template <class T> PYX_HD complex<T> atanh(complex<T> z) {
    T x = z.re, y2 = z.im * z.im;
    return make((T)0.25 * log1p((T)4 * x / (((T)1 - x) * ((T)1 - x) + y2)),
                (T)0.5 * atan2(z.im + z.im, ((T)1 - x) * ((T)1 + x) - y2));
}
template <class T> PYX_HD complex<T> atan(complex<T> z) { return over_i(atanh(times_i(z))); }
#endif
template <class T> PYX_HD complex<T> log2(complex<T> z) { return log(z) * (T)1.44269504088896340736; }
template <class T> PYX_HD complex<T> log1p(complex<T> z) {
    /* |1 + z|^2 = 1 + (2 x + x^2 + y^2): no cancellation for small z */
    T x = z.re, y = z.im;
    if (fabs(x) > (T)0.5 || fabs(y) > (T)0.5) return log(z + (T)1);
    return make((T)0.5 * log1p(x * ((T)2 + x) + y * y), atan2(y, (T)1 + x));
}
template <class T> PYX_HD complex<T> expm1(complex<T> z) {
    /* e^x cos y - 1 = (e^x - 1) cos y - 2 sin^2(y / 2) */
    T s = sin(z.im * (T)0.5);
    return make(expm1(z.re) * cos(z.im) - (T)2 * s * s, exp(z.re) * sin(z.im));
}
template <class T> PYX_HD complex<T> exp2(complex<T> z) { return exp(z * (T)PYX_LN2); }
template <class T> PYX_HD complex<T> sigmoid(complex<T> z) { return make((T)1, (T)0) / ((T)1 + exp(-z)); }
template <class T> PYX_HD complex<T> power(complex<T> a, complex<T> b) {
    if (b.re == (T)0 && b.im == (T)0) return make((T)1, (T)0);
    if (a.re == (T)0 && a.im == (T)0)
        return b.re > (T)0 ? make((T)0, (T)0) : make(b.re < (T)0 ? infinity<T>() : not_a_number<T>(), not_a_number<T>());    /* infinite, in no direction */
    if (b.im == (T)0) {
        if (b.re == (T)1) return a;
        if (b.re == (T)2) return a * a;
        if (b.re == (T)3) return a * a * a;
        if (b.re == (T)0.5) return sqrt(a);
        if (b.re == (T)-1) return make((T)1, (T)0) / a;
    }
    return exp(b * log(a));
}
/* In double: an angle of some thousand radians has few digits behind the point in float. */
PYX_HD complex<float> power(complex<float> a, complex<float> b) {
    complex<double> z = power(make((double)a.re, (double)a.im), make((double)b.re, (double)b.im));
    return make((float)z.re, (float)z.im);
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
