"""Reductions that other families call from C."""
from pyxtorch.autograd cimport Variable

cdef Variable sum_all(Variable x)
cdef Variable sum_mask(Variable x, unsigned long long mask, bint keepdim)    # bit i: dimension i is summed
