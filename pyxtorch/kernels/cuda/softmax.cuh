/* GPU kernels of the family `softmax`: the threads of a box share a line (see cuda_block.h). */
#include "pyxtorch/cuda_block.h"
#include "pyxtorch/math.h"

namespace pyx_gpu {

template <class T>
__global__ void softmax_forward(const T* x, T* y, pyx_i64 outer, pyx_i64 dim, pyx_i64 inner, int across, int along, int logarithm) {
    __shared__ T shared[THREADS];
    Box box(across, along);
    pyx_i64 n = box.count(outer, inner), o, c;
#pragma unroll 1
    for (pyx_i64 i = blockIdx.x; i < n; i += gridDim.x) {
        bool inside = box.place(i, outer, inner, o, c);
        pyx_i64 base = o * dim * inner + c, end = inside ? dim : 0;
        T largest = -infinity<T>(), total = 0;
        for (pyx_i64 k = box.step; k < end; k += along) largest = maximum(x[base + k * inner], largest);
        largest = box.fold(largest, shared, [](T a, T b) { return maximum(b, a); });
        for (pyx_i64 k = box.step; k < end; k += along) total += pyx::exp(x[base + k * inner] - largest);
        total = box.fold(total, shared, [](T a, T b) { return a + b; });
        T shift = logarithm ? pyx::log(total) : (T)0, scale = (T)1 / total;
        for (pyx_i64 k = box.step; k < end; k += along) {
            T v = x[base + k * inner] - largest;
            y[base + k * inner] = logarithm ? v - shift : pyx::exp(v) * scale;
        }
    }
}

template <class T>
__global__ void softmax_backward(const T* g, const T* y, T* gx, pyx_i64 outer, pyx_i64 dim, pyx_i64 inner, int across, int along,
                                 int logarithm) {
    __shared__ T shared[THREADS];
    Box box(across, along);
    pyx_i64 n = box.count(outer, inner), o, c;
#pragma unroll 1
    for (pyx_i64 i = blockIdx.x; i < n; i += gridDim.x) {
        bool inside = box.place(i, outer, inner, o, c);
        pyx_i64 base = o * dim * inner + c, end = inside ? dim : 0;
        T total = 0;
        for (pyx_i64 k = box.step; k < end; k += along) {
            pyx_i64 at = base + k * inner;
            total += logarithm ? g[at] : g[at] * y[at];
        }
        total = box.fold(total, shared, [](T a, T b) { return a + b; });
        for (pyx_i64 k = box.step; k < end; k += along) {
            pyx_i64 at = base + k * inner;
            gx[at] = logarithm ? g[at] - pyx::exp(y[at]) * total : (g[at] - total) * y[at];
        }
    }
}

}  // namespace pyx_gpu
