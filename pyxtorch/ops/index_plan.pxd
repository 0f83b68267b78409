"""Moving elements by index tensors, for other families."""
from libc.stdint cimport int64_t, uint8_t
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Node, Variable
from pyxtorch.kernels.index cimport *

cdef pyx_index_kernels* index_kernels(TensorBase x, str op) except NULL


cdef class Plan:
    """Which dimensions of a tensor are indexed, and by what."""
    cdef int count                  # index tensors
    cdef int dims[64]               # the dimension each belongs to, ascending
    cdef list index                 # int64, contiguous, all of one shape
    cdef int ind                    # that shape
    cdef int64_t ishape[64]
    cdef int64_t n                  # elements in each
    cdef int front                  # dimensions of x before the index dimensions in the result
    cdef int wrap
    cdef str op
    cdef object error               # IndexError, or what the operation raises for an index out of range

    cdef int shape(self, Variable x, int64_t* out) except -1
    cdef int fill(self, Variable x, pyx_indexing* at) except -1
    cdef int failed(self, int code, Variable x, const int64_t* bad) except -1


cdef Plan plan_of(list dims, list index, str op, bint wrap=*, object error=*)     # int64 index tensors that broadcast
cdef Plan plan_dim(int dim, Variable index, str op, bint wrap=*, object error=*)  # one 1-d index
cdef Variable get_raw(Variable x, Plan plan)
cdef int put_raw(Variable x, Plan plan, Variable values, int how, bint scalar) except -1
cdef Variable plan_get(Variable x, Plan plan)                                   # recorded
cdef Variable plan_spread(Variable g, Plan plan, tuple shape)                   # zeros with g added: recorded
cdef Variable plan_put(Variable x, Plan plan, Variable values, bint accumulate, bint inplace)    # recorded
cdef Variable off_tape_self(Variable x)         # the same memory, to carry a new history to `rebase`
cdef Variable nonzero_raw(Variable mask)        # contiguous bool or uint8: (count, nd) int64
cdef Variable mask_of(Variable x)               # contiguous bool of any tensor: x != 0
cdef Variable masked_select_t(Variable x, Variable mask)                        # recorded, equal shapes
cdef Variable index_int64(Variable x, str op)   # an index tensor as contiguous int64
cdef Variable vector_index(Variable index, str op)      # the same, with one dimension
cdef Variable at_least_1d(Variable x)
cdef Variable apart(Variable values, Variable x)        # values, copied if x lies (partly) in the same memory
cdef int by_mask_failed(int code, str op) except -1     # raises
