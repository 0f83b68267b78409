"""The tape, for Cython: how an operation records itself and sends gradients back."""
from libc.stdint cimport int16_t, int32_t, int64_t, uint64_t
from pyxtorch._core cimport HAS_VIEWS, REQUIRES_GRAD, TensorBase


cdef class Variable(TensorBase):
    """A TensorBase that can be recorded. No field of its own: see docs/architecture.md."""


cdef class Node:
    """One recorded operation. A built-in operation is a subclass with a `vjp`."""
    # edges: what each input was made by (a Node), or the leaf Variable itself, or None
    cdef object e0
    cdef object e1
    cdef object e2
    cdef list e_more
    cdef int16_t nr0                    # which output of that Node
    cdef int16_t nr1
    cdef int16_t nr2
    cdef list nr_more
    cdef int16_t n_inputs
    cdef int16_t n_outputs
    # saved tensors with the versions they had
    cdef Variable s0
    cdef Variable s1
    cdef Variable s2
    cdef list s_more
    cdef int64_t v0
    cdef int64_t v1
    cdef int64_t v2
    cdef list v_more
    cdef int16_t n_saved
    cdef int16_t output_mask            # which of the first saved tensors are outputs of this node
    cdef bint released
    # the engine's: gradients that have arrived, and how many are still awaited
    cdef object g0
    cdef list g_more
    cdef int32_t awaited
    cdef uint64_t mark
    cdef object extra                   # dict of rare things (hooks, metadata) or None
    cdef object __weakref__

    # To override. One output: call pass_grad for each input that needs one.
    cdef int vjp(self, Variable g) except -1
    # Several outputs: override this one instead; entries of `grads` may be None.
    cdef int vjp_many(self, list grads) except -1

    cdef bint needs(self, int i) noexcept                   # whether input i wants a gradient
    cdef int pass_grad(self, int i, object g) except -1     # g may be None: zero
    cdef int save(self, Variable x) except -1               # an input, or anything not an output
    cdef int save_output(self, Variable y) except -1        # y.output_nr tells which
    cdef Variable saved(self, int i)                        # checks version and release
    cdef object edge(self, int i)
    cdef int edge_nr(self, int i) noexcept
    cdef int set_edge(self, int i, Variable x) except -1
    cdef int release(self) except -1


cdef class Function(Node):
    """Base of all differentiable operations, built in or the user's own."""
    cdef int vjp(self, Variable g) except -1
    cdef int vjp_many(self, list grads) except -1


cdef bint grad_enabled() noexcept
cdef bint set_grad(bint mode) noexcept                      # returns the mode before
cdef bint stale(Variable x) noexcept                        # a view whose base has a new history
cdef inline bint recording(Variable x) noexcept:
    return ((x.flags & REQUIRES_GRAD) != 0 or (x._base is not None and stale(x))) and grad_enabled()
cdef bint recording_any(object xs) noexcept                 # a list or tuple of tensors and others

# Put `node` between inputs and `out`: sets edges, out.grad_fn, requires_grad. Call only when
# recording. An input that does not require grad gets no edge.
cdef int record1(Node node, Variable out, Variable a) except -1
cdef int record2(Node node, Variable out, Variable a, Variable b) except -1
cdef int record3(Node node, Variable out, Variable a, Variable b, Variable c) except -1
cdef int record_many(Node node, object outs, object inputs) except -1   # None allowed among both

# In-place. check_inplace: may x change (leaf, view of a leaf, elements sharing memory)?
cdef int check_inplace(Variable x, str op) except -1
# x was changed in place by an operation whose node is on `result` (recorded out of place, same
# shape and dtype): x takes over its history, through the base when x is a view.
cdef int rebase(Variable x, Variable result) except -1
# `view` was made from `x` by a view operation: remember the base.
cdef int mark_later_view(Variable view, Variable base) except -1    # base has had in-place changes
cdef inline int mark_view(Variable view, Variable x) except -1:
    cdef Variable base = <Variable>x._base if x._base is not None else x
    view._base = base
    base.flags |= HAS_VIEWS
    if base._extra is not None:
        return mark_later_view(view, base)
    return 0
