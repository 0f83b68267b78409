/* Special functions: scalar, computed in double. DLMF is the Digital Library of Mathematical
   Functions, https://dlmf.nist.gov. */
#pragma once
#include "math_more.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

#define PYX_EPS 1.1102230246251565e-16
#define PYX_SQRT_PI 1.7724538509055160273
#define PYX_IN_DOUBLE1(name) \
    PYX_HD float name(float x) { return (float)name((double)x); }
#define PYX_IN_DOUBLE2(name) \
    PYX_HD float name(float x, float y) { return (float)name((double)x, (double)y); }
#ifdef __CUDACC_RTC__
#define PYX_FN static __device__
#else
#define PYX_FN inline
#endif

/* ------------------------------------------------------------------------ gamma functions */

/* DLMF 5.5.2 to raise the argument to 10, then 5.11.2; 5.5.4 for negative ones */
PYX_FN double digamma(double x) {
    if (x == 0.0) return copysign(infinity<double>(), -x);
    double y = 0.0;
    if (x < 0.0) {
        double whole = trunc(x), part = x - whole;
        if (part == 0.0 || is_inf(x)) return not_a_number<double>();
        y = -PYX_PI / tan(PYX_PI * part);
        x = 1.0 - x;
    }
    for (; x < 10.0; x += 1.0) y -= 1.0 / x;
    if (x > 1e17) return y + log(x);
    double q = 1.0 / (x * x), p = 1.0 / 12.0;
    p = p * q - 691.0 / 32760.0;
    p = p * q + 1.0 / 132.0;
    p = p * q - 1.0 / 240.0;
    p = p * q + 1.0 / 252.0;
    p = p * q - 1.0 / 120.0;
    p = p * q + 1.0 / 12.0;
    return y + log(x) - 0.5 / x - q * p;
}
/* DLMF 5.15.1, 5.15.6, 5.15.8 */
PYX_FN double trigamma(double x) {
    double y = 0.0, sign = 1.0;
    if (x < 0.5) {
        double s = sin(PYX_PI * (x - floor(x)));
        y = -PYX_PI * PYX_PI / (s * s);
        sign = -1.0;
        x = 1.0 - x;
    }
    double sum = 0.0;
    for (; x < 10.0; x += 1.0) sum += 1.0 / (x * x);
    double q = 1.0 / (x * x), p = 7.0 / 6.0;
    p = p * q - 691.0 / 2730.0;
    p = p * q + 5.0 / 66.0;
    p = p * q - 1.0 / 30.0;
    p = p * q + 1.0 / 42.0;
    p = p * q - 1.0 / 30.0;
    p = p * q + 1.0 / 6.0;
    sum += 1.0 / x + 0.5 * q + q / x * p;
    return sign * (sum + y);
}
/* The Hurwitz zeta function for s > 1, q > 0 by Euler-Maclaurin summation, DLMF 25.11.5 */
PYX_FN double zeta_positive(double s, double q) {
    if (is_inf(q)) return 0.0;
    double sum = pow(q, -s);
    for (int n = 0; n < 9 || q <= 9.0; n++) {
        q += 1.0;
        double term = pow(q, -s);
        sum += term;
        if (fabs(term) < PYX_EPS * fabs(sum)) return sum;
    }
    double power = pow(q, -s);
    sum += power * q / (s - 1.0) - 0.5 * power;
    /* B(2k) / (2k)! */
    const double bernoulli[12] = {
        8.3333333333333333e-2, -1.3888888888888889e-3, 3.3068783068783069e-5, -8.2671957671957672e-7,
        2.0876756987868099e-8, -5.2841901386874932e-10, 1.3382536530684679e-11, -3.3896802963225829e-13,
        8.5860620562778446e-15, -2.1748686985580619e-16, 5.5090028283602295e-18, -1.3954464685812523e-19};
    double rising = s, below = power / q;
    for (int k = 0; k < 12; k++) {
        double term = rising * below * bernoulli[k];
        sum += term;
        if (fabs(term) <= PYX_EPS * fabs(sum)) break;      /* both may be 0 */
        rising *= (s + 2 * k + 1) * (s + 2 * k + 2);
        below /= q * q;
    }
    return sum;
}
/* For negative q and integer s: the terms below 0 are those of two zeta functions' difference. */
PYX_FN double zeta(double s, double q) {
    if (s == 1.0) return infinity<double>();
    if (!(s > 1.0) || q != q) return not_a_number<double>();
    if (q > 0.0) return zeta_positive(s, q);
    double whole = floor(q), part = q - whole;
    if (part == 0.0 || is_inf(q)) return infinity<double>();
    if (s != floor(s)) return not_a_number<double>();
    double below = zeta_positive(s, 1.0 - part) - zeta_positive(s, 1.0 - part - whole);
    return zeta_positive(s, part) + (fmod(s, 2.0) != 0.0 ? -below : below);
}
/* The nth derivative of digamma: DLMF 5.15.1 */
PYX_FN double polygamma(double x, double n) {
    if (n == 0.0) return digamma(x);
    if (n == 1.0) return trigamma(x);
    double sign = fmod(n, 2.0) != 0.0 ? 1.0 : -1.0;
    return sign * exp(lgamma(n + 1.0)) * zeta(n + 1.0, x);
}

/* Regularised incomplete gamma functions: the series DLMF 8.11.4 below x = a + 1, the continued
   fraction DLMF 8.9.2 (by Lentz's method) above it. */
PYX_FN double gamma_prefix(double a, double x) { return exp(a * log(x) - x - lgamma(a + 1.0)); }
/* Above a = 10^4 the first two terms of the uniform expansion, DLMF 8.12.3 and 8.12.4 */
PYX_FN double igamma_uniform(double a, double x, double sign) {
    double m = (x - a) / a, h = m - log1p(m), eta = copysign(sqrt(2.0 * (h > 0.0 ? h : 0.0)), m);
    double c = fabs(eta) < 1e-3 ? -1.0 / 3.0 + eta / 12.0 : 1.0 / m - 1.0 / eta;
    return 0.5 * erfc(sign * eta * sqrt(0.5 * a)) + sign * exp(-0.5 * a * eta * eta) / sqrt(2.0 * PYX_PI * a) * c;
}
PYX_FN double lower_series(double a, double x) {
    double term = 1.0, sum = 1.0;
    for (int k = 1; k < 10000; k++) {
        term *= x / (a + k);
        sum += term;
        if (term < PYX_EPS * sum) break;
    }
    return gamma_prefix(a, x) * sum;
}
PYX_FN double upper_fraction(double a, double x) {
    double b = x + 1.0 - a, c = 1e300, d = 1.0 / b, h = d;
    for (int k = 1; k < 10000; k++) {
        double e = -k * (k - a);
        b += 2.0;
        d = e * d + b;
        d = 1.0 / (fabs(d) < 1e-300 ? 1e-300 : d);
        c = b + e / c;
        c = fabs(c) < 1e-300 ? 1e-300 : c;
        h *= d * c;
        if (fabs(d * c - 1.0) < 2.0 * PYX_EPS) break;
    }
    return gamma_prefix(a, x) * a * h;
}
PYX_FN double igamma(double a, double x) {
    if (!(a >= 0.0) || !(x >= 0.0) || (a == 0.0 && x == 0.0)) return not_a_number<double>();
    if (is_inf(a)) return is_inf(x) ? not_a_number<double>() : 0.0;
    if (a == 0.0 || is_inf(x)) return 1.0;
    if (x == 0.0) return 0.0;
    if (a > 1e4) return igamma_uniform(a, x, -1.0);
    return x < a + 1.0 ? lower_series(a, x) : 1.0 - upper_fraction(a, x);
}
PYX_FN double igammac(double a, double x) {
    if (!(a >= 0.0) || !(x >= 0.0) || (a == 0.0 && x == 0.0)) return not_a_number<double>();
    if (is_inf(a)) return is_inf(x) ? not_a_number<double>() : 1.0;
    if (a == 0.0 || is_inf(x)) return 0.0;
    if (x == 0.0) return 1.0;
    if (a > 1e4) return igamma_uniform(a, x, 1.0);
    return x < a + 1.0 ? 1.0 - lower_series(a, x) : upper_fraction(a, x);
}

/* ----------------------------------------------------------------- gradients of random numbers */

/* The slope of a sample's own law: how a number moves with a parameter while the probability below it stays,
   -(dF/da) / density, F the distribution function (Figurnov, Mohamed and Mnih, "Implicit reparameterization
   gradients", 2018). Where F's power series is long, dF/da is an integral over the nearer tail of a logarithm
   times the density: with the end of the tail at s = 0 it decays like exp(-s / w), and is summed by the double
   exponential rule s = w exp(u - exp(-u)) (Takahasi and Mori, 1974). */
#define PYX_TAIL_NODES 64
PYX_FN double tail_node(int k, double w, double* weight) {
    double u = -3.75 + 0.125 * k, e = exp(-u), s = w * exp(u - e);
    *weight = 0.125 * s * (1.0 + e);
    return s;
}
/* w where slope w + curve w^2 / 2 is 1 */
PYX_FN double tail_width(double slope, double curve) {
    return 2.0 / (slope + sqrt(slope * slope + 2.0 * (curve > 0.0 ? curve : 0.0)));
}
/* of a number z of the gamma distribution with rate 1, by its concentration a */
PYX_FN double standard_gamma_grad(double a, double z) {
    if (!(a > 0.0) || !(z >= 0.0)) return not_a_number<double>();
    if (z == 0.0) return 0.0;
    if (a > 1e10) return 0.5 + 0.5 * (z / a); /* the normal limit */
    double log_z = log(z), sum = 0.0;
    if (a < 100.0 && z < a + 4.0 * sqrt(a) + 2.0) { /* DLMF 8.7.1, term by term */
        double psi = digamma(a + 1.0), term = 1.0;
        for (int k = 1; k < 1000; k++) {
            sum += term * (log_z - psi);
            psi += 1.0 / (a + k);
            term *= z / (a + k);
            if (a + k > z && term * fabs(log_z - psi) < 0.25 * PYX_EPS * fabs(sum)) break;
        }
        return -z / a * sum;
    }
    double side = z <= a ? -1.0 : 1.0, gap = fabs(a - z), shift = log_z - digamma(a), w = tail_width(gap, z), weight;
    for (int k = 0; k < PYX_TAIL_NODES; k++) {
        double s = tail_node(k, w, &weight), t = side * s;
        sum += weight * exp(-gap * s - z * (expm1(t) - t)) * (shift + t);
    }
    return side * z * sum;
}
/* of a number x of the beta distribution, by its first concentration a, divided by 1 - x; total: of both */
PYX_FN double dirichlet_grad(double x, double a, double total) {
    double b = total - a;
    if (!(a > 0.0) || !(b >= 0.0) || !(x >= 0.0 && x <= 1.0)) return not_a_number<double>();
    if (x == 0.0) return 0.0;
    if (b == 0.0) return trigamma(a);
    bool lower = x * total <= a;
    double p = lower ? a : b, q = lower ? b : a, y = lower ? x : 1.0 - x, log_x = log(x), sum = 0.0;
    if (y < 0.7 && total < 1000.0) { /* DLMF 8.17.7, term by term */
        double shift = log_x + digamma(total) - digamma(lower ? a + 1.0 : a), term = 1.0;
        for (int k = 0; k < 1000; k++) {
            sum += term * shift;
            shift += 1.0 / (total + k) - (lower ? 1.0 / (a + 1.0 + k) : 0.0);
            term *= y * (total + k) / (p + 1.0 + k);
            if (term * fabs(shift) < 0.25 * PYX_EPS * (1.0 - y) * fabs(sum)) break;
        }
        return (lower ? -x : x) / p * sum;
    }
    double shift = log_x + digamma(total) - digamma(a), odds = y / (1.0 - y), weight;
    double w = tail_width(q > 1.0 ? p - (q - 1.0) * odds : p, (q - 1.0) * odds * (1.0 + odds));
    if (w > 1.0) w = (1.0 - (q > 1.0 ? (q - 1.0) * log1p(-y) : 0.0)) / p;
    for (int k = 0; k < PYX_TAIL_NODES; k++) {
        double s = tail_node(k, w, &weight), log_t = log1p(-odds * expm1(-s));
        sum += weight * exp((q - 1.0) * log_t - p * s) * (shift + (lower ? -s : log_t));
    }
    return lower ? -odds * sum : sum;
}

/* ----------------------------------------------------------------------- the error function */

/* e^(x^2) erfc(x): from 10 on its asymptotic series, DLMF 7.12.1 */
PYX_FN double erfcx(double x) {
    if (x < 10.0) return x < -26.7 ? infinity<double>() : exp(x * x) * erfc(x);
    double q = 0.5 / (x * x), term = 1.0, sum = 1.0;
    for (int k = 1; k < 12; k++) {
        term *= -(2 * k - 1) * q;
        sum += term;
    }
    return sum / (x * PYX_SQRT_PI);
}
PYX_FN double horner(const double* a, int n, double t) {
    double y = a[n - 1];
    for (int i = n - 2; i >= 0; i--) y = y * t + a[i];
    return y;
}
/* x with erf(x) = y and erfc(x) = c, for 0 <= y, to single precision: polynomials fitted to x / y in
   w = -log(1 - y^2) and in its root, and to x / root in 1 / root */
PYX_FN double erf_inverse_single(double y, double c) {
    const double middle[13] = {
        1.6536545623611532, 0.24015817875232137, -0.006033668687351485, -0.0007406916552193468,
        0.00018673188277667417, -1.3891784995957522e-05, -1.3646157078833037e-06,
        4.2690190370429827e-07, -2.919599409050479e-08, -4.7442343057255345e-09,
        1.0578814693166152e-09, 5.3716476089591806e-12, -1.3302180985843711e-11};
    const double outer[10] = {
        3.0838856060733484, 1.0052589845257731, 0.005371312610253438, -0.003751655708151153,
        0.0024856969091519177, -0.0016848557729307427, 0.0009824638685541325,
        -0.00036609653537266547, -3.7276950857041386e-05, 8.525334551878836e-05};
    const double tail[9] = {
        0.981226433719516, -0.1912658049732146, -0.17471186282478507, 1.1249996048285602,
        -2.1651673968394807, 4.6494038949772145, -14.316858626021418, 151.68177047694144,
        -775.5085483747486};
    if (c == 0.0) return infinity<double>();
    double w = -log(c * (1.0 + y));
    if (w < 6.25) return y * horner(middle, 13, w - 3.125);
    double root = sqrt(w);
    if (root < 4.0) return y * horner(outer, 10, root - 3.25);
    return root * horner(tail, 9, 1.0 / root - 0.14318181818181819);
}
/* One step of Halley's method on erf or, where that is flat, on erfc; scaled by e^(x^2) where that
   would overflow. */
PYX_FN double erf_inverse(double y, double c) {
    double x = erf_inverse_single(y, c), residual;
    if (is_inf(x)) return x;
    if (x < 20.0) residual = (y < 0.7 ? y - erf(x) : erfc(x) - c) * exp(x * x);
    else residual = erfcx(x) - exp(x * x + log(c));
    double step = residual * (0.5 * PYX_SQRT_PI);
    return x + step / (1.0 - x * step);
}
PYX_FN double erfinv(double y) {
    double a = fabs(y);
    return a <= 1.0 ? copysign(erf_inverse(a, 1.0 - a), y) : not_a_number<double>();
}
PYX_FN float erfinv(float y) {
    double a = fabs((double)y);
    return a <= 1.0 ? (float)copysign(erf_inverse_single(a, 1.0 - a), (double)y) : not_a_number<float>();
}
PYX_FN double ndtr(double x) { return 0.5 * erfc(-x * PYX_SQRT_HALF); }
PYX_FN double ndtri(double p) {
    const double root2 = 1.4142135623730950488;
    if (!(p >= 0.0 && p <= 1.0)) return not_a_number<double>();
    return p < 0.5 ? -root2 * erf_inverse(1.0 - 2.0 * p, 2.0 * p) : root2 * erf_inverse(2.0 * p - 1.0, 2.0 - 2.0 * p);
}
PYX_FN float ndtri(float x) {
    const double root2 = 1.4142135623730950488, p = x;
    if (!(p >= 0.0 && p <= 1.0)) return not_a_number<float>();
    double y = p < 0.5 ? -erf_inverse_single(1.0 - 2.0 * p, 2.0 * p) : erf_inverse_single(2.0 * p - 1.0, 2.0 - 2.0 * p);
    return (float)(root2 * y);
}
PYX_FN double log_ndtr(double x) {
    double t = x * PYX_SQRT_HALF;
    return x < -1.0 ? log(0.5 * erfcx(-t)) - t * t : log1p(-0.5 * erfc(t));
}

/* ------------------------------------------------------------------------- Bessel functions */

/* e^-|x| I_n(x), n 0 or 1: the power series DLMF 10.25.2, all of whose terms are positive, up to
   30; then the asymptotic one, DLMF 10.40.1 */
PYX_FN double scaled_bessel_i(int n, double x) {
    double a = fabs(x), sum, term;
    if (a <= 30.0) {
        double q = 0.25 * a * a;
        term = sum = n ? 0.5 * a : 1.0;
        for (int k = 1; k < 100; k++) {
            term *= q / (k * (double)(k + n));
            sum += term;
            if (term < PYX_EPS * sum) break;
        }
        sum *= exp(-a);
    } else {
        if (a == infinity<double>()) return 0.0;
        term = sum = 1.0;
        for (int k = 1; k < 30; k++) {
            double odd = 2 * k - 1;
            term *= (odd * odd - 4.0 * n) / (k * 8.0 * a);
            sum += term;
            if (fabs(term) < PYX_EPS * fabs(sum)) break;
        }
        sum /= sqrt(2.0 * PYX_PI * a);
    }
    return n && x < 0.0 ? -sum : sum;
}
PYX_FN double i0e(double x) { return scaled_bessel_i(0, x); }
PYX_FN double i1e(double x) { return scaled_bessel_i(1, x); }
PYX_FN double i0(double x) { return is_inf(x) ? infinity<double>() : exp(fabs(x)) * scaled_bessel_i(0, x); }
PYX_FN double i1(double x) { return is_inf(x) ? x : exp(fabs(x)) * scaled_bessel_i(1, x); }

/* e^x K_n(x), any real order: the integral DLMF 10.32.9 by the trapezoidal rule, which converges
   exponentially for it */
PYX_FN double scaled_bessel_k(double n, double x) {
    if (x == 0.0) return infinity<double>();
    if (is_inf(x) && x > 0.0) return 0.0;
    if (!(x > 0.0)) return not_a_number<double>();
    double step = x > 16.0 ? 0.5 / sqrt(x) : 0.125, sum = 0.5;
    for (int i = 1; i < 8000; i++) {
        double t = step * i, h = sinh(0.5 * t);
        double term = exp(-2.0 * x * h * h) * cosh(n * t);
        if (!(term > 1e-18 * sum)) break;
        sum += term;
    }
    return step * sum;
}
PYX_FN double k0e(double x) { return scaled_bessel_k(0.0, x); }
PYX_FN double k1e(double x) { return scaled_bessel_k(1.0, x); }
PYX_FN double k0(double x) { return exp(-x) * scaled_bessel_k(0.0, x); }
PYX_FN double k1(double x) { return exp(-x) * scaled_bessel_k(1.0, x); }
PYX_FN double bessel_j0(double x) { return ::j0(x); }
PYX_FN double bessel_j1(double x) { return ::j1(x); }
PYX_FN double bessel_y0(double x) { return x < 0.0 ? not_a_number<double>() : ::y0(x); }
PYX_FN double bessel_y1(double x) { return x < 0.0 ? not_a_number<double>() : ::y1(x); }
PYX_FN double spherical_j0(double x) {
    if (is_inf(x)) return 0.0;
    return fabs(x) < 1e-4 ? 1.0 - x * x / 6.0 : sin(x) / x;
}
/* Ai: for large x by DLMF 9.6.2 over K(1/3), for large -x DLMF 9.7.9; between, the Taylor series
   about the nearest even number, from Ai'' = x Ai */
PYX_FN double airy_ai(double x) {
    if (x != x) return x;
    double z = 2.0 / 3.0 * fabs(x) * sqrt(fabs(x));
    if (x > 2.0) return x > 110.0 ? 0.0 : sqrt(x / 3.0) / PYX_PI * exp(-z) * scaled_bessel_k(1.0 / 3.0, z);
    if (x < -10.0) {
        if (is_inf(x)) return 0.0;
        double even = 1.0, odd = 0.0, u = 1.0;
        for (int k = 1; k < 25; k++) {
            u *= (6.0 * k - 5.0) * (6.0 * k - 3.0) * (6.0 * k - 1.0) / (216.0 * k * (2.0 * k - 1.0)) / z;
            double signed_u = (k / 2) % 2 ? -u : u;
            if (k % 2) odd += signed_u;
            else even += signed_u;
        }
        double phase = z - 0.25 * PYX_PI;
        return (cos(phase) * even + sin(phase) * odd) / (PYX_SQRT_PI * sqrt(sqrt(-x)));
    }
    /* Ai and Ai' at 2, 0, -2 ... -10 */
    const double near[7][2] = {
        {0.034924130423274379, -0.053090384433653632}, {0.35502805388781724, -0.25881940379280680},
        {0.22740742820168558, 0.61825902074169104},    {-0.070265532949289515, -0.79062857536856138},
        {-0.32914517362982311, 0.34593548728134289},   {-0.052705050356386203, 0.93556093819830655},
        {0.040241238486443191, 0.99626504413279006}};
    int i = (int)(1.5 - 0.5 * x);
    double center = 2.0 - 2.0 * i, h = x - center, before = 0.0, a = near[i][0], b = near[i][1], sum = a + b * h, power = h;
    for (int n = 0; n < 30; n++) {
        double c = (center * a + before) / ((n + 1.0) * (n + 2.0));
        before = a;
        a = b;
        b = c;
        power *= h;
        sum += c * power;
    }
    return sum;
}

/* ------------------------------------------------------------------- orthogonal polynomials */

/* By their three-term recurrences, DLMF 18.9.1: p(k+1) = (a x + b) p(k) - c p(k-1) */
enum { CHEBYSHEV_T, CHEBYSHEV_U, CHEBYSHEV_V, CHEBYSHEV_W, HERMITE_H, HERMITE_HE, LAGUERRE_L, LEGENDRE_P };
/* DLMF 18.5.1 to 18.5.4, for |x| < 1: rounding does not grow with the degree as in the recurrences */
PYX_FN double chebyshev_by_angle(int family, double x, double n) {
    double angle = acos(x);
    switch (family) {
        case CHEBYSHEV_T: return cos(n * angle);
        case CHEBYSHEV_U: return sin((n + 1.0) * angle) / sin(angle);
        case CHEBYSHEV_V: return cos((n + 0.5) * angle) / cos(0.5 * angle);
        default: return sin((n + 0.5) * angle) / sin(0.5 * angle);
    }
}
/* 0, as in PyTorch, for degrees that are negative or not an int64; NaN for those that would take
   seconds, past 10^8 */
PYX_FN double polynomial(int family, double x, double degree) {
    double n = trunc(degree), before = 1.0, p;
    if (!(n >= 0.0 && n < 9223372036854775808.0)) return 0.0;
    if (x != x) return x;
    if (n == 0.0) return 1.0;
    if (n > 64.0 && family <= CHEBYSHEV_W && fabs(x) < 1.0) return chebyshev_by_angle(family, x, n);
    if (n > 1e8) return not_a_number<double>();
    switch (family) {
        case CHEBYSHEV_U: case HERMITE_H: p = x + x; break;
        case CHEBYSHEV_V: p = x + x - 1.0; break;
        case CHEBYSHEV_W: p = x + x + 1.0; break;
        case LAGUERRE_L: p = 1.0 - x; break;
        default: p = x;
    }
    for (double k = 1.0; k < n; k += 1.0) {
        double next;
        switch (family) {
            case HERMITE_H: next = 2.0 * (x * p - k * before); break;
            case HERMITE_HE: next = x * p - k * before; break;
            case LAGUERRE_L: next = ((2.0 * k + 1.0 - x) * p - k * before) / (k + 1.0); break;
            case LEGENDRE_P: next = ((2.0 * k + 1.0) * x * p - k * before) / (k + 1.0); break;
            default: next = 2.0 * x * p - before;
        }
        before = p;
        p = next;
    }
    return p;
}
PYX_HD float polynomial(int family, float x, float degree) { return (float)polynomial(family, (double)x, (double)degree); }

PYX_IN_DOUBLE1(digamma)
PYX_IN_DOUBLE2(zeta)
PYX_IN_DOUBLE2(polygamma)
PYX_IN_DOUBLE2(igamma)
PYX_IN_DOUBLE2(igammac)
PYX_IN_DOUBLE2(standard_gamma_grad)
PYX_HD float dirichlet_grad(float x, float a, float total) { return (float)dirichlet_grad((double)x, (double)a, (double)total); }
PYX_IN_DOUBLE1(erfcx)
PYX_IN_DOUBLE1(ndtr)
PYX_IN_DOUBLE1(log_ndtr)
PYX_IN_DOUBLE1(i0)
PYX_IN_DOUBLE1(i0e)
PYX_IN_DOUBLE1(i1)
PYX_IN_DOUBLE1(i1e)
PYX_IN_DOUBLE1(k0)
PYX_IN_DOUBLE1(k0e)
PYX_IN_DOUBLE1(k1)
PYX_IN_DOUBLE1(k1e)
PYX_IN_DOUBLE1(bessel_j0)
PYX_IN_DOUBLE1(bessel_j1)
PYX_IN_DOUBLE1(bessel_y0)
PYX_IN_DOUBLE1(bessel_y1)
PYX_IN_DOUBLE1(spherical_j0)
PYX_IN_DOUBLE1(airy_ai)

/* x = m 2^e with 1/2 <= |m| < 1: the two parts, both as floats */
PYX_HD double frexp_exponent(double x) {
    if (x == 0.0 || is_inf(x) || x != x) return 0.0;
    int tiny = fabs(x) < 2.2250738585072014e-308 ? 54 : 0;
    pyx_u64 u = bits<pyx_u64>(tiny ? x * 18014398509481984.0 : x);
    return (double)((int)(u >> 52 & 0x7ff) - 1022 - tiny);
}
PYX_HD double frexp_mantissa(double x) {
    if (x == 0.0 || is_inf(x) || x != x) return x;
    pyx_u64 u = bits<pyx_u64>(fabs(x) < 2.2250738585072014e-308 ? x * 18014398509481984.0 : x);
    return bits<double>((u & ~((pyx_u64)0x7ff << 52)) | (pyx_u64)1022 << 52);
}
PYX_IN_DOUBLE1(frexp_exponent)
PYX_IN_DOUBLE1(frexp_mantissa)

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
