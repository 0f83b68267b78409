"""The version of the interface for Cython, as a name: a module that cimports `Interface_N` asks for it when it is imported."""
cdef extern from *:
    """
    typedef PyObject pyx_interface_object;
    """
    ctypedef class pyxtorch._interface.Interface_1 [object pyx_interface_object, check_size ignore]:
        pass
