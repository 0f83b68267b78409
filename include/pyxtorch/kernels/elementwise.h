/* Kernels of the family `elementwise`: every formula of unary.h, binary.h and ternary.h, casts
   and fills. The same entries on every device. */
#pragma once
#include "../strided.h"

/* The inner loop of one formula for one dtype: n elements, byte strides, operand 0 is written.
   `params` are the formula's scalars s[0], s[1] ... as doubles. */
typedef void (*pyx_loop)(char* const* data, const int64_t* strides, int64_t n, const double* params);

typedef struct pyx_elementwise_kernels {
    /* The number of a formula by its name; -1 if there is none. */
    int (*formula)(const char* name);
    /* dtype of a formula's result when computed in `dtype`; -1 where it is not defined. */
    int (*result_dtype)(int formula, int dtype);
    /* The inner loop, for small contiguous operands; NULL where run() must be used (half
       precision, GPU). */
    pyx_loop (*loop)(int formula, int dtype);
    /* Compute `formula` over all elements: every input has the compute dtype, operand 0 has the
       result dtype. Returns -1 where the formula is not defined for the dtype. */
    int (*run)(int formula, int dtype, const pyx_strided* walk, const double* params);
    /* Convert operand 1 into operand 0, any two dtypes, any strides. */
    int (*cast)(const pyx_strided* walk);
    /* Set `n` contiguous elements of `itemsize` bytes to the value at `value`. */
    int (*fill)(char* data, int64_t n, int itemsize, const char* value);
} pyx_elementwise_kernels;
