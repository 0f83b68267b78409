"""The tape's state of each thread: include/pyxtorch/tape.h says which module owns which variable."""
from cpython.object cimport PyObject

cdef extern from "pyxtorch/tape.h" nogil:
    int pyx_grad_mode
    int pyx_inference_mode
    int pyx_dual_mode
    int pyx_dual_open
    int pyx_dual_seen
    int pyx_recorded
    PyObject* pyx_running
    long references "pyx_references"(PyObject* object)
