# cython: language_level=3
"""An extension outside the package, by `cimport pyxtorch` alone: memory, results, gradients, threads and products."""
cimport pyxtorch
from libc.stdint cimport int64_t
from pyxtorch cimport (
    CPU, FLOAT32, FLOAT64, Function, Tensor, contiguous, data, empty, empty_like, give, matmul, ndim, need, numel, parallel_for, record1, recording, shape,
)
from pyxtorch.kernels.softmax cimport pyx_softmax_kernels
from pyxtorch.api import operation


cdef class Cube(Function):
    cdef int vjp(self, Tensor g) except -1:
        x = self.saved(0)
        give(self, 0, g * x ** 2 * 3, x)


@operation
def cube(Tensor x not None):
    need(x, FLOAT64, "cube")
    y = empty_like(x)
    cdef const double* a = <const double*>data(x)
    cdef double* b = <double*>data(y)
    cdef int64_t i, n = numel(x)
    with nogil:
        for i in range(n):
            b[i] = a[i] * a[i] * a[i]
    if recording(x):
        node = <Cube>Cube.__new__(Cube)
        node.save(x)
        record1(node, y, x)
    return y


cdef class Wrong(Function):
    cdef int vjp(self, Tensor g) except -1:
        give(self, 0, g.float() if self.saved(0).dim() else g.reshape(1), self.saved(0))


def wrong(Tensor x not None):
    """Its gradient is of another dtype, or for no dimensions of another shape."""
    y = empty_like(x)
    node = <Wrong>Wrong.__new__(Wrong)
    node.save(x)
    record1(node, y, x)
    return y


cdef class Beyond(Function):
    cdef int number

    cdef int vjp(self, Tensor g) except -1:
        give(self, self.number, g, self.saved(0))


def beyond(Tensor x not None, int number):
    """Its backward gives a gradient for an input of this number; it has one input."""
    y = empty_like(x)
    node = <Beyond>Beyond.__new__(Beyond)
    node.number = number
    node.save(x)
    record1(node, y, x)
    return y


def nothing(Tensor x not None):
    """The least call with a result."""
    return empty_like(x)


def facts(Tensor x not None):
    return pyxtorch.dtype(x), pyxtorch.device(x), pyxtorch.device_index(x), [shape(x)[i] for i in range(ndim(x))], \
        [pyxtorch.strides(x)[i] for i in range(ndim(x))], numel(x), bool(contiguous(x)), pyxtorch.itemsize_of(pyxtorch.dtype(x))


def total(double[:, :] x):
    """Of a memoryview over a tensor, without a copy; 1 is added to its first element."""
    cdef double s = 0
    cdef Py_ssize_t i, j
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            s += x[i, j]
    x[0, 0] += 1
    return s


cdef struct Both:
    const float* a
    float* b


cdef void negate_some(void* context, int64_t begin, int64_t end) noexcept nogil:
    cdef Both* both = <Both*>context
    cdef int64_t i
    for i in range(begin, end):
        both.b[i] = -both.a[i]


def negate(Tensor x not None, int64_t grain):
    need(x, FLOAT32, "negate")
    y = empty_like(x)
    cdef Both both
    both.a, both.b = <const float*>data(x), <float*>data(y)
    cdef int64_t n = numel(x)
    with nogil:
        parallel_for(n, grain, negate_some, &both)
    return y


def product(Tensor a not None, Tensor b not None):
    need(a, FLOAT32, "product")
    need(b, FLOAT32, "product")
    if ndim(a) != 2 or ndim(b) != 2 or shape(a)[1] != shape(b)[0]:
        raise ValueError("product: shapes")
    cdef int64_t sizes[2]
    sizes[0], sizes[1] = shape(a)[0], shape(b)[1]
    c = empty(2, sizes, FLOAT32)
    cdef int64_t m = sizes[0], n = sizes[1], k = shape(a)[1]
    cdef const void* pa = data(a)
    cdef const void* pb = data(b)
    cdef void* pc = data(c)
    with nogil:
        matmul(FLOAT32, m, n, k, pa, pb, pc)
    return c


def family(name, extra=0):
    return pyxtorch.kernels(name, sizeof(pyx_softmax_kernels) + extra, CPU) != NULL


def write(Tensor x not None, double value):
    need(x, FLOAT64, "write")
    (<double*>data(x))[0] = value
    pyxtorch.changed(x)
