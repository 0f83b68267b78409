"""What other families call from C."""
from pyxtorch.autograd cimport Variable

cdef Variable where_t(Variable condition, Variable a, Variable b)
