/* GPU kernels of the family `pool`: a thread for each element of the result. Gradients gather from the windows that
   cover an element, so nothing is added from two threads. */
#include "pyxtorch/cuda_block.h"
#include "pyxtorch/math.h"

namespace pyx_gpu {

/* The layout of pyx_window. */
struct Windows {
    pyx_i64 planes;
    pyx_i64 in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
    pyx_i64 channels;
    int layout;
};

/* The window of output position i along one dimension: begin, end (clipped) and the size that counts when padding is included. */
struct Span {
    pyx_i64 begin, end, step, padded;
};
__device__ inline Span span(const Windows& w, int d, pyx_i64 i, int adaptive) {
    Span s;
    if (adaptive) {
        s.begin = i * w.in[d] / w.out[d];
        s.end = ((i + 1) * w.in[d] + w.out[d] - 1) / w.out[d];
        s.step = 1;
        s.padded = s.end - s.begin;
        return s;
    }
    pyx_i64 start = i * w.stride[d] - w.padding[d], stop = start + (w.kernel[d] - 1) * w.dilation[d] + 1, edge = w.in[d] + w.padding[d];
    s.step = w.dilation[d];
    s.padded = (stop < edge ? stop : edge) - start;
    s.begin = start < 0 ? start + (-start + s.step - 1) / s.step * s.step : start;
    s.end = stop < w.in[d] ? stop : w.in[d];
    return s;
}
__device__ inline pyx_i64 length(const Span& s) { return s.end > s.begin ? s.end - s.begin : 0; }

/* First and last output position whose window may cover position i; each is to be looked at. */
__device__ inline void cover(const Windows& w, int d, pyx_i64 i, int adaptive, pyx_i64& first, pyx_i64& last) {
    if (adaptive) {
        first = i * w.out[d] / w.in[d];
        last = ((i + 1) * w.out[d] + w.in[d] - 1) / w.in[d] - 1;
    } else {
        pyx_i64 at = i + w.padding[d] - w.kernel[d];
        first = at < 0 ? 0 : at / w.stride[d] + 1;
        last = (i + w.padding[d]) / w.stride[d];
    }
    if (last > w.out[d] - 1) last = w.out[d] - 1;
}

template <class T> struct Lowest {
    static __device__ T of() { return (T)-1 < (T)0 ? (T)((T)1 << (sizeof(T) * 8 - 1)) : (T)0; }
};
template <> struct Lowest<float> { static __device__ float of() { return -infinity<float>(); } };
template <> struct Lowest<double> { static __device__ double of() { return -infinity<double>(); } };

template <class T>
__global__ void max_forward(const T* x, T* y, pyx_i64* indices, Windows w, int adaptive, pyx_i64 n) {
    pyx_i64 H = w.in[1], W = w.in[2];
    PYX_EACH(i, n) {
        pyx_i64 rest = i / w.out[2];
        Span v = span(w, 2, i % w.out[2], adaptive), h = span(w, 1, rest % w.out[1], adaptive);
        rest /= w.out[1];
        Span d = span(w, 0, rest % w.out[0], adaptive);
        const T* plane = x + rest / w.out[0] * w.in[0] * H * W;
        T best = Lowest<T>::of();
        pyx_i64 at = (d.begin * H + h.begin) * W + v.begin;
#pragma unroll 1
        for (pyx_i64 a = d.begin; a < d.end; a += d.step)
#pragma unroll 1
            for (pyx_i64 b = h.begin; b < h.end; b += h.step)
#pragma unroll 1
                for (pyx_i64 c = v.begin; c < v.end; c += v.step) {
                    T e = plane[(a * H + b) * W + c];
                    if (e > best || e != e) best = e, at = (a * H + b) * W + c;
                }
        y[i] = best;
        indices[i] = at;
    }
}

/* Places that are 0, mod shares, belong to share 0 of a plane, and so on: each thread reads all indices of its plane. */
template <class T>
__global__ void scatter(const T* g, const pyx_i64* indices, T* gx, pyx_i64 planes, pyx_i64 out, pyx_i64 in, pyx_i64 shares) {
    PYX_EACH(i, planes * shares) {
        pyx_i64 p = i / shares, share = i % shares;
        for (pyx_i64 at = share; at < in; at += shares) gx[p * in + at] = (T)0;
#pragma unroll 1
        for (pyx_i64 j = 0; j < out; j++) {
            pyx_i64 at = indices[p * out + j];
            if ((pyx_u32)at % (pyx_u32)shares == (pyx_u32)share) gx[p * in + at] += g[p * out + j];
        }
    }
}

template <class T> __device__ T divided(T sum, pyx_i64 n) { return sum / (T)n; }
__device__ inline pyx_i64 divided(pyx_i64 sum, pyx_i64 n) { return n ? sum / n : 0; }

template <class T>
__global__ void avg_forward(const T* x, T* y, Windows w, int adaptive, int include, pyx_i64 divisor, pyx_i64 n) {
    pyx_i64 H = w.in[1], W = w.in[2];
    PYX_EACH(i, n) {
        pyx_i64 rest = i / w.out[2];
        Span v = span(w, 2, i % w.out[2], adaptive), h = span(w, 1, rest % w.out[1], adaptive);
        rest /= w.out[1];
        Span d = span(w, 0, rest % w.out[0], adaptive);
        const T* plane = x + rest / w.out[0] * w.in[0] * H * W;
        T sum = 0;
#pragma unroll 1
        for (pyx_i64 a = d.begin; a < d.end; a++)
#pragma unroll 1
            for (pyx_i64 b = h.begin; b < h.end; b++)
#pragma unroll 1
                for (pyx_i64 c = v.begin; c < v.end; c++) sum += plane[(a * H + b) * W + c];
        pyx_i64 count = divisor ? divisor : include ? d.padded * h.padded * v.padded : length(d) * length(h) * length(v);
        y[i] = divided(sum, count);
    }
}

template <class T>
__global__ void avg_backward(const T* g, T* gx, Windows w, int adaptive, int include, pyx_i64 divisor, pyx_i64 n) {
    PYX_EACH(i, n) {
        pyx_i64 x = i % w.in[2], rest = i / w.in[2], y = rest % w.in[1];
        rest /= w.in[1];
        pyx_i64 z = rest % w.in[0], z0, z1, y0, y1, x0, x1;
        const T* plane = g + rest / w.in[0] * w.out[0] * w.out[1] * w.out[2];
        cover(w, 0, z, adaptive, z0, z1);
        cover(w, 1, y, adaptive, y0, y1);
        cover(w, 2, x, adaptive, x0, x1);
        T sum = 0;
#pragma unroll 1
        for (pyx_i64 a = z0; a <= z1; a++) {
            Span d = span(w, 0, a, adaptive);
            if (z < d.begin || z >= d.end) continue;
#pragma unroll 1
            for (pyx_i64 b = y0; b <= y1; b++) {
                Span h = span(w, 1, b, adaptive);
                if (y < h.begin || y >= h.end) continue;
#pragma unroll 1
                for (pyx_i64 c = x0; c <= x1; c++) {
                    Span v = span(w, 2, c, adaptive);
                    if (x < v.begin || x >= v.end) continue;
                    pyx_i64 count = divisor ? divisor : include ? d.padded * h.padded * v.padded : length(d) * length(h) * length(v);
                    sum += divided(plane[(a * w.out[1] + b) * w.out[2] + c], count);
                }
            }
        }
        gx[i] = sum;
    }
}

}  // namespace pyx_gpu
