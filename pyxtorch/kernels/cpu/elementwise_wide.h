/* The hottest formulas in AVX-512 intrinsics: it has instructions for 2^n and for
   exponents, which no compiler finds in the plain formulas of math.h. */
#pragma once
#include "pyxtorch/unary.h"
#include "pyxtorch/loops.h"

#if defined(__AVX512F__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace wide {

typedef __m512 V;
#define PYX_V static inline __attribute__((always_inline)) V

PYX_V all(float x) { return _mm512_set1_ps(x); }
PYX_V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
PYX_V negated_fma(V a, V b, V c) { return _mm512_fnmadd_ps(a, b, c); }
/* minps and maxps give their second operand where one is NaN. */
PYX_V above(V x, float low) { return _mm512_max_ps(all(low), x); }
PYX_V below(V x, float high) { return _mm512_min_ps(all(high), x); }
/* x = n ln(2) + r, n a multiple of 1/16: e^x = 2^floor(n) 2^(n mod 1) e^r, the middle from a
   table, by the low bits that the rounding leaves; scalef takes the floor itself. */
PYX_V exp(V x) {
    const V table = _mm512_setr_ps(1.0f, 1.04427378f, 1.09050773f, 1.13878863f, 1.18920712f, 1.24185781f, 1.29683955f, 1.35425555f,
                                   1.41421356f, 1.47682615f, 1.54221083f, 1.61049033f, 1.68179283f, 1.75625216f, 1.83400809f, 1.91520656f);
    const V round = all(786432.0f);
    x = above(below(x, 89.0f), -104.0f);
    V k = fma(x, all(1.44269504f), round), n = _mm512_sub_ps(k, round);
    V r = negated_fma(n, all(0.693145752f), x);
    r = negated_fma(n, all(1.42860677e-6f), r);
    V p = fma(fma(r, all(0.166666667f), all(0.5f)), r, all(1.0f));
    V t = _mm512_permutexvar_ps(_mm512_castps_si512(k), table);
    return _mm512_scalef_ps(fma(_mm512_mul_ps(p, r), t, t), n);
}
PYX_V log(V x) {
    /* m in [0.75, 1.5); of 0, negative numbers, infinity and NaN the instructions give what log needs */
    V m = _mm512_getmant_ps(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
    V e = _mm512_sub_ps(_mm512_getexp_ps(x), _mm512_getexp_ps(m));
    V f = _mm512_sub_ps(m, all(1.0f)), q = _mm512_mul_ps(f, f);
    V p = all(3.76724632e-2f);
    p = fma(p, f, all(-9.11614189e-2f));
    p = fma(p, f, all(0.117006537f));
    p = fma(p, f, all(-0.127277851f));
    p = fma(p, f, all(0.142762403f));
    p = fma(p, f, all(-0.166552963f));
    p = fma(p, f, all(0.199996048f));
    p = fma(p, f, all(-0.250001653f));
    p = fma(p, f, all(0.333333399f));
    V y = fma(_mm512_mul_ps(q, f), p, _mm512_mul_ps(e, all(1.42860677e-6f)));
    y = fma(q, all(-0.5f), y);
    return fma(e, all(0.693145752f), _mm512_add_ps(y, f));
}
PYX_V one_plus_exp_minus(V x) { return _mm512_add_ps(all(1.0f), exp(_mm512_sub_ps(all(0.0f), x))); }
PYX_V sigmoid(V x) { return _mm512_div_ps(all(1.0f), one_plus_exp_minus(x)); }
PYX_V silu(V x) { return _mm512_div_ps(x, one_plus_exp_minus(x)); }
/* Rational forms x P(s) / Q(s), s = x^2, of functions that go to +-1: s is held where the quotient has
   grown past 1, which is cut off then. */
PYX_V within_one(V y) { return above(below(y, 1.0f), -1.0f); }
PYX_V tanh(V x) {
    V s = below(_mm512_mul_ps(x, x), 88.0f);
    V p = all(1.33546412e-8f);
    p = fma(p, s, all(2.06090658e-5f));
    p = fma(p, s, all(3.49558703e-3f));
    p = fma(p, s, all(0.133810247f));
    p = fma(p, s, all(1.0f));
    V q = all(7.77654948e-7f);
    q = fma(q, s, all(3.2856331e-4f));
    q = fma(q, s, all(2.58769779e-2f));
    q = fma(q, s, all(0.467143403f));
    q = fma(q, s, all(1.0f));
    return within_one(_mm512_div_ps(_mm512_mul_ps(x, p), q));
}
PYX_V erf(V x) {
    V s = below(_mm512_mul_ps(x, x), 16.7f);
    V p = all(2.02616280e-6f);
    p = fma(p, s, all(2.84689776e-4f));
    p = fma(p, s, all(3.8077109e-3f));
    p = fma(p, s, all(5.28740989e-2f));
    p = fma(p, s, all(0.191538191f));
    p = fma(p, s, all(1.128379144f));
    V q = all(3.78345416e-5f);
    q = fma(q, s, all(1.17063909e-3f));
    q = fma(q, s, all(1.50541783e-2f));
    q = fma(q, s, all(0.114554846f));
    q = fma(q, s, all(0.503078978f));
    q = fma(q, s, all(1.0f));
    return within_one(_mm512_div_ps(_mm512_mul_ps(x, p), q));
}
PYX_V gelu(V x) {
    V half = _mm512_mul_ps(x, all(0.5f));
    return fma(half, erf(_mm512_mul_ps(x, all((float)PYX_SQRT_HALF))), half);
}
PYX_V gelu_tanh(V x) {
    V u = _mm512_mul_ps(x, all((float)(2 * PYX_SQRT_2_PI)));
    u = _mm512_mul_ps(u, fma(_mm512_mul_ps(x, x), all(0.044715f), all(1.0f)));
    return _mm512_div_ps(x, one_plus_exp_minus(u));
}

}  // namespace wide

#define PYX_WIDE(name)                                                                      \
    template <> struct Wide<u_##name, float> {                                              \
        static constexpr bool exists = true;                                                \
        static PYX_HD void one(float* out, const float* x, const float*) {                   \
            _mm512_storeu_ps(out, wide::name(_mm512_loadu_ps(x)));                          \
        }                                                                                   \
        static PYX_HD void two(float* out, const float* x, const float*) {                   \
            wide::V a = wide::name(_mm512_loadu_ps(x)), b = wide::name(_mm512_loadu_ps(x + 16)); \
            _mm512_storeu_ps(out, a);                                                       \
            _mm512_storeu_ps(out + 16, b);                                                  \
        }                                                                                   \
    };
PYX_WIDE(exp)
PYX_WIDE(log)
PYX_WIDE(sigmoid)
PYX_WIDE(silu)
PYX_WIDE(tanh)
PYX_WIDE(erf)
PYX_WIDE(gelu)
PYX_WIDE(gelu_tanh)
#undef PYX_WIDE
#undef PYX_V

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
#pragma GCC diagnostic pop
#endif
