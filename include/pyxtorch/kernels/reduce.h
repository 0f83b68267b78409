/* Kernels of the family `reduce`: many elements in, one out. Input seen as (outer, dim, inner),
   contiguous; output (outer, inner). */
#pragma once
#include "../dtype.h"

enum pyx_reduction {
    PYX_SUM, PYX_NANSUM, PYX_PROD, PYX_MAX, PYX_MIN, PYX_ANY, PYX_ALL, PYX_COUNT,
    PYX_NORM0, PYX_NORM1, PYX_NORM2, PYX_NORM_MAX, PYX_NORM_MIN, PYX_NORM_P
};

typedef struct pyx_reduce_kernels {
    /* y has the dtype of x; bool for ANY and ALL; int64 for COUNT. `p` is the exponent of NORM_P.
       -1: not defined for the dtype. */
    int (*reduce)(int op, int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, double p);
    /* PYX_MAX or PYX_MIN (NaN wins) with the index of the first one; values or indices may be NULL. */
    int (*extreme)(int op, int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner);
    /* Variance (mean squared deviation times dim / max(0, dim - correction)) and mean; float types. */
    int (*variance)(int dtype, const void* x, void* var, void* mean, int64_t outer, int64_t dim, int64_t inner, double correction);
} pyx_reduce_kernels;
