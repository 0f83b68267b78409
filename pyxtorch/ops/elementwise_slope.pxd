"""g times a slope in one pass. See elementwise_slope.pyx."""
from pyxtorch.autograd cimport Variable

# g * conj(f'(x; s)) by the formula `slope`; `curvature(x, s)` gives f''(x; s), None where it is 0. s: three numbers, or NULL.
cdef Variable sloped(int slope, object curvature, Variable g, Variable x, const double* s, str op)
