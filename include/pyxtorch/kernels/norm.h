/* Kernels of the family `norm`: contiguous tensors of float32 or float64; weight and bias may be
   NULL. Statistics are kept in the dtype of x. */
#pragma once
#include "../dtype.h"

typedef struct pyx_norm_kernels {
    /* rows of n elements: y = (x - mean) * rstd * weight[j] + bias[j]; mean and rstd get one value a row */
    int (*layer_forward)(int dtype, const void* x, const void* weight, const void* bias, void* y, void* mean, void* rstd,
                         int64_t rows, int64_t n, double eps);
    /* grad_weight and grad_bias may be NULL */
    int (*layer_backward)(int dtype, const void* grad_output, const void* x, const void* weight, const void* mean, const void* rstd,
                          void* grad_input, void* grad_weight, void* grad_bias, int64_t rows, int64_t n);
    /* x is (N, C, S): mean, biased variance and 1 / sqrt(variance + eps) of each channel over N and S */
    int (*channel_stats)(int dtype, const void* x, void* mean, void* var, void* rstd, int64_t N, int64_t C, int64_t S, double eps);
    /* y = (x - mean[c]) * scale[c] + shift[c]; shift may be NULL */
    int (*channel_affine)(int dtype, const void* x, const void* mean, const void* scale, const void* shift, void* y, int64_t N, int64_t C, int64_t S);
    /* Of batch normalisation with the batch's statistics (training) or fixed ones; grad_weight and
       grad_bias are always written, grad_input may be NULL. */
    int (*channel_backward)(int dtype, const void* grad_output, const void* x, const void* weight, const void* mean, const void* rstd,
                            void* grad_input, void* grad_weight, void* grad_bias, int64_t N, int64_t C, int64_t S, int training);
} pyx_norm_kernels;
