"""What is saved for backward: the hooks that pack it, and the error where it changed."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport TensorBase

cdef bint hooked() noexcept                         # whether any thread has saved_tensors_hooks: then `packed` must be asked
cdef object packed(TensorBase x)                    # (what this thread's hook made of x, its unpack), or None: no hook here
# The error of a saved tensor (an output of its node?) that is not what it was; `now` and `then` as in state_of.
cdef object moved(str name, TensorBase x, bint output, int64_t now, int64_t then)
