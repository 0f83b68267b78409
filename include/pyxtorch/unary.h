/* One operand: X(name, TYPES, RESULT, expression over x). See formula.h. A new formula is one
   line here; the loops of every instruction level and the GPU kernels come from it. */
#pragma once
#include "formula.h"
#include "math_special.h"

/* Cheap: bound by memory */
#define PYX_UNARY_BASIC(X)                                                                          \
    X(neg, PYX_NUMBERS, PYX_SAME, neg(x))                                                           \
    X(abs, PYX_ALL, PYX_TO_REAL, absolute(x))                                                       \
    X(sign, PYX_ORDERED, PYX_SAME, sign(x))                                                         \
    X(sgn, PYX_ALL, PYX_SAME, sgn(x))                                                               \
    X(square, PYX_NUMBERS, PYX_SAME, mul(x, x))                                                     \
    X(cube, PYX_NUMBERS, PYX_SAME, mul(mul(x, x), x))                                               \
    X(reciprocal, PYX_INEXACT, PYX_SAME, one<T>() / x)                                              \
    X(sqrt, PYX_FLOATS, PYX_SAME, sqrt(x))                                                          \
    X(rsqrt, PYX_FLOATS, PYX_SAME, rsqrt(x))                                                        \
    X(floor, PYX_REALS, PYX_SAME, round_down(x))                                                    \
    X(ceil, PYX_REALS, PYX_SAME, round_up(x))                                                       \
    X(round, PYX_REALS, PYX_SAME, round_to_even(x))                                                 \
    X(trunc, PYX_REALS, PYX_SAME, round_to_zero(x))                                                 \
    X(frac, PYX_FLOATS, PYX_SAME, x - trunc(x))                                                     \
    X(conj_physical, PYX_ALL, PYX_SAME, conj(x))                                                    \
    X(relu, PYX_REALS, PYX_SAME, x < (T)0 ? (T)0 : x)                                               \
    X(hardtanh, PYX_REALS, PYX_SAME, clamp(x, (T)s[0], (T)s[1]))                                    \
    X(clamp_scalar, PYX_REALS, PYX_SAME, clamp(x, (T)s[0], (T)s[1]))                                \
    X(leaky_relu, PYX_FLOATS, PYX_SAME, x > (T)0 ? x : x * s[0])                                    \
    X(hardswish, PYX_FLOATS, PYX_SAME, x * clamp(x + (T)3, (T)0, (T)6) / (T)6)                      \
    X(hardsigmoid, PYX_FLOATS, PYX_SAME, clamp(x + (T)3, (T)0, (T)6) / (T)6)                        \
    X(hardshrink, PYX_FLOATS, PYX_SAME, (x >= -s[0]) & (x <= s[0]) ? (T)0 : x)                      \
    X(softshrink, PYX_FLOATS, PYX_SAME, x > s[0] ? x - s[0] : x < -s[0] ? x + s[0] : x != x ? x : (T)0) \
    X(threshold, PYX_REALS, PYX_SAME, x <= (T)s[0] ? (T)s[1] : x)                                   \
    X(softsign, PYX_FLOATS, PYX_SAME, x / ((T)1 + fabs(x)))                                         \
    X(deg2rad, PYX_FLOATS, PYX_SAME, x * (T)(PYX_PI / 180))                                         \
    X(rad2deg, PYX_FLOATS, PYX_SAME, x * (T)(180 / PYX_PI))                                         \
    X(nan_to_num, PYX_FLOATS, PYX_SAME, nan_to_num(x, s[0], s[1], s[2]))                            \
    X(add_scalar, PYX_FLOATS, PYX_SAME, x + s[0])                                                   \
    X(mul_scalar, PYX_INEXACT, PYX_SAME, x * s[0])                                                  \
    X(rsub_scalar, PYX_FLOATS, PYX_SAME, s[0] - x)

/* Tests and bits */
#define PYX_UNARY_LOGIC(X)                                                                          \
    X(bitwise_not, PYX_INTS, PYX_SAME, ~x)                                                          \
    X(logical_not, PYX_ALL, PYX_TO_BOOL, !nonzero(x))                                               \
    X(isnan, PYX_ALL, PYX_TO_BOOL, is_nan(x))                                                       \
    X(isinf, PYX_ALL, PYX_TO_BOOL, is_inf(x))                                                       \
    X(isfinite, PYX_ALL, PYX_TO_BOOL, !(is_inf(x) | is_nan(x)))                                     \
    X(isposinf, PYX_ORDERED, PYX_TO_BOOL, is_inf(x) & (x > (T)0))                                   \
    X(isneginf, PYX_ORDERED, PYX_TO_BOOL, is_inf(x) & (x < (T)0))                                   \
    X(signbit, PYX_ORDERED, PYX_TO_BOOL, sign_bit(x))

/* Elementary functions */
#define PYX_UNARY_MATH(X)                                                                           \
    X(exp, PYX_FLOATS, PYX_SAME, exp(x))                                                            \
    X(exp2, PYX_FLOATS, PYX_SAME, exp2(x))                                                          \
    X(expm1, PYX_FLOATS, PYX_SAME, expm1(x))                                                        \
    X(log, PYX_FLOATS, PYX_SAME, log(x))                                                            \
    X(log2, PYX_FLOATS, PYX_SAME, log2(x))                                                          \
    X(log10, PYX_FLOATS, PYX_SAME, log10(x))                                                        \
    X(log1p, PYX_FLOATS, PYX_SAME, log1p(x))                                                        \
    X(sin, PYX_FLOATS, PYX_SAME, sin(x))                                                            \
    X(cos, PYX_FLOATS, PYX_SAME, cos(x))                                                            \
    X(tan, PYX_FLOATS, PYX_SAME, tan(x))                                                            \
    X(asin, PYX_FLOATS, PYX_SAME, asin(x))                                                          \
    X(acos, PYX_FLOATS, PYX_SAME, acos(x))                                                          \
    X(atan, PYX_FLOATS, PYX_SAME, atan(x))                                                          \
    X(sinh, PYX_FLOATS, PYX_SAME, sinh(x))                                                          \
    X(cosh, PYX_FLOATS, PYX_SAME, cosh(x))                                                          \
    X(tanh, PYX_FLOATS, PYX_SAME, tanh(x))                                                          \
    X(asinh, PYX_FLOATS, PYX_SAME, asinh(x))                                                        \
    X(acosh, PYX_FLOATS, PYX_SAME, acosh(x))                                                        \
    X(atanh, PYX_FLOATS, PYX_SAME, atanh(x))                                                        \
    X(sigmoid, PYX_FLOATS, PYX_SAME, sigmoid(x))                                                    \
    X(erf, PYX_FLOATS, PYX_SAME, erf(x))                                                            \
    X(erfc, PYX_FLOATS, PYX_SAME, erfc(x))                                                          \
    X(angle, PYX_FLOATS, PYX_SAME, angle(x))                                                        \
    X(pow_scalar, PYX_FLOATS, PYX_SAME, pow(x, s[0]))                                               \
    X(sinc, PYX_FLOATS, PYX_SAME, sinc(x))                                                          \
    X(sinc_derivative, PYX_FLOATS, PYX_SAME, sinc_derivative(x, s[0]))                              \
    X(logit, PYX_FLOATS, PYX_SAME, logit(x, s[0]))                                                  \
    X(round_decimals, PYX_FLOATS, PYX_SAME, round_decimals(x, s[0]))

/* Activations */
#define PYX_UNARY_ACTIVATION(X)                                                                     \
    X(gelu, PYX_FLOATS, PYX_SAME, gelu(x))                                                          \
    X(gelu_tanh, PYX_FLOATS, PYX_SAME, gelu_tanh(x))                                                \
    X(silu, PYX_FLOATS, PYX_SAME, x / ((T)1 + exp(-x)))                                             \
    X(mish, PYX_FLOATS, PYX_SAME, mish(x))                                                          \
    X(softplus, PYX_FLOATS, PYX_SAME, softplus(x, s[0], s[1]))                                      \
    X(elu, PYX_FLOATS, PYX_SAME, elu(x, s[0], s[1], s[2]))                                          \
    X(celu, PYX_FLOATS, PYX_SAME, x > (T)0 ? x : s[0] * expm1(x / s[0]))                            \
    X(logsigmoid, PYX_FLOATS, PYX_SAME, minimum(x, (T)0) - log1p(exp(-fabs(x))))                    \
    X(tanhshrink, PYX_FLOATS, PYX_SAME, x - tanh(x))

/* Complex forms of the functions above: scalar, as the C++ library computes them */
#define PYX_UNARY_COMPLEX(X)                                                                        \
    X(sqrt, PYX_COMPLEXES, PYX_SAME, sqrt(x))                                                       \
    X(rsqrt, PYX_COMPLEXES, PYX_SAME, rsqrt(x))                                                     \
    X(exp, PYX_COMPLEXES, PYX_SAME, exp(x))                                                         \
    X(exp2, PYX_COMPLEXES, PYX_SAME, exp2(x))                                                       \
    X(expm1, PYX_COMPLEXES, PYX_SAME, expm1(x))                                                     \
    X(log, PYX_COMPLEXES, PYX_SAME, log(x))                                                         \
    X(log2, PYX_COMPLEXES, PYX_SAME, log2(x))                                                       \
    X(log10, PYX_COMPLEXES, PYX_SAME, log10(x))                                                     \
    X(log1p, PYX_COMPLEXES, PYX_SAME, log1p(x))                                                     \
    X(sin, PYX_COMPLEXES, PYX_SAME, sin(x))                                                         \
    X(cos, PYX_COMPLEXES, PYX_SAME, cos(x))                                                         \
    X(tan, PYX_COMPLEXES, PYX_SAME, tan(x))                                                         \
    X(asin, PYX_COMPLEXES, PYX_SAME, asin(x))                                                       \
    X(acos, PYX_COMPLEXES, PYX_SAME, acos(x))                                                       \
    X(atan, PYX_COMPLEXES, PYX_SAME, atan(x))                                                       \
    X(sinh, PYX_COMPLEXES, PYX_SAME, sinh(x))                                                       \
    X(cosh, PYX_COMPLEXES, PYX_SAME, cosh(x))                                                       \
    X(tanh, PYX_COMPLEXES, PYX_SAME, tanh(x))                                                       \
    X(asinh, PYX_COMPLEXES, PYX_SAME, asinh(x))                                                     \
    X(acosh, PYX_COMPLEXES, PYX_SAME, acosh(x))                                                     \
    X(atanh, PYX_COMPLEXES, PYX_SAME, atanh(x))                                                     \
    X(sigmoid, PYX_COMPLEXES, PYX_SAME, sigmoid(x))                                                 \
    X(silu, PYX_COMPLEXES, PYX_SAME, x * sigmoid(x))                                                \
    X(tanhshrink, PYX_COMPLEXES, PYX_SAME, x - tanh(x))                                             \
    X(angle, PYX_COMPLEXES, PYX_TO_REAL, angle(x))                                                  \
    X(sinc, PYX_COMPLEXES, PYX_SAME, sinc(x))                                                       \
    X(sinc_derivative, PYX_COMPLEXES, PYX_SAME, sinc_derivative(x, s[0]))

/* Special functions: lgamma and its kin */
#define PYX_UNARY_SPECIAL(X)                                                                        \
    X(lgamma, PYX_FLOATS, PYX_SAME, lgamma(x))                                                      \
    X(digamma, PYX_FLOATS, PYX_SAME, digamma(x))                                                    \
    X(erfinv, PYX_FLOATS, PYX_SAME, erfinv(x))                                                      \
    X(erfcx, PYX_FLOATS, PYX_SAME, erfcx(x))                                                        \
    X(ndtr, PYX_FLOATS, PYX_SAME, ndtr(x))                                                          \
    X(ndtri, PYX_FLOATS, PYX_SAME, ndtri(x))                                                        \
    X(log_ndtr, PYX_FLOATS, PYX_SAME, log_ndtr(x))                                                  \
    X(i0, PYX_FLOATS, PYX_SAME, i0(x))                                                              \
    X(i0e, PYX_FLOATS, PYX_SAME, i0e(x))                                                            \
    X(i1, PYX_FLOATS, PYX_SAME, i1(x))                                                              \
    X(i1e, PYX_FLOATS, PYX_SAME, i1e(x))                                                            \
    X(polygamma, PYX_FLOATS, PYX_SAME, polygamma(x, s[0]))                                          \
    X(entr, PYX_FLOATS, PYX_SAME, entr(x))                                                          \
    X(bessel_j0, PYX_FLOATS, PYX_SAME, bessel_j0(x))                                                \
    X(bessel_j1, PYX_FLOATS, PYX_SAME, bessel_j1(x))                                                \
    X(bessel_y0, PYX_FLOATS, PYX_SAME, bessel_y0(x))                                                \
    X(bessel_y1, PYX_FLOATS, PYX_SAME, bessel_y1(x))                                                \
    X(modified_bessel_k0, PYX_FLOATS, PYX_SAME, k0(x))                                              \
    X(modified_bessel_k1, PYX_FLOATS, PYX_SAME, k1(x))                                              \
    X(scaled_modified_bessel_k0, PYX_FLOATS, PYX_SAME, k0e(x))                                      \
    X(scaled_modified_bessel_k1, PYX_FLOATS, PYX_SAME, k1e(x))                                      \
    X(spherical_bessel_j0, PYX_FLOATS, PYX_SAME, spherical_j0(x))                                   \
    X(airy_ai, PYX_FLOATS, PYX_SAME, airy_ai(x))                                                    \
    X(frexp_mantissa, PYX_FLOATS, PYX_SAME, frexp_mantissa(x))                                      \
    X(frexp_exponent, PYX_FLOATS, PYX_SAME, frexp_exponent(x))                                      

/* Every formula, for whoever makes kernels of all of them. The names of PYX_UNARY_COMPLEX occur
   in the others too: these are the same formulas for other types. */
#define PYX_UNARY(X)        \
    PYX_UNARY_BASIC(X)      \
    PYX_UNARY_LOGIC(X)      \
    PYX_UNARY_MATH(X)       \
    PYX_UNARY_ACTIVATION(X) \
    PYX_UNARY_SPECIAL(X)

namespace pyx {
inline namespace PYX_LEVEL_NS {
PYX_UNARY(PYX_UNARY_FORMULA)
namespace of_complex {
PYX_UNARY_COMPLEX(PYX_UNARY_FORMULA)
}
}  // namespace PYX_LEVEL_NS
}  // namespace pyx
