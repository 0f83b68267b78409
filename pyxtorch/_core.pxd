"""What other Cython modules may use of the core: memory, shape, strides, dtype, version.

This file is a public promise: a change here is a change of pyxtorch's C interface.
"""
from cpython.object cimport PyObject
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint64_t


cdef extern from "pyxtorch/storage.h" nogil:
    ctypedef struct pyx_storage:
        int64_t refcount
        char* data
        int64_t nbytes
        int64_t version
        int32_t device_type
        int32_t device_index
        int32_t size_class
        int32_t resizable
        void (*release)(pyx_storage*) noexcept
        void* owner

cdef extern from "pyxtorch/dtype.h" nogil:
    int BOOL "PYX_BOOL"
    int UINT8 "PYX_UINT8"
    int INT8 "PYX_INT8"
    int INT16 "PYX_INT16"
    int INT32 "PYX_INT32"
    int INT64 "PYX_INT64"
    int FLOAT16 "PYX_FLOAT16"
    int BFLOAT16 "PYX_BFLOAT16"
    int FLOAT32 "PYX_FLOAT32"
    int FLOAT64 "PYX_FLOAT64"
    int COMPLEX64 "PYX_COMPLEX64"
    int COMPLEX128 "PYX_COMPLEX128"
    int CPU "PYX_CPU"
    int CUDA "PYX_CUDA"
    int itemsize_of "pyx_itemsize"(int dtype)

cdef extern from "pyxtorch/strided.h" nogil:
    ctypedef struct pyx_strided:
        int ndim
        int noperands
        int64_t numel
        char* data[6]
        uint8_t dtype[6]
        int64_t shape[64]
        int64_t strides[6][64]

# Bits of TensorBase.flags
cdef enum:
    CONTIGUOUS = 1      # row-major without gaps
    REQUIRES_GRAD = 2   # takes part in the tape
    WRAPPED = 4         # a Python number: weak in type promotion
    RETAINS_GRAD = 8    # a non-leaf that keeps .grad
    INFERENCE = 16      # made in inference mode
    HAS_VIEWS = 32      # other tensors are views of this one


cdef class dtype:
    cdef readonly int code
    cdef readonly int itemsize
    cdef readonly str name
    cdef readonly bint is_floating_point
    cdef readonly bint is_complex
    cdef readonly bint is_signed


cdef class device:
    cdef int kind            # CPU or CUDA
    cdef int number          # -1: none given
    cdef readonly str type


cdef class TensorBase:
    """Memory seen through a dtype, a shape and strides (in elements).

    Python-visible names (shape, dtype, device ...) are properties of the classes above; the C
    fields have short names of their own.
    """
    cdef pyx_storage* st
    cdef char* ptr              # the first element
    cdef int64_t n              # number of elements
    cdef int64_t* sizes         # nd entries, in inline_dims or on the heap
    cdef int64_t* strides       # nd entries, elements
    cdef int64_t inline_dims[16]
    cdef uint8_t nd
    cdef uint8_t dt             # dtype code
    cdef uint8_t dev            # CPU or CUDA
    cdef uint8_t flags
    cdef int16_t dev_index
    cdef int32_t output_nr      # which output of _grad_fn this is
    # The tape's fields: the core only holds them (see docs/architecture.md, "One size").
    cdef object _grad_fn        # autograd.Node or None
    cdef object _grad           # Tensor or None
    cdef object _base           # the tensor this is a view of, or None
    cdef object _extra          # dict of rare things (hooks) or None
    cdef PyObject* attributes   # the __dict__, made by Python when the first attribute is set
    cdef object __weakref__


# ------------------------------------------------------------------ making tensors
# All return exactly the public Tensor class. They raise MemoryError-like RuntimeErrors that
# name the size. None of them touches the tape.

cdef TensorBase new_empty(int nd, const int64_t* sizes, int dt, int dev, int dev_index)
cdef TensorBase new_like(TensorBase x, int dt)          # contiguous, the shape of x
cdef TensorBase new_scalar(int dt, int dev, int dev_index)          # 0-d, uninitialised
# A view of x: sizes and strides are copied, `ptr` lies within the storage of x. Checks nothing.
cdef TensorBase new_view(TensorBase x, int nd, const int64_t* sizes, const int64_t* strides, char* ptr)
cdef TensorBase alias(TensorBase x)                     # the same view again, off the tape
# Make x look at the memory of y (same dtype rules as set_): used by .data, set_, resize_.
cdef int adopt(TensorBase x, TensorBase y) except -1
cdef void set_tensor_class(type cls)
cdef int bump(TensorBase x) noexcept                    # raise the version counter

# ------------------------------------------------------------------ looking at tensors
cdef bint same_shape(TensorBase a, TensorBase b) noexcept
cdef tuple shape_of(TensorBase x)                       # plain tuple of ints
cdef object size_of(TensorBase x)                       # Size (the public shape)
cdef bint is_contiguous(int nd, const int64_t* sizes, const int64_t* strides) noexcept
# a * b for sizes (neither is negative), at most 2**62: what counts elements never wraps around
cdef inline int64_t mul_sizes(int64_t a, int64_t b) noexcept:
    if (a | b) < (<int64_t>1 << 31):
        return a * b
    return <int64_t>1 << 62 if b > 0 and a > (<int64_t>1 << 62) // b else a * b
cdef inline bint is_floating(int dt) noexcept:
    return FLOAT16 <= dt <= FLOAT64
cdef inline bint is_complex_code(int dt) noexcept:
    return dt >= COMPLEX64
cdef inline bint is_integral(int dt) noexcept:          # bool excluded
    return UINT8 <= dt <= INT64
cdef inline int real_code(int dt) noexcept:             # complex64 -> float32 ...
    return FLOAT32 if dt == COMPLEX64 else FLOAT64 if dt == COMPLEX128 else dt
cdef inline int complex_code(int dt) noexcept:
    return COMPLEX128 if dt == FLOAT64 or dt == COMPLEX128 else COMPLEX64
cdef bint overlaps_itself(TensorBase x) noexcept        # two indices, one address

# ------------------------------------------------------------------ dtypes and devices
cdef dtype dtype_of(int code)                           # the public object of a code
cdef int dtype_code(object dtype) except -1             # of a dtype, or of float, int, bool, complex
cdef int default_dtype() noexcept
cdef int promote(int a, int b) noexcept                 # torch.promote_types on codes
cdef int can_cast(int src, int dst) noexcept            # torch.can_cast on codes
cdef int parse_device(object d, int* index) except -1   # None: the default device
cdef device device_of(int kind, int index)

# ------------------------------------------------------------------ walking several tensors
# Fill `walk` from operands of one (broadcast) shape and coalesce it. Operands of fewer
# dimensions are broadcast. out is operand 0.
# `operands` are borrowed TensorBase objects.
cdef int walk_init(pyx_strided* walk, int nd, const int64_t* sizes, int count, PyObject** operands) except -1

# ------------------------------------------------------------------ kernels
# A family's kernel tables by device; the entry is NULL where the device has none.
cdef void** kernel_tables(const char* family) except NULL

# ------------------------------------------------------------------ indices
cdef int wrap_dim(int64_t dim, int nd, str op) except -1            # IndexError when out of range

# A view's geometry against the storage it lies in (elements); RuntimeError when it reaches outside;
# else the offset to use.
cdef int64_t check_bounds(int nd, const int64_t* sizes, const int64_t* strides, int64_t offset, int64_t capacity, str op) except -1
cdef TensorBase from_buffer(object source, str op)      # shares memory, buffer protocol
# A tensor on memory that somebody else owns; `release` is called when the last tensor lets go.
cdef TensorBase new_foreign(char* data, int64_t nbytes, void* owner, void (*release)(pyx_storage*) noexcept, int dev, int dev_index,
                            int nd, const int64_t* sizes, const int64_t* strides, int dt)
