/* Kernels of the family `embedding`: rows of a table (rows, width), named by int64 ids. Plain
   look-up is `get` of the family `index`. -1: dtype; -2: an id outside [0, rows), in *bad; -4: no memory. */
#pragma once
#include "../dtype.h"

enum pyx_bag { PYX_BAG_SUM = 0, PYX_BAG_MEAN = 1, PYX_BAG_MAX = 2 };

typedef struct pyx_embedding_kernels {
    /* table_grad = 0; table_grad[ids[i]] += g[i] for i in order, but for id `padding` (-1: none); divided by
       how often the id occurs when by_frequency. */
    int (*backward)(int dtype, const int64_t* ids, int64_t n, const void* g, void* table_grad, int64_t rows,
                    int64_t width, int64_t padding, int by_frequency, int64_t* bad);
    /* out[b] from the rows ids[offsets[b]..offsets[b + 1]), but for id `padding`; sum may weigh them. taken: for
       max, the id that each element came from (-1: none); for the others NULL. sizes[b]: ids that counted. */
    int (*bag)(int dtype, int mode, const void* table, int64_t rows, int64_t width, const int64_t* ids, int64_t n,
               const int64_t* offsets, int64_t bags, const void* weights, int64_t padding, void* out,
               int64_t* taken, int64_t* sizes, int64_t* bad);
    /* Rows named by ids whose p-norm exceeds max_norm are scaled down to it, in place. */
    int (*renorm)(int dtype, void* table, int64_t rows, int64_t width, const int64_t* ids, int64_t n,
                  double max_norm, double p, int64_t* bad);
} pyx_embedding_kernels;
