/* Keys: unsigned integers that are ordered as the elements are, NaN last, -0 equal to 0. */
#pragma once
#include "pyxtorch/runtime.h"

namespace {
using namespace pyx;

template <int bytes> struct uint_of;
template <> struct uint_of<1> { typedef uint8_t type; };
template <> struct uint_of<2> { typedef uint16_t type; };
template <> struct uint_of<4> { typedef uint32_t type; };
template <> struct uint_of<8> { typedef uint64_t type; };
template <class T> using key_t_ = typename uint_of<sizeof(T)>::type;

template <class T> inline key_t_<T> signed_key(T x) {
    return (key_t_<T>)((key_t_<T>)x ^ (key_t_<T>)((key_t_<T>)1 << (8 * sizeof(T) - 1)));
}
/* Bits of a float: negative ones reversed, positive ones above them. `infinity`: its bits. */
template <class U> inline U float_key(U u, U infinity) {
    const U top = (U)((U)1 << (8 * sizeof(U) - 1));
    U size = (U)(u & (U)~top);
    U key = size == 0 ? top : (u & top) ? (U)~u : (U)(u | top);
    return size > infinity ? (U)~(U)0 : key;
}
inline uint8_t key_of(bool x) { return x; }
inline uint8_t key_of(pyx_u8 x) { return x; }
inline uint16_t key_of(pyx_u16 x) { return x; }
inline uint32_t key_of(pyx_u32 x) { return x; }
inline uint64_t key_of(pyx_u64 x) { return x; }
inline uint8_t key_of(pyx_i8 x) { return signed_key(x); }
inline uint16_t key_of(pyx_i16 x) { return signed_key(x); }
inline uint32_t key_of(pyx_i32 x) { return signed_key(x); }
inline uint64_t key_of(pyx_i64 x) { return signed_key(x); }
inline uint16_t key_of(f16 x) { return float_key<uint16_t>(x.x, 0x7c00); }
inline uint16_t key_of(bf16 x) { return float_key<uint16_t>(x.x, 0x7f80); }
inline uint32_t key_of(float x) { return float_key<uint32_t>(bits<uint32_t>(x), 0x7f800000u); }
inline uint64_t key_of(double x) { return float_key<uint64_t>(bits<uint64_t>(x), 0x7ff0000000000000ull); }

template <class T> struct floats { static constexpr bool value = false; };
template <> struct floats<f16> { static constexpr bool value = true; };
template <> struct floats<bf16> { static constexpr bool value = true; };
template <> struct floats<float> { static constexpr bool value = true; };
template <> struct floats<double> { static constexpr bool value = true; };
template <class T> inline bool is_nan_key(key_t_<T> k) { return floats<T>::value && k == (key_t_<T>)~(key_t_<T>)0; }

/* A key and its position in one number that orders both: 64 bits where they fit. */
template <class K> struct packed { typedef uint64_t type; };
template <> struct packed<uint64_t> { typedef unsigned __int128 type; };
template <class K> using packed_t = typename packed<K>::type;
template <class K> inline packed_t<K> pack(K key, int64_t i) {
    constexpr int shift = sizeof(K) == 8 ? 64 : 32;
    return ((packed_t<K>)key << shift) | (packed_t<K>)(uint64_t)i;
}
template <class K> inline K key_in(packed_t<K> p) { return (K)(p >> (sizeof(K) == 8 ? 64 : 32)); }
template <class K> inline int64_t place_in(packed_t<K> p) {
    return sizeof(K) == 8 ? (int64_t)(uint64_t)p : (int64_t)(uint32_t)p;
}
/* Longest line that 32-bit positions reach; longer ones take 128-bit pairs. */
constexpr int64_t SHORT = (int64_t)1 << 32;

/* Least significant digit first; a digit in which all keys agree costs one counting pass less.
   Returns where the result is: a or b. */
template <class K>
packed_t<K>* radix_sort(packed_t<K>* a, packed_t<K>* b, int64_t n) {
    constexpr int shift = sizeof(K) == 8 ? 64 : 32;
    constexpr int digit = sizeof(K) == 1 ? 8 : sizeof(K) == 2 ? 8 : 11;
    constexpr int passes = (8 * (int)sizeof(K) + digit - 1) / digit;
    constexpr int buckets = 1 << digit;
    uint32_t mask = buckets - 1;
    scratch<int64_t> counts((int64_t)passes * buckets);
    if (!counts) {
        std::sort(a, a + n);
        return a;
    }
    std::fill(counts.p, counts.p + passes * buckets, 0);
    for (int64_t i = 0; i < n; i++) {
        K key = key_in<K>(a[i]);
        for (int p = 0; p < passes; p++) counts[p * buckets + (int)((key >> (p * digit)) & mask)]++;
    }
    for (int p = 0; p < passes; p++) {
        int64_t* c = counts + p * buckets;
        if (c[(key_in<K>(a[0]) >> (p * digit)) & mask] == n) continue;
        int64_t at = 0;
        for (int i = 0; i < buckets; i++) {
            int64_t k = c[i];
            c[i] = at;
            at += k;
        }
        int down = shift + p * digit;
        for (int64_t i = 0; i < n; i++) b[c[(uint32_t)(a[i] >> down) & mask]++] = a[i];
        std::swap(a, b);
    }
    return a;
}

template <class K>
packed_t<K>* sort_packed(packed_t<K>* a, packed_t<K>* b, int64_t n) {
    if (n <= 24) {
        for (int64_t i = 1; i < n; i++) {
            packed_t<K> v = a[i];
            int64_t j = i;
            for (; j > 0 && a[j - 1] > v; j--) a[j] = a[j - 1];
            a[j] = v;
        }
        return a;
    }
    if (n < (sizeof(K) == 8 ? 4096 : 512)) {
        std::sort(a, a + n);
        return a;
    }
    return radix_sort<K>(a, b, n);
}
}  // namespace
