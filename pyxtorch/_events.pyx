"""The profiler's events: when what this thread did began and ended, in one array of 72 bytes for each.

An event lies within the one that was open when it began; ending one ends those within it that an error has left open. What the events
mean is found out later (`autograd.profiler_util`).
"""
cimport cython
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int32_t, int64_t
from pyxtorch._beneath cimport Recorder, recorder, set_recorder
from pyxtorch._core cimport TensorBase, dtype_of, shape_of

import sys

from pyxtorch._storage import memory_stats

cdef extern from *:
    """
    #include <time.h>
    static inline int64_t pyx_now(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    }
    """
    int64_t now "pyx_now"() noexcept

cdef struct Event:
    int64_t start           # ns of the monotonic clock
    int64_t end             # 0: still open
    PyObject* name          # owned
    PyObject* given         # owned, or NULL: (`looks` of the arguments, the names of the last of them)
    PyObject* stack         # owned, or NULL: where in the program it was
    int64_t before          # bytes in use at its start
    int64_t after
    int64_t sequence        # of a node of the graph, else -1
    int32_t parent
    int32_t kind            # see KINDS

KINDS = ("operation", "node", "range", "step")

cdef dict node_names = {}       # class of a node, or of a leaf: its event's name


cdef dict step_names = {}       # class of an optimiser: its steps' name


@cython.binding(False)
cdef class Events(Recorder):
    """Records this thread's events from `start` to `stop`."""
    cdef Event* events
    cdef Py_ssize_t count
    cdef Py_ssize_t room
    cdef Py_ssize_t current         # the event that is open, or -1
    cdef bint closed
    cdef list steps                 # of optimisers, that are under way
    cdef readonly bint shapes
    cdef readonly bint memory
    cdef readonly bint stacks

    def __init__(self, bint shapes=False, bint memory=False, bint stacks=False):
        self.current = -1
        self.closed = True
        self.steps = []
        self.shapes, self.memory, self.stacks = shapes, memory, stacks

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.count):
            Py_DECREF(<object>self.events[i].name)
            if self.events[i].given != NULL:
                Py_DECREF(<object>self.events[i].given)
            if self.events[i].stack != NULL:
                Py_DECREF(<object>self.events[i].stack)
        PyMem_Free(self.events)

    def start(self):
        """Begin to record what this thread does.

        Raises:
            RuntimeError: another profiler does.
        """
        if recorder() is not None:
            raise RuntimeError("Profiler is already enabled on this thread")
        self.closed = False
        set_recorder(self)

    def stop(self):
        """Record no more; events that are open end here. May be called from another thread."""
        if not self.closed:
            self.end(0)
        self.closed = True
        if recorder() is self:
            set_recorder(None)

    cdef int grow(self) except -1:
        cdef Py_ssize_t room = 2 * self.room + 256
        cdef Event* events = <Event*>PyMem_Realloc(self.events, room * sizeof(Event))
        if events == NULL:
            raise MemoryError(f"profiler: no memory for {room} events.")
        self.events = events
        self.room = room
        return 0

    cdef Py_ssize_t open(self, object name, int kind, int64_t sequence) except -2:
        cdef Event* e
        if self.closed:
            return -1
        if self.count == self.room:
            self.grow()
        e = &self.events[self.count]
        Py_INCREF(name)
        e.name = <PyObject*>name
        e.given = NULL
        e.stack = NULL
        e.sequence = sequence
        e.parent = <int32_t>self.current
        e.kind = kind
        e.end = 0
        e.before = e.after = 0
        if self.memory:
            e.before = memory_stats()["allocated_bytes.current"]
        self.current = self.count
        self.count += 1
        if self.stacks:
            stack = frames()
            Py_INCREF(stack)
            e.stack = <PyObject*>stack
        e.start = now()
        return self.current

    cdef Py_ssize_t begin(self, object name, PyObject* const* args, Py_ssize_t n, PyObject* names) except -2:
        cdef Py_ssize_t mark
        if not self.shapes or self.closed:
            return self.open(name, 0, -1)
        given = ([looks(<object>args[i]) for i in range(n)], () if names == NULL else <object>names)
        mark = self.open(name, 0, -1)
        Py_INCREF(given)
        self.events[mark].given = <PyObject*>given
        return mark

    cdef Py_ssize_t begin_node(self, object node, object sequence) except -2:
        name = node_names.get(type(node))
        if name is None:
            name = node_names[type(node)] = node.name() if sequence is not None else "torch::autograd::AccumulateGrad"
        return self.open(name, 1, -1 if sequence is None else sequence)

    cdef int end(self, Py_ssize_t mark) except -1:
        """End an event, and what is open within it."""
        cdef int64_t time = now()
        cdef int64_t used = 0
        if mark < 0 or self.closed:
            return 0
        if self.memory:
            used = memory_stats()["allocated_bytes.current"]
        while self.current >= mark:
            self.events[self.current].end = time
            self.events[self.current].after = used
            self.current = self.events[self.current].parent
        return 0

    def rows(self):
        """The events as they began: (name, kind, start, end, number of the one that it lies in, bytes before, bytes after, arguments, stack, sequence)."""
        cdef Event* e
        found = []
        for i in range(self.count):
            e = &self.events[i]
            found.append((
                <object>e.name, e.kind, e.start, e.end or now(), e.parent, e.before, e.after,
                None if e.given == NULL else <object>e.given, None if e.stack == NULL else <object>e.stack, e.sequence,
            ))
        return found

    def __len__(self):
        return self.count


cdef object looks(object x):
    """(shape, dtype, None) of an argument; a list of those of a list of tensors; ([], kind, value) of another that numbers tell."""
    if isinstance(x, TensorBase):
        return (list(shape_of(<TensorBase>x)), dtype_of((<TensorBase>x).dt).name, None)
    if isinstance(x, (list, tuple)) and len(x) and isinstance(x[0], TensorBase):
        return [looks(item) for item in x]
    kind = "" if x is None else "Scalar" if isinstance(x, (int, float, complex)) else type(x).__name__
    if isinstance(x, (list, tuple)):
        return ([], kind, list(x) if all([isinstance(i, (int, float)) for i in x]) else None)
    return ([], kind, x if isinstance(x, (int, float, str)) else None)


cdef list frames():
    """Where the program is: "file(line): function", the innermost first."""
    found = []
    frame = sys._getframe()
    while frame is not None:
        code = frame.f_code
        found.append(f"{code.co_filename}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back
    return found


def recording():
    """Whether a profiler records what this thread does."""
    return recorder() is not None


def begin(str name not None, int kind):
    """Begin an event of this thread: what `end` wants, None where nothing is recorded."""
    cdef Recorder told = recorder()
    if told is None or not isinstance(told, Events):
        return None
    return (told, (<Events>told).open(name, kind, -1))


def end(begun):
    """End an event that `begin` began."""
    if begun is not None:
        (<Events>begun[0]).end(begun[1])


def begin_step(optimizer, args, kwargs):
    """For an optimiser's hook: its step begins."""
    cdef Recorder told = recorder()
    if isinstance(told, Events):
        name = step_names.get(type(optimizer))
        if name is None:
            name = step_names[type(optimizer)] = f"Optimizer.step#{type(optimizer).__name__}.step"
        (<Events>told).steps.append((<Events>told).open(name, 2, -1))


def end_step(optimizer, args, kwargs):
    """The same: it ends."""
    cdef Recorder told = recorder()
    if isinstance(told, Events) and (<Events>told).steps:
        (<Events>told).end((<Events>told).steps.pop())


def clock():
    """The clock of the events, ns."""
    return now()
