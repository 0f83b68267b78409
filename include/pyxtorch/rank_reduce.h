/* What several ranks' numbers become: the rows of all ranks, in the order of the ranks, made one row.

   The order is fixed, so the bits depend on the numbers and on how many ranks there are, not on who came first. float16 and
   bfloat16 are added in float and rounded once. NaN wins in min and max. */
#pragma once
#include <string.h>
#include <type_traits>

#include "half.h"

#pragma GCC push_options
#pragma GCC optimize("O3")

namespace pyx_ranks {

enum op { SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR, PREMUL_SUM };
enum { BLOCK = 2048 };

template <class A> struct whole { static const bool value = true; };
template <> struct whole<float> { static const bool value = false; };
template <> struct whole<double> { static const bool value = false; };

template <class T> inline const T* load(const T* x, T*, int64_t) { return x; }
template <class T> inline void store(const T* acc, T* out, int64_t n) { if (acc != out) memcpy(out, acc, n * sizeof(T)); }
template <class H> inline const float* load(const H* x, float* room, int64_t n) { pyx::to_floats(x, room, n); return room; }
template <class H> inline void store(const float* acc, H* out, int64_t n) { pyx::from_floats(acc, out, n); }
inline const float* load(const float* x, float*, int64_t) { return x; }
inline void store(const float* acc, float* out, int64_t n) { if (acc != out) memcpy(out, acc, n * sizeof(float)); }

template <class A, class F>
inline void merge(A* acc, const A* x, int64_t n, F f) {
    for (int64_t i = 0; i < n; i++) acc[i] = (A)f(acc[i], x[i]);
}

template <class A>
inline bool bitwise(int op, A* acc, const A* x, int64_t n, float) { (void)op, (void)acc, (void)x, (void)n; return false; }
template <class A>
inline bool bitwise(int op, A* acc, const A* x, int64_t n, int) {
    switch (op) {
        case BAND: merge(acc, x, n, [](A a, A b) { return a & b; }); return true;
        case BOR: merge(acc, x, n, [](A a, A b) { return a | b; }); return true;
        case BXOR: merge(acc, x, n, [](A a, A b) { return a ^ b; }); return true;
    }
    return false;
}

template <class A>
inline bool combine(int op, A* acc, const A* x, int64_t n) {
    switch (op) {
        case SUM: case AVG: case PREMUL_SUM: merge(acc, x, n, [](A a, A b) { return a + b; }); return true;
        case PRODUCT: merge(acc, x, n, [](A a, A b) { return a * b; }); return true;
        case MIN: merge(acc, x, n, [](A a, A b) { return a != a || a < b ? a : b; }); return true;
        case MAX: merge(acc, x, n, [](A a, A b) { return a != a || a > b ? a : b; }); return true;
    }
    typedef typename std::conditional<whole<A>::value, int, float>::type kind;
    return bitwise(op, acc, x, n, kind());
}

/* A: what is computed in; rows of T. */
template <class T, class A>
inline bool reduce_rows(int op, const char* const* rows, int count, int64_t n, char* out, double factor) {
    A acc[BLOCK], room[BLOCK];
    for (int64_t start = 0; start < n; start += BLOCK) {
        int64_t m = n - start < BLOCK ? n - start : BLOCK;
        for (int r = 0; r < count; r++) {
            const A* x = load((const T*)rows[r] + start, room, m);
            if (op == PREMUL_SUM) {
                for (int64_t i = 0; i < m; i++) room[i] = (A)(x[i] * (A)factor);
                x = room;
            }
            if (r == 0) memcpy(acc, x, m * sizeof(A));
            else if (!combine(op, acc, x, m)) return false;
        }
        if (op == AVG)
            for (int64_t i = 0; i < m; i++) acc[i] = (A)(acc[i] / (A)count);
        store((const A*)acc, (T*)out + start, m);
    }
    return true;
}

/* bool as bytes of 0 and 1. */
inline bool reduce_bools(int op, const char* const* rows, int count, int64_t n, char* out) {
    static const int as[] = {BOR, -1, BAND, BAND, BOR, BAND, BOR, BXOR, -1};
    return as[op] >= 0 && reduce_rows<uint8_t, uint8_t>(as[op], rows, count, n, out, 1);
}

/* `out` may be one of the rows. False: not of this dtype. Complex numbers are summed as their parts. */
inline bool reduce(int dtype, int op, const char* const* rows, int count, int64_t n, char* out, double factor) {
    switch (dtype) {
        case PYX_BOOL: return reduce_bools(op, rows, count, n, out);
        case PYX_UINT8: return reduce_rows<uint8_t, uint8_t>(op, rows, count, n, out, factor);
        case PYX_UINT16: return reduce_rows<uint16_t, uint16_t>(op, rows, count, n, out, factor);
        case PYX_UINT32: return reduce_rows<uint32_t, uint32_t>(op, rows, count, n, out, factor);
        case PYX_UINT64: return reduce_rows<uint64_t, uint64_t>(op, rows, count, n, out, factor);
        case PYX_INT8: return reduce_rows<int8_t, int8_t>(op, rows, count, n, out, factor);
        case PYX_INT16: return reduce_rows<int16_t, int16_t>(op, rows, count, n, out, factor);
        case PYX_INT32: return reduce_rows<int32_t, int32_t>(op, rows, count, n, out, factor);
        case PYX_INT64: return reduce_rows<int64_t, int64_t>(op, rows, count, n, out, factor);
        case PYX_FLOAT16: return reduce_rows<pyx::f16, float>(op, rows, count, n, out, factor);
        case PYX_BFLOAT16: return reduce_rows<pyx::bf16, float>(op, rows, count, n, out, factor);
        case PYX_FLOAT32: return reduce_rows<float, float>(op, rows, count, n, out, factor);
        case PYX_FLOAT64: return reduce_rows<double, double>(op, rows, count, n, out, factor);
    }
    if (op != SUM && op != AVG && op != PREMUL_SUM) return false;
    switch (dtype) {
        case PYX_COMPLEX32: return reduce_rows<pyx::f16, float>(op, rows, count, 2 * n, out, factor);
        case PYX_COMPLEX64: return reduce_rows<float, float>(op, rows, count, 2 * n, out, factor);
        case PYX_COMPLEX128: return reduce_rows<double, double>(op, rows, count, 2 * n, out, factor);
    }
    return false;
}

}  // namespace pyx_ranks

#pragma GCC pop_options
