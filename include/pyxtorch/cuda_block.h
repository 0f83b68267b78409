/* How GPU kernels of (outer, dim, inner) share the work within a block. NVRTC only.

   A block's threads form a box: `across` of them lie along inner, `along` along dim, the rest along
   outer; all three are powers of two. Threads that differ only along dim work on one line. */
#pragma once
#include "dtype.h"

namespace pyx_gpu {

using namespace pyx;

constexpr int THREADS = 256;

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
