/* Kernels of the family `rnn`: what is left of one step of a recurrent cell after the two products.
   Contiguous tensors of float32 or float64: a (from the input) and b (from the state) are
   (rows, gates * n) with the gates side by side, everything else is (rows, n). */
#pragma once
#include "../dtype.h"

typedef struct pyx_rnn_kernels {
    /* i, f, o = sigmoid(a + b), g = tanh(a + b), in the order i f g o; next_c = f c + i g; next_h = o tanh(next_c).
       `gates` gets the four activations. */
    int (*lstm)(int dtype, const void* a, const void* b, const void* c, void* next_h, void* next_c, void* gates, int64_t rows, int64_t n);
    /* The gradient of a (and of b) and of c; grad_h or grad_c may be NULL: zero */
    int (*lstm_backward)(int dtype, const void* grad_h, const void* grad_c, const void* gates, const void* c, const void* next_c,
                         void* grad_gates, void* grad_old_c, int64_t rows, int64_t n);
    /* r, z = sigmoid(a + b); m = tanh(a + r b); next_h = (1 - z) m + z h. `gates` gets r, z and m. */
    int (*gru)(int dtype, const void* a, const void* b, const void* h, void* next_h, void* gates, int64_t rows, int64_t n);
    /* The gradients of a, b and h */
    int (*gru_backward)(int dtype, const void* grad, const void* gates, const void* b, const void* h, void* grad_a, void* grad_b, void* grad_h,
                        int64_t rows, int64_t n);
} pyx_rnn_kernels;
