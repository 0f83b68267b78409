/* Functions built from those of math.h, used by more than one formula. */
#pragma once
#include "math.h"
#include "math_integer.h"
#include "math_complex.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

/* The normal distribution's cumulative and density functions */
template <class T> PYX_HD T normal_cdf(T x) { return (T)0.5 + (T)0.5 * erf(x * (T)PYX_SQRT_HALF); }
template <class T> PYX_HD T normal_pdf(T x) { return (T)PYX_INV_SQRT_2PI * exp((T)-0.5 * x * x); }
template <class T> PYX_HD T gelu(T x) { return x * normal_cdf(x); }
/* Hendrycks, Gimpel (2016): 0.5 x (1 + tanh(u)) is x sigmoid(2 u) */
template <class T> PYX_HD T gelu_tanh_inner(T x) { return (T)PYX_SQRT_2_PI * x * ((T)1 + (T)0.044715 * x * x); }
template <class T> PYX_HD T gelu_tanh(T x) { return x / ((T)1 + exp((T)-2 * gelu_tanh_inner(x))); }
template <class T> PYX_HD T gelu_tanh_slope(T x) {
    T p = sigmoid((T)2 * gelu_tanh_inner(x));
    T inner = (T)PYX_SQRT_2_PI * ((T)1 + (T)(3 * 0.044715) * x * x);
    return p * ((T)1 + (T)2 * x * ((T)1 - p) * inner);
}
/* log(1 + e^x) without overflow */
template <class T> PYX_HD T softplus1(T x) { return maximum(x, (T)0) + log1p(exp(-fabs(x))); }
template <class T> PYX_HD T softplus(T x, T beta, T threshold) {
    return x * beta > threshold ? x : softplus1(x * beta) / beta;
}
template <class T> PYX_HD T clamp(T x, T low, T high) {
    x = (x < low) | (low != low) ? low : x;
    return (x > high) | (high != high) ? high : x;
}
template <class T> PYX_HD T elu(T x, T alpha, T scale, T input_scale) {
    return x > (T)0 ? x * scale : expm1(x * input_scale) * alpha * scale;
}
/* tanh(log(1 + e)) = n / (n + 2), n = e (e + 2), e = e^x; it is 1 from x = 20 on */
template <class T> PYX_HD T mish(T x) {
    T e = exp(minimum(x, (T)20)), n = e * (e + (T)2);
    return x * (n / (n + (T)2));
}
template <class T> PYX_HD T mish_slope(T x) {
    T a = minimum(x, (T)20), e = exp(a), n = e * (e + (T)2), d = n + (T)2;
    return n / d + (T)4 * a * e * ((T)1 + e) / (d * d);
}
template <class T> PYX_HD T sinc(T x) {
    T p = x * (T)PYX_PI;
    return x == (T)0 ? (T)1 : sin(p) / p;
}
/* The n-th derivative of sinc: pi^n S(pi x), S the n-th derivative of sin(z) / z. From z S' = cos(z) - S on follows
   z S[n] = sin(z + n pi / 2) - n S[n - 1], which loses all digits where z is small beside n: there the series. */
template <class C> PYX_HD C sinc_derivative_in_double(C x, int n) {
    C z = x * PYX_PI, y = as<C>::of(0.0);
    if (absolute(z) <= 0.5 * n + 1.0) {
        int k = (n + 1) / 2;
        C power = 2 * k > n ? z : as<C>::of(1.0);
        double sign = k & 1 ? -1.0 : 1.0;
        for (int m = 2 * k - n; m < 80; m += 2, k++) {
            y = y + power * sign / (double)(2 * k + 1);
            power = mul(power, z * z) / ((double)(m + 1) * (m + 2));
            sign = -sign;
        }
    } else {
        C turns[4] = {sin(z), cos(z), -sin(z), -cos(z)};
        y = turns[0] / z;
        for (int k = 1; k <= n; k++) y = (turns[k & 3] - y * (double)k) / z;
    }
    for (int k = 0; k < n; k++) y = y * PYX_PI;
    return y;
}
template <class T> PYX_HD T sinc_derivative(T x, T order) { return (T)sinc_derivative_in_double((double)x, (int)order); }
template <class T> PYX_HD complex<T> sinc_derivative(complex<T> x, T order) {
    complex<double> y = sinc_derivative_in_double(make((double)x.re, (double)x.im), (int)order);
    return make((T)y.re, (T)y.im);
}
template <class T> PYX_HD complex<T> sinc(complex<T> x) {
    complex<T> p = x * (T)PYX_PI;
    return x.re == (T)0 && x.im == (T)0 ? make((T)1, (T)0) : sin(p) / p;
}
template <class T> PYX_HD T logit(T x, T eps) {
    T p = eps < (T)0 ? x : clamp(x, eps, (T)1 - eps);
    return log(p / ((T)1 - p));
}
template <class T> PYX_HD T nan_to_num(T x, T nan, T high, T low) {
    T y = x != x ? nan : x;
    y = x == infinity<T>() ? high : y;
    return x == -infinity<T>() ? low : y;
}
template <class T> PYX_HD T round_decimals(T x, T digits) {
    T ten = pow((T)10, fabs(digits));
    return digits < (T)0 ? rint(x / ten) * ten : rint(x * ten) / ten;
}
template <class T> PYX_HD T logaddexp(T x, T y) {
    T m = maximum(x, y), d = fabs(x - y);
    return is_inf(x) & (x == y) ? x : m + log1p(exp(-d));
}
template <class T> PYX_HD T logaddexp2(T x, T y) {
    T m = maximum(x, y), d = fabs(x - y);
    return is_inf(x) & (x == y) ? x : m + log1p(exp2(-d)) * (T)1.44269504088896340736;
}
template <class T> PYX_HD T rsqrt(T x) { return (T)1 / sqrt(x); }
template <class T> PYX_HD complex<T> rsqrt(complex<T> x) { return make((T)1, (T)0) / sqrt(x); }
template <class T> PYX_HD T one() { return (T)1; }
template <> PYX_HD c64 one<c64>() { return make(1.0f, 0.0f); }
template <> PYX_HD c128 one<c128>() { return make(1.0, 0.0); }
template <class T> PYX_HD T entr(T x) { return x > (T)0 ? -x * log(x) : x == (T)0 ? (T)0 : x != x ? x : -infinity<T>(); }
template <class T> PYX_HD T xlogy(T x, T y) { return (x == (T)0) & (y == y) ? (T)0 : x * log(y); }
template <class T> PYX_HD T xlog1py(T x, T y) { return (x == (T)0) & (y == y) ? (T)0 : x * log1p(y); }
template <class T> PYX_HD T zero_if(bool condition, T x) { return condition ? T() : x; }
/* x 2^n, rounded once: 2^n itself may be out of range. An infinite n is a limit: inf 2^-inf and 0 2^inf are not determined. */
PYX_HD double ldexp_of(double x, double n) {
    double whole = trunc(n), rest = n - whole;
    if (n != n) return n;
    if (is_inf(n)) return x * (n > 0 ? n : 0.0);
    if (rest != 0) x *= exp2(rest);
    return ::ldexp(x, (int)clamp(whole, -9999.0, 9999.0));
}
PYX_HD float ldexp_of(float x, float n) { return (float)ldexp_of((double)x, (double)n); }
/* IEEE 754-2019: -0 is less than +0. The rest is that of minimum and maximum, fmin and fmax. */
template <class T> PYX_HD T with_zeros_up(T picked, T a, T b) { return (a == (T)0) & (b == (T)0) ? (T)(a + b) : picked; }
template <class T> PYX_HD T with_zeros_down(T picked, T a, T b) { return (a == (T)0) & (b == (T)0) ? (T)-(-a - b) : picked; }

/* Products and quotients of a gradient g: 0 where g is 0, whatever the other factor is. */
template <class T> PYX_HD T zero_mul(T g, T x) { return nonzero(g) ? mul(g, x) : T(); }
template <class T> PYX_HD T zero_div(T g, T x) { return nonzero(g) ? (T)(g / x) : T(); }

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
