"""What other Cython modules may use of compound tensors."""
from cpython.object cimport PyObject

# A bit of TensorBase.flags: the elements lie in other tensors (`Parts`), and there is no memory behind this one.
cdef enum:
    COMPOUND = 64


cdef class Parts:
    """What a compound tensor consists of, and what operations on it are."""


# For the gate. Whether a compound tensor is among these arguments, or in a list among them.
cdef bint has_compound(PyObject* const* args, Py_ssize_t n) except -1
# What is called instead of `func` (or of its attribute "__get__", "__set__") on these arguments; None: it is right itself.
cdef object compound_handler(object func, str attribute, PyObject* const* args, Py_ssize_t n)
# What a slot with a compound tensor among its arguments gives.
cdef object compound_slot(object func, tuple args, bint comparison)
