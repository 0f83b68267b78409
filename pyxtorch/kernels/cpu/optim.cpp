/* Optimiser steps: one pass over memory, all parameters of a group in one call. Every element is
   computed by itself, so that the pieces can be cut anywhere. */
#include "pyxtorch/kernels/optim.h"

#include <cmath>

#include "pyxtorch/runtime.h"

namespace pyx {
inline namespace PYX_LEVEL_NS {
namespace {

constexpr int64_t GRAIN = 16384;

/* Call f(i, begin, end) for the parts of parameters that lie in each piece of the concatenation. */
template <class F>
void over(const pyx_optim_list* list, F f) {
    parallel_for(list->starts[list->count], GRAIN, [=](int64_t a, int64_t b) {
        const int64_t* starts = list->starts;
        int64_t i = std::upper_bound(starts, starts + list->count + 1, a) - starts - 1;
        for (; i < list->count && starts[i] < b; i++) {
            int64_t from = std::max(a, starts[i]) - starts[i], to = std::min(b, starts[i + 1]) - starts[i];
            if (from < to) f(i, from, to);
        }
    });
}

template <class T>
inline T* at(const pyx_optim_list* list, int k, int64_t i) {
    return list->lists[k] ? (T*)list->lists[k][i] : nullptr;
}

template <class T>
int sgd(const pyx_optim_list* list, const pyx_optim_options* o) {
    typedef acc_t<T> A;
    A lr = (A)o->lr, decay = (A)o->weight_decay, momentum = (A)o->momentum, share = (A)(1 - o->dampening);
    A sign = o->maximize ? (A)-1 : (A)1;
    bool nesterov = o->nesterov;
    over(list, [=](int64_t i, int64_t from, int64_t to) {
        T* __restrict p = at<T>(list, 0, i);
        const T* __restrict g = at<T>(list, 1, i);
        T* __restrict buffer = at<T>(list, 2, i);
        if (!buffer) {
            for (int64_t k = from; k < to; k++) {
                A x = load(p + k), d = sign * load(g + k) + decay * x;
                store(p + k, x - lr * d);
            }
            return;
        }
        bool fresh = list->each[i] != 0;
        A keep = fresh ? 0 : momentum, take = fresh ? 1 : share;
        for (int64_t k = from; k < to; k++) {
            A x = load(p + k), d = sign * load(g + k) + decay * x;
            A m = fresh ? d : keep * load(buffer + k) + take * d;
            store(buffer + k, m);
            store(p + k, x - lr * (nesterov ? d + momentum * m : m));
        }
    });
    return 0;
}

template <class T>
int adam(const pyx_optim_list* list, const pyx_optim_options* o) {
    typedef acc_t<T> A;
    A shrink = o->decoupled ? (A)(1 - o->lr * o->weight_decay) : (A)1;
    A decay = o->decoupled ? (A)0 : (A)o->weight_decay;
    A sign = o->maximize ? (A)-1 : (A)1, eps = (A)o->eps;
    A take1 = (A)(1 - o->beta1), beta2 = (A)o->beta2, take2 = (A)(1 - o->beta2);
    over(list, [=](int64_t i, int64_t from, int64_t to) {
        T* __restrict p = at<T>(list, 0, i);
        const T* __restrict g = at<T>(list, 1, i);
        T* __restrict mean = at<T>(list, 2, i);
        T* __restrict square = at<T>(list, 3, i);
        T* __restrict top = at<T>(list, 4, i);
        A step = (A)list->each[2 * i], scale = (A)(1 / list->each[2 * i + 1]);
        if (top) {
            for (int64_t k = from; k < to; k++) {
                A x = load(p + k) * shrink, d = sign * load(g + k) + decay * x;
                A m = load(mean + k), v = load(square + k) * beta2 + take2 * d * d, w = load(top + k);
                m += take1 * (d - m);
                w = (v > w) | (v != v) ? v : w;
                store(mean + k, m);
                store(square + k, v);
                store(top + k, w);
                store(p + k, x - step * m / (std::sqrt(w) * scale + eps));
            }
            return;
        }
        for (int64_t k = from; k < to; k++) {
            A x = load(p + k) * shrink, d = sign * load(g + k) + decay * x;
            A m = load(mean + k), v = load(square + k) * beta2 + take2 * d * d;
            m += take1 * (d - m);
            store(mean + k, m);
            store(square + k, v);
            store(p + k, x - step * m / (std::sqrt(v) * scale + eps));
        }
    });
    return 0;
}

template <class T>
int rmsprop(const pyx_optim_list* list, const pyx_optim_options* o) {
    typedef acc_t<T> A;
    A lr = (A)o->lr, decay = (A)o->weight_decay, sign = o->maximize ? (A)-1 : (A)1, eps = (A)o->eps;
    A momentum = (A)o->momentum, alpha = (A)o->beta2, take = (A)(1 - o->beta2);
    over(list, [=](int64_t i, int64_t from, int64_t to) {
        T* __restrict p = at<T>(list, 0, i);
        const T* __restrict g = at<T>(list, 1, i);
        T* __restrict square = at<T>(list, 2, i);
        T* __restrict buffer = at<T>(list, 3, i);
        T* __restrict mean = at<T>(list, 4, i);
        /* Two options, four loops: `mean` and `buffer` do not change within one. */
        for (int64_t k = from; k < to; k++) {
            A x = load(p + k), d = sign * load(g + k) + decay * x;
            A v = alpha * load(square + k) + take * d * d, spread = v;
            store(square + k, v);
            if (mean) {
                A m = load(mean + k);
                m += take * (d - m);
                store(mean + k, m);
                spread = v - m * m;
            }
            A step = d / (std::sqrt(spread) + eps);
            if (buffer) {
                step = momentum * load(buffer + k) + step;
                store(buffer + k, step);
            }
            store(p + k, x - lr * step);
        }
    });
    return 0;
}

template <class T>
int sum_of_squares(const pyx_optim_list* list, double* total) {
    constexpr int LANES = 16;
    /* One partial sum for each piece of each tensor, added up in their order. */
    int64_t pieces = 0;
    scratch<int64_t> first(list->count + 1);
    if (!first) return -2;
    for (int64_t i = 0; i < list->count; i++) {
        first[i] = pieces;
        pieces += (list->starts[i + 1] - list->starts[i] + GRAIN - 1) / GRAIN;
    }
    first[list->count] = pieces;
    scratch<double> part(pieces + 1);
    if (!part) return -2;
    const int64_t* firsts = first;
    double* parts = part;
    parallel_for(pieces, 1, [=](int64_t a, int64_t b) {
        for (int64_t q = a; q < b; q++) {
            int64_t i = std::upper_bound(firsts, firsts + list->count + 1, q) - firsts - 1;
            int64_t n = list->starts[i + 1] - list->starts[i];
            int64_t k = (q - firsts[i]) * GRAIN, end = std::min(n, k + GRAIN);
            const T* x = at<T>(list, 0, i);
            double lane[LANES] = {0};
            for (; k + LANES <= end; k += LANES)
                for (int j = 0; j < LANES; j++) {
                    double v = (double)load(x + k + j);
                    lane[j] += v * v;
                }
            for (int j = 0; k < end; k++, j++) {
                double v = (double)load(x + k);
                lane[j] += v * v;
            }
            for (int width = LANES / 2; width; width /= 2)
                for (int j = 0; j < width; j++) lane[j] += lane[j + width];
            parts[q] = lane[0];
        }
    });
    double sum = 0;
    for (int64_t q = 0; q < pieces; q++) sum += parts[q];
    *total = sum;
    return 0;
}

template <class T>
int scale(const pyx_optim_list* list, double factor) {
    acc_t<T> f = (acc_t<T>)factor;
    over(list, [=](int64_t i, int64_t from, int64_t to) {
        T* x = at<T>(list, 0, i);
        for (int64_t k = from; k < to; k++) store(x + k, load(x + k) * f);
    });
    return 0;
}

#define OPTIM_ENTRY(name, declared, ...)                                                          \
    int run_##name declared {                                                                     \
        PYX_SWITCH(dtype, PYX_FLOAT_CASES(return name<T>(__VA_ARGS__)) PYX_HALF_CASES(return name<T>(__VA_ARGS__))) \
        return 0;                                                                                 \
    }
OPTIM_ENTRY(sgd, (int dtype, const pyx_optim_list* list, const pyx_optim_options* o), list, o)
OPTIM_ENTRY(adam, (int dtype, const pyx_optim_list* list, const pyx_optim_options* o), list, o)
OPTIM_ENTRY(rmsprop, (int dtype, const pyx_optim_list* list, const pyx_optim_options* o), list, o)
OPTIM_ENTRY(sum_of_squares, (int dtype, const pyx_optim_list* list, double* total), list, total)
OPTIM_ENTRY(scale, (int dtype, const pyx_optim_list* list, double factor), list, factor)

const pyx_optim_kernels table = {run_sgd, run_adam, run_rmsprop, run_sum_of_squares, run_scale};

}  // namespace
}  // namespace PYX_LEVEL_NS
}  // namespace pyx

PYX_KERNELS(optim, pyx::table)
