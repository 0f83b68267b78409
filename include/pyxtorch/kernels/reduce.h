/* Kernels of the family `reduce`: many elements in, one out. Input seen as (outer, dim, inner),
   contiguous; output (outer, inner). */
#pragma once
#include "../dtype.h"

typedef struct pyx_reduce_kernels {
    /* The number of a reduction of PYX_REDUCTIONS (reductions.h) by its name; -1 if there is none. */
    int (*find)(const char* name);
    /* Its C++ name; NULL from the last number on. */
    const char* (*name)(int op);
    /* A bit for each dtype that it is computed in. */
    uint32_t (*dtypes)(int op);
    /* y has the dtype of x; bool for any and all; int64 for count. `p` is the exponent of norm_p.
       -1: not defined for the dtype. */
    int (*reduce)(int op, int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, double p);
    /* The largest or smallest (NaN wins) with the index of the first one; values or indices may be NULL. */
    int (*extreme)(int smallest, int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner);
    /* Variance (mean squared deviation times dim / max(0, dim - correction)) and mean; float types. */
    int (*variance)(int dtype, const void* x, void* var, void* mean, int64_t outer, int64_t dim, int64_t inner, double correction);
} pyx_reduce_kernels;
