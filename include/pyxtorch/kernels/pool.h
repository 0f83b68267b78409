/* Kernels of the family `pool`: contiguous planes (D, H, W) -> (oD, oH, oW); 1-d and 2-d use sizes
   of 1. All arrays of three are depth, height, width. float32 and float64 (max: integers too). */
#pragma once
#include "../kernel_table.h"

typedef struct pyx_window {
    int64_t planes;
    int64_t in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
    int64_t channels; /* of an image; planes are images times channels */
    int layout;       /* of x and y in avg_forward and adaptive_avg_forward: PYX_ROWS or PYX_CHANNELS_LAST; rows in all others */
} pyx_window;

typedef struct pyx_pool_kernels {
    /* values and the flat index in the plane of each maximum */
    int (*max_forward)(int dtype, const void* x, void* y, int64_t* indices, const pyx_window* w);
    /* grad_input[plane, index] += grad_output; grad_input is cleared first. -2: an index is out of range. */
    int (*scatter)(int dtype, const void* grad_output, const int64_t* indices, void* grad_input, int64_t planes, int64_t out, int64_t in);
    int (*avg_forward)(int dtype, const void* x, void* y, const pyx_window* w, int count_include_pad, int64_t divisor);
    int (*avg_backward)(int dtype, const void* grad_output, void* grad_input, const pyx_window* w, int count_include_pad, int64_t divisor);
    /* Windows from floor(i * in / out) to ceil((i + 1) * in / out); kernel, stride, padding unused. */
    int (*adaptive_max_forward)(int dtype, const void* x, void* y, int64_t* indices, const pyx_window* w);
    int (*adaptive_avg_forward)(int dtype, const void* x, void* y, const pyx_window* w);
    int (*adaptive_avg_backward)(int dtype, const void* grad_output, void* grad_input, const pyx_window* w);
} pyx_pool_kernels;
