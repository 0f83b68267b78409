"""Reductions that other families call from C, and what the family's files share."""
from libc.stdint cimport int64_t
from pyxtorch.autograd cimport Function, Variable
from pyxtorch.kernels.reduce cimport pyx_reduce_kernels

cdef pyx_reduce_kernels** tables

ctypedef unsigned long long Mask

cdef struct Layout:
    int64_t outer, dim, inner
    int nd                  # of the result
    int64_t sizes[64]


cdef class Reduction(Function):
    """What is left of the dimensions `mask` of `shape`: 1 where they are kept, nothing else."""
    cdef tuple shape
    cdef Mask mask
    cdef bint keepdim
    cdef int describe(self, Variable x, Mask mask, bint keepdim) except -1
    cdef Variable spread(self, Variable y)      # the result's shape again as that of the input
    cdef tuple dims(self)

cdef int reduction(const char* name) except -1      # the number of a line of reductions.h; KeyError if there is none
cdef Variable arrange(Variable x, Mask mask, bint keepdim, Layout* l)
cdef Variable reduced(int kind, Variable x, Mask mask, bint keepdim, str op, double p=*)
cdef object unsupported(str op, int dt)
cdef Variable sum_mask(Variable x, Mask mask, bint keepdim)    # bit i: dimension i is summed
