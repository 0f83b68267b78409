/* Sixteen blocks of the stream at a time, and the functions of their words, written as loops over
   16 lanes that the compiler turns into vectors. */
#pragma once
#include <math.h>
#include <string.h>

#include "pyxtorch/laws.h"
#include "pyxtorch/philox.h"
#include "pyxtorch/runtime.h"
#if defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
/* GCC 12 warns of the undefined operand inside its own intrinsics. */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

namespace {
using namespace pyx;

constexpr int LANES = 16;

struct Words {
    alignas(64) uint32_t w[4][LANES];
};

/* A vector of counters: 32-bit words in the low halves of 64-bit lanes, where the multiplication
   of low halves leaves both halves of the product in place. */
#if defined(__AVX512F__)
struct Wide {
    static constexpr int lanes = 8;
    typedef __m512i V;
    static V set(uint64_t x) { return _mm512_set1_epi64((long long)x); }
    static V iota() { return _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7); }
    static V add(V a, V b) { return _mm512_add_epi64(a, b); }
    static V mul(V a, V b) { return _mm512_mul_epu32(a, b); }
    static V high(V a) { return _mm512_srli_epi64(a, 32); }
    static V xor3(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
    static void put(uint32_t* to, V a) { _mm256_store_si256((__m256i*)to, _mm512_cvtepi64_epi32(a)); }
};
#elif defined(__AVX2__)
struct Wide {
    static constexpr int lanes = 4;
    typedef __m256i V;
    static V set(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
    static V iota() { return _mm256_setr_epi64x(0, 1, 2, 3); }
    static V add(V a, V b) { return _mm256_add_epi64(a, b); }
    static V mul(V a, V b) { return _mm256_mul_epu32(a, b); }
    static V high(V a) { return _mm256_srli_epi64(a, 32); }
    static V xor3(V a, V b, V c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
    static void put(uint32_t* to, V a) {
        __m256i p = _mm256_permutevar8x32_epi32(a, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
        _mm_store_si128((__m128i*)to, _mm256_castsi256_si128(p));
    }
};
#elif defined(__SSE2__)
struct Wide {
    static constexpr int lanes = 2;
    typedef __m128i V;
    static V set(uint64_t x) { return _mm_set1_epi64x((long long)x); }
    static V iota() { return _mm_set_epi64x(1, 0); }
    static V add(V a, V b) { return _mm_add_epi64(a, b); }
    static V mul(V a, V b) { return _mm_mul_epu32(a, b); }
    static V high(V a) { return _mm_srli_epi64(a, 32); }
    static V xor3(V a, V b, V c) { return _mm_xor_si128(_mm_xor_si128(a, b), c); }
    static void put(uint32_t* to, V a) { _mm_storel_epi64((__m128i*)to, _mm_shuffle_epi32(a, 0x88)); }
};
#else
struct Wide {
    static constexpr int lanes = 1;
    typedef uint64_t V;
    static V set(uint64_t x) { return x; }
    static V iota() { return 0; }
    static V add(V a, V b) { return a + b; }
    static V mul(V a, V b) { return (uint64_t)(uint32_t)a * (uint32_t)b; }
    static V high(V a) { return a >> 32; }
    static V xor3(V a, V b, V c) { return a ^ b ^ c; }
    static void put(uint32_t* to, V a) { *to = (uint32_t)a; }
};
#endif

/* Blocks offset .. offset + 15. */
__attribute__((noinline)) void draw(uint64_t seed, uint64_t offset, Words& out) {
    typedef Wide::V V;
    const V m0 = Wide::set(PYX_PHILOX_M0), m1 = Wide::set(PYX_PHILOX_M1);
    constexpr int parts = LANES / Wide::lanes, together = parts < 2 ? 1 : 2;
    for (int part = 0; part < parts; part += together) {
        V c0[together], c1[together], c2[together], c3[together];
        for (int i = 0; i < together; i++) {
            c0[i] = Wide::add(Wide::set(offset + (part + i) * Wide::lanes), Wide::iota());
            c1[i] = Wide::high(c0[i]);
            c2[i] = c3[i] = Wide::set(0);
        }
        uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
#pragma GCC unroll 10
        for (int r = 0; r < 10; r++) {
            const V key0 = Wide::set(k0), key1 = Wide::set(k1);
#pragma GCC unroll 2
            for (int i = 0; i < together; i++) {
                V p0 = Wide::mul(c0[i], m0), p1 = Wide::mul(c2[i], m1);
                c0[i] = Wide::xor3(Wide::high(p1), c1[i], key0);
                c2[i] = Wide::xor3(Wide::high(p0), c3[i], key1);
                c1[i] = p1;
                c3[i] = p0;
            }
            k0 += PYX_PHILOX_W0;
            k1 += PYX_PHILOX_W1;
        }
        for (int i = 0; i < together; i++) {
            int at = (part + i) * Wide::lanes;
            Wide::put(out.w[0] + at, c0[i]);
            Wide::put(out.w[1] + at, c1[i]);
            Wide::put(out.w[2] + at, c2[i]);
            Wide::put(out.w[3] + at, c3[i]);
        }
    }
}
}  // namespace
