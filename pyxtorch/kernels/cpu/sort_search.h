/* Runs, row order, binary search and counting: the rest of the family `sort`.
   Included by sort.cpp, whose table holds these. */
#pragma once
#include <string.h>

#include "pyxtorch/kernels/sort.h"
#include "sort_key.h"

namespace {
using namespace pyx;

#define SEARCH_CASES(...)                                                           \
    PYX_SWITCH(dtype, PYX_BOOL_CASE(__VA_ARGS__) PYX_INTEGER_CASES(__VA_ARGS__)     \
                          PYX_HALF_CASES(__VA_ARGS__) PYX_FLOAT_CASES(__VA_ARGS__))

/* Equality as == has it: NaN differs from NaN. */
template <class T> inline bool same(const T* a, const T* b) { return load(a) == load(b); }
template <class R> inline bool same(const complex<R>* a, const complex<R>* b) { return a->re == b->re && a->im == b->im; }

template <class T>
int64_t runs_all(const T* x, int64_t n, int64_t width, int64_t* starts, int64_t* run_of) {
    int64_t runs = 0;
    for (int64_t i = 0; i < n; i++) {
        bool fresh = i == 0;
        for (int64_t j = 0; j < width && !fresh; j++) fresh = !same(x + (i - 1) * width + j, x + i * width + j);
        if (fresh) starts[runs++] = i;
        if (run_of) run_of[i] = runs - 1;
    }
    return runs;
}

int64_t sort_runs(int dtype, const void* x, int64_t n, int64_t width, int64_t* starts, int64_t* run_of) {
    PYX_SWITCH(dtype, PYX_BOOL_CASE(return runs_all((const T*)x, n, width, starts, run_of))
                          PYX_INTEGER_CASES(return runs_all((const T*)x, n, width, starts, run_of))
                              PYX_HALF_CASES(return runs_all((const T*)x, n, width, starts, run_of))
                                  PYX_FLOAT_CASES(return runs_all((const T*)x, n, width, starts, run_of))
                                      PYX_COMPLEX_CASES(return runs_all((const T*)x, n, width, starts, run_of)))
    return -1;
}

template <class T>
int rows_all(const T* x, int64_t rows, int64_t width, int64_t* order) {
    for (int64_t i = 0; i < rows; i++) order[i] = i;
    std::sort(order, order + rows, [&](int64_t a, int64_t b) {
        for (int64_t j = 0; j < width; j++) {
            auto p = key_of(x[a * width + j]), q = key_of(x[b * width + j]);
            if (p != q) return p < q;
        }
        return a < b;
    });
    return 0;
}

int sort_sort_rows(int dtype, const void* x, int64_t rows, int64_t width, int64_t* order) {
    SEARCH_CASES(return rows_all((const T*)x, rows, width, order))
    return 0;
}

template <class T>
int search_all(const T* sequence, const int64_t* sorter, int64_t batch, int64_t n, const T* values, int64_t m,
               int one, int right, int64_t* out) {
    parallel_for(batch * m, 4096, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            int64_t line = one ? 0 : i / m * n;
            const T* s = sequence + line;
            const int64_t* order = sorter ? sorter + line : nullptr;
            auto key = key_of(values[i]);
            int64_t low = 0, count = n;
            while (count > 0) {  /* everything before `low` goes before the value */
                int64_t half = count / 2;
                auto k = key_of(s[order ? order[low + half] : low + half]);
                bool before = right ? k <= key : k < key;
                low = before ? low + half + 1 : low;
                count = before ? count - half - 1 : half;
            }
            out[i] = low;
        }
    });
    return 0;
}

int sort_search(int dtype, const void* sequence, const int64_t* sorter, int64_t batch, int64_t n, const void* values,
                int64_t m, int one, int right, int64_t* out) {
    SEARCH_CASES(return search_all((const T*)sequence, sorter, batch, n, (const T*)values, m, one, right, out))
    return 0;
}

int sort_count(const int64_t* x, int64_t n, int64_t* counts, int64_t bins) {
    for (int64_t i = 0; i < n; i++)
        if (x[i] < 0 || x[i] >= bins) return -2;
    for (int64_t i = 0; i < n; i++) counts[x[i]]++;
    return 0;
}

/* Which bin: computed in the elements' own type, then corrected against the edges by the caller
   that needs it; the last bin includes `high`. */
template <class T>
int histogram_all(const T* x, int64_t n, double low_, double high_, int64_t bins, T* out) {
    typedef acc_t<T> A;
    A low = (A)low_, high = (A)high_;
    scratch<int64_t> counts(bins);
    if (!counts) return -4;
    std::fill(counts.p, counts.p + bins, 0);
    for (int64_t i = 0; i < n; i++) {
        A v = load(x + i);
        if (!(v >= low && v <= high)) continue;
        int64_t bin = (int64_t)((v - low) / (high - low) * (A)bins);
        if (bin >= bins) bin = bins - 1;
        counts[bin]++;
    }
    for (int64_t b = 0; b < bins; b++) store<T>(out + b, (A)counts[b]);
    return 0;
}

int sort_histogram(int dtype, const void* x, int64_t n, double low, double high, int64_t bins, void* out) {
    PYX_SWITCH(dtype, PYX_HALF_CASES(return histogram_all((const T*)x, n, low, high, bins, (T*)out))
                          PYX_FLOAT_CASES(return histogram_all((const T*)x, n, low, high, bins, (T*)out)))
    return 0;
}
}  // namespace
