"""DLPack: lending tensors to other libraries and taking theirs, without a copy.

The structures are those of dlpack.h (the fields below are the ABI). Tensors are lent in the form
that the borrower asks for: the one of DLPack 1, without which NumPy makes its arrays read-only,
or the unversioned one before it, which every library reads and which is taken here.
"""
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid, PyCapsule_SetName
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from pyxtorch._core cimport *
from pyxtorch._listen cimport listener


cdef extern from "Python.h":
    bint valid "PyCapsule_IsValid"(PyObject* capsule, const char* name) noexcept
    void* pointer "PyCapsule_GetPointer"(PyObject* capsule, const char* name) noexcept
    object PyCapsule_New(void* pointer, const char* name, void (*destructor)(PyObject*) noexcept)


cdef struct DLDevice:
    int32_t device_type
    int32_t device_id

cdef struct DLDataType:
    uint8_t code
    uint8_t bits
    uint16_t lanes

cdef struct DLTensor:
    void* data
    DLDevice device
    int32_t ndim
    DLDataType dtype
    int64_t* shape
    int64_t* strides
    uint64_t byte_offset

cdef struct DLManagedTensor:
    DLTensor dl_tensor
    void* manager_ctx
    void (*deleter)(DLManagedTensor*) noexcept

cdef struct DLManagedTensorVersioned:
    uint32_t major
    uint32_t minor
    void* manager_ctx
    void (*deleter)(DLManagedTensorVersioned*) noexcept
    uint64_t flags
    DLTensor dl_tensor

# The versioned form's flags
cdef enum:
    READ_ONLY = 1
    IS_COPIED = 2

# DLPack's type codes: 0 int, 1 uint, 2 float, 4 bfloat, 5 complex, 6 bool, 10 to 14 float8
cdef int[NUM_DTYPES] CODES = [6, 1, 1, 1, 1, 0, 0, 0, 0, 12, 10, 13, 11, 14, 2, 4, 2, 2, 5, 5, 5]


cdef void forget(DLManagedTensor* managed) noexcept with gil:
    Py_DECREF(<object>managed.manager_ctx)
    PyMem_Free(managed)


cdef void forget_versioned(DLManagedTensorVersioned* managed) noexcept with gil:
    Py_DECREF(<object>managed.manager_ctx)
    PyMem_Free(managed)


cdef void unused(PyObject* p) noexcept:
    """The capsule goes and nobody took the tensor: let go of it."""
    cdef DLManagedTensor* managed
    cdef DLManagedTensorVersioned* versioned
    if valid(p, "dltensor"):        # p is being freed: no reference to it may be taken
        managed = <DLManagedTensor*>pointer(p, "dltensor")
        managed.deleter(managed)
    elif valid(p, "dltensor_versioned"):
        versioned = <DLManagedTensorVersioned*>pointer(p, "dltensor_versioned")
        versioned.deleter(versioned)


cdef void describe(TensorBase x, DLTensor* t, int64_t* sizes):
    """Fill `t`, with sizes and strides kept at `sizes`."""
    cdef int i
    t.shape = sizes
    t.strides = sizes + x.nd
    for i in range(x.nd):
        t.shape[i] = x.sizes[i]
        t.strides[i] = x.strides[i]
    if listener.on:
        listener.refuse(b"a tensor is lent by DLPack")
    t.data = x.ptr
    t.device.device_type = 2 if x.dev == CUDA else 1
    t.device.device_id = x.dev_index
    t.ndim = x.nd
    t.dtype.code = CODES[x.dt]
    t.dtype.bits = 8 * itemsize_of(x.dt)
    t.dtype.lanes = 1
    t.byte_offset = 0


def to_dlpack(TensorBase x not None, max_version=None, bint copied=False):
    """A DLPack capsule of the tensor's memory (not of its history).

    Args:
        x: the tensor; must not require grad.
        max_version: (major, minor) of the newest DLPack that the borrower reads, None for the form
            before versions.
        copied: whether nobody but the borrower has the memory, as it is told.
    """
    cdef DLManagedTensor* managed
    cdef DLManagedTensorVersioned* versioned
    cdef pyx_storage* s
    cdef size_t extra = 2 * x.nd * sizeof(int64_t)
    if x.flags & REQUIRES_GRAD:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if x.dev == META:
        raise BufferError("Cannot pack tensors on meta")
    cdef UntypedStorage lender = UntypedStorage.__new__(UntypedStorage)     # holds the memory: the tensor itself may be made to look elsewhere
    hold(x.st)
    lender.st, s = x.st, lender.st
    drop(s)
    if max_version is not None and max_version[0] >= 1:
        versioned = <DLManagedTensorVersioned*>PyMem_Malloc(sizeof(DLManagedTensorVersioned) + extra)
        if versioned == NULL:
            raise MemoryError()
        describe(x, &versioned.dl_tensor, <int64_t*>(versioned + 1))
        versioned.major, versioned.minor, versioned.flags = 1, 0, IS_COPIED if copied else 0
        versioned.manager_ctx = <PyObject*>lender
        versioned.deleter = forget_versioned
        Py_INCREF(lender)
        return PyCapsule_New(versioned, "dltensor_versioned", unused)
    managed = <DLManagedTensor*>PyMem_Malloc(sizeof(DLManagedTensor) + extra)
    if managed == NULL:
        raise MemoryError()
    describe(x, &managed.dl_tensor, <int64_t*>(managed + 1))
    managed.manager_ctx = <PyObject*>lender
    managed.deleter = forget
    Py_INCREF(lender)
    return PyCapsule_New(managed, "dltensor", unused)


cdef void give_back(pyx_storage* s) noexcept:
    cdef DLManagedTensor* managed = <DLManagedTensor*>s.owner
    if managed.deleter != NULL:
        managed.deleter(managed)
    PyMem_Free(s)


cdef void give_back_versioned(pyx_storage* s) noexcept:
    cdef DLManagedTensorVersioned* managed = <DLManagedTensorVersioned*>s.owner
    if managed.deleter != NULL:
        managed.deleter(managed)
    PyMem_Free(s)


cdef object borrowed(object lender):
    """The capsule of an object with __dlpack__; a GPU's work on it is waited for by our current stream."""
    kind, index = lender.__dlpack_device__() if hasattr(lender, "__dlpack_device__") else (1, 0)
    wishes = {}
    if kind == 2:
        from pyxtorch import _cuda_device
        wishes["stream"] = _cuda_device.dlpack_stream(index)
    try:
        return lender.__dlpack__(max_version=(1, 0), **wishes)
    except TypeError:           # a lender from before versions
        return lender.__dlpack__(**wishes)


def from_dlpack(ext_tensor, *, device=None, copy=None):
    """A tensor on the memory of an object with `__dlpack__`, or of a DLPack capsule.

    Args:
        device: where the tensor shall be; None for where the memory is.
        copy: True copies always, False never; None where it must be: to another device, or of memory that is read-only.
    Raises:
        RuntimeError: a device, dtype or layout that tensors cannot have.
        ValueError: copy=False where it must be copied.
    """
    cdef bint readonly = False
    x = lent(ext_tensor, &readonly)
    moved = device is not None and x.device != x.new_empty(0, device=device).device
    if copy is False and (readonly or moved):
        raise ValueError(f"from_dlpack: copy=False, but {'the memory is read-only, which tensors are not' if readonly else 'the device differs'}. Leave copy out.")
    if moved:
        return x.to(device)
    return x.clone() if copy or readonly else x


cdef TensorBase lent(object ext_tensor, bint* readonly):
    """A tensor on what is lent, and whether the lender forbids to write it."""
    cdef DLManagedTensor* managed = NULL
    cdef DLManagedTensorVersioned* versioned = NULL
    cdef DLTensor* t
    cdef int code = -1, i
    cdef int64_t high = 0, n = 1, step = 1
    cdef int64_t strides[64]
    cdef TensorBase x
    capsule = borrowed(ext_tensor) if hasattr(ext_tensor, "__dlpack__") else ext_tensor
    cdef void* owner
    cdef void (*release)(pyx_storage*) noexcept
    readonly[0] = False
    if PyCapsule_IsValid(capsule, "dltensor_versioned"):
        versioned = <DLManagedTensorVersioned*>PyCapsule_GetPointer(capsule, "dltensor_versioned")
        if versioned.major != 1:
            raise RuntimeError(f"from_dlpack: DLPack {versioned.major}.{versioned.minor} is not known; ask for version 1.")
        readonly[0] = versioned.flags & READ_ONLY
        t = &versioned.dl_tensor
        owner = versioned
        release = give_back_versioned
    elif PyCapsule_IsValid(capsule, "dltensor"):
        managed = <DLManagedTensor*>PyCapsule_GetPointer(capsule, "dltensor")
        t = &managed.dl_tensor
        owner = managed
        release = give_back
    else:
        raise RuntimeError("from_dlpack: expected an object with __dlpack__, or a capsule that has not been used yet.")
    for i in range(NUM_DTYPES):
        if CODES[i] == t.dtype.code and 8 * itemsize_of(i) == t.dtype.bits and t.dtype.lanes == 1:
            code = i
    if code < 0:
        raise RuntimeError(f"from_dlpack: no dtype for DLPack code {t.dtype.code} of {t.dtype.bits} bits and {t.dtype.lanes} lanes.")
    if t.device.device_type not in (1, 2, 3):
        raise RuntimeError(f"from_dlpack: unsupported device type {t.device.device_type}; only CPU (1) and CUDA (2).")
    if t.device.device_type == 2:
        from pyxtorch import _cuda
        _cuda.load()
        _cuda.check_index(t.device.device_id)
    if t.ndim > 64 or t.ndim < 0:
        raise RuntimeError(f"from_dlpack: {t.ndim} dimensions; a tensor can have at most 64.")
    for i in range(t.ndim - 1, -1, -1):
        strides[i] = step if t.strides == NULL else t.strides[i]
        if strides[i] < 0 and t.shape[i] > 1:
            raise RuntimeError(f"from_dlpack: stride {strides[i]} of dimension {i} is negative.")
        step *= t.shape[i]
        n *= t.shape[i]
        high += (t.shape[i] - 1) * strides[i]
    x = new_foreign(<char*>t.data + t.byte_offset, (high + 1) * itemsize_of(code) if n else 0,
                    owner, release,
                    CUDA if t.device.device_type == 2 else CPU, t.device.device_id if t.device.device_type == 2 else 0,
                    t.ndim, t.shape, strides, code)
    if versioned != NULL:
        PyCapsule_SetName(capsule, "used_dltensor_versioned")
    else:
        PyCapsule_SetName(capsule, "used_dltensor")
    return x
