"""One run of gradients through the graph (Task), and what starts it."""
from libc.stdint cimport int32_t, uint64_t, uint8_t
from pyxtorch._beneath cimport Recorder
from pyxtorch._core cimport TensorBase
from pyxtorch._tape.graph cimport AccumulateGrad, Node, Run


cdef struct Slot:
    uint64_t sequence
    int32_t awaited             # gradients still to come
    uint8_t reached             # 0: nothing has come; 1: a zero or a gradient
    uint8_t wanted              # 1: something asked for lies behind it; 2: asked for itself


cdef class Task(Run):
    """One run: what has arrived where, and what is asked for."""
    cdef uint64_t id
    cdef int32_t count
    cdef int32_t room
    cdef Slot* slots
    cdef Slot few[8]
    cdef list targets           # the nodes and leaves met, a slot each
    cdef list grads             # what has arrived: a tensor, a list of them (several outputs), or None
    cdef dict index             # target to slot, where another run's marks have replaced this one's
    cdef int* heap          # slots of the nodes that are ready, the latest first
    cdef int32_t ready
    cdef int32_t heap_room
    cdef bint restricted        # only some inputs are asked for
    cdef bint keep
    cdef uint64_t floor         # nodes made before this one was are left out, and leaves too; 0: none
    cdef dict captures          # slot to {output number: place in `captured`}
    cdef list captured
    cdef set accumulates        # ids of the leaves that take gradients (restricted runs), or None: all
    cdef Node node              # the one that is running
    cdef object withheld        # its inputs that get no gradient, or None
    cdef list caught            # its gradients, where hooks want to see them first, or None
    cdef list callbacks
    cdef Recorder told          # who is told of nodes that run: the profiler, or None
    cdef object watcher         # of a replay: is told of every gradient that is sent; or None
    cdef tuple again            # in anomaly mode: what `replay` wants
    cdef Py_ssize_t mark        # what it wants at the end of the node that is running

    cdef int find(self, object target) except -2
    cdef int place(self, object target) except -1
    cdef int explore(self) except -1
    cdef int restrict(self) except -1
    cdef int receive(self, object target, int number, object g) except -1
    cdef bint wants(self, Node node, object target) noexcept
    cdef int deliver(self, Node node, int i, object target, object g) except -1
    cdef int withhold(self, int i) except -1
    cdef int push(self, int k) except -1
    cdef int pop(self) noexcept
    cdef int execute(self) except -1
    cdef int settle(self, Node node, bint anything) except -1
    cdef int visit(self, int k) except -1
    cdef int call_hooked(self, Node node, dict extra, object g, list many) except -1
    cdef int finish_leaf(self, int k) except -1


cdef int run(list roots, list numbers, list firsts, bint keep, bint create, list wanted, object results, set accumulates, uint64_t floor=*, object watcher=*) except -1
cdef object added(object a, object b)
cdef int provide(dict functions) except -1
cdef object zeros_like(TensorBase x)
cdef object ones_like(TensorBase x)
cdef object zeros_of(object shape, object dtype, object device)
cdef object stacked(object tensors)
cdef object converted(TensorBase x, int dt)
