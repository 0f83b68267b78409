/* Pooling over windows of planes; every plane is a task, so nothing is added from two threads. */
#include "pyxtorch/kernels/pool.h"

#include <string.h>

#include <limits>
#include <type_traits>

#include "pyxtorch/math.h"
#include "pyxtorch/runtime.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace {

/* The window of output position i along one dimension: begin, end (clipped) and the size that
   counts when padding is included. */
struct Span {
    int64_t begin, end, step, padded;
};

inline Span window(const pyx_window* w, int d, int64_t i, bool adaptive) {
    Span s;
    if (adaptive) {
        s.begin = i * w->in[d] / w->out[d];
        s.end = ((i + 1) * w->in[d] + w->out[d] - 1) / w->out[d];
        s.step = 1;
        s.padded = s.end - s.begin;
        return s;
    }
    int64_t start = i * w->stride[d] - w->padding[d], stop = start + (w->kernel[d] - 1) * w->dilation[d] + 1;
    s.step = w->dilation[d];
    s.padded = std::min(stop, w->in[d] + w->padding[d]) - start;
    s.begin = start < 0 ? start + (-start + s.step - 1) / s.step * s.step : start;
    s.end = std::min(stop, w->in[d]);
    return s;
}

inline int64_t volume(const int64_t* n) { return n[0] * n[1] * n[2]; }

template <class F>
void for_planes(const pyx_window* w, F f) {
    int64_t work = std::max<int64_t>(1, volume(w->out) * 8);
    parallel_for(w->planes, std::max<int64_t>(1, 32768 / work), [&](int64_t a, int64_t b) {
        for (int64_t p = a; p < b; p++) f(p);
    });
}

/* ------------------------------------------------------------- rows of windows, by vectors

   Windows that lie inside the plane along the width are all alike: lane l of a vector is the
   window of output column k + l. A row of them is covered by vectors of one width, the last of
   which overlaps the one before. */

template <class T, int N>
struct Lanes {
    typedef typename std::conditional<sizeof(T) == 4, int32_t, int64_t>::type I;
    typedef T vec __attribute__((vector_size(N * sizeof(T))));
    typedef T loose __attribute__((vector_size(N * sizeof(T)), aligned(sizeof(T)), may_alias));
    typedef I ivec __attribute__((vector_size(N * sizeof(T))));

    /* p[0], p[stride], ...; nothing beyond the last of them is read. */
    static PYX_HD vec load(const T* p, int64_t stride) {
        if (stride == 1) return *(const loose*)p;
        vec v;
        if (stride == 2) {
            vec x = *(const loose*)p, y = *(const loose*)(p + N - 1);
            if constexpr (N == 16)
                return __builtin_shufflevector(x, y, 0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
            else if constexpr (N == 8)
                return __builtin_shufflevector(x, y, 0, 2, 4, 6, 9, 11, 13, 15);
            else if constexpr (N == 4)
                return __builtin_shufflevector(x, y, 0, 2, 5, 7);
            else
                return __builtin_shufflevector(x, y, 0, 3);
        }
        for (int l = 0; l < N; l++) v[l] = p[l * stride];
        return v;
    }
};

/* What the windows of one output row have in common. */
struct Row {
    Span d, h;
    int64_t H, W;
    const pyx_window* w;
};

template <class T, int N>
void max_lanes(const T* plane, const Row& r, int64_t k, T* y, int64_t* indices) {
    typedef Lanes<T, N> L;
    typedef typename L::I I;
    const pyx_window* w = r.w;
    int64_t stride = w->stride[2], step = w->dilation[2], begin = k * stride - w->padding[2];
    typename L::ivec lane;
    for (int l = 0; l < N; l++) lane[l] = (I)(l * stride);
    typename L::vec best = (typename L::vec){} - std::numeric_limits<T>::infinity();
    typename L::ivec at = lane + (I)((r.d.begin * r.H + r.h.begin) * r.W + begin);
    for (int64_t a = r.d.begin; a < r.d.end; a += r.d.step)
        for (int64_t b = r.h.begin; b < r.h.end; b += r.h.step) {
            int64_t q = (a * r.H + b) * r.W + begin;
            for (int64_t c = 0; c < w->kernel[2]; c++, q += step) {
                typename L::vec e = L::load(plane + q, stride);
                typename L::ivec take = (e > best) | (e != e);
                best = take ? e : best;
                at = take ? lane + (I)q : at;
            }
        }
    *(typename L::loose*)y = best;
    I found[N];
    memcpy(found, &at, sizeof found);
    for (int l = 0; l < N; l++) indices[l] = found[l];
}

template <class T, int N>
void sum_lanes(const T* plane, const Row& r, int64_t k, T* y, T n) {
    typedef Lanes<T, N> L;
    const pyx_window* w = r.w;
    int64_t stride = w->stride[2], begin = k * stride - w->padding[2];
    typename L::vec sum = {};
    for (int64_t a = r.d.begin; a < r.d.end; a++)
        for (int64_t b = r.h.begin; b < r.h.end; b++) {
            const T* row = plane + (a * r.H + b) * r.W + begin;
            for (int64_t c = 0; c < w->kernel[2]; c++) sum += L::load(row + c, stride);
        }
    *(typename L::loose*)y = sum / n;
}

/* Calls f(constant N, k) so that columns k0..k1 are covered; false where they are too few for a vector. */
template <class T, class F>
bool cover(int64_t k0, int64_t k1, F f) {
    auto with = [&](auto n) {
        constexpr int N = decltype(n)::value;
        for (int64_t k = k0; k < k1; k += N) f(n, std::min(k, k1 - N));
        return true;
    };
    constexpr int most = PYX_VECTOR_BYTES / (int)sizeof(T);
    int64_t width = k1 - k0;
    if constexpr (most >= 16)
        if (width >= 16) return with(std::integral_constant<int, 16>());
    if constexpr (most >= 8)
        if (width >= 8) return with(std::integral_constant<int, 8>());
    if constexpr (most >= 4)
        if (width >= 4) return with(std::integral_constant<int, 4>());
    if constexpr (most == 2)
        if (width >= 2) return with(std::integral_constant<int, 2>());
    return false;
}

/* Output columns whose windows lie inside the plane along the width. */
inline void inside(const pyx_window* w, int64_t* k0, int64_t* k1) {
    int64_t reach = (w->kernel[2] - 1) * w->dilation[2] + 1, room = w->in[2] + w->padding[2] - reach;
    *k0 = std::min(w->out[2], (w->padding[2] + w->stride[2] - 1) / w->stride[2]);
    *k1 = room < 0 ? *k0 : std::max(*k0, std::min(w->out[2], room / w->stride[2] + 1));
}

template <class T>
int max_of(const T* x, T* y, int64_t* indices, const pyx_window* w, bool adaptive) {
    int64_t in = volume(w->in), out = volume(w->out), H = w->in[1], W = w->in[2], k0 = 0, k1 = 0;
    if (std::is_floating_point<T>::value && !adaptive && in < INT32_MAX) inside(w, &k0, &k1);
    for_planes(w, [=](int64_t p) {
        const T* plane = x + p * in;
        int64_t o = p * out;
        for (int64_t i = 0; i < w->out[0]; i++) {
            Span d = window(w, 0, i, adaptive);
            for (int64_t j = 0; j < w->out[1]; j++, o += w->out[2]) {
                Span h = window(w, 1, j, adaptive);
                bool vectors = false;
                if constexpr (std::is_floating_point<T>::value) {
                    const Row row = {d, h, H, W, w};
                    vectors = k1 > k0 && cover<T>(k0, k1, [&](auto n, int64_t k) {
                        max_lanes<T, decltype(n)::value>(plane, row, k, y + o + k, indices + o + k);
                    });
                }
                for (int64_t k = 0; k < w->out[2]; k++) {
                    if (vectors && k == k0) k = k1;
                    if (k >= w->out[2]) break;
                    Span v = window(w, 2, k, adaptive);
                    T best = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
                    int64_t at = (d.begin * H + h.begin) * W + v.begin;
                    for (int64_t a = d.begin; a < d.end; a += d.step)
                        for (int64_t b = h.begin; b < h.end; b += h.step)
                            for (int64_t c = v.begin; c < v.end; c += v.step) {
                                int64_t q = (a * H + b) * W + c;
                                T e = plane[q];
                                if (e > best || e != e) {
                                    best = e;
                                    at = q;
                                }
                            }
                    y[o + k] = best;
                    indices[o + k] = at;
                }
            }
        }
    });
    return 0;
}

template <class T>
int scatter_of(const T* g, const int64_t* indices, T* gx, int64_t planes, int64_t out, int64_t in) {
    for (int64_t i = 0; i < planes * out; i++)
        if (indices[i] < 0 || indices[i] >= in) return -2;
    parallel_for(planes, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, in)), [=](int64_t a, int64_t b) {
        for (int64_t p = a; p < b; p++) {
            memset(gx + p * in, 0, in * sizeof(T));
            for (int64_t i = 0; i < out; i++) gx[p * in + indices[p * out + i]] += g[p * out + i];
        }
    });
    return 0;
}

template <class T>
T divided(T sum, int64_t n) {
    if constexpr (std::is_floating_point<T>::value) return sum / (T)n;
    else return div_trunc(sum, (T)n);
}

/* The same of images whose channels lie next to each other: all channels of a window at once. */
template <class T>
int average_channels(const T* x, T* y, const pyx_window* w, bool adaptive, bool include, int64_t divisor) {
    const int64_t C = w->channels, rows = w->planes / C * w->out[0] * w->out[1];
    const int64_t work = std::max<int64_t>(1, w->out[2] * C * 8);
    parallel_for(rows, std::max<int64_t>(1, 32768 / work), [=](int64_t r0, int64_t r1) {
        for (int64_t r = r0; r < r1; r++) {
            int64_t j = r % w->out[1], i = r / w->out[1] % w->out[0], image = r / w->out[1] / w->out[0];
            const Span d = window(w, 0, i, adaptive), h = window(w, 1, j, adaptive);
            const T* from = x + image * volume(w->in) * C;
            for (int64_t k = 0; k < w->out[2]; k++) {
                const Span v = window(w, 2, k, adaptive);
                int64_t n = divisor ? divisor
                                    : include ? d.padded * h.padded * v.padded
                                              : std::max<int64_t>(0, d.end - d.begin) * std::max<int64_t>(0, h.end - h.begin) * std::max<int64_t>(0, v.end - v.begin);
                T* __restrict to = y + (r * w->out[2] + k) * C;
                for (int64_t c = 0; c < C; c++) to[c] = 0;
                for (int64_t a = d.begin; a < d.end; a++)
                    for (int64_t b = h.begin; b < h.end; b++)
                        for (int64_t e = v.begin; e < v.end; e++) {
                            const T* __restrict s = from + ((a * w->in[1] + b) * w->in[2] + e) * C;
                            for (int64_t c = 0; c < C; c++) to[c] = add(to[c], s[c]);
                        }
                for (int64_t c = 0; c < C; c++) to[c] = divided(to[c], n);
            }
        }
    });
    return 0;
}

/* f(output position, its window's elements one after the other, what the sum is divided by) */
template <class T, bool backward>
int average(const T* from, T* to, const pyx_window* w, bool adaptive, bool include, int64_t divisor) {
    int64_t in = volume(w->in), out = volume(w->out), H = w->in[1], W = w->in[2], k0 = 0, k1 = 0;
    if (!backward && std::is_floating_point<T>::value && !adaptive) inside(w, &k0, &k1);
    for_planes(w, [=](int64_t p) {
        int64_t o = p * out;
        if (backward) memset(to + p * in, 0, in * sizeof(T));
        for (int64_t i = 0; i < w->out[0]; i++) {
            Span d = window(w, 0, i, adaptive);
            for (int64_t j = 0; j < w->out[1]; j++) {
                Span h = window(w, 1, j, adaptive);
                bool vectors = false;
                if constexpr (std::is_floating_point<T>::value && !backward) {
                    const Row row = {d, h, H, W, w};
                    int64_t n = divisor ? divisor : w->kernel[2] * (include ? d.padded * h.padded : std::max<int64_t>(0, d.end - d.begin) * std::max<int64_t>(0, h.end - h.begin));
                    vectors = k1 > k0 && cover<T>(k0, k1, [&](auto lanes, int64_t k) {
                        sum_lanes<T, decltype(lanes)::value>(from + p * in, row, k, to + o + k, (T)n);
                    });
                }
                for (int64_t k = 0; k < w->out[2]; k++, o++) {
                    if (vectors && k == k0) {
                        o += k1 - k0;
                        k = k1;
                        if (k >= w->out[2]) break;
                    }
                    Span v = window(w, 2, k, adaptive);
                    int64_t n = divisor ? divisor
                                        : include ? d.padded * h.padded * v.padded
                                                  : std::max<int64_t>(0, d.end - d.begin) * std::max<int64_t>(0, h.end - h.begin) * std::max<int64_t>(0, v.end - v.begin);
                    T sum = 0, share = backward ? divided(from[o], n) : 0;
                    for (int64_t a = d.begin; a < d.end; a++)
                        for (int64_t b = h.begin; b < h.end; b++) {
                            int64_t row = p * in + (a * H + b) * W;
                            for (int64_t c = v.begin; c < v.end; c++) {
                                if (backward)
                                    to[row + c] = add(to[row + c], share);
                                else
                                    sum = add(sum, from[row + c]);
                            }
                        }
                    if (!backward) to[o] = divided(sum, n);
                }
            }
        }
    });
    return 0;
}

int max_forward(int dtype, const void* x, void* y, int64_t* indices, const pyx_window* w) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return max_of((const T*)x, (T*)y, indices, w, false); })
               PYX_INTEGER_CASES({ return max_of((const T*)x, (T*)y, indices, w, false); }))
    return -1;
}
int adaptive_max_forward(int dtype, const void* x, void* y, int64_t* indices, const pyx_window* w) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return max_of((const T*)x, (T*)y, indices, w, true); }))
    return -1;
}
int scatter(int dtype, const void* g, const int64_t* indices, void* gx, int64_t planes, int64_t out, int64_t in) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return scatter_of((const T*)g, indices, (T*)gx, planes, out, in); })
               PYX_INTEGER_CASES({ return scatter_of((const T*)g, indices, (T*)gx, planes, out, in); }))
    return -1;
}
int avg_forward(int dtype, const void* x, void* y, const pyx_window* w, int include, int64_t divisor) {
    if (w->layout == PYX_CHANNELS_LAST)
        PYX_SWITCH(dtype, PYX_CASE(PYX_INT64, int64_t, { return average_channels<T>((const T*)x, (T*)y, w, false, include, divisor); })
                   PYX_FLOAT_CASES({ return average_channels<T>((const T*)x, (T*)y, w, false, include, divisor); }))
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return average<T, false>((const T*)x, (T*)y, w, false, include, divisor); })
               PYX_CASE(PYX_INT64, int64_t, { return average<T, false>((const T*)x, (T*)y, w, false, include, divisor); }))
    return -1;
}
int avg_backward(int dtype, const void* g, void* gx, const pyx_window* w, int include, int64_t divisor) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return average<T, true>((const T*)g, (T*)gx, w, false, include, divisor); }))
    return -1;
}
int adaptive_avg_forward(int dtype, const void* x, void* y, const pyx_window* w) {
    if (w->layout == PYX_CHANNELS_LAST)
        PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return average_channels<T>((const T*)x, (T*)y, w, true, false, 0); }))
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return average<T, false>((const T*)x, (T*)y, w, true, false, 0); }))
    return -1;
}
int adaptive_avg_backward(int dtype, const void* g, void* gx, const pyx_window* w) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return average<T, true>((const T*)g, (T*)gx, w, true, false, 0); }))
    return -1;
}

const pyx_pool_kernels table = {max_forward, scatter, avg_forward, avg_backward, adaptive_max_forward, adaptive_avg_forward, adaptive_avg_backward};

}  // namespace
}  // namespace PYX_LEVEL_NS
}  // namespace pyx

PYX_KERNELS(pool, pyx::table)
