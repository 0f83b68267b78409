/* Pooling over windows of planes; every plane is a task, so nothing is added from two threads. */
#include "pyxtorch/kernels/pool.h"

#include <string.h>

#include <limits>

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

template <class T>
int max_of(const T* x, T* y, int64_t* indices, const pyx_window* w, bool adaptive) {
    int64_t in = volume(w->in), out = volume(w->out), H = w->in[1], W = w->in[2];
    for_planes(w, [=](int64_t p) {
        const T* plane = x + p * in;
        int64_t o = p * out;
        for (int64_t i = 0; i < w->out[0]; i++) {
            Span d = window(w, 0, i, adaptive);
            for (int64_t j = 0; j < w->out[1]; j++) {
                Span h = window(w, 1, j, adaptive);
                for (int64_t k = 0; k < w->out[2]; k++, o++) {
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
                    y[o] = best;
                    indices[o] = at;
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

/* f(output position, its window's elements one after the other, what the sum is divided by) */
template <class T, bool backward>
int average(const T* from, T* to, const pyx_window* w, bool adaptive, bool include, int64_t divisor) {
    int64_t in = volume(w->in), out = volume(w->out), H = w->in[1], W = w->in[2];
    for_planes(w, [=](int64_t p) {
        int64_t o = p * out;
        if (backward) memset(to + p * in, 0, in * sizeof(T));
        for (int64_t i = 0; i < w->out[0]; i++) {
            Span d = window(w, 0, i, adaptive);
            for (int64_t j = 0; j < w->out[1]; j++) {
                Span h = window(w, 1, j, adaptive);
                for (int64_t k = 0; k < w->out[2]; k++, o++) {
                    Span v = window(w, 2, k, adaptive);
                    int64_t n = divisor ? divisor
                                        : include ? d.padded * h.padded * v.padded
                                                  : std::max<int64_t>(0, d.end - d.begin) * std::max<int64_t>(0, h.end - h.begin) * std::max<int64_t>(0, v.end - v.begin);
                    T sum = 0, share = backward ? from[o] / (T)n : 0;
                    for (int64_t a = d.begin; a < d.end; a++)
                        for (int64_t b = h.begin; b < h.end; b++) {
                            int64_t row = p * in + (a * H + b) * W;
                            for (int64_t c = v.begin; c < v.end; c++) {
                                if (backward)
                                    to[row + c] += share;
                                else
                                    sum += from[row + c];
                            }
                        }
                    if (!backward) to[o] = sum / (T)n;
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
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return average<T, false>((const T*)x, (T*)y, w, false, include, divisor); })
               PYX_CASE(PYX_INT64, int64_t, { return average<T, false>((const T*)x, (T*)y, w, false, include, divisor); }))
    return -1;
}
int avg_backward(int dtype, const void* g, void* gx, const pyx_window* w, int include, int64_t divisor) {
    PYX_SWITCH(dtype, PYX_FLOAT_CASES({ return average<T, true>((const T*)g, (T*)gx, w, false, include, divisor); }))
    return -1;
}
int adaptive_avg_forward(int dtype, const void* x, void* y, const pyx_window* w) {
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
