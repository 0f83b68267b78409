"""What other Cython modules may use of the core: memory, shape, strides, dtype, version.

This file is a public promise: a change here is a change of pyxtorch's C interface. dtypes and devices
(_dtype.pxd), storages and kernel tables (_storage.pxd) are taken from here too.
"""
from cpython.object cimport PyObject
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from pyxtorch._dtype cimport *
from pyxtorch._storage cimport *


cdef extern from "pyxtorch/strided.h" nogil:
    ctypedef struct pyx_strided:
        int ndim
        int noperands
        int64_t numel
        char* data[6]
        uint8_t dtype[6]
        int64_t shape[64]
        int64_t strides[6][64]

# Bits of TensorBase.flags, 16 in all
cdef enum:
    CONTIGUOUS = 1      # row-major without gaps
    REQUIRES_GRAD = 2   # takes part in the tape
    WRAPPED = 4         # a Python number: weak in type promotion
    RETAINS_GRAD = 8    # a non-leaf that keeps .grad
    INFERENCE = 16      # made in inference mode
    HAS_VIEWS = 32      # other tensors are views of this one
    DUAL = 128          # carries tangents (64: COMPOUND, _compound.pxd)
    FOLLOWED = 130      # REQUIRES_GRAD or DUAL: what is computed from it may have to be recorded


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
    cdef uint8_t dev            # CPU, CUDA or META
    cdef uint16_t flags
    cdef int16_t dev_index
    cdef int32_t output_nr      # which output of _grad_fn this is
    cdef int32_t task_slot      # the last backward run that came by this leaf, and where it keeps what it knows of it
    cdef uint64_t task_mark
    cdef uint32_t moves         # how often its memory or geometry was replaced (adopt)
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
# A view of x: sizes and strides are copied, `ptr` lies within the storage of x. Checks nothing.
cdef TensorBase new_view(TensorBase x, int nd, const int64_t* sizes, const int64_t* strides, char* ptr)
cdef TensorBase alias(TensorBase x)                     # the same view again, off the tape
cdef TensorBase untracked(TensorBase x)                 # the same, under a version counter of its own: `.data`
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
# Whether the memory behind two tensors is (partly) the same, whoever lent it: not only one storage.
cdef inline bint same_memory(TensorBase a, TensorBase b) noexcept:
    return a.st == b.st or (a.st.data < b.st.data + b.st.nbytes and b.st.data < a.st.data + a.st.nbytes)
cdef bint overlaps_itself(TensorBase x) noexcept        # two indices, one address

# ------------------------------------------------------------------ walking several tensors
# Fill `walk` from operands of one (broadcast) shape and coalesce it. Operands of fewer
# dimensions are broadcast. out is operand 0.
# `operands` are borrowed TensorBase objects.
cdef int walk_init(pyx_strided* walk, int nd, const int64_t* sizes, int count, PyObject** operands) except -1

# ------------------------------------------------------------------ indices
cdef int wrap_dim(object dim, int nd, str op) except -1             # TypeError: no int; IndexError: out of range

# A view's geometry against the storage it lies in (elements); RuntimeError when it reaches outside;
# else the offset to use.
cdef int64_t check_bounds(int nd, const int64_t* sizes, const int64_t* strides, int64_t offset, int64_t capacity, str op) except -1
cdef TensorBase from_buffer(object source, str op)      # shares memory, buffer protocol
# A tensor on memory that somebody else owns; `release` is called when the last tensor lets go.
cdef TensorBase new_foreign(char* data, int64_t nbytes, void* owner, void (*release)(pyx_storage*) noexcept, int dev, int dev_index,
                            int nd, const int64_t* sizes, const int64_t* strides, int dt)
