"""Hooks on gradients."""

cpdef add_hook(dict notes, object kind, object hook)
cdef object same_kind(object changed, object before, object hook)
cdef object call_hooks(dict hooks, object g)
cdef list call_many(dict hooks, list grads, object others, str name, str what)
cdef int call_output_hooks(dict extra, list grads, bint reached) except -1
