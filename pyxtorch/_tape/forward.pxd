"""Tangents: tensors that carry them, and what an operation makes of them."""
from pyxtorch._core cimport TensorBase
from pyxtorch._tape.graph cimport Node


cdef class Level:
    """One open level of forward mode. Outer ones have lower depths."""
    cdef readonly int depth
    cdef readonly bint open


cdef object tangent_at(TensorBase x, Level level)               # None: it has none
cdef int put_tangent(TensorBase x, Level level, object t) except -1
cdef list levels_of(TensorBase x, list found)                   # the levels that are looked at now in which x has a tangent, added to `found`
cdef int drop_tangents(TensorBase x) except -1
cdef int carry(TensorBase y, TensorBase x) except -1            # y, which has the elements of x, gets the tangents of x, and no others
cdef int replace_tangents(TensorBase x, TensorBase y) except -1  # the same where x was a dual: zero stays a tangent
# The node is complete, its edges are set: compute the tangents of `outs` from those of `inputs`.
cdef int spread(Node node, list outs, list inputs) except -1
# The tangents of a user's operation, an instance of `cls`: from its `jvp`, or (None) from its `backward`, transposed. `plain`: which results have none.
cdef int push_user(object cls, object jvp, Node node, tuple args, list results, list plain) except -1
# Its rule for a node whose Jacobian is diagonal and real: the transpose is the thing itself. None where it is not.
cdef list adjoint(Node node, list tangents, list outs)
