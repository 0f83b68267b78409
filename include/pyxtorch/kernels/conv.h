/* Kernels of the family `conv`: cross-correlation in one to three dimensions, and its gradients.
   Everything is contiguous; missing dimensions have size 1. */
#pragma once
#include <stdint.h>

typedef struct pyx_conv {
    int64_t batch, groups;
    int64_t channels, filters;          /* of all groups */
    int64_t in[3], kernel[3], out[3];   /* depth, height, width */
    int64_t stride[3], padding[3], dilation[3];
    int precise;                        /* 1: no Winograd */
} pyx_conv;

typedef struct pyx_conv_kernels {
    /* x: (batch, channels, in), w: (filters, channels / groups, kernel), y: (batch, filters, out).
       All return 0; -1 for a dtype they do not do; -2 when there is no memory for scratch. */
    int (*forward)(int dtype, const pyx_conv* c, const void* x, const void* w, const void* bias, void* y);
    /* gx of gy and w; also the forward pass of a transposed convolution. */
    int (*backward_data)(int dtype, const pyx_conv* c, const void* gy, const void* w, void* gx);
    int (*backward_weight)(int dtype, const pyx_conv* c, const void* x, const void* gy, void* gw);
} pyx_conv_kernels;
