/* Kernels of the family `optim`: one optimiser step over many parameters at once.

   Parameter i has elements starts[i] .. starts[i + 1] of an imagined concatenation; lists[k][i] is
   the memory of its k-th tensor (contiguous, all of one floating dtype). An entry of `lists` that
   an option does not need is NULL. Scalars that differ between parameters come in `each`.
   All return -1 for a dtype that is not floating. */
#pragma once
#include "../dtype.h"

typedef struct pyx_optim_list {
    int64_t count;
    const int64_t* starts;      /* count + 1 */
    char* const* lists[5];      /* parameters, gradients, states */
    const double* each;
} pyx_optim_list;

typedef struct pyx_optim_options {
    double lr, weight_decay, eps;
    double momentum, dampening; /* sgd, rmsprop */
    double beta1, beta2;        /* adam; rmsprop: beta2 is alpha */
    double own[4];              /* what one optimiser alone has: its step says what */
    int nesterov, maximize, decoupled;
} pyx_optim_options;

typedef struct pyx_optim_kernels {
    /* The number of an optimiser of PYX_OPTIMIZERS (optim_steps.h) by its name; -1 if there is none. */
    int (*find)(const char* name);
    /* The C++ name of its step; NULL from the last number on. */
    const char* (*name)(int optimizer);
    /* How many numbers of `each` every parameter has. */
    int (*scalars)(int optimizer);
    /* One step. Lists: parameter, gradient, then the states that optim_steps.h says. */
    int (*step)(int optimizer, int dtype, const pyx_optim_list* list, const pyx_optim_options* options);
    /* Sum of squares of lists[0] in double; the order of summation does not depend on threads. */
    int (*sum_of_squares)(int dtype, const pyx_optim_list* list, double* total);
    /* lists[0] times a factor */
    int (*scale)(int dtype, const pyx_optim_list* list, double factor);
} pyx_optim_kernels;
