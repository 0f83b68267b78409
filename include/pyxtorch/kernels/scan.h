/* Kernels of the family `scan`: running results along a dimension of contiguous (outer, dim, inner). */
#pragma once
#include "../dtype.h"

enum pyx_scan { PYX_CUMSUM, PYX_CUMPROD, PYX_LOGCUMSUMEXP };

typedef struct pyx_scan_kernels {
    /* Running sum, product, or logarithm of the sum of exponentials (floating and complex only);
       reverse: from the end. */
    int (*scan)(int op, int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, int reverse);
    /* Running maximum (or minimum) and where it last was; NaN stays. */
    int (*extreme)(int minimum, int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner);
    /* y[i] = b[i] + a[i] y[i - 1], or reverse its transpose: y[i] = b[i] + a[i + 1] y[i + 1]. Floating and complex. */
    int (*recurrence)(int dtype, const void* a, const void* b, void* y, int64_t outer, int64_t dim, int64_t inner, int reverse);
} pyx_scan_kernels;
