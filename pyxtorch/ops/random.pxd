"""Random numbers, for other families: where a draw starts in the stream."""
from libc.stdint cimport int64_t, uint8_t, uint64_t
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Node, Variable
from pyxtorch.kernels.random cimport *

cdef class Generator:
    cdef uint64_t _seed
    cdef uint64_t _offset
    cdef object _device
    # The place of the next `blocks` blocks of the stream, which are used up.
    cdef uint64_t advance(self, int64_t blocks) noexcept

cdef Generator generator_of(object generator)       # None: the default one
cdef pyx_random_kernels* random_kernels(TensorBase x, str op) except NULL
cdef Variable fill_law(Variable x, int law, double a, double b, object generator, str op)    # contiguous x, off the tape
cdef Variable sampled(Variable a, Variable b, int kind, object generator, str op)     # 0: poisson(a), 1: binomial(a, b), 2: gamma(a)
