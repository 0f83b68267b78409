/* Kernels of the family `matmul`. */
#pragma once
#include <stdint.h>

/* One product, or a batch of them:  C = alpha * A B + beta * D.
   A is (m, k), B is (k, n), each with any two strides (in elements), so that transposes and
   expanded tensors need no copy. C is (m, n) with rows `c_row` apart and unit column stride.
   D, of unit column stride, may be NULL (then beta is not used), may repeat one row (d_row = 0),
   and may be C itself. */
typedef struct pyx_gemm {
    int64_t m, n, k;
    const void* a;
    int64_t a_row, a_col;
    const void* b;
    int64_t b_row, b_col;
    void* c;
    int64_t c_row;
    const void* d;
    int64_t d_row;
    double alpha[2], beta[2]; /* real and imaginary part */
    int64_t batch, a_batch, b_batch, c_batch, d_batch;
} pyx_gemm;

typedef struct pyx_matmul_kernels {
    /* 0; -1 for a dtype it does not do (bool); -2 when there is no memory for scratch. Each
       element is a sum over k in one order, whatever the number of threads. float16 and bfloat16
       are summed in float32 and rounded once; integers wrap. */
    int (*gemm)(int dtype, const pyx_gemm* p);
} pyx_matmul_kernels;
