"""g times the slope of a function, in one pass: what the gradients of roots, activations and their like consist of.

It is linear in the incoming gradient, and its own derivative by x is written in tensor operations.
"""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record2, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport formula2, zero_mul
from pyxtorch.ops.shape cimport conj_of


cdef class Slope(Function):
    """g * conj(f'(x; s)), x being an input or an output of what is differentiated."""
    cdef int slope
    cdef object curvature
    cdef str op
    cdef double s[3]

    cdef int vjp(self, Variable gg) except -1:
        g, x = self.saved(0), conj_of(self.saved(1))
        if self.needs(0):
            self.pass_grad(0, sloped(self.slope, self.curvature, gg, x, self.s, self.op))
        if self.needs(1) and self.curvature is not None:
            self.pass_grad(1, zero_mul(g, zero_mul(conj_of(gg), <Variable?>self.curvature(x, [self.s[0], self.s[1], self.s[2]]))))


cdef Variable sloped(int slope, object curvature, Variable g, Variable x, const double* s, str op):
    cdef Variable y = formula2(slope, g, x, s, op)
    cdef Slope node
    if recording(g) or recording(x):
        node = <Slope>Slope.__new__(Slope)
        node.slope = slope
        node.curvature = curvature
        node.op = op
        if s != NULL:
            node.s[0], node.s[1], node.s[2] = s[0], s[1], s[2]
        node.save(g)
        node.save(x)
        record2(node, y, g, x)
    return y
