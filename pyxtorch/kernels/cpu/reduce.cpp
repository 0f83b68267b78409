/* Reductions. Rows are folded in 64 independent lanes that the compiler turns into vectors; lanes,
   blocks and pieces are combined in an order that depends on the size alone. */
#include "pyxtorch/kernels/reduce.h"

#include <math.h>
#include <string.h>

#include "pyxtorch/reductions.h"
#include "pyxtorch/runtime.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace {

constexpr int LANES = 64;
constexpr int64_t BLOCK = 64 * LANES, PIECE = 1 << 16, ROWS = 128;

using namespace reduction;

/* In inner loops the sign of a 0 is let go; `settle` looks for the right one where a result is 0. */
template <class Op, class T, class V>
inline V rough(V a, V b) {
    if constexpr (std::is_base_of<Max<T>, Op>::value) return Op::template quick<V>(a, b);
    else return Op::template fold<V>(a, b);
}
/* The results y of `columns` columns of n rows, `step` elements apart */
template <class Op, class T, class W>
void settle(W* y, const T* x, int64_t columns, int64_t n, int64_t step) {
    if constexpr (std::is_base_of<Max<T>, Op>::value) {
        if constexpr (Op::zero != 0) {
            const W wins = Op::zero > 0 ? (W)0 : -(W)0;
            bool any = false;
            for (int64_t c = 0; c < columns; c++)
                if (y[c] == (W)0) {
                    y[c] = -wins;
                    any = true;
                }
            for (int64_t r = 0; any && columns > 1 && r < n; r++)
                for (int64_t c = 0; c < columns; c++) y[c] = (y[c] == (W)0) & (x[r * step + c] == (T)0) ? Op::template fold<W>(y[c], x[r * step + c]) : y[c];
            for (int64_t i = 0; any && columns == 1 && i < n; i += BLOCK) {
                unsigned char found = 0;
                for (int64_t k = i; k < std::min(n, i + BLOCK); k++) found |= (x[k * step] == (T)0) & (sign_bit(x[k * step]) == sign_bit(wins));
                if (found) y[0] = wins;
                any = !found;
            }
        }
    }
}

/* Fold n contiguous elements. */
template <class Op, class T>
typename Op::W fold_row(const T* x, int64_t n, double p) {
    typedef typename Op::A A;
    typedef typename Op::W W;
    W total = convert<W>(Op::first());
    int64_t i = 0;
    if (n >= LANES) {
        W wide[LANES];
        for (int k = 0; k < LANES; k++) wide[k] = convert<W>(Op::first());
        while (n - i >= LANES) {
            int64_t end = i + (n - i < BLOCK ? (n - i) / LANES * LANES : BLOCK);
            A lane[LANES];
            for (int k = 0; k < LANES; k++) lane[k] = Op::first();
            for (; i < end; i += LANES)
                for (int k = 0; k < LANES; k++) lane[k] = rough<Op, T, A>(lane[k], Op::map(x[i + k], p));
            for (int k = 0; k < LANES; k++) wide[k] = rough<Op, T, W>(wide[k], convert<W>(lane[k]));
        }
        for (int width = LANES / 2; width; width /= 2)
            for (int k = 0; k < width; k++) wide[k] = Op::template fold<W>(wide[k], wide[k + width]);
        total = wide[0];
    }
    for (; i < n; i++) total = rough<Op, T, W>(total, convert<W>(Op::map(x[i], p)));
    settle<Op, T>(&total, x, 1, n, 1);
    return total;
}

template <class Op, class T>
int run(const T* x, void* out, int64_t outer, int64_t dim, int64_t inner, double p) {
    typedef typename Op::A A;
    typedef typename Op::W W;
    typename Op::R* y = (typename Op::R*)out;
    if (outer == 0 || inner == 0) return 0;
    if (inner == 1) {
        if (dim <= PIECE || outer > 64) {
            parallel_for(outer, dim ? std::max<int64_t>(1, 32768 / dim) : outer, [=](int64_t a, int64_t b) {
                for (int64_t i = a; i < b; i++) y[i] = Op::finish(fold_row<Op, T>(x + i * dim, dim, p), p);
            });
            return 0;
        }
        int64_t pieces = (dim + PIECE - 1) / PIECE;
        scratch<W> part(pieces * outer);
        if (!part) return -3;
        W* w = part;
        parallel_for(pieces * outer, 1, [=](int64_t a, int64_t b) {
            for (int64_t i = a; i < b; i++) {
                int64_t row = i / pieces, start = i % pieces * PIECE;
                w[i] = fold_row<Op, T>(x + row * dim + start, std::min(PIECE, dim - start), p);
            }
        });
        for (int64_t i = 0; i < outer; i++) {
            W total = w[i * pieces];
            for (int64_t k = 1; k < pieces; k++) total = Op::template fold<W>(total, w[i * pieces + k]);
            y[i] = Op::finish(total, p);
        }
        return 0;
    }
    /* Columns: pieces of ROWS rows by tiles of columns, then the pieces of each column in order. */
    const int64_t tile = 2048 / (int64_t)sizeof(W) * 2;
    int64_t tiles = (inner + tile - 1) / tile, pieces = dim ? (dim + ROWS - 1) / ROWS : 1;
    scratch<W> part(outer * pieces * inner);
    if (!part) return -3;
    W* w = part;
    int64_t work = std::min(dim, ROWS) * std::min(inner, tile);
    parallel_for(outer * pieces * tiles, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, work)), [=](int64_t a, int64_t b) {
        for (int64_t i = a; i < b; i++) {
            int64_t t = i % tiles, q = i / tiles % pieces, o = i / tiles / pieces;
            int64_t c0 = t * tile, columns = std::min(tile, inner - c0), r0 = q * ROWS, r1 = std::min(dim, r0 + ROWS);
            A lane[2048 / sizeof(W) * 2];
            for (int64_t c = 0; c < columns; c++) lane[c] = Op::first();
            int64_t r = r0;
            /* Sums, four rows at once: fewer roundings, and less to and fro of the lanes */
            for (; std::is_base_of<Sum<T>, Op>::value && r + 4 <= r1; r += 4) {
                const T *row = x + (o * dim + r) * inner + c0, *second = row + inner, *third = second + inner, *fourth = third + inner;
                for (int64_t c = 0; c < columns; c++)
                    lane[c] = Op::template fold<A>(lane[c], Op::template fold<A>(Op::template fold<A>(Op::map(row[c], p), Op::map(second[c], p)),
                                                                                 Op::template fold<A>(Op::map(third[c], p), Op::map(fourth[c], p))));
            }
            for (; r < r1; r++) {
                const T* row = x + (o * dim + r) * inner + c0;
                for (int64_t c = 0; c < columns; c++) lane[c] = rough<Op, T, A>(lane[c], Op::map(row[c], p));
            }
            settle<Op, T>(lane, x + (o * dim + r0) * inner + c0, columns, r1 - r0, inner);
            W* to = w + (o * pieces + q) * inner + c0;
            for (int64_t c = 0; c < columns; c++) to[c] = convert<W>(lane[c]);
        }
    });
    parallel_for(outer * inner, 16384, [=](int64_t a, int64_t b) {
        for (int64_t i = a; i < b;) {
            int64_t o = i / inner, c0 = i % inner, c1 = std::min(inner, c0 + (b - i));
            W* first = w + o * pieces * inner;
            for (int64_t q = 1; q < pieces; q++)
                for (int64_t c = c0; c < c1; c++) first[c] = Op::template fold<W>(first[c], first[q * inner + c]);
            for (int64_t c = c0; c < c1; c++) y[o * inner + c] = Op::finish(first[c], p);
            i += c1 - c0;
        }
    });
    return 0;
}

typedef int (*reducer)(const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, double p);
template <template <class> class Op, class T>
int run_as(const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, double p) {
    return run<Op<T>, T>((const T*)x, y, outer, dim, inner, p);
}
template <template <class> class Op, uint32_t dtypes, int code, class T>
constexpr reducer reducer_of() {
    if constexpr (dtypes >> code & 1) return run_as<Op, T>;
    else return nullptr;
}

struct Entry {
    const char *name, *cpp_name;
    uint32_t dtypes;
    reducer functions[PYX_NUM_DTYPES];
};
template <template <class> class Op, uint32_t dtypes>
constexpr Entry entry(const char* name, const char* cpp_name) {
    Entry e = {name, cpp_name, dtypes, {}};
    e.functions[PYX_BOOL] = reducer_of<Op, dtypes, PYX_BOOL, unsigned char>();
#define FUNCTION(code, T, ...) e.functions[code] = reducer_of<Op, dtypes, code, T>();
    PYX_EACH_INTEGER(FUNCTION)
    PYX_EACH_FLOAT(FUNCTION)
    PYX_EACH_COMPLEX(FUNCTION)
#undef FUNCTION
    return e;
}
#define ENTRY(name, Op, dtypes) entry<Op, dtypes>(#name, #Op),
const Entry entries[] = {PYX_REDUCTIONS(ENTRY)};
constexpr int COUNT = (int)(sizeof entries / sizeof *entries);

int find_by_name(const char* name) {
    for (int i = 0; i < COUNT; i++)
        if (strcmp(entries[i].name, name) == 0) return i;
    return -1;
}
const char* name_of(int op) { return op >= 0 && op < COUNT ? entries[op].cpp_name : nullptr; }
uint32_t dtypes_of(int op) { return entries[op].dtypes; }

int reduce(int op, int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, double p) {
    reducer f = op >= 0 && op < COUNT && dtype >= 0 && dtype < PYX_NUM_DTYPES ? entries[op].functions[dtype] : nullptr;
    return f ? f(x, y, outer, dim, inner, p) : -1;
}

/* The first position of the extreme of n contiguous elements: its value by lanes, then a search, to which -0 and 0 are equal. */
template <class Op, class T>
int64_t find_row(const T* x, int64_t n, T* value) {
    T best = fold_row<Op, T>(x, n, 0);
    *value = best;
    if (is_nan(best)) {
        for (int64_t i = 0; i < n; i++)
            if (is_nan(x[i])) return i;
    }
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        unsigned char any = 0;
        for (int k = 0; k < LANES; k++) any |= x[i + k] == best;
        if (any) break;
    }
    for (; i < n; i++)
        if (x[i] == best) {
            *value = x[i];
            return i;
        }
    return 0;
}

template <class Op, class T>
int find(const T* x, void* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner) {
    T* v = (T*)values;
    if (inner == 1) {
        if (dim > PIECE && outer <= 64) {
            int64_t pieces = (dim + PIECE - 1) / PIECE;
            scratch<T> part(pieces);
            if (!part) return -3;
            T* w = part;
            for (int64_t o = 0; o < outer; o++) {
                const T* row = x + o * dim;
                parallel_for(pieces, 1, [=](int64_t a, int64_t b) {
                    for (int64_t i = a; i < b; i++) w[i] = fold_row<Op, T>(row + i * PIECE, std::min(PIECE, dim - i * PIECE), 0);
                });
                T value;
                int64_t piece = find_row<Op, T>(w, pieces, &value), start = piece * PIECE;
                int64_t at = start + find_row<Op, T>(row + start, std::min(PIECE, dim - start), &value);
                if (v) v[o] = value;
                if (indices) indices[o] = at;
            }
            return 0;
        }
        parallel_for(outer, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, dim)), [=](int64_t a, int64_t b) {
            for (int64_t i = a; i < b; i++) {
                T value;
                int64_t at = find_row<Op, T>(x + i * dim, dim, &value);
                if (v) v[i] = value;
                if (indices) indices[i] = at;
            }
        });
        return 0;
    }
    constexpr int64_t TILE = 256;
    int64_t tiles = (inner + TILE - 1) / TILE;
    parallel_for(outer * tiles, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, dim * std::min(inner, TILE))), [=](int64_t a, int64_t b) {
        for (int64_t i = a; i < b; i++) {
            int64_t o = i / tiles, c0 = i % tiles * TILE, columns = std::min(TILE, inner - c0);
            T best[TILE];
            int64_t at[TILE];
            const T* base = x + o * dim * inner + c0;
            for (int64_t c = 0; c < columns; c++) {
                best[c] = base[c];
                at[c] = 0;
            }
            for (int64_t r = 1; r < dim; r++) {
                const T* row = base + r * inner;
                for (int64_t c = 0; c < columns; c++) {
                    T e = row[c], old = best[c];
                    bool take = Op::fold(old, e) != old || (e != e && old == old);
                    take = take && old == old;
                    best[c] = take ? e : old;
                    at[c] = take ? r : at[c];
                }
            }
            for (int64_t c = 0; c < columns; c++) {
                if (v) v[o * inner + c0 + c] = best[c];
                if (indices) indices[o * inner + c0 + c] = at[c];
            }
        }
    });
    return 0;
}

int extreme(int smallest, int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner) {
    if (outer == 0 || inner == 0) return 0;
    PYX_SWITCH(dtype, PYX_CASE(PYX_BOOL, unsigned char, {
                   if (!smallest) return find<Max<T>, T>((const T*)x, values, indices, outer, dim, inner);
                   return find<Min<T>, T>((const T*)x, values, indices, outer, dim, inner); })
               PYX_INTEGER_CASES({
                   if (!smallest) return find<Max<T>, T>((const T*)x, values, indices, outer, dim, inner);
                   return find<Min<T>, T>((const T*)x, values, indices, outer, dim, inner); })
               PYX_FLOAT_CASES({
                   if (!smallest) return find<Max<T>, T>((const T*)x, values, indices, outer, dim, inner);
                   return find<Min<T>, T>((const T*)x, values, indices, outer, dim, inner); }))
    return -1;
}

/* Squared deviations of a row from its mean, by lanes. */
template <class T>
double deviations(const T* x, int64_t n, T mean) {
    double wide[LANES] = {0}, total = 0;
    int64_t i = 0;
    while (n - i >= LANES) {
        int64_t end = i + (n - i < BLOCK ? (n - i) / LANES * LANES : BLOCK);
        T lane[LANES] = {0};
        for (; i < end; i += LANES)
            for (int k = 0; k < LANES; k++) {
                T d = x[i + k] - mean;
                lane[k] += d * d;
            }
        for (int k = 0; k < LANES; k++) wide[k] += lane[k];
    }
    for (int width = LANES / 2; width; width /= 2)
        for (int k = 0; k < width; k++) wide[k] += wide[k + width];
    total = wide[0];
    for (; i < n; i++) total += (double)(x[i] - mean) * (x[i] - mean);
    return total;
}

template <class T>
int vary(const T* x, T* var, T* mean, int64_t outer, int64_t dim, int64_t inner, double correction) {
    double divisor = (double)dim - correction < 0 ? 0 : (double)dim - correction;
    if (inner == 1) {
        parallel_for(outer, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, dim)), [=](int64_t a, int64_t b) {
            for (int64_t i = a; i < b; i++) {
                const T* row = x + i * dim;
                double m = (double)fold_row<Sum<T>, T>(row, dim, 0) / dim;
                var[i] = (T)(deviations<T>(row, dim, (T)m) / divisor);
                if (mean) mean[i] = (T)m;
            }
        });
        return 0;
    }
    constexpr int64_t TILE = 64;
    int64_t tiles = (inner + TILE - 1) / TILE;
    parallel_for(outer * tiles, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, dim * std::min(inner, TILE))), [=](int64_t a, int64_t b) {
        for (int64_t i = a; i < b; i++) {
            int64_t o = i / tiles, c0 = i % tiles * TILE, columns = std::min(TILE, inner - c0);
            double m[TILE] = {0}, v[TILE] = {0};
            const T* base = x + o * dim * inner + c0;
            for (int64_t r = 0; r < dim; r++)
                for (int64_t c = 0; c < columns; c++) m[c] += base[r * inner + c];
            for (int64_t c = 0; c < columns; c++) m[c] /= dim;
            for (int64_t r = 0; r < dim; r++)
                for (int64_t c = 0; c < columns; c++) {
                    double d = base[r * inner + c] - m[c];
                    v[c] += d * d;
                }
            for (int64_t c = 0; c < columns; c++) {
                var[o * inner + c0 + c] = (T)(v[c] / divisor);
                if (mean) mean[o * inner + c0 + c] = (T)m[c];
            }
        }
    });
    return 0;
}

int variance(int dtype, const void* x, void* var, void* mean, int64_t outer, int64_t dim, int64_t inner, double correction) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return vary<T>((const T*)x, (T*)var, (T*)mean, outer, dim, inner, correction); }))
    return -1;
}

const pyx_reduce_kernels table = {find_by_name, name_of, dtypes_of, reduce, extreme, variance};

}  // namespace
}  // namespace PYX_LEVEL_NS
}  // namespace pyx

PYX_KERNELS(reduce, pyx::table)
