"""Beneath the gate: who sees operations of a thread where nobody overrides them, and they run at last.

A dispatcher (the modes of `_dispatch.py`) takes an operation over. Where there is none, or when it lets the operation run: a Recorder (the profiler) is told when an operation begins and ends; a Caster (autocast) converts its arguments. Each counts as a
reason for the gate to look, so that programs that use neither pay nothing. Within an operation nothing is cast: what it is composed of
is part of it. The profiler sees those of its parts that pass the gate.
"""
from cpython.ref cimport Py_DECREF, Py_INCREF

cdef extern from *:
    """
    static thread_local PyObject* pyx_recorder = NULL;      /* owned; NULL: none */
    static thread_local PyObject* pyx_caster = NULL;
    static thread_local PyObject* pyx_dispatcher = NULL;
    static thread_local int pyx_within = 0;                 /* an operation is running whose arguments the caster has seen */
    static inline PyObject* pyx_taken_over(PyObject* x) { return x; }
    """
    PyObject* pyx_recorder
    PyObject* pyx_caster
    PyObject* pyx_dispatcher
    bint pyx_within
    object taken_over "pyx_taken_over"(PyObject* x)         # takes over the reference; NULL is an exception
    PyObject** PySequence_Fast_ITEMS(PyObject*)

cdef int nobody = 0
cdef int* watching = &nobody


cdef int watch_by(int* count) except -1:
    global watching
    watching = count
    return 0


cdef void watch(int by) noexcept:
    watching[0] += by


cdef class Recorder:
    cdef Py_ssize_t begin(self, object name, PyObject* const* args, Py_ssize_t n, PyObject* names) except -2:
        return -1

    cdef Py_ssize_t begin_node(self, object node, object sequence) except -2:
        return -1

    cdef int end(self, Py_ssize_t mark) except -1:
        return 0


cdef class Caster:
    cdef list cast(self, str name, PyObject* const* args, Py_ssize_t n, PyObject* names):
        return None

    cdef object rounded(self, object result):
        return result


cdef Recorder recorder():
    return None if pyx_recorder == NULL else <Recorder>pyx_recorder


cdef int exchange(PyObject** place, object one) except -1:
    cdef PyObject* before = place[0]
    watching[0] += (one is not None) - (before != NULL)
    place[0] = NULL
    if one is not None:
        Py_INCREF(one)
        place[0] = <PyObject*>one
    if before != NULL:
        Py_DECREF(<object>before)
    return 0


cdef int set_recorder(Recorder one) except -1:
    return exchange(&pyx_recorder, one)


cdef int set_caster(Caster one) except -1:
    return exchange(&pyx_caster, one)


cdef bint dispatching() noexcept:
    return pyx_dispatcher != NULL


cdef object taken_over_by(operation):
    return lambda *args, **kwargs: dispatcher()(operation, args, kwargs)


def dispatcher():
    """Who takes over operations of this thread that nobody overrides: `dispatcher()(operation, args, kwargs)`; or None."""
    return None if pyx_dispatcher == NULL else <object>pyx_dispatcher


def set_dispatcher(one):
    """Set it; returns the one before."""
    before = dispatcher()
    exchange(&pyx_dispatcher, one)
    return before


cdef bint anything_beneath() noexcept:
    return pyx_recorder != NULL or pyx_caster != NULL


cdef object run_cast(str name, run_call run, void* call, PyObject* const* args, Py_ssize_t n, PyObject* names):
    global pyx_within
    cdef Caster caster = <Caster>pyx_caster
    cdef list given = caster.cast(name, args, n, names)
    cdef bint rounds = caster.rounds
    if caster.open:         # it calls functions of the user's
        return taken_over(run(call, args))
    pyx_within = True
    try:
        result = taken_over(run(call, args if given is None else PySequence_Fast_ITEMS(<PyObject*>given)))
    finally:
        pyx_within = False
    return caster.rounded(result) if rounds else result


cdef object run_beneath(str name, bint casting, run_call run, void* call, PyObject* const* args, Py_ssize_t n, PyObject* names):
    cdef Recorder told
    cdef Py_ssize_t mark
    casting = casting and pyx_caster != NULL and not pyx_within
    if pyx_recorder == NULL:
        return run_cast(name, run, call, args, n, names) if casting else taken_over(run(call, args))
    told = <Recorder>pyx_recorder
    mark = told.begin(name, args, n, names)
    try:
        return run_cast(name, run, call, args, n, names) if casting else taken_over(run(call, args))
    finally:
        told.end(mark)
