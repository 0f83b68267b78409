/* Kernels of the family `random`. Results are functions of (seed, offset) alone: see philox.h.
   Every function draws from `offset` on; `blocks(n, words)` tells how far it gets, and samplers by
   rejection use PYX_PRIVATE_BLOCKS. -1: the dtype is not supported; -4: no memory. */
#pragma once
#include "../dtype.h"

#define PYX_PRIVATE_BLOCKS 65536

enum pyx_law {
    PYX_UNIFORM = 0,      /* [a, b) */
    PYX_NORMAL = 1,       /* mean a, deviation b */
    PYX_EXPONENTIAL = 2,  /* rate a */
    PYX_LOG_NORMAL = 3,   /* of the logarithm: mean a, deviation b */
    PYX_CAUCHY = 4,       /* median a, scale b */
    PYX_GEOMETRIC = 5,    /* probability a; any dtype */
    PYX_BERNOULLI = 6,    /* probability a; any dtype */
    PYX_NUM_LAWS = 7
};

typedef struct pyx_random_kernels {
    /* n contiguous elements. One word each; two for float64 (and what is computed in it). */
    int (*fill)(int law, int dtype, void* out, int64_t n, double a, double b, uint64_t seed, uint64_t offset);
    /* Integers low <= x < low + range into any real dtype; range 0 means 2^64. Two words each where
       range > 2^32. */
    int (*integers)(int dtype, void* out, int64_t n, int64_t low, uint64_t range, uint64_t seed, uint64_t offset);
    /* 1 with probability p[i]. -2: a probability outside [0, 1]. */
    int (*bernoulli)(int dtype, const void* p, int p_dtype, void* out, int64_t n, uint64_t seed, uint64_t offset);
    /* keep[i] = 1 with probability 1 - p; y = keep ? x * scale : 0. keep may be NULL. */
    int (*dropout)(int dtype, const void* x, void* y, uint8_t* keep, int64_t n, double p, double scale,
                   uint64_t seed, uint64_t offset);
    /* y = keep ? x * scale : 0, for the gradient */
    int (*masked_scale)(int dtype, const void* x, const uint8_t* keep, void* y, int64_t n, double scale);
    /* A permutation of 0..n-1; uses blocks(2n, 1). */
    int (*permutation)(int64_t* out, int64_t n, uint64_t seed, uint64_t offset);
    /* count draws from each row of weights (rows, n). -2: a weight is negative, infinite or NaN; -3: a
       row sums to 0; -5: without replacement, more draws than weights that are not 0. */
    int (*multinomial)(int dtype, const void* weights, int64_t rows, int64_t n, int64_t count, int replacement,
                       int64_t* out, uint64_t seed, uint64_t offset);
    /* By rejection, an element a private stream. Parameters have the dtype of out. -2: a bad rate. */
    int (*poisson)(int dtype, const void* rate, void* out, int64_t n, uint64_t seed, uint64_t offset);
    int (*binomial)(int dtype, const void* count, const void* p, void* out, int64_t n, uint64_t seed, uint64_t offset);
    int (*gamma)(int dtype, const void* shape, void* out, int64_t n, uint64_t seed, uint64_t offset);
    /* Blocks that n elements of `words` words use up. */
    int64_t (*blocks)(int64_t n, int words);
    /* Words each for a law or dtype of fill: 1 or 2. */
    int (*words)(int law, int dtype);
} pyx_random_kernels;
