"""Whether this thread records what it computes."""

cdef bint grad_enabled() noexcept
cdef bint set_grad(bint mode) noexcept              # returns the mode before
cdef bint inference_enabled() noexcept
cdef bint set_inference(bint mode) noexcept         # returns the mode before
