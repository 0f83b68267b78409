/* Two operands: X(name, TYPES, RESULT, expression over x and y). See formula.h. In the names
   that end with `_backward` x is the incoming gradient and y the saved input or output. */
#pragma once
#include "formula.h"
#include "math_special.h"

#define PYX_BINARY_ARITHMETIC(X)                                                                    \
    X(add, PYX_ALL, PYX_SAME, add(x, y))                                                            \
    X(sub, PYX_NUMBERS, PYX_SAME, sub(x, y))                                                        \
    X(mul, PYX_ALL, PYX_SAME, mul(x, y))                                                            \
    X(div, PYX_INEXACT, PYX_SAME, x / y)                                                            \
    X(maximum, PYX_ORDERED, PYX_SAME, with_zeros_up(maximum(x, y), x, y))                                          \
    X(minimum, PYX_ORDERED, PYX_SAME, with_zeros_down(minimum(x, y), x, y))                                          \
    X(fmax, PYX_ORDERED, PYX_SAME, with_zeros_up(fmax(x, y), x, y))                                                \
    X(fmin, PYX_ORDERED, PYX_SAME, with_zeros_down(fmin(x, y), x, y))                                                \
    X(zero_mul, PYX_NUMBERS, PYX_SAME, zero_mul(x, y))                                              \
    X(zero_div, PYX_INEXACT, PYX_SAME, zero_div(x, y))                                              \
    X(add_scaled, PYX_INEXACT, PYX_SAME, x + s[0] * y)                                              \
    X(mul_conj, PYX_COMPLEXES, PYX_SAME, mul(x, conj(y)))                                           \
    X(copysign, PYX_FLOATS, PYX_SAME, copysign(x, y))                                               \
    X(heaviside, PYX_ORDERED, PYX_SAME, x == (T)0 ? y : (T)(x > (T)0))                              \
    X(lerp_scalar, PYX_FLOATS, PYX_SAME, s[0] < (T)0.5 ? x + s[0] * (y - x) : y - (y - x) * ((T)1 - s[0])) \
    X(polar, PYX_FLOATS, PYX_TO_COMPLEX, polar(x, y))                                               \
    X(complex, PYX_FLOATS, PYX_TO_COMPLEX, make(x, y))

#define PYX_BINARY_COMPARISON(X)                                                                    \
    X(eq, PYX_ALL, PYX_TO_BOOL, x == y)                                                             \
    X(ne, PYX_ALL, PYX_TO_BOOL, x != y)                                                             \
    X(lt, PYX_ORDERED, PYX_TO_BOOL, x < y)                                                          \
    X(le, PYX_ORDERED, PYX_TO_BOOL, x <= y)                                                         \
    X(gt, PYX_ORDERED, PYX_TO_BOOL, x > y)                                                          \
    X(ge, PYX_ORDERED, PYX_TO_BOOL, x >= y)                                                         \
    X(logical_and, PYX_ALL, PYX_TO_BOOL, nonzero(x) & nonzero(y))                                   \
    X(logical_or, PYX_ALL, PYX_TO_BOOL, nonzero(x) | nonzero(y))                                    \
    X(logical_xor, PYX_ALL, PYX_TO_BOOL, nonzero(x) ^ nonzero(y))

#define PYX_BINARY_INTEGER(X)                                                                       \
    X(bitwise_and, PYX_BITS, PYX_SAME, x & y)                                                       \
    X(bitwise_or, PYX_BITS, PYX_SAME, x | y)                                                        \
    X(bitwise_xor, PYX_BITS, PYX_SAME, x ^ y)                                                       \
    X(bitwise_left_shift, PYX_INTS, PYX_SAME, shift_left(x, y))                                     \
    X(bitwise_right_shift, PYX_INTS, PYX_SAME, shift_right(x, y))                                   \
    X(gcd, PYX_INTS, PYX_SAME, gcd(x, y))                                                           \
    X(lcm, PYX_INTS, PYX_SAME, lcm(x, y))                                                           \
    X(div_trunc, PYX_REALS, PYX_SAME, div_trunc(x, y))                                              \
    X(div_floor, PYX_REALS, PYX_SAME, div_floor(x, y))                                              \
    X(fmod, PYX_REALS, PYX_SAME, fmod_of(x, y))                                                     \
    X(remainder, PYX_REALS, PYX_SAME, remainder_of(x, y))

#define PYX_BINARY_MATH(X)                                                                          \
    X(pow, PYX_ALL, PYX_SAME, power(x, y))                                                          \
    X(atan2, PYX_FLOATS, PYX_SAME, atan2(x, y))                                                     \
    X(hypot, PYX_FLOATS, PYX_SAME, hypot(x, y))                                                     \
    X(nextafter, PYX_FLOATS, PYX_SAME, nextafter(x, y))                                             \
    X(logaddexp, PYX_FLOATS, PYX_SAME, logaddexp(x, y))                                             \
    X(logaddexp2, PYX_FLOATS, PYX_SAME, logaddexp2(x, y))                                           \
    X(xlogy, PYX_FLOATS, PYX_SAME, xlogy(x, y))                                                     \
    X(xlog1py, PYX_FLOATS, PYX_SAME, xlog1py(x, y))                                                 \
    X(ldexp, PYX_FLOATS, PYX_SAME, ldexp_of(x, y))                                                  \
    X(smooth_l1, PYX_FLOATS, PYX_SAME,                                                              \
      fabs(x - y) < s[0] ? (T)0.5 * (x - y) * (x - y) / s[0] : fabs(x - y) - (T)0.5 * s[0])         \
    X(huber, PYX_FLOATS, PYX_SAME,                                                                  \
      fabs(x - y) <= s[0] ? (T)0.5 * (x - y) * (x - y) : s[0] * (fabs(x - y) - (T)0.5 * s[0]))      \
    X(prelu, PYX_FLOATS, PYX_SAME, x > (T)0 ? x : x * y)                                            \
    X(squared_difference, PYX_FLOATS, PYX_SAME, (x - y) * (x - y))

#define PYX_BINARY_BACKWARD(X)                                                                      \
    X(tanh_backward, PYX_INEXACT, PYX_SAME, x * conj(one<T>() - y * y))                             \
    X(sigmoid_backward, PYX_INEXACT, PYX_SAME, x * conj(y * (one<T>() - y)))                        \
    X(relu_backward, PYX_REALS, PYX_SAME, y <= (T)0 ? (T)0 : x)                                     \
    X(threshold_backward, PYX_REALS, PYX_SAME, y <= (T)s[0] ? (T)0 : x)                             \
    X(leaky_relu_backward, PYX_FLOATS, PYX_SAME, y > (T)0 ? x : x * s[0])                           \
    X(hardtanh_backward, PYX_FLOATS, PYX_SAME, (y > s[0]) & (y < s[1]) ? x : (T)0)                 \
    X(clamp_backward, PYX_FLOATS, PYX_SAME, (y >= s[0]) & (y <= s[1]) ? x : (T)0)                   \
    X(hardsigmoid_backward, PYX_FLOATS, PYX_SAME, (y > (T)-3) & (y < (T)3) ? x / (T)6 : (T)0)       \
    X(hardswish_backward, PYX_FLOATS, PYX_SAME,                                                     \
      y >= (T)3 ? x : y <= (T)-3 ? (T)0 : x * (y / (T)3 + (T)0.5))                                  \
    X(hardshrink_backward, PYX_FLOATS, PYX_SAME, (y < -s[0]) | (y > s[0]) ? x : (T)0)               \
    X(softsign_backward, PYX_FLOATS, PYX_SAME, x / (((T)1 + fabs(y)) * ((T)1 + fabs(y))))           \
    X(abs_backward, PYX_FLOATS, PYX_SAME, x * sign(y))                                              \
    X(sqrt_backward, PYX_INEXACT, PYX_SAME, zero_div(x, conj(y + y)))                               \
    X(rsqrt_backward, PYX_INEXACT, PYX_SAME, zero_mul(x, conj(y * y * y) * (real_t<T>)-0.5))        \
    X(reciprocal_backward, PYX_INEXACT, PYX_SAME, zero_mul(x, -conj(y * y)))                        \
    X(gelu_backward, PYX_FLOATS, PYX_SAME, x * (normal_cdf(y) + y * normal_pdf(y)))                 \
    X(gelu_tanh_backward, PYX_FLOATS, PYX_SAME, x * gelu_tanh_slope(y))                             \
    X(silu_backward, PYX_FLOATS, PYX_SAME, x * sigmoid(y) * ((T)1 + y * ((T)1 - sigmoid(y))))       \
    X(mish_backward, PYX_FLOATS, PYX_SAME, x * mish_slope(y))                                       \
    X(softplus_backward, PYX_FLOATS, PYX_SAME, y * s[0] > s[1] ? x : x * sigmoid(y * s[0]))         \
    X(elu_backward, PYX_FLOATS, PYX_SAME,                                                           \
      y > (T)0 ? x * s[1] : x * s[2] * s[0] * s[1] * exp(y * s[2]))                                 \
    X(celu_backward, PYX_FLOATS, PYX_SAME, y > (T)0 ? x : x * exp(y / s[0]))                        \
    X(logsigmoid_backward, PYX_FLOATS, PYX_SAME, x * sigmoid(-y))

/* Special functions of two operands */
#define PYX_BINARY_SPECIAL(X)                                                                       \
    X(igamma, PYX_FLOATS, PYX_SAME, igamma(x, y))                                                   \
    X(igammac, PYX_FLOATS, PYX_SAME, igammac(x, y))                                                 \
    X(standard_gamma_grad, PYX_FLOATS, PYX_SAME, standard_gamma_grad(x, y))                         \
    X(zeta, PYX_FLOATS, PYX_SAME, zeta(x, y))                                                       \
    X(chebyshev_polynomial_t, PYX_FLOATS, PYX_SAME, polynomial(CHEBYSHEV_T, x, y))                  \
    X(chebyshev_polynomial_u, PYX_FLOATS, PYX_SAME, polynomial(CHEBYSHEV_U, x, y))                  \
    X(chebyshev_polynomial_v, PYX_FLOATS, PYX_SAME, polynomial(CHEBYSHEV_V, x, y))                  \
    X(chebyshev_polynomial_w, PYX_FLOATS, PYX_SAME, polynomial(CHEBYSHEV_W, x, y))                  \
    X(hermite_polynomial_h, PYX_FLOATS, PYX_SAME, polynomial(HERMITE_H, x, y))                      \
    X(hermite_polynomial_he, PYX_FLOATS, PYX_SAME, polynomial(HERMITE_HE, x, y))                    \
    X(laguerre_polynomial_l, PYX_FLOATS, PYX_SAME, polynomial(LAGUERRE_L, x, y))                    \
    X(legendre_polynomial_p, PYX_FLOATS, PYX_SAME, polynomial(LEGENDRE_P, x, y))                    \
    X(shifted_chebyshev_polynomial_t, PYX_FLOATS, PYX_SAME, polynomial(CHEBYSHEV_T, (double)x + x - 1.0, (double)y)) \
    X(shifted_chebyshev_polynomial_u, PYX_FLOATS, PYX_SAME, polynomial(CHEBYSHEV_U, (double)x + x - 1.0, (double)y)) \
    X(shifted_chebyshev_polynomial_v, PYX_FLOATS, PYX_SAME, polynomial(CHEBYSHEV_V, (double)x + x - 1.0, (double)y)) \
    X(shifted_chebyshev_polynomial_w, PYX_FLOATS, PYX_SAME, polynomial(CHEBYSHEV_W, (double)x + x - 1.0, (double)y))

#define PYX_BINARY(X)        \
    PYX_BINARY_ARITHMETIC(X) \
    PYX_BINARY_COMPARISON(X) \
    PYX_BINARY_INTEGER(X)    \
    PYX_BINARY_MATH(X)       \
    PYX_BINARY_BACKWARD(X)   \
    PYX_BINARY_SPECIAL(X)

namespace pyx {
inline namespace PYX_LEVEL_NS {
PYX_BINARY(PYX_BINARY_FORMULA)
}  // namespace PYX_LEVEL_NS
}  // namespace pyx
