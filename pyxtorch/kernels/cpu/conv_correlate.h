/* The engine of conv.cpp: correlation of a padded source with taps at given offsets,
       out[m][p] = sum over c, t of w[m][c][t] * source[c][p * step + offset[t]],
   as a product of the weights with strips of shifted copies of the source. */
#pragma once
#include "pyxtorch/kernels/conv.h"

#include "conv_winograd.h"
#include "matmul_amx.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace {

/* How a source is read: offsets of the taps and the step between positions, per dimension. */
struct geometry {
    int64_t channels;               /* of the source, in one group */
    int64_t src[3], out[3], step[3];
    int64_t taps[3];
    const int64_t* offset[3];
    /* derived by prepare() */
    int64_t lo[3], padded[3], plane, ntaps, positions, rows;

    void prepare() {
        ntaps = positions = plane = 1;
        for (int d = 0; d < 3; d++) {
            int64_t least = 0, most = 0;
            for (int64_t t = 0; t < taps[d]; t++) {
                int64_t o = offset[d][t];
                if (t == 0 || o > most) most = o;
                if (o < least) least = o;
            }
            lo[d] = -least;
            padded[d] = std::max<int64_t>(1, (out[d] - 1) * step[d] + most + lo[d] + 1);
            ntaps *= taps[d];
            positions *= out[d];
            plane *= padded[d];
        }
        rows = channels * ntaps;
    }
};

constexpr int64_t SLACK = 512; /* elements that vectors may run over the end of a scratch image */

/* Rows of small planes are shorter than a call of memcpy is worth: a few short vectors that overlap. */
template <class T>
inline void copy_row(T* d, const T* s, int64_t n) {
    typedef T four __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias));
    if (n > 16) {
        memcpy(d, s, n * sizeof(T));
    } else if (n >= 4) {
        *(four*)d = *(const four*)s;
        *(four*)(d + n - 4) = *(const four*)(s + n - 4);
        if (n > 8) {
            *(four*)(d + 4) = *(const four*)(s + 4);
            *(four*)(d + n - 8) = *(const four*)(s + n - 8);
        }
    } else {
        if (n > 0) d[0] = s[0];
        if (n > 1) d[1] = s[1];
        if (n > 2) d[2] = s[2];
    }
}
template <class T>
inline void zero_row(T* d, int64_t n) {
    if (n > 3) {
        memset(d, 0, n * sizeof(T));
    } else {
        if (n > 0) d[0] = 0;
        if (n > 1) d[1] = 0;
        if (n > 2) d[2] = 0;
    }
}

/* Channels c0..c1 of one image into zero-padded planes. */
template <class T>
void pad(const geometry& g, const T* x, T* out, int64_t c0, int64_t c1) {
    int64_t d1 = std::min(g.src[0], g.padded[0] - g.lo[0]), h1 = std::min(g.src[1], g.padded[1] - g.lo[1]);
    int64_t w1 = std::max<int64_t>(0, std::min(g.src[2], g.padded[2] - g.lo[2]));
    for (int64_t c = c0; c < c1; c++)
        for (int64_t d = 0; d < g.padded[0]; d++)
            for (int64_t h = 0; h < g.padded[1]; h++, out += g.padded[2]) {
                int64_t sd = d - g.lo[0], sh = h - g.lo[1];
                if (sd < 0 || sd >= d1 || sh < 0 || sh >= h1) {
                    memset(out, 0, g.padded[2] * sizeof(T));
                    continue;
                }
                zero_row(out, std::min(g.lo[2], g.padded[2]));
                copy_row(out + g.lo[2], x + ((c * g.src[0] + sd) * g.src[1] + sh) * g.src[2], w1);
                zero_row(out + g.lo[2] + w1, g.padded[2] - g.lo[2] - w1);
            }
}

/* Positions that lie in one row of the output. */
struct span {
    int64_t lane, length, base;
};

/* Cut positions first..first+count (counted through `images` planes of positions) into spans. */
int spans(const geometry& g, int64_t image_size, int64_t first, int64_t count, span* s) {
    int n = 0;
    for (int64_t p = first, end = first + count; p < end; n++) {
        int64_t image = p / g.positions, q = p % g.positions;
        int64_t w = q % g.out[2], h = q / g.out[2] % g.out[1], d = q / g.out[2] / g.out[1];
        int64_t length = std::min(g.out[2] - w, end - p);
        s[n] = {p - first, length, image * image_size + (d * g.step[0] * g.padded[1] + h * g.step[1]) * g.padded[2] + w * g.step[2]};
        p += length;
    }
    return n;
}

/* s[i * step] to d[i]; writes up to a vector more than `length`. Short rows, as small planes have
   them, move in short vectors, which seldom cross the lines of the cache. */
template <class T>
PYX_HD void take(const T* s, int64_t step, int64_t length, T* d) {
    constexpr int N = lanes<T>::n;
    typedef T quarter __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias));
    if (length <= 4 && step <= 2) {
        quarter x = *(const quarter*)s;
        if (step == 2) x = __builtin_shufflevector(x, *(const quarter*)(s + 4), 0, 2, 4, 6);
        *(quarter*)d = x;
    } else if (step == 1) {
        for (int64_t i = 0; i < length; i += N) vstore(d + i, vload(s + i));
    } else if (step == 2) {
        for (int64_t i = 0; i < length; i += N) {
            typename lanes<T>::type x = vload(s + 2 * i), y = vload(s + 2 * i + N);
            if constexpr (N == 16)
                vstore(d + i, __builtin_shufflevector(x, y, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30));
            else if constexpr (N == 8)
                vstore(d + i, __builtin_shufflevector(x, y, 0, 2, 4, 6, 8, 10, 12, 14));
            else if constexpr (N == 4)
                vstore(d + i, __builtin_shufflevector(x, y, 0, 2, 4, 6));
            else
                vstore(d + i, __builtin_shufflevector(x, y, 0, 2));
        }
    } else {
        for (int64_t i = 0; i < length; i++) d[i] = s[i * step];
    }
}

/* Rows (c, tap) for c0..c1, each holding the source at `n` spans, `row` elements apart. Rows are
   written in order, so that what one writes too much the next one overwrites. */
template <class T>
void shifted(const geometry& g, const T* padded, int64_t c0, int64_t c1, const span* s, int n, T* out, int64_t row) {
    for (int64_t c = c0; c < c1; c++) {
        const T* plane = padded + (c - c0) * g.plane;
        for (int64_t i = 0; i < g.taps[0]; i++)
            for (int64_t j = 0; j < g.taps[1]; j++) {
                const T* line = plane + ((g.offset[0][i] + g.lo[0]) * g.padded[1] + g.offset[1][j] + g.lo[1]) * g.padded[2] + g.lo[2];
                for (int64_t k = 0; k < g.taps[2]; k++, out += row) {
                    const T* from = line + g.offset[2][k];
                    for (int r = 0; r < n; r++) take(from + s[r].base, g.step[2], s[r].length, out + s[r].lane);
                }
            }
    }
}

/* Where results go: element (m, position (d, h, w)) of an image. */
struct target {
    int64_t image, row;         /* distance of images, of output channels */
    int64_t start, along[3];    /* first element, distance of positions */
    bool dense;                 /* positions follow each other */
};

/* One input channel and one filter per group: nothing to multiply, each plane is filtered directly. */
template <class T>
void filter_plane(const geometry& g, const T* padded, const T* w, T bias, T* line, T* y, const target& to) {
    typedef typename lanes<T>::type vec;
    constexpr int N = lanes<T>::n;
    for (int64_t d = 0; d < g.out[0]; d++)
        for (int64_t h = 0; h < g.out[1]; h++) {
            T* out = y + to.start + d * to.along[0] + h * to.along[1];
            bool direct = to.along[2] == 1;
            const T* base = padded + (d * g.step[0] * g.padded[1] + h * g.step[1]) * g.padded[2];
            for (int64_t x = 0; x < g.out[2]; x += 2 * N) {
                vec a = vec{} + bias, b = a;
                const T* weight = w;
                for (int64_t i = 0; i < g.taps[0]; i++)
                    for (int64_t j = 0; j < g.taps[1]; j++) {
                        const T* from = base + ((g.offset[0][i] + g.lo[0]) * g.padded[1] + g.offset[1][j] + g.lo[1]) * g.padded[2] + g.lo[2] +
                                        x * g.step[2];
                        for (int64_t k = 0; k < g.taps[2]; k++) {
                            const T* s = from + g.offset[2][k];
                            T f = *weight++;
                            if (g.step[2] == 1) {
                                a += vload(s) * f;
                                b += vload(s + N) * f;
                            } else {
                                T few[2 * N];
                                int64_t n = std::min<int64_t>(2 * N, g.out[2] - x);
                                if (g.step[2] == 2) take(s, 2, n, few);
                                else for (int64_t q = 0; q < n; q++) few[q] = s[q * g.step[2]];
                                a += vload(few) * f;
                                b += vload(few + N) * f;
                            }
                        }
                    }
                int64_t left = g.out[2] - x;
                if (direct && left >= 2 * N) {
                    vstore(out + x, a);
                    vstore(out + x + N, b);
                } else if (direct && left >= N) {
                    vstore(out + x, a);
                    vstore_part(out + x + N, b, (int)(left - N));
                } else if (direct) {
                    vstore_part(out + x, a, (int)left);
                } else {
                    vstore(line + x, a);
                    vstore(line + x + N, b);
                }
            }
            if (!direct)
                for (int64_t x = 0; x < g.out[2]; x++) out[x * to.along[2]] = line[x];
        }
}

/* ------------------------------------------------------------ few filters, step 1: no copies

   With a step of 1 the positions of a padded plane, counted through its whole width, meet their
   taps at fixed distances: out[m][p] = sum of w[m][k] * source[p + distance[k]]. Vectors run along
   p, over the margin too; its results are left out at the end. Nothing is copied, which matters
   where few filters share each element. */

#if PYX_VECTOR_BYTES == 64
constexpr int FILTERS = 12; /* 12 x 2 sums in registers, as in matmul_tile.cpp */
#else
constexpr int FILTERS = 6;
#endif

/* R filters at 2 vectors of positions; w: k rows of R. */
template <class T, int R>
__attribute__((noinline)) void along_plane(int64_t k, const T* w, const T* source, const int64_t* distance, T* out, int64_t row) {
    typedef typename lanes<T>::type vec;
    constexpr int N = lanes<T>::n;
    vec sum[R][2];
#pragma GCC unroll 16
    for (int i = 0; i < R; i++) sum[i][0] = sum[i][1] = vec{};
    for (int64_t q = 0; q < k; q++, w += R) {
        const T* s = source + distance[q];
        vec a = vload(s), b = vload(s + N);
#pragma GCC unroll 16
        for (int i = 0; i < R; i++) {
            sum[i][0] += a * w[i];
            sum[i][1] += b * w[i];
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < R; i++) {
        vstore(out + i * row, sum[i][0]);
        vstore(out + i * row + N, sum[i][1]);
    }
}

template <class T>
using plane_function = void (*)(int64_t, const T*, const T*, const int64_t*, T*, int64_t);

template <class T>
struct plane_functions {
    static constexpr plane_function<T> by_rows[] = {
        nullptr,
        along_plane<T, 1>, along_plane<T, 2>, along_plane<T, 3>, along_plane<T, 4>, along_plane<T, 5>, along_plane<T, 6>,
#if PYX_VECTOR_BYTES == 64
        along_plane<T, 7>, along_plane<T, 8>, along_plane<T, 9>, along_plane<T, 10>, along_plane<T, 11>, along_plane<T, 12>,
#endif
    };
};

/* Whether the margins are small enough. */
inline bool plane_fits(const geometry& g, int64_t m) {
    return m <= 40 && g.step[0] == 1 && g.step[1] == 1 && g.step[2] == 1 && 2 * g.padded[2] <= 3 * g.out[2] && 2 * g.padded[1] <= 3 * g.out[1] &&
           g.positions >= 32;
}

template <class T>
int correlate_planes(const geometry& g, int64_t images, int64_t m, const T* w, const T* bias, const T* x, int64_t x_image, T* y, const target& to) {
    constexpr int S = strip_width<T>;
    int64_t groups = (m + FILTERS - 1) / FILTERS, each = (m + groups - 1) / groups, k = g.rows;
    int64_t last = ((g.out[0] - 1) * g.padded[1] + g.out[1] - 1) * g.padded[2] + g.out[2], row = (last + S - 1) / S * S;
    scratch<T> left(m * k);
    scratch<int64_t> distance(k);
    if (!left || !distance) return -2;
    for (int64_t f = 0; f < m; f++) {
        int64_t group = f / each, rows = std::min(each, m - group * each);
        for (int64_t q = 0; q < k; q++) left.p[group * each * k + q * rows + f % each] = w[f * k + q];
    }
    for (int64_t q = 0; q < k; q++) {
        int64_t t = q % g.ntaps, i = t / (g.taps[1] * g.taps[2]), j = t / g.taps[2] % g.taps[1], l = t % g.taps[2];
        distance.p[q] = q / g.ntaps * g.plane + ((g.offset[0][i] + g.lo[0]) * g.padded[1] + g.offset[1][j] + g.lo[1]) * g.padded[2] + g.offset[2][l] + g.lo[2];
    }
    bool failed = false;
    parallel_for(images, std::max<int64_t>(1, (int64_t)(5e5 / ((double)m * k * last))), [&](int64_t from, int64_t end) {
        scratch<T> padded(g.channels * g.plane + SLACK);
        scratch<T> result(m * row);
        if (!padded || !result) { failed = true; return; }
        /* Vectors run on into the slack: what is left there could be denormal, and slow. */
        memset(padded.p + g.channels * g.plane, 0, SLACK * sizeof(T));
        for (int64_t image = from; image < end; image++) {
            pad(g, x + image * x_image, padded.p, 0, g.channels);
            for (int64_t p = 0; p < last; p += S)
                for (int64_t f = 0; f < m; f += each)
                    plane_functions<T>::by_rows[std::min(each, m - f)](k, left.p + f * k, padded.p + p, distance.p, result.p + f * row + p, row);
            for (int64_t f = 0; f < m; f++)
                for (int64_t d = 0; d < g.out[0]; d++)
                    for (int64_t h = 0; h < g.out[1]; h++) {
                        const T* c = result.p + f * row + (d * g.padded[1] + h) * g.padded[2];
                        T* o = y + image * to.image + f * to.row + to.start + d * to.along[0] + h * to.along[1];
                        T b = bias ? bias[f] : T(0);
                        if (to.along[2] == 1)
                            for (int64_t q = 0; q < g.out[2]; q++) o[q] = c[q] + b;
                        else
                            for (int64_t q = 0; q < g.out[2]; q++) o[q * to.along[2]] = c[q] + b;
                    }
        }
    });
    return failed ? -2 : 0;
}

/* Whether the product runs on the matrix unit. */
template <class T>
bool in_parts(int64_t m, int64_t k) {
    return std::is_same<T, float>::value && amx::suits_strips(m, k);
}

/* out = weights * shifted sources (+ bias), for every image and one group. `w`: (m, rows). */
template <class T>
int correlate(const geometry& g, int64_t images, int64_t m, const T* w, const T* bias, const T* x, int64_t x_image, T* y, const target& to) {
    if (g.positions == 0 || images == 0) return 0;
    bool failed = false;
    if (g.channels == 1 && m == 1) {
        parallel_for(images, std::max<int64_t>(1, 32768 / g.positions / g.ntaps), [&](int64_t from, int64_t end) {
            scratch<T> room(g.plane + g.out[2] + SLACK);
            if (!room) { failed = true; return; }
            for (int64_t i = from; i < end; i++) {
                pad(g, x + i * x_image, room.p, 0, 1);
                filter_plane(g, room.p, w, bias ? *bias : T(0), room.p + g.plane + SLACK / 2, y + i * to.image, to);
            }
        });
        return failed ? -2 : 0;
    }
    if (plane_fits(g, m)) return correlate_planes(g, images, m, w, bias, x, x_image, y, to);
    constexpr int S = strip_width<T>;
    const bool parts = in_parts<T>(m, g.rows);
    scratch<T> left(parts ? amx::left_size(m, g.rows) : m * g.rows + 64);
    if (!left) return -2;
    if constexpr (std::is_same<T, float>::value)
        if (parts) amx::pack_left(w, g.rows, 1, m, g.rows, left.p);
    if (!parts) pack_left(w, g.rows, (int64_t)1, m, g.rows, left.p);
    /* Small planes: several images make one row of positions. */
    int64_t together = g.positions >= 128 ? 1 : std::min<int64_t>(images, (255 + g.positions) / g.positions);
    int64_t image_size = g.channels * g.plane;
    int64_t block = 262144 / (int64_t)sizeof(T) * 2 / std::max<int64_t>(1, g.rows) / S * S;
    block = std::max<int64_t>(S, std::min<int64_t>(1024, block));
    if (m > 128) block = std::max<int64_t>(block, 4 * S);
    bool direct = to.dense && together == 1;
    auto image_work = [&](const T* padded, int64_t first_image, int64_t p0, int64_t p1) {
        int64_t strips = (std::min(block, p1 - p0) + S - 1) / S;
        scratch<T> room(strips * S * g.rows + SLACK);
        scratch<T> result(direct ? 1 : m * block);
        scratch<span> list(S);
        if (!room || !result || !list) { failed = true; return; }
        for (int64_t p = p0; p < p1; p += block) {
            int64_t count = std::min(block, p1 - p);
            for (int64_t q = 0; q < count; q += S) {
                int n = spans(g, image_size, p + q, std::min<int64_t>(S, count - q), list.p);
                shifted(g, padded, 0, g.channels, list.p, n, room.p + q * g.rows, (int64_t)S);
            }
            T* c = direct ? y + first_image * to.image + to.start + p : result.p;
            int64_t c_row = direct ? to.row : block;
            if (bias)
                for (int64_t i = 0; i < m; i++)
                    for (int64_t j = 0; j < count; j++) c[i * c_row + j] = bias[i];
            product<T> all = {m, count, g.rows, w, g.rows, 1, nullptr, 0, 0, c, c_row, bias ? c : nullptr, c_row, T(1), T(1)};
            if constexpr (std::is_same<T, float>::value)
                if (parts && amx::gemm_strips(all, left.p, room.p, S * g.rows)) failed = true;
            if (!parts) gemm_strips(all, left.p, room.p, S * g.rows);
            if (direct) continue;
            for (int64_t j = 0; j < count;) {
                int64_t image = (p + j) / g.positions, q = (p + j) % g.positions;
                int64_t ww = q % g.out[2], h = q / g.out[2] % g.out[1], d = q / g.out[2] / g.out[1];
                int64_t n = std::min(to.dense ? g.positions - q : g.out[2] - ww, count - j);
                T* o = y + (first_image + image) * to.image + to.start + d * to.along[0] + h * to.along[1] + ww * to.along[2];
                for (int64_t i = 0; i < m; i++)
                    for (int64_t r = 0; r < n; r++) o[i * to.row + r * to.along[2]] = c[i * c_row + j + r];
                j += n;
            }
        }
    };
    int64_t tasks = (images + together - 1) / together;
    bool one_each = tasks >= 4 || (double)images * m * g.rows * g.positions < 3e6;
    /* Else their positions are split, and many small images give enough of them for equal shares. */
    if (!one_each && together > 1) together = std::min(images, std::max(together, ((int64_t)1 << 22) / image_size));
    if (one_each) {
        double each = (double)together * m * g.rows * g.positions;
        parallel_for(tasks, std::max<int64_t>(1, (int64_t)(1e6 / each)), [&](int64_t from, int64_t end) {
            scratch<T> padded(together * image_size + SLACK);
            if (!padded) { failed = true; return; }
            for (int64_t t = from; t < end; t++) {
                int64_t first = t * together, n = std::min(together, images - first);
                for (int64_t i = 0; i < n; i++) pad(g, x + (first + i) * x_image, padded.p + i * image_size, 0, g.channels);
                image_work(padded.p, first, 0, n * g.positions);
            }
        });
    } else {
        scratch<T> padded(together * image_size + SLACK);
        if (!padded) return -2;
        for (int64_t first = 0; first < images; first += together) {
            int64_t n = std::min(together, images - first);
            parallel_for(n * g.channels, std::max<int64_t>(1, 65536 / g.plane), [&](int64_t from, int64_t end) {
                for (int64_t i = from; i < end; i++)
                    pad(g, x + (first + i / g.channels) * x_image, padded.p + i * g.plane, i % g.channels, i % g.channels + 1);
            });
            int64_t blocks = (n * g.positions + block - 1) / block, piece = std::max<int64_t>(1, blocks / 8);
            parallel_for(blocks, piece, [&](int64_t from, int64_t end) {
                image_work(padded.p, first, from * block, std::min(end * block, n * g.positions));
            });
        }
    }
    return failed ? -2 : 0;
}

}  // namespace
}  // namespace PYX_LEVEL_NS
}  // namespace pyx
