/* GPU kernels of the family `optim`, from the steps of optim_steps.h: many parameters in a launch. */
#include "pyxtorch/cuda_block.h"
#include "pyxtorch/optim_steps.h"

namespace pyx_gpu {

constexpr int MANY = 32; /* parameters in a launch */

/* The layout of pyx_optim_options. */
struct Options {
    double lr, weight_decay, eps, momentum, dampening, beta1, beta2;
    int nesterov, maximize, decoupled;
};

/* Parameter i has the elements starts[i] .. starts[i + 1] - 1; lists[k][i] is NULL where it has no k-th tensor. */
struct Parameters {
    int count;
    pyx_i64 starts[MANY + 1];
    char* lists[5][MANY];
    double each[2 * MANY];
    __device__ int find(pyx_i64 element) const {
        int low = 0, high = count;
        while (high - low > 1) {
            int middle = (low + high) / 2;
            if (starts[middle] <= element) low = middle;
            else high = middle;
        }
        return low;
    }
};

template <class T>
__global__ void sgd(Parameters list, Options options) {
    typedef acc_t<T> A;
    const SgdStep<A> step(options);
    PYX_EACH(e, list.starts[list.count]) {
        int i = list.find(e);
        pyx_i64 k = e - list.starts[i];
        T *p = (T*)list.lists[0][i] + k, *buffer = (T*)list.lists[2][i];
        A x = load(p), g = load((const T*)list.lists[1][i] + k);
        if (buffer) {
            bool fresh = list.each[i] != 0;
            A m = fresh ? (A)0 : (A)load(buffer + k);
            step.with_momentum(x, g, m, fresh);
            store(buffer + k, m);
        } else {
            step.plain(x, g);
        }
        store(p, x);
    }
}

template <class T>
__global__ void adam(Parameters list, Options options) {
    typedef acc_t<T> A;
    const AdamStep<A> step(options);
    PYX_EACH(e, list.starts[list.count]) {
        int i = list.find(e);
        pyx_i64 k = e - list.starts[i];
        T *p = (T*)list.lists[0][i] + k, *mean = (T*)list.lists[2][i] + k, *square = (T*)list.lists[3][i] + k, *top = (T*)list.lists[4][i];
        A x = load(p), g = load((const T*)list.lists[1][i] + k), m = load(mean), v = load(square);
        A size = (A)list.each[2 * i], scale = (A)(1 / list.each[2 * i + 1]);
        if (top) {
            A w = load(top + k);
            step.with_top(x, g, m, v, w, size, scale);
            store(top + k, w);
        } else {
            step.plain(x, g, m, v, size, scale);
        }
        store(mean, m);
        store(square, v);
        store(p, x);
    }
}

template <class T>
__global__ void rmsprop(Parameters list, Options options) {
    typedef acc_t<T> A;
    const RmspropStep<A> step(options);
    PYX_EACH(e, list.starts[list.count]) {
        int i = list.find(e);
        pyx_i64 k = e - list.starts[i];
        T *p = (T*)list.lists[0][i] + k, *square = (T*)list.lists[2][i] + k, *buffer = (T*)list.lists[3][i], *mean = (T*)list.lists[4][i];
        A x = load(p), g = load((const T*)list.lists[1][i] + k), v = load(square), b = buffer ? (A)load(buffer + k) : (A)0,
          m = mean ? (A)load(mean + k) : (A)0;
        if (buffer && mean) step.template run<true, true>(x, g, v, b, m);
        else if (buffer) step.template run<true, false>(x, g, v, b, m);
        else if (mean) step.template run<false, true>(x, g, v, b, m);
        else step.template run<false, false>(x, g, v, b, m);
        store(square, v);
        if (mean) store(mean + k, m);
        if (buffer) store(buffer + k, b);
        store(p, x);
    }
}

template <class T>
__global__ void scale(Parameters list, double factor) {
    PYX_EACH(e, list.starts[list.count]) {
        int i = list.find(e);
        T* x = (T*)list.lists[0][i] + (e - list.starts[i]);
        store(x, load(x) * (acc_t<T>)factor);
    }
}

/* sums[b]: the squares of PIECE elements from b * PIECE on. */
constexpr int PIECE = 4096;
template <class T>
__global__ void sum_of_squares(Parameters list, double* sums, pyx_i64 pieces) {
    __shared__ double shared[THREADS];
    pyx_i64 n = list.starts[list.count];
    Box box(1, THREADS);
#pragma unroll 1
    for (pyx_i64 b = blockIdx.x; b < pieces; b += gridDim.x) {
        pyx_i64 end = (b + 1) * PIECE < n ? (b + 1) * PIECE : n;
        double sum = 0;
        for (pyx_i64 e = b * PIECE + threadIdx.x; e < end; e += THREADS) {
            int i = list.find(e);
            double v = (double)load((const T*)list.lists[0][i] + (e - list.starts[i]));
            sum += v * v;
        }
        sum = box.fold(sum, shared, [](double u, double v) { return u + v; });
        if (threadIdx.x == 0) sums[b] = sum;
    }
}

}  // namespace pyx_gpu
