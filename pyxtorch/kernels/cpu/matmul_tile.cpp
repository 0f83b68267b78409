/* The tiled matrix product of matmul_tile.h. */
#include "matmul_amx.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace {

#if PYX_VECTOR_BYTES == 64
constexpr int MR = 12; /* 12 x 2 accumulators, 2 of B, 1 of A: 32 registers */
#else
constexpr int MR = 6; /* 6 x 2 accumulators of 16 registers */
#endif
constexpr int NV = 2;
constexpr int64_t KC = 256;  /* a strip of B, KC x NV vectors, stays in the first-level cache */
constexpr int64_t MC = 240;  /* a block of A, MC x KC, stays in the second level */
constexpr int64_t NC = 2048;
constexpr double TASK_WORK = 1.5e6; /* multiply-adds worth a task of their own */

template <class T> constexpr int strip = NV * lanes<T>::n;

/* ------------------------------------------------------------------------------ the tile */

/* c[R x V vectors] = alpha * a b + (first chunk ? beta * d : c). `lanes_last` lanes of the last
   vector are real; with EDGE they are all that may be read of b. With UNIT the rows of a are one
   element apart (a is transposed, or packed). */
template <class T, int R, int V, bool UNIT, bool EDGE>
__attribute__((noinline)) void tile(int64_t k, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t b_row,
                                    int lanes_last, const product<T>& p, T* c, const T* d, bool first) {
    typedef typename lanes<T>::type vec;
    constexpr int N = lanes<T>::n;
    vec acc[R][V];
#pragma GCC unroll 16
    for (int i = 0; i < R; i++)
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) acc[i][v] = vec{};
    /* Few base pointers: rows are reached as base, base + row, base + 2 row. */
    constexpr int G = (R + 2) / 3;
    const T* base[G];
#pragma GCC unroll 8
    for (int g = 0; g < G; g++) base[g] = a + 3 * g * a_row;
    for (int64_t q = 0; q < k; q++) {
        vec x[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; v++)
            x[v] = EDGE && v == V - 1 ? vload_part(b + v * N, lanes_last) : vload(b + v * N);
#pragma GCC unroll 16
        for (int i = 0; i < R; i++) {
            T s = UNIT ? a[i] : base[i / 3][(i % 3) * a_row];
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) acc[i][v] += x[v] * s;
        }
        b += b_row;
        if (UNIT) {
            a += a_col;
        } else {
#pragma GCC unroll 8
            for (int g = 0; g < G; g++) base[g] += a_col;
        }
    }
    T alpha = p.alpha, beta = p.beta;
    bool partial = lanes_last < N;
#pragma GCC unroll 16
    for (int i = 0; i < R; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
            vec y = acc[i][v] * alpha;
            T* out = c + i * p.c_row + v * N;
            if (v == V - 1 && partial) {
                if (!first) y += vload_part(out, lanes_last);
                else if (d) y += vload_part(d + i * p.d_row + v * N, lanes_last) * beta;
                vstore_part(out, y, lanes_last);
            } else {
                if (!first) y += vload(out);
                else if (d) y += vload(d + i * p.d_row + v * N) * beta;
                vstore(out, y);
            }
        }
    }
}

template <class T>
using tile_function = void (*)(int64_t, const T*, int64_t, int64_t, const T*, int64_t, int, const product<T>&, T*, const T*, bool);

template <class T, int V, bool UNIT, bool EDGE>
struct tiles {
    static constexpr tile_function<T> by_rows[] = {
        nullptr,
        tile<T, 1, V, UNIT, EDGE>, tile<T, 2, V, UNIT, EDGE>, tile<T, 3, V, UNIT, EDGE>,
        tile<T, 4, V, UNIT, EDGE>, tile<T, 5, V, UNIT, EDGE>, tile<T, 6, V, UNIT, EDGE>,
#if PYX_VECTOR_BYTES == 64
        tile<T, 7, V, UNIT, EDGE>, tile<T, 8, V, UNIT, EDGE>, tile<T, 9, V, UNIT, EDGE>,
        tile<T, 10, V, UNIT, EDGE>, tile<T, 11, V, UNIT, EDGE>, tile<T, 12, V, UNIT, EDGE>,
#endif
    };
};

template <class T>
inline tile_function<T> pick(int rows, int vectors, bool unit, bool edge) {
    if (vectors == 2) {
        if (unit) return edge ? tiles<T, 2, true, true>::by_rows[rows] : tiles<T, 2, true, false>::by_rows[rows];
        return edge ? tiles<T, 2, false, true>::by_rows[rows] : tiles<T, 2, false, false>::by_rows[rows];
    }
    if (unit) return edge ? tiles<T, 1, true, true>::by_rows[rows] : tiles<T, 1, true, false>::by_rows[rows];
    return edge ? tiles<T, 1, false, true>::by_rows[rows] : tiles<T, 1, false, false>::by_rows[rows];
}

/* Rows i0..i1 of one strip of columns j0..j1 and one chunk of k. `a` is element (i0, first k) of
   A with its strides, or packed groups of MR rows (`packed`). */
template <class T>
inline void columns(const product<T>& p, int64_t i0, int64_t i1, int64_t j0, int64_t j1, int64_t k, const T* a, int64_t a_row,
                    int64_t a_col, bool packed, const T* b, int64_t b_row, bool b_padded, bool first, int mr) {
    constexpr int N = lanes<T>::n;
    int width = (int)(j1 - j0), vectors = (width + N - 1) / N, last = width - (vectors - 1) * N;
    bool unit = packed || a_row == 1;
    for (int64_t i = i0; i < i1; i += mr) {
        int rows = (int)std::min<int64_t>(mr, i1 - i);
        const T* x = packed ? a + (i - i0) * k : a + (i - i0) * a_row;
        pick<T>(rows, vectors, unit, !b_padded && last < N)(
            k, x, a_row, packed ? rows : a_col, b, b_row, last, p, p.c + i * p.c_row + j0,
            p.d ? p.d + i * p.d_row + j0 : nullptr, first);
    }
}

/* Tiles of nearly equal height: 64 rows are six of 11, not five of 12 and one of 4. */
inline int even_rows(int64_t m) {
    int64_t groups = (m + MR - 1) / MR;
    return (int)((m + groups - 1) / groups);
}

template <class T>
void unpacked(const product<T>& p, int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
    int mr = even_rows(i1 - i0);
    for (int64_t q = 0; q < p.k || q == 0; q += KC) {
        int64_t k = std::min(KC, p.k - q);
        for (int64_t j = j0; j < j1; j += strip<T>)
            columns(p, i0, i1, j, std::min<int64_t>(j1, j + strip<T>), k, p.a + i0 * p.a_row + q * p.a_col, p.a_row, p.a_col, false,
                    p.b + q * p.b_row + j, p.b_row, false, q == 0, mr);
    }
}

/* ------------------------------------------------------------------------------- packing */

/* out[q][w] = x[q * along + w * across] for q < k, w < width; columns width..padded become 0.
   `out` may be written up to one vector past its end. */
template <class T>
void pack(const T* x, int64_t along, int64_t across, int64_t k, int width, int padded, T* out) {
    constexpr int N = lanes<T>::n;
    typedef typename lanes<T>::type vec;
    if (across == 1) {
        for (int64_t q = 0; q < k; q++, x += along, out += padded) {
            int w = 0;
            for (; w + N <= width; w += N) vstore(out + w, vload(x + w));
            if (w < width) {
                vec v = vload_part(x + w, width - w);
                if (w + N <= padded) vstore(out + w, v);
                else vstore_part(out + w, v, padded - w);
                w += N;
            }
            for (; w < padded; w += N) vstore(out + w, vec{});
        }
        return;
    }
    if (along == 1) {
        for (int w = 0; w < padded; w += N) {
            int rows = std::max(0, std::min(N, width - w)), wide = std::min(N, padded - w);
            for (int64_t q = 0; q < k; q += N) {
                int count = (int)std::min<int64_t>(N, k - q);
                vec r[N];
                if (count == N && rows == N) {
#pragma GCC unroll 16
                    for (int i = 0; i < N; i++) r[i] = vload(x + (w + i) * across + q);
                } else {
                    for (int i = 0; i < N; i++) r[i] = i < rows ? vload_part(x + (w + i) * across + q, count) : vec{};
                }
                transpose<T>(r);
                T* o = out + q * padded + w;
                if (wide == N)
                    for (int i = 0; i < count; i++) vstore(o + i * padded, r[i]);
                else
                    for (int i = 0; i < count; i++) vstore_part(o + i * padded, r[i], wide);
            }
        }
        return;
    }
    for (int64_t q = 0; q < k; q++)
        for (int w = 0; w < padded; w++) out[q * padded + w] = w < width ? x[q * along + w * across] : T(0);
}

template <class T>
int packed(const product<T>& p, bool parallel) {
    constexpr int S = strip<T>;
    int64_t wide = std::min(p.n, NC), strips_most = (wide + S - 1) / S;
    scratch<T> bp(strips_most * S * std::min(KC, p.k) + 64);
    if (!bp) return -2;
    /* Blocks of rows, and where these are few, of columns too. */
    int64_t blocks = (p.m + MC - 1) / MC;
    if (blocks < 4) blocks = std::min<int64_t>(4, (p.m + MR - 1) / MR);
    int64_t rows = ((p.m + blocks - 1) / blocks + MR - 1) / MR * MR;
    blocks = (p.m + rows - 1) / rows;
    bool failed = false;
    for (int64_t j0 = 0; j0 < p.n; j0 += NC) {
        int64_t j1 = std::min(p.n, j0 + NC), strips = (j1 - j0 + S - 1) / S;
        for (int64_t q = 0; q < p.k; q += KC) {
            int64_t k = std::min(KC, p.k - q);
            auto fill = [&](int64_t from, int64_t to) {
                for (int64_t s = from; s < to; s++) {
                    int64_t j = j0 + s * S;
                    pack(p.b + q * p.b_row + j * p.b_col, p.b_row, p.b_col, k, (int)std::min<int64_t>(S, j1 - j), S, bp.p + s * S * k);
                }
            };
            if (parallel && strips * k * S > 65536) parallel_for(strips, std::max<int64_t>(1, strips / 8), fill);
            else fill(0, strips);
            int64_t column_blocks = blocks >= 4 ? 1 : std::min<int64_t>(strips, 4);
            if ((double)p.m * (j1 - j0) * k < 4 * TASK_WORK && blocks > 1) column_blocks = 1;
            int64_t per = (strips + column_blocks - 1) / column_blocks;
            auto work = [&](int64_t from, int64_t to) {
                scratch<T> ap(rows * k + 64);
                if (!ap) { failed = true; return; }
                for (int64_t t = from; t < to; t++) {
                    int64_t i0 = t / column_blocks * rows, i1 = std::min(p.m, i0 + rows), s0 = t % column_blocks * per;
                    for (int64_t i = i0; i < i1; i += MR) {
                        int r = (int)std::min<int64_t>(MR, i1 - i);
                        pack(p.a + i * p.a_row + q * p.a_col, p.a_col, p.a_row, k, r, r, ap.p + (i - i0) * k);
                    }
                    for (int64_t s = s0; s < std::min(strips, s0 + per); s++)
                        columns(p, i0, i1, j0 + s * S, std::min<int64_t>(j1, j0 + (s + 1) * S), k, ap.p, (int64_t)1, (int64_t)MR, true,
                                bp.p + s * S * k, (int64_t)S, true, q == 0, MR);
                }
            };
            if (parallel) parallel_for(blocks * column_blocks, 1, work);
            else work(0, blocks * column_blocks);
        }
    }
    return failed ? -2 : 0;
}

/* ---------------------------------------------------------------------------- thin shapes */

/* Both operands run along k in memory: c[i][j] = dot(a[i], b[j]), R x W dots at a time. */
template <class T, int R, int W>
__attribute__((noinline)) void dots(const product<T>& p, int64_t i, int64_t j) {
    typedef typename lanes<T>::type vec;
    constexpr int N = lanes<T>::n;
    constexpr int U = R * W >= 8 ? 1 : R * W >= 4 ? 2 : 4; /* enough chains to hide latency */
    vec acc[U][R][W];
#pragma GCC unroll 4
    for (int u = 0; u < U; u++)
#pragma GCC unroll 4
        for (int r = 0; r < R; r++)
#pragma GCC unroll 4
            for (int w = 0; w < W; w++) acc[u][r][w] = vec{};
    const T* a = p.a + i * p.a_row;
    const T* b = p.b + j * p.b_col;
    int64_t q = 0;
    for (; q + U * N <= p.k; q += U * N) {
#pragma GCC unroll 4
        for (int u = 0; u < U; u++) {
            vec y[W];
#pragma GCC unroll 4
            for (int w = 0; w < W; w++) y[w] = vload(b + w * p.b_col + q + u * N);
#pragma GCC unroll 4
            for (int r = 0; r < R; r++) {
                vec x = vload(a + r * p.a_row + q + u * N);
#pragma GCC unroll 4
                for (int w = 0; w < W; w++) acc[u][r][w] += x * y[w];
            }
        }
    }
    for (; q < p.k; q += N) {
        int count = (int)std::min<int64_t>(N, p.k - q);
        vec y[W];
        for (int w = 0; w < W; w++) y[w] = vload_part(b + w * p.b_col + q, count);
        for (int r = 0; r < R; r++) {
            vec x = vload_part(a + r * p.a_row + q, count);
            for (int w = 0; w < W; w++) acc[0][r][w] += x * y[w];
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int w = 0; w < W; w++) {
            vec s = acc[0][r][w];
            for (int u = 1; u < U; u++) s += acc[u][r][w];
            T y = vsum<T>(s) * p.alpha;
            if (p.d) y += p.beta * p.d[(i + r) * p.d_row + j + w];
            p.c[(i + r) * p.c_row + j + w] = y;
        }
}

template <class T, int R>
void dot_columns(const product<T>& p, int64_t i, int64_t j0, int64_t j1) {
    int64_t j = j0;
    for (; j + 4 <= j1; j += 4) dots<T, R, 4>(p, i, j);
    for (; j < j1; j++) dots<T, R, 1>(p, i, j);
}

template <class T>
void dot_product(const product<T>& p, bool parallel) {
    auto work = [&](int64_t j0, int64_t j1) {
        int64_t i = 0;
        for (; i + 4 <= p.m; i += 4) dot_columns<T, 4>(p, i, j0, j1);
        if (p.m - i >= 2) { dot_columns<T, 2>(p, i, j0, j1); i += 2; }
        if (i < p.m) dot_columns<T, 1>(p, i, j0, j1);
    };
    /* Memory decides: about 256 KB of B a task. */
    int64_t grain = std::max<int64_t>(4, (int64_t)(262144 / sizeof(T)) / std::max<int64_t>(1, p.k) / 4 * 4);
    if (parallel && p.n > grain) parallel_for(p.n, grain, work);
    else work(0, p.n);
}

/* One row times B whose rows are contiguous: y += sum over q of a[q] * b[q], eight rows at a time. */
template <class T>
void row_times(const product<T>& p, bool parallel) {
    typedef typename lanes<T>::type vec;
    constexpr int N = lanes<T>::n;
    auto work = [&](int64_t j0, int64_t j1) {
        T* c = p.c;
        for (int64_t q = 0; q < p.k || q == 0; q += 8) {
            int count = (int)std::max<int64_t>(0, std::min<int64_t>(8, p.k - q));
            T s[8];
            const T* row[8];
            for (int i = 0; i < 8; i++) {
                s[i] = i < count ? p.alpha * p.a[(q + i) * p.a_col] : T(0);
                row[i] = p.b + (i < count ? q + i : 0) * p.b_row;
            }
            for (int64_t j = j0; j < j1; j += N) {
                int width = (int)std::min<int64_t>(N, j1 - j);
                bool whole = width == N;
                vec y = {};
                if (q) y = whole ? vload(c + j) : vload_part(c + j, width);
                else if (p.d) y = (whole ? vload(p.d + j) : vload_part(p.d + j, width)) * p.beta;
                if (whole && count == 8) {
                    vec z = vload(row[0] + j) * s[0];
                    y += vload(row[1] + j) * s[1];
                    z += vload(row[2] + j) * s[2];
                    y += vload(row[3] + j) * s[3];
                    z += vload(row[4] + j) * s[4];
                    y += vload(row[5] + j) * s[5];
                    z += vload(row[6] + j) * s[6];
                    y += vload(row[7] + j) * s[7];
                    vstore(c + j, y + z);
                } else {
                    for (int i = 0; i < count; i++) y += (whole ? vload(row[i] + j) : vload_part(row[i] + j, width)) * s[i];
                    if (whole) vstore(c + j, y);
                    else vstore_part(c + j, y, width);
                }
            }
        }
    };
    int64_t grain = 512;
    if (parallel && p.n * p.k > 65536 && p.n > grain) parallel_for(p.n, grain, work);
    else work(0, p.n);
}

}  // namespace

template <class T>
int gemm(const product<T>& p, bool parallel) {
    if constexpr (std::is_same<T, float>::value)
        if (amx::suits(p.m, p.n, p.k)) return amx::gemm(p, parallel);
    return gemm_tiles<T>(p, parallel);
}

template <class T>
int gemm_tiles(const product<T>& given, bool parallel) {
    product<T> p = given;
    if (p.m <= 0 || p.n <= 0) return 0;
    /* A column of results is a row of the transposed product. */
    if (p.n == 1 && p.m > 1 && p.c_row == 1 && (!p.d || p.d_row == 1)) {
        std::swap(p.m, p.n);
        std::swap(p.a, p.b);
        std::swap(p.a_row, p.b_col);
        std::swap(p.a_col, p.b_row);
        p.c_row = p.d_row = p.n;
    }
    double work = (double)p.m * p.n * p.k;
    if (p.k > 0 && p.m <= 16 && p.b_row == 1 && p.a_col == 1 && (p.m <= 4 || p.k >= 64)) {
        dot_product(p, parallel && work > 32768);
        return 0;
    }
    if (p.m == 1 && p.b_col == 1 && p.k > 0) {
        row_times(p, parallel);
        return 0;
    }
    if (p.b_col == 1 || p.n == 1) {
        bool aliased = p.b_row * (int64_t)sizeof(T) % 4096 == 0 && p.k > 32;
        if (p.n == 1 || p.m <= 2 * MR || (!aliased && p.n * p.k * (int64_t)sizeof(T) <= 300 * 1024 && work < 2.5e7)) {
            if (!parallel || work < 1.5 * TASK_WORK) {
                unpacked(p, 0, p.m, 0, p.n);
                return 0;
            }
            /* Tiles of rows and columns, by the size alone. */
            int64_t tasks = std::max<int64_t>(2, std::min<int64_t>(16, (int64_t)(work / TASK_WORK)));
            if (p.m >= tasks * MR) {
                int64_t rows = ((p.m + tasks - 1) / tasks + MR - 1) / MR * MR;
                parallel_for(p.m, rows, [&](int64_t i0, int64_t i1) { unpacked(p, i0, i1, 0, p.n); });
            } else {
                int64_t columns = ((p.n + tasks - 1) / tasks + strip<T> - 1) / strip<T> * strip<T>;
                parallel_for(p.n, columns, [&](int64_t j0, int64_t j1) { unpacked(p, 0, p.m, j0, j1); });
            }
            return 0;
        }
    }
    if (p.k <= 0) {
        product<T> q = p;
        q.k = 0, q.b_col = 1;
        unpacked(q, 0, p.m, 0, p.n);
        return 0;
    }
    return packed(p, parallel && work > TASK_WORK);
}

template <class T>
void pack_left(const T* a, int64_t a_row, int64_t a_col, int64_t m, int64_t k, T* out) {
    for (int64_t q = 0; q < k; q += KC) {
        int64_t count = std::min(KC, k - q);
        for (int64_t i = 0; i < m; i += MR) {
            int r = (int)std::min<int64_t>(MR, m - i);
            pack(a + i * a_row + q * a_col, a_col, a_row, count, r, r, out + q * m + i * count);
        }
    }
}

template <class T>
void gemm_strips(const product<T>& p, const T* left, const T* strips, int64_t size) {
    constexpr int S = strip<T>;
    for (int64_t q = 0; q < p.k; q += KC) {
        int64_t count = std::min(KC, p.k - q), s = 0;
        for (int64_t j = 0; j < p.n; j += S, s++)
            columns(p, (int64_t)0, p.m, j, std::min<int64_t>(p.n, j + S), count, left + q * p.m, (int64_t)1, (int64_t)MR, true,
                    strips + s * size + q * S, (int64_t)S, true, q == 0, MR);
    }
}

template void pack_left<float>(const float*, int64_t, int64_t, int64_t, int64_t, float*);
template void pack_left<double>(const double*, int64_t, int64_t, int64_t, int64_t, double*);
template void gemm_strips<float>(const product<float>&, const float*, const float*, int64_t);
template void gemm_strips<double>(const product<double>&, const double*, const double*, int64_t);
template int gemm<float>(const product<float>&, bool);
template int gemm_tiles<float>(const product<float>&, bool);
template int gemm_tiles<double>(const product<double>&, bool);
template int gemm<double>(const product<double>&, bool);

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
