"""The thread's grad-mode switches. For autograd.py alone: each including module gets its own."""
from cpython.object cimport PyObject

cdef extern from "pyxtorch/grad_mode.h" nogil:
    int pyx_grad_mode
    int pyx_inference_mode
    int pyx_swap_grad(int mode)
    int pyx_swap_inference(int mode)
    long references "pyx_references"(PyObject* object)
