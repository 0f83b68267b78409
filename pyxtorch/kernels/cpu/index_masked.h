/* Masks, triangles and repeats: the part of the family `index` without index tensors.
   Included by index.cpp, whose table holds these. */
#pragma once
#include <string.h>

#include <atomic>

#include "pyxtorch/kernels/index.h"
#include "pyxtorch/runtime.h"
#if defined(__AVX512F__)
#include <immintrin.h>
/* GCC 12 warns of the undefined operand inside its own intrinsics. */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

namespace {
using namespace pyx;

constexpr int64_t MASK_PIECE = 65536;  // elements of a mask in a piece

inline int64_t count_piece(const uint8_t* mask, int64_t n) {
    int64_t total = 0;
    while (n > 0) {  /* bytes add up in bytes for short stretches: wide vectors */
        int64_t m = std::min<int64_t>(n, 4096);
        uint32_t sum = 0;
        for (int64_t i = 0; i < m; i++) sum += mask[i] != 0;
        total += sum;
        mask += m;
        n -= m;
    }
    return total;
}

/* starts[i]: number of true elements before piece i; returns the number of all. -1: no memory */
inline int64_t find_starts(const uint8_t* mask, int64_t n, int64_t* starts) {
    parallel_for(n, MASK_PIECE, [&](int64_t begin, int64_t end) { starts[begin / MASK_PIECE] = count_piece(mask + begin, end - begin); });
    int64_t total = 0;
    for (int64_t i = 0; i * MASK_PIECE < n; i++) {
        int64_t c = starts[i];
        starts[i] = total;
        total += c;
    }
    return total;
}

int64_t index_count_true(const uint8_t* mask, int64_t n) {
    if (n <= MASK_PIECE) return count_piece(mask, n);
    scratch<int64_t> starts(n / MASK_PIECE + 1);
    if (!starts) return count_piece(mask, n);
    return find_starts(mask, n, starts);
}

/* Eight mask bytes at once: bit i of the result is set where byte i is not zero. */
inline unsigned bits_of(const uint8_t* mask) {
    uint64_t w;
    memcpy(&w, mask, 8);
    w |= w >> 4;
    w |= w >> 2;
    w |= w >> 1;
    w &= 0x0101010101010101ull;
    return (unsigned)((w * 0x0102040810204080ull) >> 56);
}

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
inline __mmask16 mask16(const uint8_t* mask) {
    __m128i m = _mm_loadu_si128((const __m128i*)mask);
    return _mm_test_epi8_mask(m, m);
}
#endif

template <class T>
void select_piece(const T* x, const uint8_t* mask, int64_t n, T* out) {
    int64_t i = 0;
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
    /* Compress in a register and store under a mask: a compressing store is slow on some CPUs. */
    if (sizeof(T) == 4) {
        for (; i + 16 <= n; i += 16) {
            __mmask16 k = mask16(mask + i);
            int c = __builtin_popcount(k);
            __m512i v = _mm512_maskz_compress_epi32(k, _mm512_loadu_si512(x + i));
            _mm512_mask_storeu_epi32(out, (__mmask16)((1u << c) - 1), v);
            out += c;
        }
    } else if (sizeof(T) == 8) {
        for (; i + 16 <= n; i += 16) {
            __mmask16 k = mask16(mask + i);
            for (int half = 0; half < 2; half++) {
                __mmask8 h = (__mmask8)(k >> (8 * half));
                int c = __builtin_popcount(h);
                __m512i v = _mm512_maskz_compress_epi64(h, _mm512_loadu_si512(x + i + 8 * half));
                _mm512_mask_storeu_epi64(out, (__mmask8)((1u << c) - 1), v);
                out += c;
            }
        }
    }
#endif
    for (; i + 8 <= n; i += 8)
        for (unsigned b = bits_of(mask + i); b; b &= b - 1) *out++ = x[i + __builtin_ctz(b)];
    for (; i < n; i++)
        if (mask[i]) *out++ = x[i];
}

template <class T>
void scatter_piece(T* x, const uint8_t* mask, int64_t n, const T* source) {
    for (int64_t i = 0; i < n; i++)
        if (mask[i]) x[i] = *source++;
}

struct index_b16 {
    uint64_t a, b;
};
#define INDEX_BY_SIZE(itemsize, call)                          \
    switch (itemsize) {                                        \
        case 1: { typedef uint8_t T; call; break; }            \
        case 2: { typedef uint16_t T; call; break; }           \
        case 4: { typedef uint32_t T; call; break; }           \
        case 8: { typedef uint64_t T; call; break; }           \
        default: { typedef index_b16 T; call; break; }         \
    }

/* f(begin, end, mask of begin..end, number of true elements before begin), piece by piece. Each piece's bytes
   are copied first, and counted and used from that copy: what another thread writes into the mask meanwhile
   cannot lead beyond the room. -3 where fewer than `least` or more than `most` are true, or their number changes. */
template <class F>
int each_piece(const uint8_t* mask, int64_t n, int64_t least, int64_t most, F&& f) {
    if (n <= MASK_PIECE) {
        uint8_t bytes[MASK_PIECE];
        memcpy(bytes, mask, n);
        int64_t total = count_piece(bytes, n);
        if (total < least || total > most) return -3;
        f((int64_t)0, n, (const uint8_t*)bytes, (int64_t)0);
        return 0;
    }
    int64_t pieces = (n + MASK_PIECE - 1) / MASK_PIECE;
    scratch<int64_t> starts(pieces + 1);
    if (!starts) return -4;
    int64_t total = starts[pieces] = find_starts(mask, n, starts);
    if (total < least || total > most) return -3;
    std::atomic<bool> changed{false};
    parallel_for(n, MASK_PIECE, [&](int64_t begin, int64_t end) {
        uint8_t bytes[MASK_PIECE];
        int64_t i = begin / MASK_PIECE;
        memcpy(bytes, mask + begin, end - begin);
        if (count_piece(bytes, end - begin) != starts[i + 1] - starts[i]) changed = true;
        else f(begin, end, (const uint8_t*)bytes, starts[i]);
    });
    return changed ? -3 : 0;
}

int index_masked_select(int itemsize, const char* x, const uint8_t* mask, int64_t n, int64_t room, char* out) {
    INDEX_BY_SIZE(itemsize, return each_piece(mask, n, room, room, [&](int64_t begin, int64_t end, const uint8_t* m, int64_t start) {
        select_piece<T>((const T*)x + begin, m, end - begin, (T*)out + start);
    }))
    return 0;
}

int index_masked_scatter(int itemsize, char* x, const uint8_t* mask, int64_t n, int64_t room, const char* source) {
    INDEX_BY_SIZE(itemsize, return each_piece(mask, n, 0, room, [&](int64_t begin, int64_t end, const uint8_t* m, int64_t start) {
        scatter_piece<T>((T*)x + begin, m, end - begin, (const T*)source + start);
    }))
    return 0;
}

/* Positions of the true elements of mask[0..n), counted from `first`. */
inline int64_t* flat_piece(const uint8_t* mask, int64_t n, int64_t first, int64_t* out) {
    int64_t i = 0;
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
    __m512i place = _mm512_add_epi64(_mm512_set1_epi64(first), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    const __m512i eight = _mm512_set1_epi64(8);
    for (; i + 16 <= n; i += 16) {
        __mmask16 k = mask16(mask + i);
        for (int half = 0; half < 2; half++) {
            __mmask8 h = (__mmask8)(k >> (8 * half));
            int c = __builtin_popcount(h);
            _mm512_mask_storeu_epi64(out, (__mmask8)((1u << c) - 1), _mm512_maskz_compress_epi64(h, place));
            out += c;
            place = _mm512_add_epi64(place, eight);
        }
    }
#endif
    for (; i + 8 <= n; i += 8)
        for (unsigned b = bits_of(mask + i); b; b &= b - 1) *out++ = first + i + __builtin_ctz(b);
    for (; i < n; i++)
        if (mask[i]) *out++ = first + i;
    return out;
}

int index_nonzero(const uint8_t* mask, int nd, const int64_t* shape, int64_t room, int64_t* out) {
    int64_t n = 1;
    for (int d = 0; d < nd; d++) n *= shape[d];
    if (n == 0 || nd == 0) return 0;
    return each_piece(mask, n, room, room, [&](int64_t begin, int64_t end, const uint8_t* m, int64_t start) {
        int64_t* o = out + start * nd;
        if (nd == 1) {
            flat_piece(m, end - begin, begin, o);
            return;
        }
        int64_t found[256], last = shape[nd - 1];
        int64_t row_begin = begin / last * last, at[PYX_MAX_DIMS], rest = begin / last;
        for (int d = nd - 2; d >= 0; d--) {
            at[d] = rest % shape[d];
            rest /= shape[d];
        }
        for (int64_t i = begin; i < end;) {
            int64_t stop = std::min(std::min(end, row_begin + last), i + 256);
            int64_t c = flat_piece(m + (i - begin), stop - i, i - row_begin, found) - found;
            for (int64_t k = 0; k < c; k++, o += nd) {
                for (int d = 0; d < nd - 1; d++) o[d] = at[d];
                o[nd - 1] = found[k];
            }
            i = stop;
            if (i == row_begin + last) {
                row_begin = i;
                for (int d = nd - 2; d >= 0; d--) {
                    if (++at[d] < shape[d]) break;
                    at[d] = 0;
                }
            }
        }
    });
}

int index_triangle(int itemsize, int upper, int64_t diagonal, int64_t batch, int64_t rows, int64_t columns,
                   const char* x, char* y) {
    int64_t width = columns * itemsize;
    if (batch * rows * columns == 0) return 0;
    parallel_for(batch * rows, std::max<int64_t>(1, 65536 / width), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++) {
            /* columns below `edge` are the lower part of this row */
            int64_t row = r % rows, edge = diagonal < -rows ? 0 : diagonal > columns ? columns : row + diagonal + (upper ? 0 : 1);
            edge = std::max<int64_t>(0, std::min(edge, columns)) * itemsize;
            const char* from = x + r * width;
            char* to = y + r * width;
            if (upper) {
                memset(to, 0, edge);
                memcpy(to + edge, from + edge, width - edge);
            } else {
                memcpy(to, from, edge);
                memset(to + edge, 0, width - edge);
            }
        }
    });
    return 0;
}

int index_repeat(const int64_t* repeats, int64_t n, int64_t* out, int64_t total) {
    int64_t* stop = out + total;
    for (int64_t i = 0; i < n; i++) {
        if (repeats[i] < 0 || repeats[i] > stop - out) return -3;
        for (int64_t k = 0; k < repeats[i]; k++) *out++ = i;
    }
    return out == stop ? 0 : -3;
}
}  // namespace
