"""pyxtorch from Cython: `cimport pyxtorch`, or `from pyxtorch cimport Tensor, data, ...`. docs/extending/cython.md is the guide.

This file is a public promise, of version API_VERSION; tests/cython/interface.txt holds it. What is not here (fields of
the classes among it) is nobody's but pyxtorch's. Compile as C++, with `pyxtorch.get_include()`.
"""
from libc.stdint cimport int64_t, uint32_t
from pyxtorch._interface cimport Interface_1     # first: it tells a module of another version what to build again
from pyxtorch._core cimport (
    BFLOAT16, BOOL, COMPLEX64, COMPLEX128, CPU, CUDA, FLOAT16, FLOAT32, FLOAT64, INT8, INT16, INT32, INT64, META, NO_KERNEL, UINT8,
    bump, itemsize_of, kernel_tables, new_empty, new_like,
)
from pyxtorch.autograd cimport Function, Node, record1, record2, record3, record_many, recording
from pyxtorch.autograd cimport Variable as Tensor
from pyxtorch.kernels.matmul cimport pyx_gemm

cdef extern from "pyxtorch/capi.h" nogil:
    enum:
        API_VERSION "PYX_API_VERSION"


# ------------------------------------------------------------------------------------------ what a tensor is
cdef inline void* data(Tensor x) noexcept:
    """Its first element; good as long as `x` is held and nobody resizes it. On the device meta there is nothing to read."""
    return x.ptr

cdef inline int ndim(Tensor x) noexcept:
    return x.nd

cdef inline int64_t numel(Tensor x) noexcept:
    return x.n

cdef inline const int64_t* shape(Tensor x) noexcept:
    return x.sizes

cdef inline const int64_t* strides(Tensor x) noexcept:
    """In elements."""
    return x.strides

cdef inline int dtype(Tensor x) noexcept:
    """A code: FLOAT32, INT64 ..."""
    return x.dt

cdef inline int device(Tensor x) noexcept:
    """CPU, CUDA or META."""
    return x.dev

cdef inline int device_index(Tensor x) noexcept:
    return x.dev_index

cdef inline bint contiguous(Tensor x) noexcept:
    return x.flags & 1

# ValueError unless x is a contiguous tensor of this dtype on the CPU, all that a loop over `data(x)` relies on.
cdef int refuse(Tensor x, int code, str op) except -1
cdef inline int need(Tensor x, int code, str op) except -1:
    if x.dt == code and x.dev == CPU and x.flags & 1:
        return 0
    return refuse(x, code, op)

# ValueError unless they have one shape.
cdef int need_same_shape(Tensor a, Tensor b, str op) except -1

# ------------------------------------------------------------------------------------------ gradients
# In a vjp: send `g` to input `i`, which was `x`. RuntimeError unless g has the shape, dtype and device of x.
cdef int give(Function node, int i, object g, Tensor x) except -1

# ------------------------------------------------------------------------------------------ new tensors
cdef inline Tensor empty(int ndim, const int64_t* shape, int dtype):
    """On the CPU, uninitialised."""
    return <Tensor>new_empty(ndim, shape, dtype, CPU, 0)

cdef inline Tensor empty_like(Tensor x):
    """Contiguous and uninitialised; shape, dtype and device of `x`."""
    return <Tensor>new_like(x, x.dt)

cdef inline int changed(Tensor x) noexcept:
    """After writing into memory that others may have seen: what is saved for backward notices."""
    return bump(x)

# ------------------------------------------------------------------------------------------ without Python's lock
ctypedef void (*task)(void* context, int64_t begin, int64_t end) noexcept nogil

# run(context, begin, end) over pieces of 0..n of `grain` each, on the threads of the pool. The pieces depend on n and grain alone.
cdef int parallel_for(int64_t n, int64_t grain, task run, void* context) noexcept nogil
cdef int num_threads() noexcept nogil
# C = alpha A B + beta D on the CPU, see kernels/matmul.h: 0; -1 for a dtype that it does not do, -2 without memory.
cdef int gemm(int dtype, const pyx_gemm* product) except? NO_KERNEL nogil
# c (m, n) = a (m, k) b (k, n), row-major without gaps.
cdef int matmul(int dtype, int64_t m, int64_t n, int64_t k, const void* a, const void* b, void* c) except? NO_KERNEL nogil
# A family's table for a device: `<pyx_softmax_kernels*>kernels(b"softmax", sizeof(pyx_softmax_kernels), CPU)`, with
# `from pyxtorch.kernels.softmax cimport *`. ImportError where the size is not that of this build.
cdef void* kernels(const char* family, size_t size, int device) except NULL
