"""Reductions that other families call from C, and what the family's files share."""
from libc.stdint cimport int64_t
from pyxtorch.autograd cimport Variable

cdef extern from "pyxtorch/kernels/reduce.h" nogil:
    ctypedef struct pyx_reduce_kernels:
        int (*reduce)(int op, int dtype, const void* x, void* y, int64_t outer, int64_t dim, int64_t inner, double p) noexcept nogil
        int (*extreme)(int op, int dtype, const void* x, void* values, int64_t* indices, int64_t outer, int64_t dim, int64_t inner) noexcept nogil
        int (*variance)(int dtype, const void* x, void* var, void* mean, int64_t outer, int64_t dim, int64_t inner, double correction) noexcept nogil

cdef pyx_reduce_kernels** tables

ctypedef unsigned long long Mask

cdef struct Layout:
    int64_t outer, dim, inner
    int nd                  # of the result
    int64_t sizes[64]

cdef Variable arrange(Variable x, Mask mask, bint keepdim, Layout* l)
cdef Variable reduced(int kind, Variable x, Mask mask, bint keepdim, str op, double p=*)
cdef Variable spread(Variable g, tuple shape, Mask mask, bint keepdim)
cdef object unsupported(str op, int dt)
cdef Variable sum_all(Variable x)
cdef Variable sum_mask(Variable x, Mask mask, bint keepdim)    # bit i: dimension i is summed
