/* Three operands: X(name, TYPES, RESULT, expression over x, y and z), and those whose first
   operand is a bool m beside x and y. See formula.h. */
#pragma once
#include "formula.h"
#include "math_special.h"

#define PYX_TERNARY(X)                                                                              \
    X(addcmul, PYX_INEXACT, PYX_SAME, x + s[0] * y * z)                                             \
    X(addcdiv, PYX_INEXACT, PYX_SAME, x + s[0] * y / z)                                             \
    X(lerp, PYX_FLOATS, PYX_SAME, fabs(z) < (T)0.5 ? x + z * (y - x) : y - (y - x) * ((T)1 - z))    \
    X(clamp, PYX_ORDERED, PYX_SAME, clamp(x, y, z))                                                 \
    X(smooth_l1_backward, PYX_FLOATS, PYX_SAME,                                                     \
      x * (fabs(y - z) < s[0] ? (y - z) / s[0] : sign(y - z)))                                      \
    X(huber_backward, PYX_FLOATS, PYX_SAME, x * (fabs(y - z) <= s[0] ? y - z : s[0] * sign(y - z))) \
    X(dirichlet_grad, PYX_FLOATS, PYX_SAME, dirichlet_grad(x, y, z))

/* These only move values: half precision goes through them as it is. */
#define PYX_MASKED(X)                                                                               \
    X(where, PYX_ALL, PYX_SAME, m ? x : y)

namespace pyx {
inline namespace PYX_LEVEL_NS {
PYX_TERNARY(PYX_TERNARY_FORMULA)
PYX_MASKED(PYX_MASKED_FORMULA)
}  // namespace PYX_LEVEL_NS
}  // namespace pyx
