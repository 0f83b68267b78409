"""Whether this thread records what it computes."""

cdef bint grad_enabled() noexcept
cdef bint set_grad(bint mode) noexcept              # returns the mode before
# Which of the flags REQUIRES_GRAD and DUAL make an operation on a tensor be recorded now.
cdef int recorded_flags() noexcept
cdef bint set_dual(bint mode) noexcept              # whether tangents are computed; returns the mode before
cdef int levels_seen() noexcept                     # levels of forward mode below this number are looked at
cdef int see_levels(int count) noexcept             # returns the number before
cdef int levels_open() noexcept
cdef int open_levels(int count) noexcept            # from now on `count` are open, and seen
cdef bint inference_enabled() noexcept
cdef bint set_inference(bint mode) noexcept         # returns the mode before
