/* How GPU kernels share the work. NVRTC only. */
#pragma once
#include "dtype.h"

namespace pyx_gpu {

using namespace pyx;

constexpr int THREADS = 256;

/* A loop over 0 .. n - 1, whose turns the threads of all blocks share. */
#define PYX_EACH(i, n)                                                                                       \
    _Pragma("unroll 1")                                                                                      \
    for (pyx_i64 i = (pyx_i64)blockIdx.x * blockDim.x + threadIdx.x, pyx_step = (pyx_i64)gridDim.x * blockDim.x; \
         i < (n); i += pyx_step)

/* Sums of the values of the threads before this one, in the order of threadIdx.x, and of all.
   Every thread of the block must call it. `shared` has THREADS elements. */
template <class T>
__device__ T sum_before(T value, T* shared, T* total) {
    int t = (int)threadIdx.x;
    shared[t] = value;
    __syncthreads();
    for (int step = 1; step < (int)blockDim.x; step *= 2) {
        T other = t >= step ? shared[t - step] : (T)0;
        __syncthreads();
        shared[t] += other;
        __syncthreads();
    }
    T before = shared[t] - value;
    *total = shared[blockDim.x - 1];
    __syncthreads();
    return before;
}

/* Work on (outer, dim, inner): a block's threads form a box: `across` of them lie along inner, `along` along dim, the rest along
   outer; all three are powers of two. Threads that differ only along dim work on one line. */
struct Box {
    int across, along;
    int column, step, line; /* this thread's place */
    __device__ Box(int across_, int along_) : across(across_), along(along_) {
        column = (int)threadIdx.x % across;
        step = (int)threadIdx.x / across % along;
        line = (int)threadIdx.x / (across * along);
    }
    __device__ int lines() const { return (int)blockDim.x / (across * along); }
    /* Boxes that cover outer lines of `inner` columns each. */
    __device__ pyx_i64 count(pyx_i64 outer, pyx_i64 inner) const {
        return (outer + lines() - 1) / lines() * ((inner + across - 1) / across);
    }
    /* Where box number i puts this thread; false outside. */
    __device__ bool place(pyx_i64 i, pyx_i64 outer, pyx_i64 inner, pyx_i64& o, pyx_i64& c) const {
        pyx_i64 wide = (inner + across - 1) / across;
        o = i / wide * lines() + line;
        c = i % wide * across + column;
        return o < outer && c < inner;
    }
    /* The fold of a value over the threads of a line, in an order that only `along` decides; for all
       of them. Every thread of the block must call it. `shared` has THREADS elements. */
    template <class W, class F>
    __device__ W fold(W value, W* shared, F f) const {
        shared[threadIdx.x] = value;
        __syncthreads();
        for (int half = along / 2; half; half /= 2) {
            if (step < half) shared[threadIdx.x] = f(shared[threadIdx.x], shared[threadIdx.x + half * across]);
            __syncthreads();
        }
        W whole = shared[threadIdx.x - step * across];
        __syncthreads();
        return whole;
    }
};

}  // namespace pyx_gpu
