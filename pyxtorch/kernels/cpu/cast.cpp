/* Casts, copies and fills of the family `elementwise`. */
#include <string.h>

#include "elementwise_cast.h"
#include "elementwise_groups.h"
#include "pyxtorch/float8.h"
#include "pyxtorch/half.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

/* ----------------------------------------------------------------------- contiguous values */

/* Fractions are cut off. A float goes to a narrow integer through a wide one, so that what does
   not fit wraps around, -1 to 255, instead of being undefined. */
template <class To, class From>
static inline To convert_one(From x) {
    if constexpr (kind_of<From>::value == 2 && kind_of<To>::value == 2) {
        return To{(real_t<To>)x.re, (real_t<To>)x.im};
    } else if constexpr (std::is_same<To, bool>::value) {
        return nonzero(x);
    } else if constexpr (kind_of<From>::value == 2) {
        return convert_one<To>(x.re);
    } else if constexpr (kind_of<To>::value == 2) {
        return To{(real_t<To>)x, (real_t<To>)0};
    } else if constexpr (kind_of<From>::value == 1 && kind_of<To>::value == 0 && sizeof(To) < 4) {
        return (To)(pyx_i32)x;
    } else if constexpr (kind_of<From>::value == 1 && kind_of<To>::value == 0 && !is_signed_type<To>::value) {
        return x < (From)0 ? (To)(pyx_i64)x : (To)x;
    } else {
        return (To)x;
    }
}
template <class To, class From>
static void convert_all(char* dst, const char* src, int64_t n) {
    To* y = (To*)dst;
    const From* x = (const From*)src;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) {
        /* compilers do not vectorise over bool */
        if constexpr (std::is_same<From, bool>::value) y[i] = ((const pyx_u8*)x)[i] ? convert_one<To>((pyx_u8)1) : convert_one<To>((pyx_u8)0);
        else y[i] = convert_one<To>(x[i]);
    }
}
typedef void (*Convert)(char*, const char*, int64_t);

#define BETWEEN(X) X(PYX_BOOL, bool) PYX_EACH_INTEGER(X) PYX_EACH_FLOAT(X) PYX_EACH_COMPLEX(X)

template <class To>
static Convert converter_to(int from) {
    switch (from) {
#define FROM(code, T, ...) case code: return convert_all<To, T>;
        BETWEEN(FROM)
#undef FROM
        default: return nullptr;
    }
}
static Convert converter(int to, int from) {
    switch (to) {
#define TO(code, T, ...) case code: return converter_to<T>(from);
        BETWEEN(TO)
#undef TO
        default: return nullptr;
    }
}

/* What a dtype that nothing is computed in is widened to; others are themselves. */
static inline int wide_of(int dtype) {
    if (dtype == PYX_COMPLEX32) return PYX_COMPLEX64;
    return dtype >= PYX_FLOAT8_E5M2 && dtype < PYX_FLOAT32 ? PYX_FLOAT32 : dtype;
}
static inline void widen(int from, const char* x, float* y, int64_t n) {
    switch (from) {
        case PYX_FLOAT16: to_floats((const f16*)x, y, n); break;
        case PYX_BFLOAT16: to_floats((const bf16*)x, y, n); break;
        case PYX_COMPLEX32: to_floats((const f16*)x, y, 2 * n); break;
        default:
            for (int64_t i = 0; i < n; i++) y[i] = from_float8(from, (pyx_u8)x[i]);
    }
}
static inline void narrow(int to, const float* x, char* y, int64_t n) {
    switch (to) {
        case PYX_FLOAT16: from_floats(x, (f16*)y, n); break;
        case PYX_BFLOAT16: from_floats(x, (bf16*)y, n); break;
        case PYX_COMPLEX32: from_floats(x, (f16*)y, 2 * n); break;
        default:
            for (int64_t i = 0; i < n; i++) y[i] = (char)to_float8(to, x[i]);
    }
}

/* What it takes to convert one dtype into another: into a wide one, between wide ones, into a narrow one. */
struct Cast {
    int to, from, to_size, from_size;
    bool widens, narrows;
    Convert convert;  /* NULL: the wide dtypes are the same */

    Cast(int t, int f) : to(t), from(f), to_size(pyx_itemsize(t)), from_size(pyx_itemsize(f)) {
        int a = wide_of(t), b = wide_of(f);
        narrows = a != t;
        widens = b != f;
        convert = a == b ? nullptr : converter(a, b);
    }

    void contiguous(char* dst, const char* src, int64_t n) const {
        if (to == from) {
            memcpy(dst, src, n * to_size);
            return;
        }
        if (!widens && !narrows) {
            convert(dst, src, n);
            return;
        }
        constexpr int64_t piece = 1024;
        alignas(64) float first[2 * piece], second[2 * piece];
        for (int64_t i = 0; i < n; i += piece) {
            int64_t c = n - i < piece ? n - i : piece;
            const char* x = src + i * from_size;
            char* y = dst + i * to_size;
            if (widens) {       /* at once into dst where dst is wide */
                float* f = convert || narrows ? first : (float*)y;
                widen(from, x, f, c);
                x = (const char*)f;
            }
            if (convert) {
                char* f = narrows ? (char*)second : y;
                convert(f, x, c);
                x = f;
            }
            if (narrows) narrow(to, (const float*)x, y, c);
        }
    }

    void strided(char* dst, int64_t ds, const char* src, int64_t ss, int64_t n) const {
        if (ds == to_size && ss == from_size) {
            contiguous(dst, src, n);
            return;
        }
        if (to == from && ds == to_size) {
            if (ss == 0) fill_piece(dst, src, n);
            else gather(dst, src, ss, n, to_size);
            return;
        }
        if (to == from && ss == to_size) {
            scatter(dst, ds, src, n, to_size);
            return;
        }
        constexpr int64_t piece = 512;
        alignas(64) char x[piece * 16], y[piece * 16];
        for (int64_t i = 0; i < n; i += piece) {
            int64_t c = n - i < piece ? n - i : piece;
            const char* s = src + i * ss;
            char* d = dst + i * ds;
            if (ss != from_size) {
                gather(x, s, ss, c, from_size);
                s = x;
            }
            if (ds == to_size) {
                contiguous(d, s, c);
            } else if (to == from) {
                scatter(d, ds, s, c, to_size);
            } else {
                contiguous(y, s, c);
                scatter(d, ds, y, c, to_size);
            }
        }
    }

    void fill_piece(char* dst, const char* value, int64_t n) const { gather(dst, value, 0, n, to_size); }
};

/* --------------------------------------------------------------------- transposed operands */

/* A square of `side` x `side` elements: its rows lie contiguous in src, its columns in dst. Rows
   are first copied to a buffer, a whole cache line each, because rows a power of two apart fall
   on each other in the cache. */
template <class T, int side>
static inline void transpose_square(char* dst, int64_t ds, const char* src, int64_t ss) {
    alignas(64) T b[side][side];
    for (int i = 0; i < side; i++) memcpy(b[i], src + i * ss, sizeof(b[i]));
    for (int j = 0; j < side; j++) {
        alignas(64) T row[side];
        for (int i = 0; i < side; i++) row[i] = b[i][j];
        memcpy(dst + j * ds, row, sizeof(row));
    }
}
/* dst[j * ds + i] = src[i * ss + j], i < rows, j < columns */
template <class T>
static void transpose(char* dst, int64_t ds, const char* src, int64_t ss, int64_t rows, int64_t columns) {
    constexpr int side = 64 / sizeof(T) > 16 ? 16 : 64 / sizeof(T);
    for (int64_t i = 0; i < rows; i += side)
        for (int64_t j = 0; j < columns; j += side) {
            char* d = dst + j * ds + i * (int64_t)sizeof(T);
            const char* s = src + i * ss + j * (int64_t)sizeof(T);
            if (i + side <= rows && j + side <= columns) {
                transpose_square<T, side>(d, ds, s, ss);
            } else {
                int64_t r = rows - i < side ? rows - i : side, c = columns - j < side ? columns - j : side;
                for (int64_t b = 0; b < c; b++)
                    for (int64_t a = 0; a < r; a++) ((T*)(d + b * ds))[a] = ((const T*)(s + a * ss))[b];
            }
        }
}
static void transpose_bytes(int size, char* dst, int64_t ds, const char* src, int64_t ss, int64_t rows, int64_t columns) {
    struct sixteen {
        uint64_t a, b;
    };
    switch (size) {
        case 1: transpose<uint8_t>(dst, ds, src, ss, rows, columns); break;
        case 2: transpose<uint16_t>(dst, ds, src, ss, rows, columns); break;
        case 4: transpose<uint32_t>(dst, ds, src, ss, rows, columns); break;
        case 8: transpose<uint64_t>(dst, ds, src, ss, rows, columns); break;
        default: transpose<sixteen>(dst, ds, src, ss, rows, columns);
    }
}

/* Dimension 0 is contiguous in dst, `other` in src: in squares of these two, inside the rest. */
static void cast_transposed(const Cast& c, const pyx_strided* w, int other) {
    constexpr int64_t block = 64;
    int64_t rows = w->shape[0], columns = w->shape[other];
    int64_t row_blocks = (rows + block - 1) / block, column_blocks = (columns + block - 1) / block;
    int64_t outer = w->numel / (rows * columns);
    int64_t ss = w->strides[1][0], ds = w->strides[0][other];
    parallel_for(outer * row_blocks * column_blocks, 8, [&](int64_t begin, int64_t end) {
        alignas(64) char square[block * block * 16];
        for (int64_t task = begin; task < end; task++) {
            int64_t j = task % column_blocks * block, rest = task / column_blocks;
            int64_t i = rest % row_blocks * block, index = rest / row_blocks;
            char* dst = w->data[0] + i * c.to_size + j * ds;
            const char* src = w->data[1] + i * ss + j * c.from_size;
            for (int d = 1; d < w->ndim; d++) {
                if (d == other) continue;
                int64_t at = index % w->shape[d];
                index /= w->shape[d];
                dst += at * w->strides[0][d];
                src += at * w->strides[1][d];
            }
            int64_t r = std::min(block, rows - i), n = std::min(block, columns - j);
            if (c.to == c.from) {
                transpose_bytes(c.to_size, dst, ds, src, ss, r, n);
            } else {
                transpose_bytes(c.from_size, square, block * c.from_size, src, ss, r, n);
                for (int64_t b = 0; b < n; b++) c.contiguous(dst + b * ds, square + b * block * c.from_size, r);
            }
        }
    });
}

/* -------------------------------------------------------------------------------- the entries */

int cast(const pyx_strided* walk) {
    const pyx_strided* w = walk;
    if (w->noperands != 2 || w->dtype[0] >= PYX_NUM_DTYPES || w->dtype[1] >= PYX_NUM_DTYPES) return -1;
    if (w->numel <= 0) return 0;
    const Cast c(w->dtype[0], w->dtype[1]);
    if (w->ndim == 1) {
        int64_t ds = w->strides[0][0], ss = w->strides[1][0];
        parallel_for(w->numel, 65536, [&](int64_t begin, int64_t end) {
            c.strided(w->data[0] + begin * ds, ds, w->data[1] + begin * ss, ss, end - begin);
        });
        return 0;
    }
    if (w->strides[0][0] == c.to_size && w->strides[1][0] != c.from_size && w->shape[0] >= 4)
        for (int d = 1; d < w->ndim; d++)
            if (w->strides[1][d] == c.from_size && w->shape[d] >= 4) {
                cast_transposed(c, w, d);
                return 0;
            }
    /* Two dimensions at a time; the odometer turns over the others. */
    int64_t inner = w->shape[0], rows = w->numel / inner;
    int64_t grain = inner >= 65536 ? 1 : 65536 / inner;
    bool same = c.to == c.from;
    bool plain = same && w->strides[0][0] == c.to_size && w->strides[1][0] == c.from_size;
    parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
        int64_t at[PYX_MAX_DIMS];
        char* dst = w->data[0];
        const char* src = w->data[1];
        int64_t index = begin;
        for (int d = 1; d < w->ndim; d++) {
            at[d] = index % w->shape[d];
            index /= w->shape[d];
            dst += at[d] * w->strides[0][d];
            src += at[d] * w->strides[1][d];
        }
        int64_t s0 = w->strides[0][0], s1 = w->strides[1][0];
        while (begin < end) {
            int64_t n = std::min(end - begin, w->shape[1] - at[1]);
            int64_t d1 = w->strides[0][1], e1 = w->strides[1][1];
            if (plain) {
                size_t bytes = (size_t)(inner * c.to_size);
                for (int64_t i = 0; i < n; i++) memcpy(dst + i * d1, src + i * e1, bytes);
            } else if (inner < 16 && n >= inner && same) {
                /* Short rows: the longer dimension is the loop inside. */
                for (int64_t i = 0; i < inner; i++) {
                    if (d1 == c.to_size) gather(dst + i * s0, src + i * s1, e1, n, c.to_size);
                    else c.strided(dst + i * s0, d1, src + i * s1, e1, n);
                }
            } else {
                for (int64_t i = 0; i < n; i++) c.strided(dst + i * d1, s0, src + i * e1, s1, inner);
            }
            begin += n;
            dst += n * d1;
            src += n * e1;
            at[1] += n;
            for (int d = 1; at[d] == w->shape[d] && d + 1 < w->ndim; d++) {
                at[d] = 0;
                at[d + 1]++;
                dst += w->strides[0][d + 1] - w->shape[d] * w->strides[0][d];
                src += w->strides[1][d + 1] - w->shape[d] * w->strides[1][d];
            }
        }
    });
    return 0;
}

int fill(char* data, int64_t n, int itemsize, const char* value) {
    bool one_byte = true;
    for (int i = 1; i < itemsize; i++) one_byte &= value[i] == value[0];
    int64_t grain = 262144 / itemsize;
    parallel_for(n, grain, [&](int64_t begin, int64_t end) {
        char* p = data + begin * itemsize;
        if (one_byte) memset(p, value[0], (end - begin) * itemsize);
        else gather(p, value, 0, end - begin, itemsize);
    });
    return 0;
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
