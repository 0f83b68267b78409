"""What other Cython modules may use of the gate: modes of their own, and its state in this thread."""


cdef class Mode:
    """Sees every operation of the thread while it is entered; what it returns is the operation's result.

    A compiled mode overrides `called`, one in Python `__torch_function__`. It is not in force while it is called, so
    that `func(*args, **kwargs)` goes on to the mode below, to the arguments' overrides, and to the operation itself.
    """
    cdef object called(self, object func, tuple types, tuple args, dict kwargs)


# A backward run's own operations are nobody's business, but the user's functions that it calls are heard as around it.
cdef int hush() noexcept                        # at its start; returns what `unhush` wants at its end
cdef void unhush(int before) noexcept
cdef int hear() noexcept                        # before a user's function; returns what `set_silent` wants after it

# Returns the level before.
cdef int set_silent(int level) noexcept         # 0: overrides are heard; 1: only modes; 2: nothing; 3: nor autocast (the engine)
