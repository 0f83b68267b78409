"""log(1 + exp(x)), elementwise, with its gradient."""
from libc.math cimport exp, log1p
from libc.stdint cimport int64_t
from pyxtorch cimport FLOAT32, Function, Tensor, data, empty_like, give, need, numel, parallel_for, record1, recording
from pyxtorch.api import operation


cdef class SmoothRelu(Function):
    cdef int vjp(self, Tensor g) except -1:
        x = self.saved(0)
        give(self, 0, g * x.sigmoid(), x)


cdef struct Job:
    const float* a
    float* b


cdef void part(void* context, int64_t begin, int64_t end) noexcept nogil:
    job = <Job*>context
    cdef int64_t i
    for i in range(begin, end):
        job.b[i] = log1p(exp(job.a[i])) if job.a[i] < 20 else job.a[i]


@operation
def smooth_relu(Tensor x not None):
    """Of a contiguous float32 tensor on the CPU; on the pool's threads where it is large."""
    need(x, FLOAT32, "smooth_relu")
    y = empty_like(x)
    cdef Job job
    job.a, job.b = <const float*>data(x), <float*>data(y)
    cdef int64_t n = numel(x)
    if n <= 4096:           # giving up Python's lock costs more than so few elements
        part(&job, 0, n)
    else:
        with nogil:
            parallel_for(n, 4096, part, &job)
    if recording(x):
        node = <SmoothRelu>SmoothRelu.__new__(SmoothRelu)
        node.save(x)
        record1(node, y, x)
    return y
