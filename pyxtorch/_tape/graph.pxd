"""The graph: nodes, and the run that they are part of."""
from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint64_t
from pyxtorch._core cimport TensorBase


cdef class Node:
    """One recorded operation: the graph alone. What a run needs to know of it is the run's."""
    # edges: what each input was made by (a Node), or the leaf itself, or None
    cdef object e0
    cdef object e1
    cdef object e2
    cdef list e_more
    cdef int32_t nr0                    # which output of that Node
    cdef int32_t nr1
    cdef int32_t nr2
    cdef list nr_more
    cdef int32_t n_inputs
    cdef int32_t n_outputs
    # saved tensors (Function.save), each with the state it was saved in
    cdef TensorBase s0
    cdef TensorBase s1
    cdef TensorBase s2
    cdef list s_more
    cdef int64_t v0
    cdef int64_t v1
    cdef int64_t v2
    cdef list v_more
    cdef int32_t n_saved
    cdef uint64_t output_mask           # which of the first 64 saved tensors are outputs of this node
    cdef bint released
    cdef bint unlinked                  # recorded for its tangents alone: no edges, and nobody's history
    cdef bint always                    # is called even where only zeros arrive (a user's Function)
    cdef uint64_t sequence              # nodes made later have higher numbers
    cdef uint64_t mark                  # the last run that came by, and where it keeps what it knows of this node
    cdef int32_t slot
    cdef object extra                   # dict of rare things (hooks, metadata) or None
    cdef object __weakref__

    cdef void renumber(self) noexcept
    cdef int send(self, object g) except -1                 # g: the gradient, or a list of them if n_outputs > 1
    # Forward mode: the tangents of the outputs from those of the inputs (None: zero), or None: no rule, transpose `send`.
    cdef list pushforward(self, list tangents, list outs)
    cdef bint needs(self, int i) noexcept                   # whether input i wants a gradient
    cdef int pass_grad(self, int i, object g) except -1     # g may be None: zero
    cdef int withhold(self, int i) except -1                # input i gets no gradient at all, not even zero
    cdef object edge(self, int i)
    cdef int edge_nr(self, int i) noexcept
    cdef int put_edge(self, int i, object target, int number) except -1
    cdef int release(self) except -1
    cdef dict notes(self)


cdef class AccumulateGrad(Node):
    """Stands for a leaf at the end of `next_functions`."""
    cdef readonly object variable


cdef class Run:
    cdef bint wants(self, Node node, object target) noexcept            # whether `target`, behind `node`, wants a gradient
    cdef int deliver(self, Node node, int i, object target, object g) except -1
    cdef int withhold(self, int i) except -1                            # of the node that is running


cdef int watch_nodes(bint mode) except -1
cdef Run running()
cdef PyObject* swap_running(PyObject* run) noexcept
