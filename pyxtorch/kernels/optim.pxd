"""The table of the family `optim`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport NO_KERNEL

cdef extern from "pyxtorch/kernels/optim.h" nogil:
    ctypedef struct pyx_optim_list:
        int64_t count
        const int64_t* starts
        char** lists[5]
        const double* each
    ctypedef struct pyx_optim_options:
        double lr, weight_decay, eps, momentum, dampening, beta1, beta2
        double own[4]
        int nesterov, maximize, decoupled
    ctypedef struct pyx_optim_kernels:
        int (*find)(const char* name) except? NO_KERNEL nogil
        const char* (*name)(int optimizer) noexcept nogil
        int (*scalars)(int optimizer) except? NO_KERNEL nogil
        int (*step)(int optimizer, int dtype, const pyx_optim_list* list, const pyx_optim_options* options) except? NO_KERNEL nogil
        int (*sum_of_squares)(int dtype, const pyx_optim_list* list, double* total) except? NO_KERNEL nogil
        int (*scale)(int dtype, const pyx_optim_list* list, double factor) except? NO_KERNEL nogil
