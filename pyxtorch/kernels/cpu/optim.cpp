/* Optimiser steps: one pass over memory, all parameters of a group in one call. Every element is
   computed by itself, so that the pieces can be cut anywhere. */
#include "pyxtorch/kernels/optim.h"

#include <cmath>

#include "pyxtorch/optim_steps.h"
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
    const SgdStep<A> step(*o);
    over(list, [=](int64_t i, int64_t from, int64_t to) {
        T* __restrict p = at<T>(list, 0, i);
        const T* __restrict g = at<T>(list, 1, i);
        T* __restrict buffer = at<T>(list, 2, i);
        bool fresh = buffer && list->each[i] != 0;
        if (!buffer) {
            for (int64_t k = from; k < to; k++) {
                A x = load(p + k);
                step.plain(x, load(g + k));
                store(p + k, x);
            }
            return;
        }
        for (int64_t k = from; k < to; k++) {
            A x = load(p + k), m = load(buffer + k);
            step.with_momentum(x, load(g + k), m, fresh);
            store(buffer + k, m);
            store(p + k, x);
        }
    });
    return 0;
}

template <class T>
int adam(const pyx_optim_list* list, const pyx_optim_options* o) {
    typedef acc_t<T> A;
    const AdamStep<A> step(*o);
    over(list, [=](int64_t i, int64_t from, int64_t to) {
        T* __restrict p = at<T>(list, 0, i);
        const T* __restrict g = at<T>(list, 1, i);
        T* __restrict mean = at<T>(list, 2, i);
        T* __restrict square = at<T>(list, 3, i);
        T* __restrict top = at<T>(list, 4, i);
        const A size = (A)list->each[2 * i], scale = (A)(1 / list->each[2 * i + 1]);
        if (top) {
            for (int64_t k = from; k < to; k++) {
                A x = load(p + k), m = load(mean + k), v = load(square + k), w = load(top + k);
                step.with_top(x, load(g + k), m, v, w, size, scale);
                store(mean + k, m);
                store(square + k, v);
                store(top + k, w);
                store(p + k, x);
            }
            return;
        }
        for (int64_t k = from; k < to; k++) {
            A x = load(p + k), m = load(mean + k), v = load(square + k);
            step.plain(x, load(g + k), m, v, size, scale);
            store(mean + k, m);
            store(square + k, v);
            store(p + k, x);
        }
    });
    return 0;
}

template <class T>
int rmsprop(const pyx_optim_list* list, const pyx_optim_options* o) {
    typedef acc_t<T> A;
    const RmspropStep<A> step(*o);
    over(list, [=](int64_t i, int64_t from, int64_t to) {
        T* __restrict p = at<T>(list, 0, i);
        const T* __restrict g = at<T>(list, 1, i);
        T* __restrict square = at<T>(list, 2, i);
        T* __restrict buffer = at<T>(list, 3, i);
        T* __restrict mean = at<T>(list, 4, i);
        auto loop = [=](auto buffered, auto centered) {
            for (int64_t k = from; k < to; k++) {
                A x = load(p + k), v = load(square + k), b = buffered ? load(buffer + k) : 0, m = centered ? load(mean + k) : 0;
                step.template run<buffered, centered>(x, load(g + k), v, b, m);
                store(square + k, v);
                if (centered) store(mean + k, m);
                if (buffered) store(buffer + k, b);
                store(p + k, x);
            }
        };
        std::true_type yes;
        std::false_type no;
        if (buffer) mean ? loop(yes, yes) : loop(yes, no);
        else mean ? loop(no, yes) : loop(no, no);
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
