/* Minimal filtering F(4x4, 3x3) for 3x3 convolutions of float: a tile of 4x4 outputs is made from 6x6
   inputs by 36 products instead of 144.

   Y = A^T [ (G w G^T) * (B^T x B) ] A, Lavin and Gray, "Fast Algorithms for Convolutional Neural
   Networks" (2016), points 0, 1, -1, 2, -2 and infinity. Products over channels are 36 matrix
   products. Rounding errors are about ten times those of the direct sum. */
#pragma once
#include "pyxtorch/kernels/conv.h"

#include "matmul_tile.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {

template <class T>
bool winograd_fits(const pyx_conv&, int64_t, int64_t) { return false; }

/* Worth it from 16 channels and planes of 12 on. */
template <>
inline bool winograd_fits<float>(const pyx_conv& c, int64_t channels, int64_t filters) {
    if (c.precise || c.in[0] != 1 || c.out[0] != 1 || c.kernel[0] != 1 || c.kernel[1] != 3 || c.kernel[2] != 3) return false;
    for (int d = 1; d < 3; d++)
        if (c.stride[d] != 1 || c.dilation[d] != 1 || c.padding[d] > 2 || c.out[d] < 12 || c.in[d] < 12) return false;
    return c.padding[0] == 0 && channels >= 16 && filters >= 16;
}

namespace winograd {

typedef lanes<float>::type vec;
constexpr int N = lanes<float>::n;

/* B^T applied to six values `step` apart. */
PYX_HD void input_line(const vec* d, int step, vec* r, int out) {
    vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    vec even = d4 - 4.0f * d2, odd = d3 - 4.0f * d1;
    vec e2 = d4 - d2, o2 = 2.0f * (d3 - d1);
    r[0] = 4.0f * d0 - 5.0f * d2 + d4;
    r[out] = even + odd;
    r[2 * out] = even - odd;
    r[3 * out] = e2 + o2;
    r[4 * out] = e2 - o2;
    r[5 * out] = 4.0f * d1 - 5.0f * d3 + d5;
}

/* A^T applied to six values. */
PYX_HD void output_line(const vec* m, int step, vec* r, int out) {
    vec m0 = m[0], m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step], m5 = m[5 * step];
    vec s = m1 + m2, d = m1 - m2, t = m3 + m4, u = m3 - m4;
    r[0] = m0 + s + t;
    r[out] = d + 2.0f * u;
    r[2 * out] = s + 4.0f * t;
    r[3 * out] = d + 8.0f * u + m5;
}

/* G applied to three values. */
inline void weight_line(const float* g, int step, float* r, int out) {
    float a = g[0], b = g[step], c = g[2 * step];
    r[0] = a / 4;
    r[out] = -(a + b + c) / 6;
    r[2 * out] = -(a - b + c) / 6;
    r[3 * out] = a / 24 + b / 12 + c / 6;
    r[4 * out] = a / 24 - b / 12 + c / 6;
    r[5 * out] = c;
}

}  // namespace winograd

/* Forward, or (transposed) the gradient of the input: the same with flipped, swapped weights. */
template <class T>
int winograd_forward(const pyx_conv&, const T*, const T*, const T*, T*, bool) { return -1; }

template <>
inline int winograd_forward<float>(const pyx_conv& c, const float* x, const float* w, const float* bias, float* y, bool transposed) {
    using namespace winograd;
    const int64_t* in = transposed ? c.out : c.in;
    const int64_t* out = transposed ? c.in : c.out;
    int64_t pad_h = transposed ? 2 - c.padding[1] : c.padding[1], pad_w = transposed ? 2 - c.padding[2] : c.padding[2];
    int64_t C = (transposed ? c.filters : c.channels) / c.groups, M = (transposed ? c.channels : c.filters) / c.groups;
    int64_t H = out[1], W = out[2], th = (H + 3) / 4, tw = (W + 3) / 4, in_plane = in[1] * in[2], out_plane = H * W;
    constexpr int S = strip_width<float>;
    /* A row of tiles is transformed N tiles at a time. */
    int64_t row_tiles = (tw + N - 1) / N * N;
    int64_t padded_w = 4 * row_tiles + 2 + N;
    /* Rows of tiles to a task: about 96 tiles, so that 36 planes of a block stay in the second-level cache. */
    int64_t block_rows = std::max<int64_t>(1, std::min<int64_t>(th, 96 / tw));
    int64_t blocks = (th + block_rows - 1) / block_rows;
    block_rows = (th + blocks - 1) / blocks;
    blocks = (th + block_rows - 1) / block_rows;
    int64_t tiles = block_rows * tw, strips = (tiles + S - 1) / S;
    int64_t strip_size = C * S, plane = strips * strip_size + 16; /* not a multiple of 4096 bytes apart */
    int64_t result_row = strips * S, result_plane = M * result_row + 16;
    int64_t left_plane = M * C + 64;
    bool failed = false;
    scratch<float> left(36 * left_plane * c.groups);
    if (!left) return -2;
    /* Weights: transformed, then packed for the product, 36 planes of (M, C). */
    parallel_for(c.groups * 36, 6, [&](int64_t from, int64_t end) {
        scratch<float> u(6 * M * C);
        if (!u) { failed = true; return; }
        for (int64_t t = from; t < end; t += 6) {          /* one row of G w G^T: t % 36 / 6 */
            int64_t group = t / 36, row = t % 36 / 6;
            for (int64_t m = 0; m < M; m++)
                for (int64_t k = 0; k < C; k++) {
                    const float* g = w + ((transposed ? (group * C + k) * M + m : (group * M + m) * C + k)) * 9;
                    float g9[9], half[3 * 6], line[6];
                    for (int i = 0; i < 9; i++) g9[i] = transposed ? g[8 - i] : g[i];
                    for (int i = 0; i < 3; i++) {
                        weight_line(g9 + i, 3, line, 1);
                        half[i] = line[row];
                    }
                    weight_line(half, 1, line, 1);
                    for (int i = 0; i < 6; i++) u.p[i * M * C + m * C + k] = line[i];
                }
            for (int i = 0; i < 6; i++)
                pack_left(u.p + i * M * C, C, (int64_t)1, M, C, left.p + (group * 36 + row * 6 + i) * left_plane);
        }
    });
    if (failed) return -2;
    parallel_for(c.batch * c.groups * blocks, 1, [&](int64_t from, int64_t end) {
        scratch<float> lines(6 * padded_w + 4 * N);
        scratch<float> v(36 * plane + S);
        scratch<float> r(36 * result_plane + S);
        if (!lines || !v || !r) { failed = true; return; }
        for (int64_t task = from; task < end; task++) {
            int64_t image = task / blocks, group = image % c.groups;
            int64_t r0 = task % blocks * block_rows, rows = std::min(block_rows, th - r0), count = rows * tw;
            const float* xi = x + image * C * in_plane;
            float* yi = y + image * M * out_plane;
            for (int64_t k = 0; k < C; k++)
                for (int64_t a = 0; a < rows; a++) {
                    /* six lines of input, zero outside */
                    for (int i = 0; i < 6; i++) {
                        int64_t h = 4 * (r0 + a) + i - pad_h;
                        float* to = lines.p + i * padded_w;
                        if (h < 0 || h >= in[1]) {
                            memset(to, 0, padded_w * sizeof(float));
                        } else {
                            int64_t n = std::min(in[2], padded_w - pad_w);
                            for (int64_t j = 0; j < pad_w; j++) to[j] = 0;
                            memcpy(to + pad_w, xi + k * in_plane + h * in[2], n * sizeof(float));
                            memset(to + pad_w + n, 0, (padded_w - pad_w - n) * sizeof(float));
                        }
                    }
                    for (int64_t b = 0; b < tw; b += N) {
                        /* lane l is tile b + l: columns 4 (b + l) + 0..5 of each line */
                        vec half[36], full[6];
#pragma GCC unroll 6
                        for (int i = 0; i < 6; i++) {
                            const float* s = lines.p + i * padded_w + 4 * b;
                            vec q[N >= 4 ? 4 : 1], t[6];
#if PYX_VECTOR_BYTES == 64
                            {
                                /* every fourth element: two rounds of taking even and odd ones */
                                for (int part = 0; part < 2; part++) {
                                    vec e0, e1, o0, o1, z[4];
                                    const float* p = s + 4 * part;
                                    for (int j = 0; j < 4; j++) z[j] = vload(p + 16 * j);
                                    e0 = __builtin_shufflevector(z[0], z[1], 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
                                    e1 = __builtin_shufflevector(z[2], z[3], 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
                                    o0 = __builtin_shufflevector(z[0], z[1], 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
                                    o1 = __builtin_shufflevector(z[2], z[3], 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
                                    t[4 * part] = __builtin_shufflevector(e0, e1, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
                                    t[4 * part + 1] = __builtin_shufflevector(o0, o1, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
                                    if (part == 0) {
                                        t[2] = __builtin_shufflevector(e0, e1, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
                                        t[3] = __builtin_shufflevector(o0, o1, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
                                    }
                                }
                            }
#else
                            for (int j = 0; j < 6; j++)
                                for (int l = 0; l < N; l++) t[j][l] = s[4 * l + j];
#endif
                            (void)q;
                            input_line(t, 1, half + i * 6, 1);
                        }
                        int64_t first = a * tw + b;
                        int64_t valid = std::min<int64_t>(N, tw - b);
#pragma GCC unroll 6
                        for (int j = 0; j < 6; j++) {
                            input_line(half + j, 6, full, 1);
#pragma GCC unroll 6
                            for (int i = 0; i < 6; i++) {
                                float* to = v.p + (i * 6 + j) * plane + k * S;
                                int64_t lane = first % S;
                                float* at = to + first / S * strip_size + lane;
                                if (lane + valid <= S) {
                                    vstore_part(at, full[i], (int)valid);
                                } else {
                                    int here = (int)(S - lane);
                                    float few[N];
                                    vstore(few, full[i]);
                                    vstore_part(at, full[i], here);
                                    memcpy(to + (first / S + 1) * strip_size, few + here, (valid - here) * sizeof(float));
                                }
                            }
                        }
                    }
                }
            for (int i = 0; i < 36; i++)
                gemm_strips<float>({M, count, C, nullptr, 0, 0, nullptr, 0, 0, r.p + i * result_plane, result_row, nullptr, 0, 1.0f, 0.0f},
                                   left.p + (group * 36 + i) * left_plane, v.p + i * plane, strip_size);
            for (int64_t m = 0; m < M; m++)
                for (int64_t a = 0; a < rows; a++) {
                    int64_t h0 = 4 * (r0 + a), nh = std::min<int64_t>(4, H - h0);
                    for (int64_t b = 0; b < tw; b += N) {
                        vec half[24], full[4];
                        const float* s = r.p + m * result_row + a * tw + b;
#pragma GCC unroll 6
                        for (int j = 0; j < 6; j++) {
                            vec t[6];
#pragma GCC unroll 6
                            for (int i = 0; i < 6; i++) t[i] = vload(s + (i * 6 + j) * result_plane);
                            output_line(t, 1, half + j, 6);
                        }
                        vec add = vec{} + (bias ? bias[group * M + m] : 0.0f);
                        int64_t w0 = 4 * b, width = std::min<int64_t>(4 * N, W - w0);
                        for (int i = 0; i < nh; i++) {
                            output_line(half + i * 6, 1, full, 1);
                            float wide[4 * N];
#if PYX_VECTOR_BYTES == 64
                            {
                                vec p = full[0] + add, q = full[1] + add, u = full[2] + add, z = full[3] + add;
                                vec pu0 = __builtin_shufflevector(p, u, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                                vec pu1 = __builtin_shufflevector(p, u, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
                                vec qz0 = __builtin_shufflevector(q, z, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                                vec qz1 = __builtin_shufflevector(q, z, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
                                vstore(wide, __builtin_shufflevector(pu0, qz0, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
                                vstore(wide + 16, __builtin_shufflevector(pu0, qz0, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
                                vstore(wide + 32, __builtin_shufflevector(pu1, qz1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
                                vstore(wide + 48, __builtin_shufflevector(pu1, qz1, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
                            }
#else
                            for (int j = 0; j < 4; j++)
                                for (int l = 0; l < N; l++) wide[4 * l + j] = full[j][l] + add[l];
#endif
                            memcpy(yi + m * out_plane + (h0 + i) * W + w0, wide, width * sizeof(float));
                        }
                    }
                }
        }
    });
    return failed ? -2 : 0;
}

}  // namespace PYX_LEVEL_NS
}  // namespace pyx
