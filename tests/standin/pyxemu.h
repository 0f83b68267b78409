/* What CUDA C++ words mean to g++ in the stand-in: included before every kernel source.

   A kernel's threads are fibres that the stand-in driver runs one after the other; __syncthreads
   gives the turn away. __shared__ memory is thread_local, so that it lies in the module's TLS
   segment, which the driver fills with NaN bytes before each block. */
#pragma once
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include <tuple>

#define __CUDACC_RTC__ 1
#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __shared__ static thread_local

struct pyxemu_dim { unsigned x, y, z; };
struct pyxemu_state {
    pyxemu_dim threadIdx, blockIdx, blockDim, gridDim;
    void (*barrier)();
    int (*on_device)(const void*);
};
static pyxemu_state* pyxemu_now;
static thread_local char pyxemu_anchor[64]; /* makes the TLS segment exist */

#define threadIdx (pyxemu_now->threadIdx)
#define blockIdx (pyxemu_now->blockIdx)
#define blockDim (pyxemu_now->blockDim)
#define gridDim (pyxemu_now->gridDim)
static inline void __syncthreads() { pyxemu_now->barrier(); }
/* Threads run one at a time, so nothing comes between. */
template <class T> static inline T atomicAdd(T* p, T v) { T old = *p; *p = old + v; return old; }
template <class T> static inline T atomicMin(T* p, T v) { T old = *p; *p = v < old ? v : old; return old; }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) { return (unsigned __int128)a * b >> 64; }
static inline double rsqrt(double x) { return 1 / sqrt(x); }
static inline float rsqrtf(float x) { return 1 / sqrtf(x); }

template <class T> static bool pyxemu_usable(T) { return true; }
template <class T> static bool pyxemu_usable(T* p) { return !p || pyxemu_now->on_device(p); }

/* One entry point for each kernel: 0 copies the parameters (NULL where a pointer is the host's), 1 runs
   one thread, 2 frees the copy. */
template <class... A, size_t... I>
static void* pyxemu_entry(void (*kernel)(A...), int what, void* p, std::index_sequence<I...>) {
    typedef std::tuple<A...> Copy;
    if (what == 0) return (pyxemu_usable(*(A*)((void**)p)[I]) && ...) ? new Copy(*(A*)((void**)p)[I]...) : nullptr;
    if (what == 1) kernel(std::get<I>(*(Copy*)p)...);
    if (what == 2) delete (Copy*)p;
    return nullptr;
}
template <class... A>
static void* pyxemu_entry(void (*kernel)(A...), int what, void* p) {
    return pyxemu_entry(kernel, what, p, std::index_sequence_for<A...>());
}
extern "C" inline __attribute__((visibility("default"), used)) void pyxemu_bind(pyxemu_state* state) {
    pyxemu_now = state;
    *(volatile char*)pyxemu_anchor = 0;
}
