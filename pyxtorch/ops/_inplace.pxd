"""What is computed in place: compute beside self, copy into it, move the history over."""
from pyxtorch.autograd cimport Variable

cdef Variable write_inplace(Variable x, Variable result, str op)
