"""What is computed in place: compute beside self, copy into it, move the history over."""
from pyxtorch.autograd cimport Variable

cdef Variable before_change(Variable x)     # the values, history and tangents that x has now, in memory of their own
cdef Variable write_inplace(Variable x, Variable result, str op)
