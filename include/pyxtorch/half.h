/* float16 and bfloat16 to float and back, n elements at a time. CPU only. */
#pragma once
#include <string.h>

#include "dtype.h"
#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace pyx {
inline namespace PYX_LEVEL_NS {

inline void to_floats(const f16* x, float* y, int64_t n) {
    int64_t i = 0;
#if defined(__AVX512F__)
    for (; i + 16 <= n; i += 16) _mm512_storeu_ps(y + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)(x + i))));
#elif defined(__F16C__)
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)(x + i))));
#endif
    for (; i < n; i++) y[i] = to_float(x[i]);
}
inline void from_floats(const float* x, f16* y, int64_t n) {
    int64_t i = 0;
#if defined(__AVX512F__)
    for (; i + 16 <= n; i += 16) _mm256_storeu_si256((__m256i*)(y + i), _mm512_cvtps_ph(_mm512_loadu_ps(x + i), 0));
#elif defined(__F16C__)
    for (; i + 8 <= n; i += 8) _mm_storeu_si128((__m128i*)(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), 0));
#endif
    for (; i < n; i++) y[i] = to_f16(x[i]);
}
inline void to_floats(const bf16* x, float* y, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = to_float(x[i]);
}
inline void from_floats(const float* x, bf16* y, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = to_bf16(x[i]);
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
