"""How the memory of a result is asked for: layout=, pin_memory=, memory_format=."""
from libc.stdint cimport int64_t
from pyxtorch.autograd cimport Variable

cdef int check_plain(object layout, object pin_memory, str op) except -1
cdef inline int only_plain(object layout, object pin_memory, str op) except -1:     # TypeError, or RuntimeError: what cannot be had
    return 0 if layout is None and pin_memory is False else check_plain(layout, pin_memory, op)
cdef int64_t format_strides(object format, int nd, const int64_t* sizes, int64_t* strides, str op) except -1    # gives how many elements
cdef bint is_format(Variable x, object format, str op) except -1        # do the elements lie in that order?
cdef Variable laid_out(Variable y, object format, bint like, object requires_grad, str op)    # a new tensor; `like` another: preserve_format has a meaning
cdef Variable in_format(Variable x, object format, bint copy, str op)   # recorded; x itself where nothing is to do and copy is not set
