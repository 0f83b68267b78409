/* Kernels of the family `sort`: ordering, selecting, searching, counting.

   Tensors are contiguous, seen as (outer, n, inner); work goes along n. NaN is the largest of
   all values; -0 and 0 are equal. Results: -1 for a dtype without an order (complex), -4: no memory. */
#pragma once
#include "../dtype.h"

typedef struct pyx_sort_kernels {
    /* Stable sort; values and indices like x. Either may be NULL. */
    int (*sort)(int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t n, int64_t inner,
                int descending);
    /* The k largest (smallest), 0 <= k <= n; in order when sorted. Results (outer, k, inner). */
    int (*topk)(int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t n, int64_t inner,
                int64_t k, int largest, int sorted);
    /* The k-th smallest, k from 1; the first of equals. k = 0: the lower median, or NaN where there
       is one; k = -1: the lower median of those not NaN. Results (outer, inner). */
    int (*kthvalue)(int dtype, const void* x, void* value, int64_t* index, int64_t outer, int64_t n, int64_t inner,
                    int64_t k);
    /* The most frequent value, the smallest of equals, and its last position. */
    int (*mode)(int dtype, const void* x, void* value, int64_t* index, int64_t outer, int64_t n, int64_t inner);
    /* Runs of equal elements of x (n): starts[r] for each run, run_of[i] for each element (may be
       NULL). Returns the number of runs. `width` elements make up one item. */
    int64_t (*runs)(int dtype, const void* x, int64_t n, int64_t width, int64_t* starts, int64_t* run_of);
    /* order: the stable lexicographic order of the rows of x (rows, width). */
    int (*sort_rows)(int dtype, const void* x, int64_t rows, int64_t width, int64_t* order);
    /* Where each value would go in sorted sequences (batch, n): values (batch, m), or one sequence
       for all when one is set. sorter (like the sequences, checked by the caller) may be NULL. */
    int (*search)(int dtype, const void* sequence, const int64_t* sorter, int64_t batch, int64_t n,
                  const void* values, int64_t m, int one, int right, int64_t* out);
    /* counts[x[i]] += 1 for 0 <= x[i] < bins. Returns -2 for another x[i]. */
    int (*count)(const int64_t* x, int64_t n, int64_t* counts, int64_t bins);
    /* out[b] += 1 for each element in bin b of [low, high]; others and NaN count nowhere. */
    int (*histogram)(int dtype, const void* x, int64_t n, double low, double high, int64_t bins, void* out);
} pyx_sort_kernels;
