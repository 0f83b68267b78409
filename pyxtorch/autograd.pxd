"""The tape, for Cython: how an operation records itself and sends gradients back."""
from libc.stdint cimport int32_t, int64_t, uint64_t
from pyxtorch._core cimport DUAL, FOLLOWED, HAS_VIEWS, REQUIRES_GRAD, TensorBase
from pyxtorch._tape.graph cimport Node
from pyxtorch._tape.forward cimport adjoint, carry
from pyxtorch._tape.modes cimport grad_enabled, recorded_flags, set_grad
from pyxtorch._tape.views cimport check_inplace, grad_fn_of, mark_view, rebase, rebasing, stale, tracked


cdef class Variable(TensorBase):
    """A TensorBase that can be recorded. No field of its own: see docs/architecture.md."""


cdef class Function(Node):
    """Base of all differentiable operations, built in or the user's own. A built-in one has a `vjp`."""
    # To override. One output: call pass_grad for each input that needs one.
    cdef int vjp(self, Variable g) except -1
    # Several outputs: override this one instead; entries of `grads` may be None.
    cdef int vjp_many(self, list grads) except -1

    cdef int save(self, TensorBase x) except -1             # an input, or anything not an output
    cdef int save_output(self, TensorBase y, int number=*) except -1    # number: which output, if not y.output_nr
    cdef Variable saved(self, int i)                        # checks that it is what it was, and was not freed
    cdef bint is_output(self, int i) noexcept
    cdef int save_packed(self, int i, TensorBase x) except -1
    cdef object unpacked(self, int i)


# What must not have changed when a saved tensor is used: its storage's version, and how often its
# memory or geometry was replaced.
cdef inline int64_t state_of(TensorBase x) noexcept:
    return x.st.version + (<int64_t>x.moves << 40)

# Whether an operation on x is recorded: for its gradient, or for a tangent.
cdef inline bint recording(Variable x) noexcept:
    return ((x.flags & FOLLOWED) != 0 or (x._base is not None and stale(x))) and (x.flags & recorded_flags()) != 0
cdef bint recording_any(object xs) noexcept                 # a list or tuple of tensors and others

# Put `node` between inputs and `out`: sets edges, out.grad_fn, requires_grad. Call only when
# recording, as the last thing: the node is complete then. An input that does not require grad gets no edge.
cdef int record1(Node node, Variable out, Variable a) except -1
cdef int record2(Node node, Variable out, Variable a, Variable b) except -1
cdef int record3(Node node, Variable out, Variable a, Variable b, Variable c) except -1
cdef int record_many(Node node, object outs, object inputs) except -1   # None allowed among both
