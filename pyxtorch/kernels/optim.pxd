"""The table of the family `optim`: what its header declares, for all modules that call or fill it."""
from libc.stdint cimport int64_t

cdef extern from "pyxtorch/kernels/optim.h" nogil:
    ctypedef struct pyx_optim_list:
        int64_t count
        const int64_t* starts
        char** lists[5]
        const double* each
    ctypedef struct pyx_optim_options:
        double lr, weight_decay, eps, momentum, dampening, beta1, beta2
        int nesterov, maximize, decoupled
    ctypedef struct pyx_optim_kernels:
        int (*find)(const char* name) noexcept nogil
        const char* (*name)(int optimizer) noexcept nogil
        int (*scalars)(int optimizer) noexcept nogil
        int (*step)(int optimizer, int dtype, const pyx_optim_list* list, const pyx_optim_options* options) noexcept nogil
        int (*sum_of_squares)(int dtype, const pyx_optim_list* list, double* total) noexcept nogil
        int (*scale)(int dtype, const pyx_optim_list* list, double factor) noexcept nogil
