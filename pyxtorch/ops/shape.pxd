"""Views, copies and conversions that other families call from C."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable

cdef Variable expand_to(Variable x, int nd, const int64_t* sizes, str op)   # recorded; x itself if it fits
cdef Variable sum_to(Variable g, int nd, const int64_t* sizes)              # the inverse: recorded
cdef Variable to_dtype(Variable x, int dt)                                  # recorded; x itself if it is so
cdef Variable view_sizes(Variable x, int nd, const int64_t* sizes, str op)  # recorded view; RuntimeError if impossible
cdef Variable reshape_sizes(Variable x, int nd, const int64_t* sizes, str op)
cdef Variable reshape_as(Variable x, Variable like)
cdef Variable permuted(Variable x, const int* order)                        # recorded
cdef Variable transposed(Variable x, int a, int b)
cdef Variable selected(Variable x, int dim, int64_t index)                  # recorded; index is checked already
cdef Variable sliced(Variable x, int dim, int64_t start, int64_t stop, int64_t step)    # recorded; clipped already
cdef Variable unsqueezed(Variable x, int dim)
cdef Variable squeezed(Variable x, int dim)
cdef Variable contiguous(Variable x)                                        # recorded
cdef Variable cloned(Variable x)                                            # recorded
cdef Variable detached(Variable x)
cdef Variable conj_of(Variable x)                                           # recorded; x itself unless complex
