/* Layer and batch normalisation, forward and backward. Sums run in 64 lanes; what is summed over
   rows or images is cut into pieces of fixed size and added in their order. */
#include "pyxtorch/kernels/norm.h"

#include <math.h>

#include "pyxtorch/runtime.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace {

constexpr int LANES = 64;
constexpr int64_t PIECE = 64;

inline double root(double x) { return ::sqrt(x); }

/* sum f(i) for i in 0..n, by lanes */
template <class T, class F>
inline double lanes(int64_t n, F f) {
    double total = 0;
    int64_t i = 0;
    while (n - i >= LANES) {
        int64_t end = i + std::min<int64_t>((n - i) / LANES * LANES, 64 * LANES);
        T lane[LANES] = {0};
        for (; i < end; i += LANES)
            for (int k = 0; k < LANES; k++) lane[k] += f(i + k);
        for (int width = LANES / 2; width; width /= 2)
            for (int k = 0; k < width; k++) lane[k] += lane[k + width];
        total += lane[0];
    }
    for (; i < n; i++) total += f(i);
    return total;
}

/* two sums in one pass over the same elements */
template <class T, class F, class G>
inline void lanes2(int64_t n, F f, G g, double* a, double* b) {
    double s = 0, t = 0;
    int64_t i = 0;
    constexpr int K = 32;
    while (n - i >= K) {
        int64_t end = i + std::min<int64_t>((n - i) / K * K, 64 * K);
        T u[K] = {0}, v[K] = {0};
        for (; i < end; i += K)
            for (int k = 0; k < K; k++) {
                u[k] += f(i + k);
                v[k] += g(i + k);
            }
        for (int width = K / 2; width; width /= 2)
            for (int k = 0; k < width; k++) {
                u[k] += u[k + width];
                v[k] += v[k + width];
            }
        s += u[0];
        t += v[0];
    }
    for (; i < n; i++) {
        s += f(i);
        t += g(i);
    }
    *a += s;
    *b += t;
}

/* Mean, biased variance and 1 / sqrt(variance + eps) of N stretches of S elements, `step` apart. */
template <class T> struct Moments { T mean; double var; T rstd; };

/* The same where squares, or sums, of x are out of range: of x divided by a power of two. */
template <class T>
Moments<T> rescaled_moments(const T* x, int64_t N, int64_t step, int64_t S, double eps, Moments<T> plain) {
    double count = (double)(N * S), largest = 0, mean = 0, var = 0;
    for (int64_t i = 0; i < N; i++)
        for (int64_t k = 0; k < S; k++) {
            double size = ::fabs((double)x[i * step + k]);
            if (!(size < INFINITY)) return plain;
            largest = std::max(largest, size);
        }
    double scale = ::ldexp(1, ::ilogb(largest)), inverse = 1 / scale;
    for (int64_t i = 0; i < N; i++) mean += lanes<double>(S, [=](int64_t k) { return x[i * step + k] * inverse; });
    mean /= count;
    for (int64_t i = 0; i < N; i++)
        var += lanes<double>(S, [=](int64_t k) { double d = x[i * step + k] * inverse - mean; return d * d; });
    var /= count;
    return {(T)(mean * scale), var * scale * scale, (T)(inverse / root(var + eps * inverse * inverse))};
}

template <class T>
inline Moments<T> moments(const T* x, int64_t N, int64_t step, int64_t S, double eps) {
    double count = (double)(N * S), total = 0;
    for (int64_t i = 0; i < N; i++) {
        const T* p = x + i * step;
        total += lanes<T>(S, [=](int64_t k) { return p[k]; });
    }
    T m = (T)(total / count);
    total = 0;
    for (int64_t i = 0; i < N; i++) {
        const T* p = x + i * step;
        total += lanes<T>(S, [=](int64_t k) { T d = p[k] - m; return d * d; });
    }
    double var = total / count;
    /* Where the deviations are no larger than the roundings of the sum, the mean is brought up to date by theirs. */
    if (var < (double)m * m * (sizeof(T) == 4 ? 1e-8 : 1e-24)) {
        total = 0;
        for (int64_t i = 0; i < N; i++) {
            const T* p = x + i * step;
            total += lanes<T>(S, [=](int64_t k) { return p[k] - m; });
        }
        double off = total / count;
        m = (T)(m + off);
        total = 0;
        for (int64_t i = 0; i < N; i++) {
            const T* p = x + i * step;
            total += lanes<T>(S, [=](int64_t k) { T d = p[k] - m; return d * d; });
        }
        var = total / count;
    }
    Moments<T> result = {m, var, (T)(1 / root(var + eps))};
    return var < INFINITY ? result : rescaled_moments(x, N, step, S, eps, result);
}

template <class T>
int layer_forward_of(const T* x, const T* w, const T* b, T* y, T* mean, T* rstd, int64_t rows, int64_t n, double eps) {
    parallel_for(rows, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, n)), [=](int64_t r0, int64_t r1) {
        for (int64_t r = r0; r < r1; r++) {
            const T* p = x + r * n;
            T* q = y + r * n;
            Moments<T> found = moments(p, 1, 0, n, eps);
            T m = found.mean, s = found.rstd;
            mean[r] = m;
            rstd[r] = s;
            if (w && b)
                for (int64_t i = 0; i < n; i++) q[i] = (p[i] - m) * s * w[i] + b[i];
            else if (w)
                for (int64_t i = 0; i < n; i++) q[i] = (p[i] - m) * s * w[i];
            else if (b)
                for (int64_t i = 0; i < n; i++) q[i] = (p[i] - m) * s + b[i];
            else
                for (int64_t i = 0; i < n; i++) q[i] = (p[i] - m) * s;
        }
    });
    return 0;
}

template <class T>
int layer_backward_of(const T* g, const T* x, const T* w, const T* mean, const T* rstd, T* gx, T* gw, T* gb, int64_t rows, int64_t n) {
    int64_t pieces = (rows + PIECE - 1) / PIECE;
    scratch<T> part(gw || gb ? 2 * pieces * n : 0);
    if (!part) return -3;
    T* partial = part;
    parallel_for(pieces, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, n * PIECE)), [=](int64_t q0, int64_t q1) {
        for (int64_t q = q0; q < q1; q++) {
            T* sw = partial + 2 * q * n;
            T* sb = sw + n;
            if (gw || gb)
                for (int64_t i = 0; i < 2 * n; i++) sw[i] = 0;
            for (int64_t r = q * PIECE; r < std::min(rows, (q + 1) * PIECE); r++) {
                const T *pg = g + r * n, *px = x + r * n;
                T m = mean[r], s = rstd[r];
                if (gw || gb)
                    for (int64_t i = 0; i < n; i++) {
                        sw[i] += pg[i] * (px[i] - m) * s;
                        sb[i] += pg[i];
                    }
                if (!gx) continue;
                if (n == 1) {       /* constant: exactly 0, where rounding would leave something times s */
                    gx[r] = 0;
                    continue;
                }
                double a = 0, c = 0;
                if (w)
                    lanes2<T>(n, [=](int64_t i) { return pg[i] * w[i]; }, [=](int64_t i) { return pg[i] * w[i] * (px[i] - m); }, &a, &c);
                else
                    lanes2<T>(n, [=](int64_t i) { return pg[i]; }, [=](int64_t i) { return pg[i] * (px[i] - m); }, &a, &c);
                T first = (T)(a / n), second = (T)(c * s / n);
                T* out = gx + r * n;
                if (w)
                    for (int64_t i = 0; i < n; i++) out[i] = s * (pg[i] * w[i] - first - (px[i] - m) * s * second);
                else
                    for (int64_t i = 0; i < n; i++) out[i] = s * (pg[i] - first - (px[i] - m) * s * second);
            }
        }
    });
    if (gw || gb)
        parallel_for(n, 1024, [=](int64_t a, int64_t b) {
            if (gw)
                for (int64_t i = a; i < b; i++) gw[i] = 0;
            if (gb)
                for (int64_t i = a; i < b; i++) gb[i] = 0;
            for (int64_t q = 0; q < pieces; q++) {
                const T* sw = partial + 2 * q * n;
                if (gw)
                    for (int64_t i = a; i < b; i++) gw[i] += sw[i];
                if (gb)
                    for (int64_t i = a; i < b; i++) gb[i] += sw[n + i];
            }
        });
    return 0;
}

template <class T>
int stats_of(const T* x, T* mean, T* var, T* rstd, int64_t N, int64_t C, int64_t S, double eps) {
    if (S == 1) {
        parallel_for(C, 64, [=](int64_t c0, int64_t c1) {
            double m[64], v[64];
            for (int64_t base = c0; base < c1; base += 64) {
                int64_t k = std::min<int64_t>(64, c1 - base);
                for (int64_t c = 0; c < k; c++) m[c] = v[c] = 0;
                for (int64_t i = 0; i < N; i++)
                    for (int64_t c = 0; c < k; c++) m[c] += x[i * C + base + c];
                for (int64_t c = 0; c < k; c++) m[c] /= N;
                for (int64_t i = 0; i < N; i++)
                    for (int64_t c = 0; c < k; c++) {
                        double d = x[i * C + base + c] - m[c];
                        v[c] += d * d;
                    }
                for (int64_t c = 0; c < k; c++) {
                    mean[base + c] = (T)m[c];
                    var[base + c] = (T)(v[c] / N);
                    rstd[base + c] = (T)(1 / root(v[c] / N + eps));
                }
            }
        });
        return 0;
    }
    parallel_for(C, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, N * S)), [=](int64_t c0, int64_t c1) {
        for (int64_t c = c0; c < c1; c++) {
            Moments<T> found = moments(x + c * S, N, C * S, S, eps);
            mean[c] = found.mean;
            var[c] = (T)found.var;
            rstd[c] = found.rstd;
        }
    });
    return 0;
}

template <class T>
int affine_of(const T* x, const T* mean, const T* scale, const T* shift, T* y, int64_t N, int64_t C, int64_t S) {
    if (S == 1) {
        parallel_for(N, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, C)), [=](int64_t a, int64_t b) {
            for (int64_t i = a; i < b; i++)
                for (int64_t c = 0; c < C; c++) y[i * C + c] = (x[i * C + c] - mean[c]) * scale[c] + (shift ? shift[c] : (T)0);
        });
        return 0;
    }
    parallel_for(N * C, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, S)), [=](int64_t a, int64_t b) {
        for (int64_t i = a; i < b; i++) {
            T m = mean[i % C], u = scale[i % C], v = shift ? shift[i % C] : (T)0;
            const T* p = x + i * S;
            T* q = y + i * S;
            for (int64_t k = 0; k < S; k++) q[k] = (p[k] - m) * u + v;
        }
    });
    return 0;
}

template <class T>
int channel_backward_of(const T* g, const T* x, const T* w, const T* mean, const T* rstd, T* gx, T* gw, T* gb, int64_t N, int64_t C, int64_t S,
                        bool training) {
    double count = (double)(N * S);
    if (S == 1) {
        parallel_for(C, 64, [=](int64_t c0, int64_t c1) {
            for (int64_t base = c0; base < c1; base += 64) {
                int64_t k = std::min<int64_t>(64, c1 - base);
                double a[64] = {0}, d[64] = {0};
                for (int64_t i = 0; i < N; i++)
                    for (int64_t c = 0; c < k; c++) {
                        int64_t at = i * C + base + c;
                        a[c] += g[at];
                        d[c] += (double)g[at] * (x[at] - mean[base + c]);
                    }
                for (int64_t c = 0; c < k; c++) {
                    gb[base + c] = (T)a[c];
                    gw[base + c] = (T)(d[c] * rstd[base + c]);
                }
                if (gx)
                    for (int64_t i = 0; i < N; i++)
                        for (int64_t c = 0; c < k; c++) {
                            int64_t at = i * C + base + c;
                            T s = rstd[base + c], scale = w ? w[base + c] * s : s;
                            gx[at] = training ? scale * (g[at] - (T)(a[c] / count) - (x[at] - mean[base + c]) * s * (T)(d[c] * s / count)) : scale * g[at];
                        }
            }
        });
        return 0;
    }
    parallel_for(C, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, N * S)), [=](int64_t c0, int64_t c1) {
        for (int64_t c = c0; c < c1; c++) {
            double a = 0, d = 0;
            T m = mean[c], s = rstd[c], scale = w ? w[c] * s : s;
            for (int64_t i = 0; i < N; i++) {
                const T *pg = g + (i * C + c) * S, *px = x + (i * C + c) * S;
                lanes2<T>(S, [=](int64_t k) { return pg[k]; }, [=](int64_t k) { return pg[k] * (px[k] - m); }, &a, &d);
            }
            gb[c] = (T)a;
            gw[c] = (T)(d * s);
            if (!gx) continue;
            T first = (T)(a / count), second = (T)(d * s / count);
            for (int64_t i = 0; i < N; i++) {
                const T *pg = g + (i * C + c) * S, *px = x + (i * C + c) * S;
                T* out = gx + (i * C + c) * S;
                if (training)
                    for (int64_t k = 0; k < S; k++) out[k] = scale * (pg[k] - first - (px[k] - m) * s * second);
                else
                    for (int64_t k = 0; k < S; k++) out[k] = scale * pg[k];
            }
        }
    });
    return 0;
}

#define P(x) (const T*)x
#define Q(x) (T*)x
int layer_forward(int dtype, const void* x, const void* w, const void* b, void* y, void* mean, void* rstd, int64_t rows, int64_t n, double eps) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return layer_forward_of(P(x), P(w), P(b), Q(y), Q(mean), Q(rstd), rows, n, eps); }))
    return -1;
}
int layer_backward(int dtype, const void* g, const void* x, const void* w, const void* mean, const void* rstd, void* gx, void* gw, void* gb,
                   int64_t rows, int64_t n) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return layer_backward_of(P(g), P(x), P(w), P(mean), P(rstd), Q(gx), Q(gw), Q(gb), rows, n); }))
    return -1;
}
int channel_stats(int dtype, const void* x, void* mean, void* var, void* rstd, int64_t N, int64_t C, int64_t S, double eps) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return stats_of(P(x), Q(mean), Q(var), Q(rstd), N, C, S, eps); }))
    return -1;
}
int channel_affine(int dtype, const void* x, const void* mean, const void* scale, const void* shift, void* y, int64_t N, int64_t C, int64_t S) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return affine_of(P(x), P(mean), P(scale), P(shift), Q(y), N, C, S); }))
    return -1;
}
int channel_backward(int dtype, const void* g, const void* x, const void* w, const void* mean, const void* rstd, void* gx, void* gw, void* gb,
                     int64_t N, int64_t C, int64_t S, int training) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return channel_backward_of(P(g), P(x), P(w), P(mean), P(rstd), Q(gx), Q(gw), Q(gb), N, C, S, training); }))
    return -1;
}

const pyx_norm_kernels table = {layer_forward, layer_backward, channel_stats, channel_affine, channel_backward};

}  // namespace
}  // namespace PYX_LEVEL_NS
}  // namespace pyx

PYX_KERNELS(norm, pyx::table)
