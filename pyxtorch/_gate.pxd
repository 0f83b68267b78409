"""What other Cython modules may use of the gate: modes of their own, and its state in this thread."""


cdef class Mode:
    """Sees every operation of the thread while it is entered; what it returns is the operation's result.

    A compiled mode overrides `called`, one in Python `__torch_function__`. It is not in force while it is called, so
    that `func(*args, **kwargs)` goes on to the mode below, to the arguments' overrides, and to the operation itself.
    """
    cdef object called(self, object func, tuple types, tuple args, dict kwargs)


cdef int set_silent(int level) noexcept         # 0: overrides are heard; 1: only modes; 2: nothing. Returns the level before
