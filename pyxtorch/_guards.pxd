"""What a recorded step relies on, looked at before each replay. See _guards.pyx."""
from libc.stdint cimport int64_t, uint64_t
from libcpp.vector cimport vector
from pyxtorch._core cimport TensorBase, pyx_storage
from pyxtorch._tape.graph cimport Node
from pyxtorch.autograd cimport Variable

cdef struct Seen:       # a tensor as it was
    pyx_storage* st
    char* ptr
    int64_t dims[16]
    int nd
    int dt
    int dev
    int flags
    uint64_t moves

cdef enum:
    LOOKED_AT = 0x9F    # all flags but HAS_VIEWS and COMPOUND, which are looked at by name

cdef Seen seen_of(TensorBase x) noexcept
cdef bint same_geometry(TensorBase x, const Seen* s) noexcept
cdef bint same_number(object a, object b)


cdef class Guards:
    cdef list objects           # a container, or a tensor
    cdef list expected          # what it held: a tuple
    cdef list paths             # how it is reached, for explain()
    cdef vector[int] kinds
    cdef vector[uint64_t] tags
    cdef vector[Seen] tensors
    cdef int add(self, int kind, object x, object expected, str path) except -1
    cdef bint hold_one(self, Py_ssize_t i)
    cdef bint hold(self)


cdef int64_t extent(TensorBase x) noexcept          # bytes from the first element to behind the last
cdef tuple modes()                                  # what operations ask beside their arguments
cdef bint hooks_of_all()                            # whether hooks hang on all modules or all optimisers
cdef bint named(Variable x)                         # whether it has attributes of the program's own
cdef bint same_result(object a, object b)           # of Recording.template


cdef class Spent(Node):         # stands for a graph that has been run: `grad_fn` of the loss of a replayed step
    cdef str label

cdef bint spent(Node top)       # whether backward has run through the graph: something was saved, and all of it is released
