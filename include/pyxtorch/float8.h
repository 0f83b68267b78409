/* Floating-point numbers of 8 bits to float and back: OCP OFP8 (E5M2, E4M3FN), their forms without a negative zero
   (FNUZ: Noune et al., arXiv 2206.02915), and powers of two (E8M0FNU: OCP MX). */
#pragma once
#include "dtype.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

/* Sign, exponent with this bias, `fraction` bits; the forms differ in what lies above the largest number. */
enum float8_above { TO_INFINITY, TO_LARGEST, TO_NAN };
template <int fraction, int bias, float8_above above>
struct Float8 {
    static constexpr int exponent_bits = 7 - fraction, lowest = 1 - bias;
    static constexpr bool unsigned_zero = above == TO_NAN;
    /* The codes of the largest number, and of NaN, without the sign. */
    static constexpr unsigned largest = above == TO_INFINITY ? 0x7b : above == TO_LARGEST ? 0x7e : 0x7f;

    static PYX_HD float power_of_two(int e) { return bits<float>((pyx_u32)(e + 127) << 23); }

    static PYX_HD float decode(pyx_u8 code) {
        unsigned size = code & 0x7f, sign = code & 0x80;
        if (unsigned_zero ? code == 0x80 : size > largest + (above == TO_INFINITY)) return bits<float>(0x7fc00000u);
        float x;
        if (above == TO_INFINITY && size == largest + 1) {
            x = bits<float>(0x7f800000u);
        } else {
            int e = (int)(size >> fraction), m = (int)(size & ((1u << fraction) - 1));
            x = (float)(e ? m + (1 << fraction) : m) * power_of_two((e ? e - bias : lowest) - fraction);
        }
        return sign ? -x : x;
    }
    static PYX_HD pyx_u8 encode(float f) {
        pyx_u32 u = bits<pyx_u32>(f), sign = u >> 24 & 0x80, a = u & 0x7fffffff;
        if (a > 0x7f800000) return (pyx_u8)(unsigned_zero ? 0x80 : sign | 0x7f);
        int e = (int)(a >> 23) - 127;
        if (e < lowest) e = lowest;
        unsigned size;
        if (e > 127 - bias + 8) {
            size = 0xff;
        } else {
            /* In units of the last place, rounded to even by adding a number that has no places below it. */
            float units = bits<float>(a) * power_of_two(fraction - e), whole = (units + 8388608.0f) - 8388608.0f;
            size = (unsigned)whole + (unsigned)((e - lowest) << fraction);
        }
        if (size > largest) size = above == TO_INFINITY ? largest + 1 : above == TO_LARGEST ? largest : 0x80;
        if (unsigned_zero && (size == 0x80 || size == 0)) return (pyx_u8)size;
        return (pyx_u8)(sign | size);
    }
};
/* An exponent and nothing else; the sign is dropped, halves go up. */
struct PowerOfTwo {
    static PYX_HD float decode(pyx_u8 code) {
        return code == 0xff ? bits<float>(0x7fc00000u) : bits<float>(code ? (pyx_u32)code << 23 : 0x00400000u);
    }
    static PYX_HD pyx_u8 encode(float f) {
        pyx_u32 a = bits<pyx_u32>(f) & 0x7fffffff, e = a >> 23;
        bool half = a >> 22 & 1, more = (a & 0x3fffff) != 0;
        return (pyx_u8)(e == 0xff ? e : e + (half && (e || more)));
    }
};

template <int dtype> struct float8_of;
template <> struct float8_of<PYX_FLOAT8_E5M2> { typedef Float8<2, 15, TO_INFINITY> type; };
template <> struct float8_of<PYX_FLOAT8_E4M3FN> { typedef Float8<3, 7, TO_LARGEST> type; };
template <> struct float8_of<PYX_FLOAT8_E5M2FNUZ> { typedef Float8<2, 16, TO_NAN> type; };
template <> struct float8_of<PYX_FLOAT8_E4M3FNUZ> { typedef Float8<3, 8, TO_NAN> type; };
template <> struct float8_of<PYX_FLOAT8_E8M0FNU> { typedef PowerOfTwo type; };

/* An element in memory, of the dtype with this code. */
template <int code> struct f8 {
    pyx_u8 x;
    PYX_HD operator float() const { return float8_of<code>::type::decode(x); }
    PYX_HD f8& operator=(float v) {
        x = float8_of<code>::type::encode(v);
        return *this;
    }
};
template <int code> struct code_of<f8<code>> { static constexpr int value = code; };
template <int code> struct acc<f8<code>> { typedef float type; };

#define PYX_FLOAT8_CODES(X) X(PYX_FLOAT8_E5M2) X(PYX_FLOAT8_E4M3FN) X(PYX_FLOAT8_E5M2FNUZ) X(PYX_FLOAT8_E4M3FNUZ) X(PYX_FLOAT8_E8M0FNU)

/* By dtype code; what is none gives NaN, or 0. */
PYX_HD float from_float8(int dtype, pyx_u8 code) {
    switch (dtype) {
#define DECODE(d) case d: return float8_of<d>::type::decode(code);
        PYX_FLOAT8_CODES(DECODE)
#undef DECODE
        default: return bits<float>(0x7fc00000u);
    }
}
PYX_HD pyx_u8 to_float8(int dtype, float x) {
    switch (dtype) {
#define ENCODE(d) case d: return float8_of<d>::type::encode(x);
        PYX_FLOAT8_CODES(ENCODE)
#undef ENCODE
        default: return 0;
    }
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
