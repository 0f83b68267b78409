/* Optimiser steps: one pass over memory, all parameters of a group in one call. Every element is
   computed by itself, so that the pieces can be cut anywhere. */
#include "pyxtorch/kernels/optim.h"

#include <string.h>

#include <utility>

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

/* Elements from..to of one parameter, with the states that `form` says. */
template <template <class> class Step, class T, int form>
void walk(const Step<acc_t<T>>& step, const pyx_optim_list* list, int64_t i, const acc_t<T>* each, int64_t from, int64_t to) {
    typedef acc_t<T> A;
    T* __restrict p = at<T>(list, 0, i);
    const T* __restrict g = at<T>(list, 1, i);
    T* __restrict s0 = at<T>(list, 2, i);
    T* __restrict s1 = at<T>(list, 3, i);
    T* __restrict s2 = at<T>(list, 4, i);
    for (int64_t k = from; k < to; k++) {
        A x = load(p + k), state[3];
        if (form & 1) state[0] = load(s0 + k);
        if (form & 2) state[1] = load(s1 + k);
        if (form & 4) state[2] = load(s2 + k);
        step.template run<form>(x, load(g + k), state, each);
        if (form & 1) store(s0 + k, state[0]);
        if (form & 2) store(s1 + k, state[1]);
        if (form & 4) store(s2 + k, state[2]);
        store(p + k, x);
    }
}

template <template <class> class Step, class T, size_t... n>
int step_in_form(const pyx_optim_list* list, const pyx_optim_options* o, std::index_sequence<n...>) {
    typedef acc_t<T> A;
    typedef Step<A> S;
    const S step(*o);
    int form = 0;
    for (int k = 0; k < S::states; k++) form |= (list->lists[2 + k] != nullptr) << k;
    if (!((S::forms[n] == form) || ...)) return -1;
    over(list, [=](int64_t i, int64_t from, int64_t to) {
        A each[S::scalars + 1] = {};
        for (int k = 0; k < S::scalars && list->each; k++) each[k] = (A)list->each[i * S::scalars + k];
        (void)((S::forms[n] == form && (walk<Step, T, S::forms[n]>(step, list, i, each, from, to), true)) || ...);
    });
    return 0;
}
template <template <class> class Step, class T>
int step_of(const pyx_optim_list* list, const pyx_optim_options* o) {
    return step_in_form<Step, T>(list, o, std::make_index_sequence<sizeof Step<acc_t<T>>::forms / sizeof(int)>());
}

typedef int (*step_function)(const pyx_optim_list*, const pyx_optim_options*);
struct Entry {
    const char *name, *step;
    int scalars;
    step_function functions[PYX_NUM_DTYPES];
};
template <template <class> class Step>
constexpr Entry entry(const char* name, const char* step) {
    Entry e = {name, step, Step<float>::scalars, {}};
    e.functions[PYX_FLOAT16] = step_of<Step, f16>;
    e.functions[PYX_BFLOAT16] = step_of<Step, bf16>;
    e.functions[PYX_FLOAT32] = step_of<Step, float>;
    e.functions[PYX_FLOAT64] = step_of<Step, double>;
    return e;
}
#define ENTRY(name, Step) entry<Step>(#name, #Step),
const Entry entries[] = {PYX_OPTIMIZERS(ENTRY)};
constexpr int COUNT = (int)(sizeof entries / sizeof *entries);

int find(const char* name) {
    for (int i = 0; i < COUNT; i++)
        if (strcmp(entries[i].name, name) == 0) return i;
    return -1;
}
const char* name_of(int i) { return i >= 0 && i < COUNT ? entries[i].step : nullptr; }
int scalars_of(int i) { return entries[i].scalars; }
int run_step(int i, int dtype, const pyx_optim_list* list, const pyx_optim_options* o) {
    step_function f = i >= 0 && i < COUNT && dtype >= 0 && dtype < PYX_NUM_DTYPES ? entries[i].functions[dtype] : nullptr;
    return f ? f(list, o) : -1;
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
OPTIM_ENTRY(sum_of_squares, (int dtype, const pyx_optim_list* list, double* total), list, total)
OPTIM_ENTRY(scale, (int dtype, const pyx_optim_list* list, double factor), list, factor)

const pyx_optim_kernels table = {find, name_of, scalars_of, run_step, run_sum_of_squares, run_scale};

}  // namespace
}  // namespace PYX_LEVEL_NS
}  // namespace pyx

PYX_KERNELS(optim, pyx::table)
