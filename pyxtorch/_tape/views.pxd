"""The history of views, and of tensors that are changed in place."""
from pyxtorch._core cimport FOLLOWED, HAS_VIEWS, REQUIRES_GRAD, TensorBase
from pyxtorch._tape.graph cimport Node
from pyxtorch._tape.modes cimport recorded_flags

cdef class Same(Node):
    """Stands between a tensor and another one of the same elements."""


cdef bint stale(TensorBase x) noexcept                      # a view whose base has a new history
# Whether x is on the tape. Its flag alone does not know what was written into its base.
cdef inline bint tracked(TensorBase x) noexcept:
    return (x.flags & REQUIRES_GRAD) != 0 or (x._base is not None and stale(x) and (x.flags & REQUIRES_GRAD) != 0)
cdef object grad_fn_of(TensorBase x)                        # the node that made x, up to date
cdef int made(TensorBase out, Node node, int number) except -1   # `out` is output `number` of `node`
cdef int set_edge(Node node, int i, TensorBase x) except -1     # x may be None
# In-place. check_inplace: may x change (leaf, view of a leaf, elements sharing memory)?
cdef int check_inplace(TensorBase x, str op) except -1
# x was changed in place by an operation whose node is on `result` (recorded out of place, same
# shape and dtype): x takes over its history, through the base when x is a view.
# Whether there is a history or a tangent to move: `more` are the flags of what is written into x.
cdef inline bint rebasing(TensorBase x, int more) noexcept:
    cdef int flags = recorded_flags()
    return flags != 0 and (((x.flags | more) & flags) != 0 or x._base is not None)
cdef int rebase(TensorBase x, TensorBase result) except -1
# `view` was made from `x` by a view operation: remember the base.
cdef int mark_later_view(TensorBase view, TensorBase base) except -1    # base has had in-place changes
cdef inline int mark_view(TensorBase view, TensorBase x) except -1:
    cdef TensorBase base = <TensorBase>x._base if x._base is not None else x
    view._base = base
    base.flags |= HAS_VIEWS
    if base._extra is not None:
        return mark_later_view(view, base)
    return 0
