"""What sees an operation where it runs at last, when nobody overrides it: the profiler, and autocast beneath that."""
from cpython.object cimport PyObject

ctypedef PyObject* (*run_call)(void* call, PyObject* const* args) noexcept   # on these arguments; NULL: an exception is set


cdef class Recorder:
    """Is told when operations of its thread begin and end."""
    cdef Py_ssize_t begin(self, object name, PyObject* const* args, Py_ssize_t n, PyObject* names) except -2  # what `end` wants
    cdef Py_ssize_t begin_node(self, object node, object sequence) except -2    # the engine; of a leaf, sequence is None
    cdef int end(self, Py_ssize_t mark) except -1


cdef class Caster:
    """Converts arguments of operations of its thread."""
    # The arguments, converted where they are to be (keyword arguments last); None where the operation runs as it is.
    cdef list cast(self, str name, PyObject* const* args, Py_ssize_t n, PyObject* names)
    cdef bint rounds                        # after `cast`: whether the result is to be `rounded`
    cdef bint open                          # after `cast`: whether arguments of operations within it are to be cast, too
    cdef object rounded(self, object result)


cdef Recorder recorder()                            # this thread's, or None
cdef int set_recorder(Recorder one) except -1
cdef int set_caster(Caster one) except -1
cdef bint anything_beneath() noexcept
cdef object taken_over_by(operation)                # a function of its arguments that asks the dispatcher
cdef bint dispatching() noexcept                    # whether there is a `dispatcher()` in this thread
# Run an operation: `args` with the values of keyword arguments last. `casting`: whether arguments may be converted.
cdef object run_beneath(str name, bint casting, run_call run, void* call, PyObject* const* args, Py_ssize_t n, PyObject* names)
cdef int watch_by(int* count) except -1             # the gate says where it counts the reasons to look
cdef void watch(int by) noexcept                     # so many reasons more
