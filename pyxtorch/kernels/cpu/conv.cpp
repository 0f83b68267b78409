/* Convolution: every case of float and double as a product of the weights with a matrix of shifted
   copies of the input ("im2col", Chellapilla, Puri and Simard 2006), made strip by strip in the
   layout that the product's tiles read, so that it never leaves the cache.

   One engine, conv_correlate.h, does forward and the gradient of the input. With a stride s the
   gradient of the input falls apart into s phases per dimension, each with the taps that meet its
   positions, so that no multiplication with an inserted zero is done. */
#include "pyxtorch/kernels/conv.h"

#include "conv_correlate.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace {

int64_t volume(const int64_t* s) { return s[0] * s[1] * s[2]; }

bool pointwise(const pyx_conv& c) {
    for (int d = 0; d < 3; d++)
        if (c.kernel[d] != 1 || c.stride[d] != 1 || c.padding[d] != 0) return false;
    return true;
}

/* A product for each image; many images: one to a task, few: each product is split. */
template <class T, class F>
int each_image(int64_t images, double work, F&& f) {
    int failed = 0;
    if (images >= 4)
        parallel_for(images, std::max<int64_t>(1, (int64_t)(5e5 / std::max(1.0, work))), [&](int64_t from, int64_t end) {
            for (int64_t i = from; i < end; i++)
                if (f(i, false)) failed = -2;
        });
    else
        for (int64_t i = 0; i < images; i++) failed |= f(i, true);
    return failed;
}

/* Offsets of all three dimensions in one piece of scratch. */
struct offsets {
    scratch<int64_t> room;
    int64_t* of[3];
    explicit offsets(const pyx_conv& c) : room(c.kernel[0] + c.kernel[1] + c.kernel[2] + 1) {
        of[0] = room.p;
        of[1] = of[0] + c.kernel[0];
        of[2] = of[1] + c.kernel[1];
    }
};

void forward_geometry(const pyx_conv& c, const offsets& o, geometry& g) {
    g.channels = c.channels / c.groups;
    for (int d = 0; d < 3; d++) {
        g.src[d] = c.in[d], g.out[d] = c.out[d], g.step[d] = c.stride[d], g.taps[d] = c.kernel[d], g.offset[d] = o.of[d];
        for (int64_t t = 0; t < c.kernel[d]; t++) o.of[d][t] = t * c.dilation[d] - c.padding[d];
    }
    g.prepare();
}

template <class T>
int forward_real(const pyx_conv& c, const T* x, const T* w, const T* bias, T* y) {
    int64_t in = volume(c.in), out = volume(c.out), kernel = volume(c.kernel);
    int64_t cg = c.channels / c.groups, m = c.filters / c.groups;
    if (c.batch * c.filters * out == 0) return 0;
    if (cg * in == 0) {
        for (int64_t i = 0; i < c.batch * c.filters * out; i++) y[i] = bias ? bias[i / out % c.filters] : T(0);
        return 0;
    }
    if (pointwise(c))
        return each_image<T>(c.batch * c.groups, (double)m * cg * in, [&](int64_t i, bool parallel) {
            int64_t group = i % c.groups;
            T* to = y + i * m * out;
            if (bias)
                for (int64_t f = 0; f < m; f++)
                    for (int64_t j = 0; j < out; j++) to[f * out + j] = bias[group * m + f];
            return gemm<T>({m, out, cg, w + group * m * cg, cg, 1, x + i * cg * in, in, 1, to, out, bias ? to : nullptr, out, T(1), T(1)}, parallel);
        });
    if (winograd_fits<T>(c, cg, m) && !(m >= 160 && in_parts<T>(m, cg * kernel))) { /* direct products on the matrix unit are faster */
        int done = winograd_forward<T>(c, x, w, bias, y, false);
        if (done != -1) return done;
    }
    offsets o(c);
    if (!o.room) return -2;
    geometry g;
    forward_geometry(c, o, g);
    target to = {c.filters * out, out, 0, {c.out[1] * c.out[2], c.out[2], 1}, true};
    if (cg == 1 && m == 1) {            /* all planes alike: groups and images are one loop */
        bool failed = false;
        parallel_for(c.batch * c.groups, std::max<int64_t>(1, 65536 / std::max<int64_t>(1, out * kernel)), [&](int64_t from, int64_t end) {
            scratch<T> room(g.plane + SLACK);
            if (!room) { failed = true; return; }
            for (int64_t i = from; i < end; i++) {
                pad(g, x + i * in, room.p, 0, 1);
                filter_plane(g, room.p, w + i % c.groups * kernel, bias ? bias[i % c.groups] : T(0), (T*)nullptr, y + i * out, to);
            }
        });
        return failed ? -2 : 0;
    }
    int failed = 0;
    for (int64_t group = 0; group < c.groups; group++)
        failed |= correlate<T>(g, c.batch, m, w + group * m * cg * kernel, bias ? bias + group * m : nullptr, x + group * cg * in,
                               c.channels * in, y + group * m * out, to);
    return failed ? -2 : 0;
}

template <class T>
int data_real(const pyx_conv& c, const T* gy, const T* w, T* gx) {
    int64_t in = volume(c.in), out = volume(c.out), kernel = volume(c.kernel);
    int64_t cg = c.channels / c.groups, m = c.filters / c.groups;
    if (c.batch * c.channels * in == 0) return 0;
    if (m * out == 0) {
        memset(gx, 0, c.batch * c.channels * in * sizeof(T));
        return 0;
    }
    if (pointwise(c))
        return each_image<T>(c.batch * c.groups, (double)m * cg * in, [&](int64_t i, bool parallel) {
            return gemm<T>({cg, in, m, w + i % c.groups * m * cg, 1, cg, gy + i * m * out, out, 1, gx + i * cg * in, in, nullptr, 0, T(1), T(0)}, parallel);
        });
    if (winograd_fits<T>(c, cg, m) && !(cg >= 160 && in_parts<T>(cg, m * kernel))) {
        int done = winograd_forward<T>(c, gy, w, (const T*)nullptr, gx, true);
        if (done != -1) return done;
    }
    offsets o(c);
    scratch<T> picked(cg * m * kernel + 1);
    scratch<int64_t> flat(kernel); /* the taps of a phase among all */
    if (!o.room || !picked || !flat) return -2;
    int64_t phases = volume(c.stride);
    int failed = 0;
    for (int64_t phase = 0; phase < phases; phase++) {
        int64_t r[3] = {phase / (c.stride[1] * c.stride[2]), phase / c.stride[2] % c.stride[1], phase % c.stride[2]};
        geometry g;
        scratch<int64_t> which(c.kernel[0] + c.kernel[1] + c.kernel[2]);
        if (!which) return -2;
        int64_t* tap[3] = {which.p, which.p + c.kernel[0], which.p + c.kernel[0] + c.kernel[1]};
        g.channels = m;
        for (int d = 0; d < 3; d++) {
            int64_t s = c.stride[d];
            g.src[d] = c.out[d], g.step[d] = 1, g.offset[d] = o.of[d];
            g.out[d] = r[d] < c.in[d] ? (c.in[d] - r[d] + s - 1) / s : 0;
            int64_t n = 0;
            for (int64_t t = 0; t < c.kernel[d]; t++) {
                int64_t shift = r[d] + c.padding[d] - t * c.dilation[d];
                if (shift % s) continue;
                tap[d][n] = t;
                o.of[d][n++] = shift / s;
            }
            g.taps[d] = n;
        }
        g.prepare();
        if (g.positions == 0) continue;
        target to = {c.channels * in, in, (r[0] * c.in[1] + r[1]) * c.in[2] + r[2],
                     {c.stride[0] * c.in[1] * c.in[2], c.stride[1] * c.in[2], c.stride[2]}, phases == 1};
        for (int64_t group = 0; group < c.groups; group++) {
            const T* from = w + group * m * cg * kernel;
            if (g.ntaps == 0) {         /* no tap meets these positions */
                for (int64_t i = 0; i < c.batch; i++)
                    for (int64_t ch = 0; ch < cg; ch++)
                        for (int64_t p = 0; p < g.positions; p++)
                            gx[i * to.image + (group * cg + ch) * in + to.start + p / (g.out[1] * g.out[2]) * to.along[0] +
                               p / g.out[2] % g.out[1] * to.along[1] + p % g.out[2] * to.along[2]] = T(0);
                continue;
            }
            for (int64_t i = 0, t = 0; i < g.taps[0]; i++)
                for (int64_t j = 0; j < g.taps[1]; j++)
                    for (int64_t k = 0; k < g.taps[2]; k++) flat.p[t++] = (tap[0][i] * c.kernel[1] + tap[1][j]) * c.kernel[2] + tap[2][k];
            /* (m, cg, kernel) to (cg, m, taps), a few channels at a time */
            parallel_for((cg + 15) / 16, std::max<int64_t>(1, 4096 / (m * g.ntaps)), [&](int64_t first, int64_t end) {
                for (int64_t ch0 = first * 16; ch0 < std::min(cg, end * 16); ch0 += 16)
                    for (int64_t f = 0; f < m; f++)
                        for (int64_t ch = ch0; ch < std::min(cg, ch0 + 16); ch++) {
                            const T* source = from + (f * cg + ch) * kernel;
                            T* p = picked.p + (ch * m + f) * g.ntaps;
                            for (int64_t t = 0; t < g.ntaps; t++) p[t] = source[flat.p[t]];
                        }
            });
            failed |= correlate<T>(g, c.batch, cg, picked.p, nullptr, gy + group * m * out, c.filters * out, gx + group * cg * in, to);
        }
    }
    return failed ? -2 : 0;
}

/* Gradient of the weights: for blocks of positions, shifted sources times gy^T, summed. */
template <class T>
int weight_real(const pyx_conv& c, const T* x, const T* gy, T* gw) {
    typedef typename lanes<T>::type vec;
    constexpr int N = lanes<T>::n;
    int64_t in = volume(c.in), out = volume(c.out), kernel = volume(c.kernel);
    int64_t cg = c.channels / c.groups, m = c.filters / c.groups;
    if (c.filters * cg * kernel == 0) return 0;
    if (c.batch * out * in == 0) {
        memset(gw, 0, c.filters * cg * kernel * sizeof(T));
        return 0;
    }
    offsets o(c);
    if (!o.room) return -2;
    geometry g;
    forward_geometry(c, o, g);
    bool failed = false;
    if (cg == 1 && m == 1) {
        parallel_for(c.groups, std::max<int64_t>(1, 65536 / (c.batch * out * kernel)), [&](int64_t from, int64_t end) {
            scratch<T> room(g.plane + SLACK);
            if (!room) { failed = true; return; }
            for (int64_t group = from; group < end; group++) {
                T* to = gw + group * kernel;
                for (int64_t t = 0; t < kernel; t++) to[t] = 0;
                for (int64_t i = 0; i < c.batch; i++) {
                    pad(g, x + (i * c.channels + group) * in, room.p, 0, 1);
                    const T* up = gy + (i * c.filters + group) * out;
                    for (int64_t t = 0; t < kernel; t++) {
                        int64_t kd = t / (c.kernel[1] * c.kernel[2]), kh = t / c.kernel[2] % c.kernel[1], kw = t % c.kernel[2];
                        const T* base = room.p + ((o.of[0][kd] + g.lo[0]) * g.padded[1] + o.of[1][kh] + g.lo[1]) * g.padded[2] + o.of[2][kw] + g.lo[2];
                        vec sum[4] = {vec{}, vec{}, vec{}, vec{}};
                        T rest = 0;
                        for (int64_t d = 0; d < g.out[0]; d++)
                            for (int64_t h = 0; h < g.out[1]; h++) {
                                const T* s = base + (d * g.step[0] * g.padded[1] + h * g.step[1]) * g.padded[2];
                                const T* u = up + (d * g.out[1] + h) * g.out[2];
                                if (g.step[2] != 1) {
                                    for (int64_t q = 0; q < g.out[2]; q++) rest += u[q] * s[q * g.step[2]];
                                    continue;
                                }
                                int64_t q = 0;
                                for (; q + N <= g.out[2]; q += N) sum[(q / N) & 3] += vload(u + q) * vload(s + q);
                                int left = (int)(g.out[2] - q); /* beyond it s may be anything, a NaN too */
                                if (left > 0) sum[3] += vload_part(u + q, left) * vload_part(s + q, left);
                            }
                        to[t] += vsum<T>((sum[0] + sum[1]) + (sum[2] + sum[3])) + rest;
                    }
                }
            }
        });
        return failed ? -2 : 0;
    }
    bool one = pointwise(c);
    /* Tasks: blocks of input channels, and where these are few, ranges of images with sums of their own. */
    constexpr int64_t P = 256;
    int64_t per = std::max<int64_t>(1, std::min((cg + 3) / 4, (1024 + kernel - 1) / kernel));
    if (per * kernel < 64) per = std::min(cg, (64 + kernel - 1) / kernel);
    int64_t parts = (cg + per - 1) / per, ranges = std::min<int64_t>(c.batch, parts >= 4 ? 1 : (7 + parts) / parts);
    int64_t images = (c.batch + ranges - 1) / ranges;
    ranges = (c.batch + images - 1) / images;
    int64_t rows = cg * kernel;
    /* Small planes: several images make one row of positions, or the sums would be read and written for little. */
    int64_t together = one || out > P / 2 ? 1 : std::min(images, P / out), most = std::min(per, cg);
    scratch<T> sums(ranges * rows * m);
    if (!sums) return -2;
    for (int64_t group = 0; group < c.groups; group++) {
        parallel_for(parts * ranges, 1, [&](int64_t from, int64_t end) {
            scratch<T> padded(one ? 1 : together * most * g.plane + SLACK);
            scratch<T> block(one ? 1 : most * kernel * P + SLACK);
            scratch<T> right(together > 1 ? m * P : 1);
            scratch<span> list(P);
            if (!padded || !block || !right || !list) { failed = true; return; }
            for (int64_t t = from; t < end; t++) {
                int64_t c0 = t % parts * per, c1 = std::min(cg, c0 + per), range = t / parts;
                T* to = sums.p + (range * rows + c0 * kernel) * m;
                bool first = true;
                int64_t last = std::min(c.batch, (range + 1) * images);
                for (int64_t i = range * images; i < last; i += together) {
                    int64_t n = std::min(together, last - i);
                    const T* image = x + (i * c.channels + group * cg) * in;
                    const T* up = gy + (i * c.filters + group * m) * out;
                    for (int64_t k = 0; !one && k < n; k++) pad(g, image + k * c.channels * in, padded.p + k * most * g.plane, c0, c1);
                    if (together > 1)
                        for (int64_t f = 0; f < m; f++)
                            for (int64_t k = 0; k < n; k++) copy_row(right.p + f * P + k * out, up + (k * c.filters + f) * out, out);
                    for (int64_t p = 0; p < n * out; p += P) {
                        int64_t count = std::min(P, n * out - p);
                        const T* left = image + c0 * in + p;
                        if (!one) {
                            int pieces = spans(g, most * g.plane, p, count, list.p);
                            shifted(g, padded.p, c0, c1, list.p, pieces, block.p, P);
                            left = block.p;
                        }
                        if (gemm<T>({(c1 - c0) * kernel, m, count, left, one ? in : P, 1, together > 1 ? right.p : up + p, 1, together > 1 ? P : out, to, m,
                                     first ? nullptr : to, m, T(1), T(1)}, false))
                            failed = true;
                        first = false;
                    }
                }
            }
        });
        /* (rows, m) to (m, rows), ranges added in order */
        T* to = gw + group * m * rows;
        parallel_for(rows, std::max<int64_t>(1, 32768 / m), [&](int64_t from, int64_t end) {
            for (int64_t r0 = from; r0 < end; r0 += 16)
                for (int64_t f = 0; f < m; f++)
                    for (int64_t r = r0; r < std::min(end, r0 + 16); r++) {
                        T s = sums.p[r * m + f];
                        for (int64_t k = 1; k < ranges; k++) s += sums.p[(k * rows + r) * m + f];
                        to[f * rows + r] = s;
                    }
        });
    }
    return failed ? -2 : 0;
}

/* ------------------------------------------------------------------------ other dtypes */

/* float16 and bfloat16 through float copies. */
template <class T>
struct as_float {
    scratch<float> room;
    as_float(const T* x, int64_t n) : room(n + 1) {
        if (room && x) parallel_for(n, 65536, [&](int64_t a, int64_t b) { for (; a < b; a++) room.p[a] = to_float(x[a]); });
    }
    void back(T* y, int64_t n) const {
        parallel_for(n, 65536, [&](int64_t a, int64_t b) { for (; a < b; a++) store<T>(y + a, room.p[a]); });
    }
};

struct sizes {
    int64_t x, w, y;
    explicit sizes(const pyx_conv& c)
        : x(c.batch * c.channels * volume(c.in)), w(c.filters * (c.channels / c.groups) * volume(c.kernel)), y(c.batch * c.filters * volume(c.out)) {}
};

/* A bilinear operation on complex numbers is four on their parts. */
template <class T, class F>
int by_parts(const complex<T>* a, int64_t na, const complex<T>* b, int64_t nb, complex<T>* r, int64_t nr, F&& f) {
    scratch<T> room(2 * na + 2 * nb + 2 * nr + 1);
    if (!room) return -2;
    T *ar = room.p, *ai = ar + na, *br = ai + na, *bi = br + nb, *s = bi + nb, *t = s + nr;
    for (int64_t i = 0; i < na; i++) ar[i] = a[i].re, ai[i] = a[i].im;
    for (int64_t i = 0; i < nb; i++) br[i] = b[i].re, bi[i] = b[i].im;
    if (f(ar, br, s) | f(ai, bi, t)) return -2;
    for (int64_t i = 0; i < nr; i++) r[i].re = s[i] - t[i];
    if (f(ar, bi, s) | f(ai, br, t)) return -2;
    for (int64_t i = 0; i < nr; i++) r[i].im = s[i] + t[i];
    return 0;
}

/* Integers: the definition, wrapping. kind 0 forward, 1 data, 2 weight: `f(x, w, y)` meets every
   product once; outermost is what the result is indexed by. */
template <class T, class F>
void every(const pyx_conv& c, F&& f) {
    int64_t cg = c.channels / c.groups, m = c.filters / c.groups;
    for (int64_t n = 0; n < c.batch; n++)
        for (int64_t k = 0; k < c.filters; k++)
            for (int64_t ch = 0; ch < cg; ch++) {
                int64_t plane = (n * c.channels + k / m * cg + ch), weight = (k * cg + ch);
                for (int64_t p = 0; p < volume(c.out); p++) {
                    int64_t od = p / (c.out[1] * c.out[2]), oh = p / c.out[2] % c.out[1], ow = p % c.out[2];
                    for (int64_t q = 0; q < volume(c.kernel); q++) {
                        int64_t d = od * c.stride[0] - c.padding[0] + q / (c.kernel[1] * c.kernel[2]) * c.dilation[0];
                        int64_t h = oh * c.stride[1] - c.padding[1] + q / c.kernel[2] % c.kernel[1] * c.dilation[1];
                        int64_t w = ow * c.stride[2] - c.padding[2] + q % c.kernel[2] * c.dilation[2];
                        if (d < 0 || d >= c.in[0] || h < 0 || h >= c.in[1] || w < 0 || w >= c.in[2]) continue;
                        f(((plane * c.in[0] + d) * c.in[1] + h) * c.in[2] + w, weight * volume(c.kernel) + q,
                          (n * c.filters + k) * volume(c.out) + p);
                    }
                }
            }
}

template <class T> struct typed {
    typedef typename std::make_unsigned<T>::type U;
    static int forward(const pyx_conv& c, const T* x, const T* w, const T* bias, T* y) {
        int64_t out = volume(c.out);
        for (int64_t i = 0; i < sizes(c).y; i++) y[i] = bias ? bias[i / out % c.filters] : 0;
        every<T>(c, [&](int64_t i, int64_t j, int64_t k) { y[k] = (T)((U)y[k] + (U)((U)x[i] * (U)w[j])); });
        return 0;
    }
    static int data(const pyx_conv& c, const T* gy, const T* w, T* gx) {
        for (int64_t i = 0; i < sizes(c).x; i++) gx[i] = 0;
        every<T>(c, [&](int64_t i, int64_t j, int64_t k) { gx[i] = (T)((U)gx[i] + (U)((U)gy[k] * (U)w[j])); });
        return 0;
    }
    static int weight(const pyx_conv& c, const T* x, const T* gy, T* gw) {
        for (int64_t i = 0; i < sizes(c).w; i++) gw[i] = 0;
        every<T>(c, [&](int64_t i, int64_t j, int64_t k) { gw[j] = (T)((U)gw[j] + (U)((U)x[i] * (U)gy[k])); });
        return 0;
    }
};
template <class T> struct typed_real {
    static int forward(const pyx_conv& c, const T* x, const T* w, const T* bias, T* y) { return forward_real<T>(c, x, w, bias, y); }
    static int data(const pyx_conv& c, const T* gy, const T* w, T* gx) { return data_real<T>(c, gy, w, gx); }
    static int weight(const pyx_conv& c, const T* x, const T* gy, T* gw) { return weight_real<T>(c, x, gy, gw); }
};
template <class T> struct typed_half {
    static int forward(const pyx_conv& c, const T* x, const T* w, const T* bias, T* y) {
        sizes n(c);
        as_float<T> a(x, n.x), b(w, n.w), d(bias, bias ? c.filters : 0), r(nullptr, n.y);
        if (!a.room || !b.room || !d.room || !r.room) return -2;
        int failed = forward_real<float>(c, a.room, b.room, bias ? d.room.p : nullptr, r.room);
        r.back(y, n.y);
        return failed;
    }
    static int data(const pyx_conv& c, const T* gy, const T* w, T* gx) {
        sizes n(c);
        as_float<T> a(gy, n.y), b(w, n.w), r(nullptr, n.x);
        if (!a.room || !b.room || !r.room) return -2;
        int failed = data_real<float>(c, a.room, b.room, r.room);
        r.back(gx, n.x);
        return failed;
    }
    static int weight(const pyx_conv& c, const T* x, const T* gy, T* gw) {
        sizes n(c);
        as_float<T> a(x, n.x), b(gy, n.y), r(nullptr, n.w);
        if (!a.room || !b.room || !r.room) return -2;
        int failed = weight_real<float>(c, a.room, b.room, r.room);
        r.back(gw, n.w);
        return failed;
    }
};
template <class R> struct typed_complex {
    typedef complex<R> T;
    static int forward(const pyx_conv& c, const T* x, const T* w, const T* bias, T* y) {
        sizes n(c);
        int failed = by_parts<R>(x, n.x, w, n.w, y, n.y, [&](R* a, R* b, R* r) { return forward_real<R>(c, a, b, nullptr, r); });
        int64_t out = volume(c.out);
        if (bias)
            for (int64_t i = 0; i < n.y; i++) y[i].re += bias[i / out % c.filters].re, y[i].im += bias[i / out % c.filters].im;
        return failed;
    }
    static int data(const pyx_conv& c, const T* gy, const T* w, T* gx) {
        sizes n(c);
        return by_parts<R>(gy, n.y, w, n.w, gx, n.x, [&](R* a, R* b, R* r) { return data_real<R>(c, a, b, r); });
    }
    static int weight(const pyx_conv& c, const T* x, const T* gy, T* gw) {
        sizes n(c);
        return by_parts<R>(x, n.x, gy, n.y, gw, n.w, [&](R* a, R* b, R* r) { return weight_real<R>(c, a, b, r); });
    }
};
template <> struct typed<float> : typed_real<float> {};
template <> struct typed<double> : typed_real<double> {};
template <> struct typed<f16> : typed_half<f16> {};
template <> struct typed<bf16> : typed_half<bf16> {};
template <> struct typed<c64> : typed_complex<float> {};
template <> struct typed<c128> : typed_complex<double> {};

#define EVERY_DTYPE(...) \
    PYX_SWITCH(dtype, PYX_FLOAT_CASES(__VA_ARGS__) PYX_HALF_CASES(__VA_ARGS__) PYX_COMPLEX_CASES(__VA_ARGS__) PYX_INTEGER_CASES(__VA_ARGS__))

int forward(int dtype, const pyx_conv* c, const void* x, const void* w, const void* bias, void* y) {
    EVERY_DTYPE(return typed<T>::forward(*c, (const T*)x, (const T*)w, (const T*)bias, (T*)y))
    return 0;
}
int backward_data(int dtype, const pyx_conv* c, const void* gy, const void* w, void* gx) {
    EVERY_DTYPE(return typed<T>::data(*c, (const T*)gy, (const T*)w, (T*)gx))
    return 0;
}
int backward_weight(int dtype, const pyx_conv* c, const void* x, const void* gy, void* gw) {
    EVERY_DTYPE(return typed<T>::weight(*c, (const T*)x, (const T*)gy, (T*)gw))
    return 0;
}

const pyx_conv_kernels table = {forward, backward_data, backward_weight};
PYX_KERNELS(conv, table)

}  // namespace
}  // namespace PYX_LEVEL_NS
}  // namespace pyx
