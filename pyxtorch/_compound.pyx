"""Compound tensors: those whose elements lie in other tensors, as a sparse one's do.

The tensor itself has a shape, a dtype, a place in the graph, and no memory: it lies on the device meta. Its `Parts` say what is done
with it: the gate (_gate.pyx), which every operation passes, asks them. docs/architecture.md, "Sparse tensors".
"""
cimport cython
from cpython.object cimport PyObject
from pyxtorch._beneath cimport watch
from pyxtorch._core cimport CONTIGUOUS, TensorBase, adopt, bump

cdef extern from "Python.h":
    int PyList_Check(PyObject*)
    int PyTuple_Check(PyObject*)
    PyObject** PySequence_Fast_ITEMS(PyObject*)
    Py_ssize_t PySequence_Fast_GET_SIZE(PyObject*)

cdef int compounds = 0          # how many `Parts` live


@cython.binding(False)
cdef class Parts:
    """What a compound tensor (a sparse one) consists of: as long as it lives, operations look at their arguments.

    A subclass has a method `handler(func)`: the function that does what `func`, called as in `__torch_function__`, does for
    such tensors; None where the operation itself is right; an error where there is nothing of the kind.
    """

    def __cinit__(self):
        global compounds
        compounds += 1
        watch(1)

    def __dealloc__(self):
        global compounds
        compounds -= 1
        watch(-1)

    def handler(self, func):
        raise NotImplementedError(f"{func!r}: is not there for {type(self).__name__}.")


def compound(TensorBase x not None, Parts parts not None):
    """Make a meta tensor that nobody has used yet a compound one. Returns it."""
    x.flags = (x.flags & ~CONTIGUOUS) | COMPOUND
    x._extra = {"parts": parts}
    return x


def parts_of(x):
    """What a compound tensor consists of; None for any other object."""
    if isinstance(x, TensorBase) and (<TensorBase>x).flags & COMPOUND:
        return (<TensorBase>x)._extra["parts"]
    return None


def change_parts(TensorBase x not None, TensorBase y not None):
    """Give a compound tensor the parts, the shape and the dtype of another one, as an operation in place does."""
    if not x.flags & y.flags & COMPOUND:
        raise TypeError("change_parts: both must be compound tensors.")
    adopt(x, y)
    x._extra["parts"] = y._extra["parts"]
    bump(x)


def put_grad(TensorBase x not None, g):
    """Set `.grad` without a look at what it is."""
    x._grad = g


cdef Parts compound_among(PyObject* const* args, Py_ssize_t n, int depth):
    """The parts of the first compound tensor among `args` or in lists among them; None if there is none."""
    cdef Py_ssize_t i
    cdef Parts parts = None
    for i in range(n):
        if args[i] == NULL:
            continue
        if isinstance(<object>args[i], TensorBase):
            if (<TensorBase>args[i]).flags & COMPOUND:
                return (<TensorBase>args[i])._extra["parts"]
        elif depth and (PyList_Check(args[i]) or PyTuple_Check(args[i])):
            parts = compound_among(PySequence_Fast_ITEMS(args[i]), PySequence_Fast_GET_SIZE(args[i]), depth - 1)
            if parts is not None:
                return parts
    return None


cdef bint has_compound(PyObject* const* args, Py_ssize_t n) except -1:
    return compounds and compound_among(args, n, 2) is not None


cdef object compound_handler(object func, str attribute, PyObject* const* args, Py_ssize_t n):
    cdef Parts parts = compound_among(args, n, 2) if compounds else None
    if parts is None:
        return None
    return parts.handler(func if attribute is None else getattr(func, attribute))


cdef object compound_slot(object func, tuple args, bint comparison):
    cdef Parts parts = compound_among(PySequence_Fast_ITEMS(<PyObject*>args), len(args), 2)
    other = args[len(args) - 1]
    if comparison and not (isinstance(other, TensorBase) or hasattr(other, "__float__") or hasattr(other, "__complex__")):
        return NotImplemented
    return parts.handler(func)(*args)
