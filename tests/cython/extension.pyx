# cython: language_level=3
"""An extension outside the package: it makes tensors, reads their memory, and records itself on the tape."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport FLOAT64, TensorBase, new_empty
from pyxtorch.autograd cimport Function, Variable, record1, recording


cdef extern from "pyxtorch/dtype.h":
    int PYX_FLOAT64


cdef class Cube(Function):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g * self.saved(0) ** 2 * 3)


def cube(Variable x not None):
    """x ** 3 of a contiguous float64 tensor on the CPU, as a loop of one's own."""
    if x.dt != FLOAT64 or not x.is_contiguous():
        raise ValueError("cube: expected a contiguous float64 tensor")
    cdef Variable y = <Variable>new_empty(x.nd, x.sizes, FLOAT64, x.dev, x.dev_index)
    cdef const double* a = <const double*>x.ptr
    cdef double* b = <double*>y.ptr
    cdef int64_t i
    with nogil:
        for i in range(x.n):
            b[i] = a[i] * a[i] * a[i]
    cdef Cube node
    if recording(x):
        node = <Cube>Cube.__new__(Cube)
        record1(node, y, x)
        node.save(x)
    return y


def dtype_code():
    """What the installed C header says."""
    return PYX_FLOAT64


def elements(TensorBase x not None):
    """The number of elements, read from the struct."""
    return x.n
