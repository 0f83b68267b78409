"""Streams, for _cuda_launch.pyx."""
cimport cython


@cython.binding(False)
cdef class Stream:
    cdef void* handle
    cdef readonly int device_index
    cdef bint owned
    cdef list before
