/* Element types: their codes, sizes, and the C++ types behind them.

   Read by g++, by Cython and by NVRTC, so no standard header is needed here under NVRTC and
   every function is marked PYX_HD. */
#pragma once

#ifdef __CUDACC_RTC__
typedef signed char pyx_i8;
typedef unsigned char pyx_u8;
typedef short pyx_i16;
typedef unsigned short pyx_u16;
typedef int pyx_i32;
typedef unsigned int pyx_u32;
typedef long long pyx_i64;
typedef unsigned long long pyx_u64;
#define PYX_HD __device__ __forceinline__
#else
#include <stdint.h>
typedef int8_t pyx_i8;
typedef uint8_t pyx_u8;
typedef int16_t pyx_i16;
typedef uint16_t pyx_u16;
typedef int32_t pyx_i32;
typedef uint32_t pyx_u32;
typedef int64_t pyx_i64;
typedef uint64_t pyx_u64;
#define PYX_HD inline __attribute__((always_inline))
#endif

/* By kind: bool, unsigned, signed, floating, complex; inside a kind from narrow to wide. */
enum pyx_dtype {
    PYX_BOOL, PYX_UINT8, PYX_UINT16, PYX_UINT32, PYX_UINT64, PYX_INT8, PYX_INT16, PYX_INT32, PYX_INT64,
    /* of 8 bits: conversions only */
    PYX_FLOAT8_E5M2, PYX_FLOAT8_E4M3FN, PYX_FLOAT8_E5M2FNUZ, PYX_FLOAT8_E4M3FNUZ, PYX_FLOAT8_E8M0FNU,
    PYX_FLOAT16, PYX_BFLOAT16, PYX_FLOAT32, PYX_FLOAT64, PYX_COMPLEX32, PYX_COMPLEX64, PYX_COMPLEX128,
    PYX_NUM_DTYPES
};

/* Sets of dtypes: a bit for each. The wide ones are those that every kernel of their kind computes in. */
#define PYX_BOOLS (1 << PYX_BOOL)
#define PYX_INTS                                                                                             \
    (1 << PYX_UINT8 | 1 << PYX_UINT16 | 1 << PYX_UINT32 | 1 << PYX_UINT64 | 1 << PYX_INT8 | 1 << PYX_INT16 | \
     1 << PYX_INT32 | 1 << PYX_INT64)
#define PYX_HALVES (1 << PYX_FLOAT16 | 1 << PYX_BFLOAT16)
#define PYX_WIDE_FLOATS (1 << PYX_FLOAT32 | 1 << PYX_FLOAT64)
#define PYX_FLOATS (PYX_HALVES | PYX_WIDE_FLOATS)
#define PYX_WIDE_COMPLEXES (1 << PYX_COMPLEX64 | 1 << PYX_COMPLEX128)
#define PYX_COMPLEXES (1 << PYX_COMPLEX32 | PYX_WIDE_COMPLEXES)
#define PYX_REALS (PYX_INTS | PYX_FLOATS)
#define PYX_NUMBERS (PYX_REALS | PYX_COMPLEXES)
#define PYX_INEXACT (PYX_FLOATS | PYX_COMPLEXES)
#define PYX_BITS (PYX_BOOLS | PYX_INTS)
#define PYX_ORDERED (PYX_BOOLS | PYX_REALS)
#define PYX_ALL (PYX_BOOLS | PYX_NUMBERS)

enum pyx_device { PYX_CPU = 0, PYX_CUDA = 1, PYX_NUM_DEVICES = 2 };

static inline
#ifdef __CUDACC_RTC__
__device__
#endif
int pyx_itemsize(int dtype) {
    /* bytes an element, by dtype code */
    switch (dtype) {
        case PYX_UINT16: case PYX_INT16: case PYX_FLOAT16: case PYX_BFLOAT16: return 2;
        case PYX_UINT32: case PYX_INT32: case PYX_FLOAT32: case PYX_COMPLEX32: return 4;
        case PYX_UINT64: case PYX_INT64: case PYX_FLOAT64: case PYX_COMPLEX64: return 8;
        case PYX_COMPLEX128: return 16;
        default: return 1;
    }
}

#ifdef __cplusplus

/* Kernels are compiled once per instruction level; the level is part of the namespace, so that
   the linker never takes one level's copy of a template for another's. */
#ifndef PYX_LEVEL_NS
#define PYX_LEVEL_NS base
#endif

namespace pyx {
inline namespace PYX_LEVEL_NS {

template <class To, class From>
PYX_HD To bits(From x) {
    static_assert(sizeof(To) == sizeof(From), "bits() keeps the size");
    To y;
#ifdef __CUDACC_RTC__
    memcpy(&y, &x, sizeof(To));
#else
    __builtin_memcpy(&y, &x, sizeof(To));
#endif
    return y;
}

/* IEEE 754 binary16, kept as its bits; arithmetic happens in float. */
struct f16 {
    pyx_u16 x;
};
/* The upper half of a binary32. */
struct bf16 {
    pyx_u16 x;
};

PYX_HD float to_float(f16 h) {
#if defined(__CUDA_ARCH__)
    float f;
    asm("{ cvt.f32.f16 %0, %1; }" : "=f"(f) : "h"(h.x));
    return f;
#elif defined(__F16C__)
    return __builtin_ia32_vcvtph2ps((__attribute__((vector_size(16))) short){(short)h.x})[0];
#else
    pyx_u32 sign = (pyx_u32)(h.x & 0x8000) << 16, rest = (pyx_u32)(h.x & 0x7fff);
    /* Scaling by 2^112 moves the exponent; infinities and NaN need it once more. */
    pyx_u32 big = rest >= 0x7c00 ? 0x38000000u : 0u;
    float f = bits<float>(rest << 13) * bits<float>((pyx_u32)(127 + 112) << 23);
    return bits<float>(sign | (big ? (0x7f800000u | (rest << 13)) : bits<pyx_u32>(f)));
#endif
}

PYX_HD f16 to_f16(float f) {
#if defined(__CUDA_ARCH__)
    f16 h;
    asm("{ cvt.rn.f16.f32 %0, %1; }" : "=h"(h.x) : "f"(f));
    return h;
#elif defined(__F16C__)
    return f16{(pyx_u16)__builtin_ia32_vcvtps2ph((__attribute__((vector_size(16))) float){f}, 0)[0]};
#else
    pyx_u32 u = bits<pyx_u32>(f), sign = (u >> 16) & 0x8000, a = u & 0x7fffffff;
    if (a > 0x7f800000) return f16{(pyx_u16)(sign | 0x7e00)};  /* NaN */
    if (a >= 0x477ff000) return f16{(pyx_u16)(sign | 0x7c00)}; /* rounds to infinity */
    if (a < 0x38800000) {                                     /* subnormal: let the FPU round */
        float r = bits<float>(a) + 0.5f;
        return f16{(pyx_u16)(sign | (bits<pyx_u32>(r) - 0x3f000000))};
    }
    return f16{(pyx_u16)(sign | ((a + 0xfff + ((a >> 13) & 1) - 0x38000000) >> 13))};
#endif
}

PYX_HD float to_float(bf16 h) { return bits<float>((pyx_u32)h.x << 16); }

PYX_HD bf16 to_bf16(float f) {
    pyx_u32 u = bits<pyx_u32>(f);
    pyx_u32 rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
    return bf16{(pyx_u16)((u & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : rounded)};
}

template <class T>
struct complex {
    T re, im;
};
typedef complex<f16> c32;  /* computed in c64 */
typedef complex<float> c64;
typedef complex<double> c128;

/* code_of<T>::value is the dtype code of T; acc<T>::type is what it is computed in. */
template <class T> struct code_of;
template <class T> struct acc { typedef T type; };
template <class T> using acc_t = typename acc<T>::type;
/* real<T>::type is T, or the type of T's parts. */
template <class T> struct real { typedef T type; };
template <class T> struct real<complex<T>> { typedef T type; };
template <class T> using real_t = typename real<T>::type;

#define PYX_CODE(T, code) template <> struct code_of<T> { static constexpr int value = code; };
PYX_CODE(bool, PYX_BOOL)
PYX_CODE(pyx_u8, PYX_UINT8)
PYX_CODE(pyx_u16, PYX_UINT16)
PYX_CODE(pyx_u32, PYX_UINT32)
PYX_CODE(pyx_u64, PYX_UINT64)
PYX_CODE(pyx_i8, PYX_INT8)
PYX_CODE(pyx_i16, PYX_INT16)
PYX_CODE(pyx_i32, PYX_INT32)
PYX_CODE(pyx_i64, PYX_INT64)
PYX_CODE(f16, PYX_FLOAT16)
PYX_CODE(bf16, PYX_BFLOAT16)
PYX_CODE(float, PYX_FLOAT32)
PYX_CODE(double, PYX_FLOAT64)
PYX_CODE(c32, PYX_COMPLEX32)
PYX_CODE(c64, PYX_COMPLEX64)
PYX_CODE(c128, PYX_COMPLEX128)
#undef PYX_CODE
template <> struct acc<f16> { typedef float type; };
template <> struct acc<bf16> { typedef float type; };
template <> struct acc<c32> { typedef c64 type; };

/* load<T>(p) and store<T>(p, v): between memory and the type computed in. */
template <class T> PYX_HD acc_t<T> load(const T* p) { return *p; }
template <> PYX_HD float load<f16>(const f16* p) { return to_float(*p); }
template <> PYX_HD float load<bf16>(const bf16* p) { return to_float(*p); }
template <> PYX_HD c64 load<c32>(const c32* p) { return c64{to_float(p->re), to_float(p->im)}; }
template <class T> PYX_HD void store(T* p, acc_t<T> v) { *p = v; }
template <> PYX_HD void store<f16>(f16* p, float v) { *p = to_f16(v); }
template <> PYX_HD void store<bf16>(bf16* p, float v) { *p = to_bf16(v); }
template <> PYX_HD void store<c32>(c32* p, c64 v) { *p = c32{to_f16(v.re), to_f16(v.im)}; }

/* Run a statement with T bound to the type of a dtype code; the function returns -1 for others. */
#define PYX_CASE(code, type, ...) \
    case code: { typedef type T; __VA_ARGS__; break; }
/* X(code, type, ...) for each dtype of a kind that is computed in. */
#define PYX_EACH_INTEGER(X, ...)              \
    X(PYX_UINT8, pyx_u8, __VA_ARGS__)         \
    X(PYX_UINT16, pyx_u16, __VA_ARGS__)       \
    X(PYX_UINT32, pyx_u32, __VA_ARGS__)       \
    X(PYX_UINT64, pyx_u64, __VA_ARGS__)       \
    X(PYX_INT8, pyx_i8, __VA_ARGS__)          \
    X(PYX_INT16, pyx_i16, __VA_ARGS__)        \
    X(PYX_INT32, pyx_i32, __VA_ARGS__)        \
    X(PYX_INT64, pyx_i64, __VA_ARGS__)
#define PYX_EACH_FLOAT(X, ...)                \
    X(PYX_FLOAT32, float, __VA_ARGS__)        \
    X(PYX_FLOAT64, double, __VA_ARGS__)
#define PYX_EACH_COMPLEX(X, ...)              \
    X(PYX_COMPLEX64, pyx::c64, __VA_ARGS__)   \
    X(PYX_COMPLEX128, pyx::c128, __VA_ARGS__)
#define PYX_INTEGER_CASES(...) PYX_EACH_INTEGER(PYX_CASE, __VA_ARGS__)
#define PYX_BOOL_CASE(...) PYX_CASE(PYX_BOOL, bool, __VA_ARGS__)
#define PYX_FLOAT_CASES(...) PYX_EACH_FLOAT(PYX_CASE, __VA_ARGS__)
#define PYX_HALF_CASES(...)                       \
    PYX_CASE(PYX_FLOAT16, pyx::f16, __VA_ARGS__)  \
    PYX_CASE(PYX_BFLOAT16, pyx::bf16, __VA_ARGS__)
#define PYX_COMPLEX_CASES(...) PYX_EACH_COMPLEX(PYX_CASE, __VA_ARGS__)
#define PYX_SWITCH(dtype, cases) \
    switch (dtype) { cases default: return -1; }

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
#endif
