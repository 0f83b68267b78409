/* Matrix product of float and double in register tiles: what the families matmul and conv share.

   C is computed in tiles of MR rows and NV vectors that stay in registers while k runs. Sums over
   k are cut into chunks of KC, the same for every path, so an element's bits depend neither on
   the threads nor on which path was taken. See Goto and van de Geijn, "Anatomy of High-Performance
   Matrix Multiplication" (2008) for the packed path. */
#pragma once
#include <string.h>

#include "pyxtorch/dtype.h"
#include "pyxtorch/runtime.h"
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#ifndef PYX_VECTOR_BYTES
#define PYX_VECTOR_BYTES 16
#endif

namespace pyx {
inline namespace PYX_LEVEL_NS {

template <class T>
struct lanes {
    static constexpr int n = PYX_VECTOR_BYTES / (int)sizeof(T);
    typedef T type __attribute__((vector_size(PYX_VECTOR_BYTES)));
    typedef T loose __attribute__((vector_size(PYX_VECTOR_BYTES), aligned(sizeof(T)), may_alias));
};

template <class T>
PYX_HD typename lanes<T>::type vload(const T* p) {
    return *(const typename lanes<T>::loose*)p;
}
template <class T>
PYX_HD void vstore(T* p, typename lanes<T>::type v) {
    *(typename lanes<T>::loose*)p = v;
}
/* The first `count` lanes, the others 0; never touches memory beyond them. */
template <class T>
PYX_HD typename lanes<T>::type vload_part(const T* p, int count) {
#if defined(__AVX512F__) && PYX_VECTOR_BYTES == 64
    if constexpr (sizeof(T) == 4)
        return (typename lanes<T>::type)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
    else
        return (typename lanes<T>::type)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), p);
#else
    typename lanes<T>::type v = {};
    for (int i = 0; i < count; i++) v[i] = p[i];
    return v;
#endif
}
template <class T>
PYX_HD void vstore_part(T* p, typename lanes<T>::type v, int count) {
#if defined(__AVX512F__) && PYX_VECTOR_BYTES == 64
    if constexpr (sizeof(T) == 4)
        _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
    else
        _mm512_mask_storeu_pd(p, (__mmask8)((1u << count) - 1), (__m512d)v);
#else
    for (int i = 0; i < count; i++) p[i] = v[i];
#endif
}
template <class T>
PYX_HD T vsum(typename lanes<T>::type v) {
    constexpr int n = lanes<T>::n;
    if constexpr (n == 16) {
        typedef T half __attribute__((vector_size(32)));
        half h = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) + __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
        typedef T quarter __attribute__((vector_size(16)));
        quarter q = __builtin_shufflevector(h, h, 0, 1, 2, 3) + __builtin_shufflevector(h, h, 4, 5, 6, 7);
        return (q[0] + q[2]) + (q[1] + q[3]);
    } else if constexpr (n == 8) {
        typedef T half __attribute__((vector_size(4 * sizeof(T))));
        half h = __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
        return (h[0] + h[2]) + (h[1] + h[3]);
    } else if constexpr (n == 4) {
        return (v[0] + v[2]) + (v[1] + v[3]);
    } else {
        return v[0] + v[1];
    }
}

/* Transpose N rows of N elements held in vectors, by log2(N) perfect shuffles. */
template <class T>
PYX_HD void transpose(typename lanes<T>::type* r) {
    constexpr int N = lanes<T>::n;
    typedef typename lanes<T>::type vec;
    vec t[N];
    int stages = N == 16 ? 4 : N == 8 ? 3 : N == 4 ? 2 : 1;
#pragma GCC unroll 4
    for (int s = 0; s < stages; s++) {
#pragma GCC unroll 8
        for (int i = 0; i < N / 2; i++) {
            vec x = r[i], y = r[i + N / 2];
            if constexpr (N == 16) {
                t[2 * i] = __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                t[2 * i + 1] = __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            } else if constexpr (N == 8) {
                t[2 * i] = __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
                t[2 * i + 1] = __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
            } else if constexpr (N == 4) {
                t[2 * i] = __builtin_shufflevector(x, y, 0, 4, 1, 5);
                t[2 * i + 1] = __builtin_shufflevector(x, y, 2, 6, 3, 7);
            } else {
                t[2 * i] = __builtin_shufflevector(x, y, 0, 2);
                t[2 * i + 1] = __builtin_shufflevector(x, y, 1, 3);
            }
        }
#pragma GCC unroll 16
        for (int i = 0; i < N; i++) r[i] = t[i];
    }
}

/* A product over typed pointers; the fields are those of pyx_gemm. */
template <class T>
struct product {
    int64_t m, n, k;
    const T* a;
    int64_t a_row, a_col;
    const T* b;
    int64_t b_row, b_col;
    T* c;
    int64_t c_row;
    const T* d;
    int64_t d_row;
    T alpha, beta;
};

/* 0, or -2 without memory. `parallel` false: all in this thread (the bits are the same). */
template <class T> int gemm(const product<T>& p, bool parallel);
/* Where the right operand is made piece by piece: the left one is packed once (m * k elements, and
   64 of room), the right one comes as strips of strip_width<T> columns, each k rows long, strip s
   at strips + s * size. Of p, a and b are not used. */
template <class T> constexpr int strip_width = 2 * lanes<T>::n;
template <class T> void pack_left(const T* a, int64_t a_row, int64_t a_col, int64_t m, int64_t k, T* out);
template <class T> void gemm_strips(const product<T>& p, const T* left, const T* strips, int64_t size);

extern template int gemm<float>(const product<float>&, bool);
extern template int gemm<double>(const product<double>&, bool);

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
