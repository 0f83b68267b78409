/* GPU kernels of the family `optim`, from the steps of optim_steps.h: many parameters in a launch. */
#include "pyxtorch/cuda_block.h"
#include "pyxtorch/optim_steps.h"

namespace pyx_gpu {

constexpr int MANY = 32; /* parameters in a launch */

/* The layout of pyx_optim_options. */
struct Options {
    double lr, weight_decay, eps, momentum, dampening, beta1, beta2, own[4];
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

/* The form of a step that goes with the states that are there. */
template <class S, class A, int n = 0>
__device__ void run_form(const S& step, int form, A& x, A g, A* state, const A* each) {
    if constexpr (n < (int)(sizeof S::forms / sizeof(int))) {
        constexpr int f = S::forms[n];
        if (form == f) step.template run<f>(x, g, state, each);
        else run_form<S, A, n + 1>(step, form, x, g, state, each);
    }
}

template <template <class> class Step, class T>
__global__ void step(Parameters list, Options options) {
    typedef acc_t<T> A;
    typedef Step<A> S;
    static_assert(S::scalars <= 2, "Parameters has room for two numbers each");
    const S step(options);
    PYX_EACH(e, list.starts[list.count]) {
        int i = list.find(e), form = 0;
        pyx_i64 k = e - list.starts[i];
        T* p = (T*)list.lists[0][i] + k;
        A x = load(p), g = load((const T*)list.lists[1][i] + k), state[S::states], each[S::scalars + 1];
        for (int j = 0; j < S::states; j++) {
            const T* s = (const T*)list.lists[2 + j][i];
            form |= (s != nullptr) << j;
            state[j] = s ? (A)load(s + k) : (A)0;
        }
        for (int j = 0; j < S::scalars; j++) each[j] = (A)list.each[i * S::scalars + j];
        run_form(step, form, x, g, state, each);
        for (int j = 0; j < S::states; j++)
            if (form >> j & 1) store((T*)list.lists[2 + j][i] + k, state[j]);
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
