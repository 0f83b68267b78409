/* Kernels of the family `softmax`. All tensors (outer, dim, inner), contiguous, of one floating
   dtype (float32, float64). `log`: log_softmax instead of softmax. */
#pragma once
#include "../dtype.h"

typedef struct pyx_softmax_kernels {
    int (*forward)(int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, int log);
    /* grad_input from grad_output and the output y */
    int (*backward)(int dtype, const void* grad_output, const void* y, void* grad_input, int64_t outer, int64_t dim,
                    int64_t inner, int log);
} pyx_softmax_kernels;
