/* CRC-32 as zip files have it (polynomial 0x04C11DB7, bits reflected), by carry-less multiplication.
 *
 * A message is a polynomial over GF(2), its CRC the remainder modulo P. Modulo P, 128 bits that stand
 * n bits ahead of others are the same as their product with x^n mod P added to those others. So 64
 * bytes at a time are folded into the next 64, at the end into 16, whose remainder is taken bit by bit.
 * Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ" (Intel, 2009).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Bit by bit; for the ends. */
static inline uint32_t pyx_crc32_bits(uint32_t crc, const uint8_t* p, size_t n) {
    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++) crc = crc >> 1 ^ (0xEDB88320u & -(crc & 1));
    }
    return crc;
}

#if defined(__x86_64__)
#include <immintrin.h>

/* x^n mod P, reflected; one bit higher, because the product of two reflected numbers lies one bit lower. */
static inline int64_t pyx_crc32_power(int n) {
    uint32_t r = 1u << 31;
    while (n--) r = r >> 1 ^ (0xEDB88320u & -(r & 1));
    return (int64_t)r << 1;
}

__attribute__((target("pclmul,sse4.1")))
static inline __m128i pyx_crc32_fold(__m128i ahead, __m128i powers, __m128i next) {
    return _mm_xor_si128(next, _mm_xor_si128(_mm_clmulepi64_si128(ahead, powers, 0x00), _mm_clmulepi64_si128(ahead, powers, 0x11)));
}

static inline int pyx_crc32_available(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

__attribute__((target("pclmul,sse4.1")))
static inline uint32_t pyx_crc32(uint32_t crc, const uint8_t* p, size_t n) {
    crc = ~crc;
    if (n >= 128) {
        const __m128i* v = (const __m128i*)p;
        const __m128i by64 = _mm_set_epi64x(pyx_crc32_power(512 - 32), pyx_crc32_power(512 + 32));
        const __m128i by16 = _mm_set_epi64x(pyx_crc32_power(128 - 32), pyx_crc32_power(128 + 32));
        __m128i s[4];
        for (int i = 0; i < 4; i++) s[i] = _mm_loadu_si128(v + i);
        s[0] = _mm_xor_si128(s[0], _mm_cvtsi32_si128((int)crc));
        for (v += 4, n -= 64; n >= 64; v += 4, n -= 64)
            for (int i = 0; i < 4; i++) s[i] = pyx_crc32_fold(s[i], by64, _mm_loadu_si128(v + i));
        for (int i = 1; i < 4; i++) s[i] = pyx_crc32_fold(s[i - 1], by16, s[i]);
        uint8_t last[16];
        _mm_storeu_si128((__m128i*)last, s[3]);
        crc = pyx_crc32_bits(0, last, 16);
        p = (const uint8_t*)v;
    }
    return ~pyx_crc32_bits(crc, p, n);
}
#else
static inline int pyx_crc32_available(void) { return 0; }
static inline uint32_t pyx_crc32(uint32_t crc, const uint8_t* p, size_t n) { return ~pyx_crc32_bits(~crc, p, n); }
#endif
