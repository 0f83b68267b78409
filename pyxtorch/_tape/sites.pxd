"""Where in the user's program nodes are made and tensors changed, in anomaly mode."""
from cpython.object cimport PyObject
from libc.stdint cimport int64_t
from pyxtorch._beneath cimport Recorder, recorder, set_recorder
from pyxtorch._core cimport TensorBase

cdef extern from "pyxtorch/tape.h" nogil:
    PyObject* pyx_module            # the modules that this thread is in: (innermost, those around it), borrowed

cdef extern from "pyxtorch/frames.h":
    PyObject* pyx_calling_code(object files, object package, int* instruction)


cdef class Site:
    cdef readonly object code       # None: no frame of the user's
    cdef readonly int instruction
    cdef readonly object modules    # (innermost module, those around it) or None
    cdef list kept                  # the node's outputs, each followed by its number and the state it was in


cdef class Changes(Recorder):
    cdef list open                  # of operations under way: first argument, its version before
    cdef dict found                 # id of a tensor to (weak reference to it, [(version before, after, name, site)])
    cdef object note(self, TensorBase x, long long before, object name)


cdef object here()
cdef int keep_output(dict extra, TensorBase out, int number) except -1
cdef object changed_by(TensorBase x, int64_t version)
