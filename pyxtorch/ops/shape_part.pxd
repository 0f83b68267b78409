"""Views of some elements of a tensor, and zeros around them, for the other files of the family."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable

# What a part is; its four numbers are
#   SELECT    a dimension, b index
#   SLICE     a dimension, b start, c length, d step
#   DIAGONAL  a offset, b and c dimensions; the diagonal is the last dimension of the part
#   UNFOLD    a dimension, b windows, c size of one, d step
cdef enum:
    SELECT = 0
    SLICE = 1
    DIAGONAL = 2
    UNFOLD = 3

cdef Variable raw_part(Variable x, int kind, int64_t a, int64_t b, int64_t c, int64_t d)    # off the tape
cdef Variable part(Variable x, int kind, int64_t a, int64_t b, int64_t c, int64_t d)        # a recorded view
# Zeros of a shape with g at the place of the part: recorded.
cdef Variable put_part(Variable g, tuple shape, int kind, int64_t a, int64_t b, int64_t c, int64_t d)
