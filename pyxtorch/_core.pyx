"""Storage and TensorBase: memory seen through a dtype, a device, a shape and strides.

Nothing here knows the tape or a kernel. What other Cython modules may use is in _core.pxd.
"""
import os as _os

cimport cython
from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_Release, PyObject_GetBuffer, Py_buffer,
)
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.pycapsule cimport PyCapsule_GetPointer
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.tuple cimport PyTuple_SET_ITEM
from libc.stdint cimport intptr_t
from libc.string cimport memcpy, memset, strcmp

cdef extern from "pyxtorch/allocator.h" namespace "pyx_alloc" nogil:
    cdef cppclass Stats:
        int64_t allocated, allocated_peak, cached, reserved_peak, allocations, frees, misses
    Stats stats
    int64_t cap
    void start()
    void trim(int64_t keep)
    pyx_storage* make_storage "pyx_alloc::storage"(int64_t nbytes)
    void* scratch(int64_t nbytes)
    void scratch_free(void* p)
    cdef cppclass Guard:
        Guard()

cdef extern from "pyxtorch/thread_pool.h" namespace "pyx_pool" nogil:
    cdef struct PoolState "pyx_pool::State":
        int wanted
    PoolState pool "pyx_pool::state"
    void pool_parallel "pyx_pool::parallel"(int64_t ntasks, void (*task)(void*, int64_t) noexcept, void* context)
    int pool_threads "pyx_pool::num_threads"()

cdef extern from "pyxtorch/runtime.h" nogil:
    ctypedef struct pyx_runtime:
        void (*parallel)(int64_t, void (*)(void*, int64_t) noexcept, void*) noexcept
        int (*num_threads)() noexcept
        void* (*alloc)(int64_t) noexcept
        void (*free)(void*) noexcept

cdef extern from *:
    """
    #include <Python.h>
    static inline int pyx_mul_overflow(int64_t a, int64_t b, int64_t* c) { return __builtin_mul_overflow(a, b, c); }
    /* One new object of a type without calling __init__. */
    static PyObject* pyx_empty_tuple = NULL;
    static inline PyObject* pyx_new_object(PyTypeObject* allocator, PyTypeObject* type) {
        return allocator->tp_new(type, pyx_empty_tuple, NULL);
    }
    /* The subclasses have no fields of their own: they can share the slots that free and visit. */
    static void pyx_share_slots(PyTypeObject* type, PyTypeObject* base) {
        type->tp_dealloc = base->tp_dealloc;
        type->tp_traverse = base->tp_traverse;
        type->tp_clear = base->tp_clear;
        type->tp_free = base->tp_free;
    }
    static void pyx_set_dict_offset(PyTypeObject* type, Py_ssize_t offset) {
        type->tp_dictoffset = offset;
        PyType_Modified(type);
    }
    static PyObject* pyx_new_tuple_of(PyTypeObject* type, Py_ssize_t n) { return type->tp_alloc(type, n); }
    static PyTypeObject* pyx_tuple_subclass = NULL;
    static PyObject* pyx_size_subscript(PyObject* self, PyObject* key) {
        PyObject* item = PyTuple_Type.tp_as_mapping->mp_subscript(self, key);
        if (item && PySlice_Check(key)) {
            Py_ssize_t n = PyTuple_GET_SIZE(item);
            PyObject* size = pyx_new_tuple_of(pyx_tuple_subclass, n);
            if (size)
                for (Py_ssize_t i = 0; i < n; i++) {
                    PyObject* x = PyTuple_GET_ITEM(item, i);
                    Py_INCREF(x);
                    PyTuple_SET_ITEM(size, i, x);
                }
            Py_DECREF(item);
            return size;
        }
        return item;
    }
    static void pyx_set_size_class(PyTypeObject* type) {
        pyx_tuple_subclass = type;
        type->tp_as_mapping->mp_subscript = pyx_size_subscript;
        PyType_Modified(type);
    }
    static pyx_runtime pyx_core_runtime = {pyx_pool::parallel, pyx_pool::num_threads, pyx_alloc::scratch,
                                           pyx_alloc::scratch_free};
    const pyx_runtime* pyx_rt = &pyx_core_runtime;
    """
    bint mul_overflow "pyx_mul_overflow"(int64_t a, int64_t b, int64_t* product)
    PyObject* pyx_new_object(PyTypeObject* allocator, PyTypeObject* type) except NULL
    void pyx_share_slots(PyTypeObject* type, PyTypeObject* base)
    void pyx_set_dict_offset(PyTypeObject* type, Py_ssize_t offset)
    object pyx_new_tuple_of(PyTypeObject* type, Py_ssize_t n)
    void pyx_set_size_class(PyTypeObject* type)
    PyObject* pyx_empty_tuple
    pyx_runtime pyx_core_runtime


class OutOfMemoryError(RuntimeError):
    """An allocation that cannot be met; the message names its size in bytes."""


# ---------------------------------------------------------------------------------- dtypes

@cython.binding(False)  # methods that check the type of their self, called as Class.method(x)
@cython.final
cdef class dtype:
    """An element type, such as `pyxtorch.float32`. There is one object for each."""

    def __init__(self):
        raise TypeError("dtype: cannot be created; use pyxtorch.float32, pyxtorch.int64, ...")

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return _dtype_by_name, (self.name,)

    def to_real(self):
        """The dtype of the parts of a complex dtype; other dtypes are their own."""
        return _dtypes[real_code(self.code)]

    def to_complex(self):
        """The complex dtype whose parts have this dtype."""
        return _dtypes[complex_code(self.code)]


cdef list _dtypes = []
_NAMES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
          "float64", "complex64", "complex128")
cdef int _code
for _code in range(12):
    _d = <dtype>dtype.__new__(dtype)
    (<dtype>_d).code = _code
    (<dtype>_d).itemsize = itemsize_of(_code)
    (<dtype>_d).name = _NAMES[_code]
    (<dtype>_d).is_floating_point = is_floating(_code)
    (<dtype>_d).is_complex = is_complex_code(_code)
    (<dtype>_d).is_signed = _code != BOOL and _code != UINT8
    _dtypes.append(_d)

_ALIASES = {"float": "float32", "double": "float64", "half": "float16", "int": "int32", "long": "int64",
            "short": "int16", "cfloat": "complex64", "cdouble": "complex128"}


def _dtype_by_name(name):
    return _dtypes[_NAMES.index(name)]


def dtypes():
    """All dtypes by every public name, aliases among them."""
    named = {d.name: d for d in _dtypes}
    named.update((alias, named[name]) for alias, name in _ALIASES.items())
    return named


cdef int _default_dtype = FLOAT32


cdef int default_dtype() noexcept:
    return _default_dtype


def get_default_dtype():
    """The floating-point dtype that Python floats become (float32 unless set)."""
    return _dtypes[_default_dtype]


def set_default_dtype(d):
    """Make `d`, a floating-point dtype, what Python floats become.

    Raises:
        TypeError: `d` is not a floating-point dtype.
    """
    global _default_dtype
    cdef int code = dtype_code(d)
    if not is_floating(code):
        raise TypeError(f"set_default_dtype: only floating-point dtypes can be the default, not {d}.")
    _default_dtype = code


cdef dtype dtype_of(int code):
    return <dtype>_dtypes[code]


cdef int dtype_code(object d) except -1:
    if type(d) is dtype:
        return (<dtype>d).code
    if d is float:
        return _default_dtype
    if d is int:
        return INT64
    if d is bool:
        return BOOL
    if d is complex:
        return complex_code(_default_dtype)
    raise TypeError(f"expected a dtype such as pyxtorch.float32, not {d!r} ({type(d).__name__}).")


cdef int promote(int a, int b) noexcept:
    """torch.promote_types: the smallest dtype that both go to."""
    cdef int t
    if a == b:
        return a
    if a > b:
        t = a
        a = b
        b = t
    # now a < b in the order bool u8 i8 i16 i32 i64 f16 bf16 f32 f64 c64 c128
    if b == COMPLEX64:
        return COMPLEX128 if a == FLOAT64 else COMPLEX64
    if b <= INT64:
        return INT16 if a == UINT8 and b == INT8 else b
    if a == FLOAT16 and b == BFLOAT16:
        return FLOAT32
    return b


cdef int _kind(int code) noexcept:
    return 0 if code == BOOL else 1 if code <= INT64 else 2 if code <= FLOAT64 else 3


cdef int can_cast(int src, int dst) noexcept:
    """torch.can_cast: never to a lower kind (complex > float > int > bool)."""
    if src == dst:
        return True
    return _kind(dst) >= _kind(src)


def promote_types(type1, type2):
    """The smallest dtype to which both dtypes can be converted without losing kind or size."""
    return _dtypes[promote(dtype_code(type1), dtype_code(type2))]


def py_can_cast(from_, to):
    """Whether `from_` may be converted to `to` by type promotion: never to a lower kind."""
    return bool(can_cast(dtype_code(from_), dtype_code(to)))


# --------------------------------------------------------------------------------- devices

cdef int _default_kind = CPU
cdef int _default_index = -1
cdef list _device_stack = []


@cython.binding(False)
@cython.final
cdef class device:
    """Where a tensor lives: `device("cpu")`, `device("cuda:0")`, `device("cuda", 1)`.

    As a context manager it becomes the default device of what is created inside.
    """

    def __init__(self, type, index=None):
        cdef int number = -1
        if isinstance(type, device):
            self.kind = (<device>type).kind
            self.number = (<device>type).number
            self.type = (<device>type).type
            return
        if isinstance(type, int) and not isinstance(type, bool):
            number = type
            type = "cuda"
        if not isinstance(type, str):
            raise TypeError(f"device: expected a string such as 'cpu' or 'cuda:0', not {type!r}.")
        name, colon, text = type.partition(":")
        if colon:
            if index is not None:
                raise RuntimeError(f"device: {type!r} has an index already, {index} cannot be added.")
            if not text.isdecimal() or (len(text) > 1 and text[0] == "0"):
                raise RuntimeError(f"device: invalid device string: {type!r}. Use 'cpu', 'cuda' or 'cuda:N'.")
            index = int(text)
        if name not in ("cpu", "cuda"):
            raise RuntimeError(f"device: unknown device type in {type!r}. Use 'cpu', 'cuda' or 'cuda:N'.")
        if index is not None:
            if index < 0 or index > 127:
                raise RuntimeError(f"device: index {index} is out of range in {type!r}; use 0 to 127.")
            number = index
        self.kind = CUDA if name == "cuda" else CPU
        self.number = number
        self.type = name

    @property
    def index(self):
        return None if self.number < 0 else self.number

    def __repr__(self):
        if self.number < 0:
            return f"device(type='{self.type}')"
        return f"device(type='{self.type}', index={self.number})"

    def __str__(self):
        return self.type if self.number < 0 else f"{self.type}:{self.number}"

    def __eq__(self, other):
        if not isinstance(other, device):
            return NotImplemented
        return self.kind == (<device>other).kind and self.number == (<device>other).number

    def __hash__(self):
        return hash((self.kind, self.number))

    def __reduce__(self):
        return device, (str(self),)

    def __enter__(self):
        global _default_kind, _default_index
        _device_stack.append((_default_kind, _default_index))
        _default_kind, _default_index = self.kind, self.number
        return self

    def __exit__(self, *exc):
        global _default_kind, _default_index
        _default_kind, _default_index = _device_stack.pop()


cdef device device_of(int kind, int index):
    cdef device d = <device>device.__new__(device)
    d.kind = kind
    d.number = index if kind == CUDA else -1
    d.type = "cuda" if kind == CUDA else "cpu"
    return d


def get_default_device():
    """The device on which factory functions create tensors."""
    return device_of(_default_kind, _default_index)


def set_default_device(d):
    """Create tensors on `d` where no device is named."""
    global _default_kind, _default_index
    if d is None:
        _default_kind, _default_index = CPU, -1
        return
    d = device(d)
    _default_kind, _default_index = (<device>d).kind, (<device>d).number


cdef int parse_device(object d, int* index) except -1:
    cdef int kind
    if d is None:
        kind = _default_kind
        index[0] = _default_index
    else:
        if type(d) is not device:
            d = device(d)
        kind = (<device>d).kind
        index[0] = (<device>d).number
    if kind == CUDA:
        if index[0] < 0:
            index[0] = _cuda_current()
    else:
        index[0] = 0
    return kind


# What _cuda.pyx lends once it is loaded (importing pyxtorch must not touch a driver).
ctypedef pyx_storage* (*storage_function)(int64_t nbytes, int index) except NULL
cdef storage_function cuda_storage
cdef object _cuda_loader = None
cuda_storage = NULL


def set_cuda_loader(loader):
    """`loader()` opens the GPU side; called when the first CUDA tensor is made."""
    global _cuda_loader
    _cuda_loader = loader


def set_cuda_storage(capsule):
    """Take the GPU's storage function, a capsule of `pyx_storage* (*)(int64_t nbytes, int index)`."""
    global cuda_storage
    cuda_storage = <storage_function>PyCapsule_GetPointer(capsule, "pyxtorch.cuda_storage")


cdef int _cuda_current() except -1:
    return _load_cuda().current_device()


cdef object _load_cuda():
    if _cuda_loader is None:
        __import__("pyxtorch._cuda")  # sets the loader
    return _cuda_loader()


# --------------------------------------------------------------------------------- storage

cdef inline void hold(pyx_storage* s) noexcept nogil:
    s.refcount += 1


cdef inline void drop(pyx_storage* s) noexcept:
    s.refcount -= 1
    if s.refcount == 0:
        s.release(s)


cdef pyx_storage* new_storage(int64_t nbytes, int dev, int index) except NULL:
    cdef pyx_storage* s
    if dev == CUDA:
        if cuda_storage == NULL:
            _load_cuda()
            if cuda_storage == NULL:
                raise RuntimeError("cuda: no GPU is available.")
        return cuda_storage(nbytes, index)
    s = make_storage(nbytes)
    if s == NULL:
        raise OutOfMemoryError(
            f"CPU allocator: cannot allocate {nbytes} bytes ({nbytes / 2**30:.2f} GiB) beside the "
            f"{stats.allocated} bytes in use. Use smaller tensors or a smaller dtype."
        )
    return s


cdef void release_buffer(pyx_storage* s) noexcept:
    """Let go of memory that was lent through the buffer protocol."""
    cdef Py_buffer* view = <Py_buffer*>s.owner
    PyBuffer_Release(view)
    PyMem_Free(view)
    PyMem_Free(s)


cdef void release_object(pyx_storage* s) noexcept:
    """Let go of memory that a Python object keeps alive."""
    Py_DECREF(<object>s.owner)
    PyMem_Free(s)


cdef pyx_storage* foreign_storage(char* data, int64_t nbytes, void* owner, void (*release)(pyx_storage*) noexcept,
                                  int dev=CPU, int index=0) except NULL:
    cdef pyx_storage* s = <pyx_storage*>PyMem_Malloc(sizeof(pyx_storage))
    if s == NULL:
        raise MemoryError()
    memset(s, 0, sizeof(pyx_storage))
    s.refcount = 1
    s.data = data
    s.nbytes = nbytes
    s.device_type = dev
    s.device_index = index
    s.size_class = -1
    s.owner = owner
    s.release = release
    return s


cdef pyx_storage no_bytes  # what a storage has that was made by __new__ alone
memset(&no_bytes, 0, sizeof(no_bytes))
no_bytes.refcount = 1
no_bytes.size_class = -1


@cython.binding(False)
cdef class UntypedStorage:
    """The bytes behind one or more tensors (`Tensor.untyped_storage()`).

    `UntypedStorage(nbytes, device="cpu")` are uninitialised bytes of its own.
    """
    cdef pyx_storage* st

    def __cinit__(self):
        self.st = &no_bytes
        hold(self.st)

    def __init__(self, int64_t nbytes=0, *, device=None):
        cdef int index
        cdef int kind = parse_device(device, &index)
        if nbytes < 0:
            raise RuntimeError(f"storage: nbytes must be 0 or more, not {nbytes}.")
        if self.st != &no_bytes:
            raise RuntimeError("storage: it has its memory already.")
        cdef pyx_storage* s = new_storage(nbytes, kind, index)
        drop(self.st)
        self.st = s

    def __dealloc__(self):
        drop(self.st)

    def __reduce__(self):
        return _storage_with, (bytes(self),)

    def __bytes__(self):
        if self.st.device_type != CPU:
            raise RuntimeError("storage: its memory is on a GPU; copy it with tensor.cpu() first.")
        return self.st.data[:self.st.nbytes] if self.st.nbytes else b""

    def nbytes(self):
        """Size in bytes."""
        return self.st.nbytes

    size = nbytes

    def __len__(self):
        return self.st.nbytes

    def data_ptr(self):
        """Address of the first byte."""
        return <intptr_t>self.st.data

    @property
    def device(self):
        return device_of(self.st.device_type, self.st.device_index)

    @property
    def _cdata(self):
        return <intptr_t>self.st

    def __eq__(self, other):
        return isinstance(other, UntypedStorage) and self.st == (<UntypedStorage>other).st

    def __hash__(self):
        return hash(<intptr_t>self.st)

    def __getbuffer__(self, Py_buffer* view, int flags):
        if self.st.device_type != CPU:
            raise BufferError("storage: memory of a GPU has no buffer; copy it with tensor.cpu() first.")
        view.buf = self.st.data
        view.obj = self
        view.len = self.st.nbytes
        view.itemsize = 1
        view.readonly = False
        view.ndim = 1
        view.format = <char*>buffer_format(UINT8) if flags & PyBUF_FORMAT else NULL
        view.shape = <Py_ssize_t*>&self.st.nbytes if flags & PyBUF_STRIDES else NULL
        view.strides = NULL
        if (flags & PyBUF_STRIDES) == PyBUF_STRIDES:
            view.strides = one_stride
        view.suboffsets = NULL
        view.internal = NULL

    def __releasebuffer__(self, Py_buffer* view):
        pass


cdef Py_ssize_t[1] one_stride = [1]


def memory_stats():
    """Statistics of the CPU allocator, in bytes and counts."""
    return {
        "allocated_bytes.current": stats.allocated,
        "allocated_bytes.peak": stats.allocated_peak,
        "cached_bytes.current": stats.cached,
        "reserved_bytes.current": stats.allocated + stats.cached,
        "reserved_bytes.peak": stats.reserved_peak,
        "allocations": stats.allocations,
        "frees": stats.frees,
        "misses": stats.misses,
        "cap_bytes": cap,
    }


def reset_peak_memory_stats():
    """Count peaks from now on."""
    stats.allocated_peak = stats.allocated
    stats.reserved_peak = stats.allocated + stats.cached


def empty_cache():
    """Give all cached CPU memory back to the system."""
    trim(0)


def set_cache_limit(nbytes):
    """Keep at most `nbytes` bytes of freed CPU memory for reuse (default 2 GiB)."""
    global cap
    if nbytes < 0:
        raise ValueError(f"set_cache_limit: nbytes must be 0 or more, not {nbytes}.")
    if cap < 0:
        start()
    cap = nbytes
    trim(cap)


# --------------------------------------------------------------------------------- threads

def set_num_threads(int n):
    """Use at most `n` threads, the caller among them. Results do not depend on it."""
    if n < 1:
        raise RuntimeError(f"set_num_threads: expected a positive number of threads, not {n}.")
    pool.wanted = min(n, 1024)


def get_num_threads():
    """How many threads an operation may use."""
    return pool_threads()


# --------------------------------------------------------------------------------- tensors

class Size(tuple):
    """The shape of a tensor: a tuple with `numel()`."""
    __slots__ = ()

    def __repr__(self):
        return f"torch.Size({list(self)})"

    def numel(self):
        """How many elements a tensor of this shape has."""
        n = 1
        for length in self:
            n *= length
        return n

    def __add__(self, other):
        return Size(tuple(self) + tuple(other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other):
        return Size(tuple(other) + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times):
        return Size(tuple(self) * times)

    __rmul__ = __mul__

    def __reduce__(self):
        return Size, (tuple(self),)


pyx_set_size_class(<PyTypeObject*>Size)
_empty = ()
pyx_empty_tuple = <PyObject*>_empty
Py_INCREF(_empty)


@cython.binding(False)
@cython.freelist(128)
cdef class TensorBase:
    """See _core.pxd. Created by new_empty() and its like, never by a constructor."""

    def __dealloc__(self):
        if self.st != NULL:
            drop(self.st)
        if self.sizes != NULL and self.sizes != self.inline_dims:
            PyMem_Free(self.sizes)
        if self.attributes != NULL:
            Py_DECREF(<object>self.attributes)

    def __getbuffer__(self, Py_buffer* view, int flags):
        """CPU tensors that are not on the tape share their memory with NumPy and the like."""
        cdef const char* format = buffer_format(self.dt)
        cdef int i
        cdef Py_ssize_t* dims
        if self.dev != CPU or self.flags & REQUIRES_GRAD or format == NULL:
            raise BufferError("tensor: only a CPU tensor that does not require grad, of a dtype that NumPy has, lends its memory.")
        if (flags & PyBUF_STRIDES) != PyBUF_STRIDES and not self.flags & CONTIGUOUS:
            raise BufferError("tensor: is not contiguous.")
        dims = <Py_ssize_t*>PyMem_Malloc((2 * self.nd + 1) * sizeof(Py_ssize_t))
        if dims == NULL:
            raise MemoryError()
        # The memory itself is held: the tensor may be made to look elsewhere (set_) while it is lent.
        hold(self.st)
        dims[0] = <Py_ssize_t>self.st
        view.internal = dims
        dims += 1
        for i in range(self.nd):
            dims[i] = self.sizes[i]
            dims[self.nd + i] = self.strides[i] * itemsize_of(self.dt)
        view.buf = self.ptr
        view.obj = self
        view.len = self.n * itemsize_of(self.dt)
        view.itemsize = itemsize_of(self.dt)
        view.readonly = False
        view.ndim = self.nd
        view.format = <char*>format
        view.shape = dims
        view.strides = dims + self.nd
        view.suboffsets = NULL

    def __releasebuffer__(self, Py_buffer* view):
        drop(<pyx_storage*>(<Py_ssize_t*>view.internal)[0])
        PyMem_Free(view.internal)


cdef const char* buffer_format(int dt) noexcept:
    if dt == BOOL: return b"?"
    if dt == UINT8: return b"B"
    if dt == INT8: return b"b"
    if dt == INT16: return b"h"
    if dt == INT32: return b"i"
    if dt == INT64: return b"l"
    if dt == FLOAT16: return b"e"
    if dt == FLOAT32: return b"f"
    if dt == FLOAT64: return b"d"
    if dt == COMPLEX64: return b"Zf"
    if dt == COMPLEX128: return b"Zd"
    return NULL


cdef PyTypeObject* base_type = <PyTypeObject*>TensorBase
cdef PyTypeObject* tensor_type = <PyTypeObject*>TensorBase


cdef void set_tensor_class(type cls):
    """From now on every operation returns `cls`, which must add no fields."""
    global tensor_type
    tensor_type = <PyTypeObject*>cls
    pyx_share_slots(tensor_type, base_type)
    # Attributes of the user's own without the price of a dict for each result: Python's generic
    # look-up finds the dict, if there is one, by this offset.
    x = bare(0)
    pyx_set_dict_offset(tensor_type, <char*>&(<TensorBase>x).attributes - <char*><PyObject*>x)


cdef inline TensorBase bare(int nd):
    """A tensor without memory, its dims ready to be written."""
    cdef PyObject* p = pyx_new_object(base_type, tensor_type)
    cdef TensorBase x = <TensorBase>p
    Py_DECREF(x)  # the cast above took a reference of its own
    x.nd = nd
    if nd <= 8:
        x.sizes = x.inline_dims
        x.strides = x.inline_dims + 8
    else:
        if nd > 64:
            raise RuntimeError(f"a tensor can have at most 64 dimensions, not {nd}.")
        x.sizes = <int64_t*>PyMem_Malloc(2 * nd * sizeof(int64_t))
        if x.sizes == NULL:
            raise MemoryError()
        x.strides = x.sizes + nd
    return x


cdef extern from *:
    """
    static thread_local int pyx_new_flags = 0;  /* flags of every tensor with memory of its own that this thread makes */
    static int pyx_marked_threads = 0;          /* how many threads have any: one look at a plain variable decides */
    """
    int pyx_new_flags
    int pyx_marked_threads


def mark_new_tensors(bint inference):
    """Whether tensors that this thread makes from now on are inference tensors."""
    global pyx_new_flags, pyx_marked_threads
    cdef int flags = INFERENCE if inference else 0
    pyx_marked_threads += (flags != 0) - (pyx_new_flags != 0)
    pyx_new_flags = flags


cdef TensorBase new_empty(int nd, const int64_t* sizes, int dt, int dev, int dev_index):
    cdef TensorBase x = bare(nd)
    cdef int64_t n = 1
    cdef int64_t step
    cdef int i
    cdef bint overflow = False
    for i in range(nd - 1, -1, -1):
        x.sizes[i] = sizes[i]
        x.strides[i] = n if n > 0 else 1
        if sizes[i] < 0:
            raise RuntimeError(f"trying to create a tensor with negative dimension {sizes[i]}: {[sizes[k] for k in range(nd)]}")
        if sizes[i] > 0 and n > (<int64_t>1 << 58) // sizes[i]:
            overflow = True
        elif not overflow:
            n *= sizes[i]
    if overflow:
        n = 1
        for i in range(nd):
            if sizes[i] == 0:
                n = 0
        if n:
            raise OutOfMemoryError(f"a tensor of shape {[sizes[k] for k in range(nd)]} is larger than any memory.")
    if n == 0:
        step = 1
        for i in range(nd - 1, -1, -1):
            x.strides[i] = step
            step *= max(sizes[i], 1) if step < (<int64_t>1 << 50) and sizes[i] < (1 << 12) else 1
    x.n = n
    x.dt = dt
    x.dev = dev
    x.dev_index = dev_index
    x.flags = CONTIGUOUS
    if pyx_marked_threads:
        x.flags |= pyx_new_flags
    x.st = new_storage(n * itemsize_of(dt), dev, dev_index)
    x.ptr = x.st.data
    return x


cdef TensorBase new_like(TensorBase x, int dt):
    return new_empty(x.nd, x.sizes, dt, x.dev, x.dev_index)


cdef TensorBase new_scalar(int dt, int dev, int dev_index):
    return new_empty(0, NULL, dt, dev, dev_index)


cdef inline int64_t product(int nd, const int64_t* sizes) except -1:
    """The number of elements; a view that repeats its elements can ask for more than can be counted."""
    cdef int64_t n = 1
    cdef int i
    for i in range(nd):
        if mul_overflow(n, sizes[i], &n) or n > (<int64_t>1 << 58):
            return too_many(nd, sizes)
    return n


cdef int64_t too_many(int nd, const int64_t* sizes) except -1:
    cdef int i
    for i in range(nd):
        if sizes[i] == 0:
            return 0
    raise RuntimeError(f"numel: integer multiplication overflow: {[sizes[i] for i in range(nd)]} has more than 2**58 elements.")


cdef TensorBase new_view(TensorBase x, int nd, const int64_t* sizes, const int64_t* strides, char* ptr):
    cdef TensorBase y = bare(nd)
    cdef int i
    for i in range(nd):
        y.sizes[i] = sizes[i]
        y.strides[i] = strides[i]
    y.n = product(nd, sizes)
    y.dt = x.dt
    y.dev = x.dev
    y.dev_index = x.dev_index
    y.st = x.st
    hold(x.st)
    y.ptr = ptr
    y.flags = CONTIGUOUS if is_contiguous(nd, sizes, strides) else 0
    return y


cdef TensorBase alias(TensorBase x):
    return new_view(x, x.nd, x.sizes, x.strides, x.ptr)


cdef int adopt(TensorBase x, TensorBase y) except -1:
    cdef int64_t* dims = NULL
    cdef pyx_storage* before = x.st
    if y.nd > 8:
        dims = <int64_t*>PyMem_Malloc(2 * y.nd * sizeof(int64_t))
        if dims == NULL:
            raise MemoryError()
    if x.sizes != NULL and x.sizes != x.inline_dims:
        PyMem_Free(x.sizes)
    if dims != NULL:
        x.sizes = dims
        x.strides = dims + y.nd
    else:
        x.sizes = x.inline_dims
        x.strides = x.inline_dims + 8
    memcpy(x.sizes, y.sizes, y.nd * sizeof(int64_t))
    memcpy(x.strides, y.strides, y.nd * sizeof(int64_t))
    x.nd = y.nd
    x.n = y.n
    x.dt = y.dt
    x.dev = y.dev
    x.dev_index = y.dev_index
    x.flags = (x.flags & ~CONTIGUOUS) | (y.flags & CONTIGUOUS)
    hold(y.st)
    x.st = y.st
    x.ptr = y.ptr
    if before != NULL:
        drop(before)
    return 0


cdef int bump(TensorBase x) noexcept:
    x.st.version += 1
    return 0


cdef bint same_shape(TensorBase a, TensorBase b) noexcept:
    cdef int i
    if a.nd != b.nd:
        return False
    for i in range(a.nd):
        if a.sizes[i] != b.sizes[i]:
            return False
    return True


cdef tuple shape_of(TensorBase x):
    cdef int i
    return tuple([x.sizes[i] for i in range(x.nd)])


cdef object size_of(TensorBase x):
    cdef object size = pyx_new_tuple_of(<PyTypeObject*>Size, x.nd)
    cdef int i
    cdef object length
    for i in range(x.nd):
        length = x.sizes[i]
        Py_INCREF(length)
        PyTuple_SET_ITEM(size, i, length)
    return size


cdef bint is_contiguous(int nd, const int64_t* sizes, const int64_t* strides) noexcept:
    cdef int64_t expected = 1
    cdef int i
    for i in range(nd):
        if sizes[i] == 0:
            return True
    for i in range(nd - 1, -1, -1):
        if sizes[i] != 1:
            if strides[i] != expected:
                return False
            expected = mul_sizes(expected, sizes[i])
    return True


cdef bint overlaps_itself(TensorBase x) noexcept:
    """Whether two elements (may) share an address: dims by stride, each must jump over the last."""
    cdef int order[64]
    cdef int i, j, t, count = 0
    cdef int64_t reach = 0
    if x.flags & CONTIGUOUS or x.n <= 1:
        return False
    for i in range(x.nd):
        if x.sizes[i] > 1:
            order[count] = i
            j = count
            while j > 0 and x.strides[order[j - 1]] > x.strides[order[j]]:
                t = order[j]
                order[j] = order[j - 1]
                order[j - 1] = t
                j -= 1
            count += 1
    for i in range(count):
        if x.strides[order[i]] <= reach:
            return True
        reach += x.strides[order[i]] * (x.sizes[order[i]] - 1)
    return False


cdef int wrap_dim(int64_t dim, int nd, str op) except -1:
    cdef int n = nd if nd > 0 else 1
    if dim < -n or dim >= n:
        raise IndexError(
            f"{op}: Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"
        )
    return dim + n if dim < 0 else dim


# ------------------------------------------------------------------------------- operands

cdef int walk_init(pyx_strided* walk, int nd, const int64_t* sizes, int count, PyObject** operands) except -1:
    """Byte strides of all operands, dimensions from the fastest to the slowest, merged."""
    cdef int i, k, d, j, merged, shift
    cdef int64_t n = 1, a, b
    cdef bint swap, fits
    cdef int order[64]
    cdef int64_t st[6][64]
    cdef TensorBase x
    walk.noperands = count
    for i in range(nd):
        n *= sizes[i]
    walk.numel = n
    for k in range(count):
        x = <TensorBase>operands[k]
        walk.data[k] = x.ptr
        walk.dtype[k] = x.dt
        shift = nd - x.nd
        for i in range(nd):
            if i < shift or x.sizes[i - shift] == 1:
                st[k][i] = 0
            else:
                st[k][i] = x.strides[i - shift] * itemsize_of(x.dt)
    # order: innermost first, by the strides of the first operand that tells them apart
    merged = 0
    for i in range(nd - 1, -1, -1):
        if sizes[i] == 1:
            continue
        order[merged] = i
        j = merged
        while j > 0:
            swap = False
            for k in range(count):
                a = st[k][order[j - 1]]
                b = st[k][order[j]]
                if a != b and a != 0 and b != 0:
                    swap = a > b
                    break
            if not swap:
                break
            d = order[j]
            order[j] = order[j - 1]
            order[j - 1] = d
            j -= 1
        merged += 1
    d = 0
    for i in range(merged):
        fits = d > 0
        if fits:
            for k in range(count):
                if st[k][order[i]] != walk.strides[k][d - 1] * walk.shape[d - 1]:
                    fits = False
                    break
        if fits:
            walk.shape[d - 1] *= sizes[order[i]]
        else:
            walk.shape[d] = sizes[order[i]]
            for k in range(count):
                walk.strides[k][d] = st[k][order[i]]
            d += 1
    if d == 0:
        walk.shape[0] = n if n == 0 else 1
        for k in range(count):
            walk.strides[k][0] = 0
        d = 1
    walk.ndim = d
    return 0


# -------------------------------------------------------------------------------- kernels

cdef enum:
    MAX_FAMILIES = 64
cdef const char* family_names[MAX_FAMILIES]
cdef void* family_tables[MAX_FAMILIES][2]
cdef int families = 0
ctypedef const void* (*find_function)(const char*) noexcept
cdef find_function find_cpu
cdef find_function find_cuda
find_cpu = NULL
find_cuda = NULL

cdef struct kernel_module:
    const void* (*find)(const char*) noexcept
    void (*set_runtime)(const pyx_runtime*) noexcept

_family_objects = []


def register_cpu_kernels(capsule):
    """Take the kernels of one instruction level (kernels/cpu/module.cpp)."""
    global find_cpu
    cdef kernel_module* module = <kernel_module*>PyCapsule_GetPointer(capsule, "pyxtorch.kernels")
    module.set_runtime(&pyx_core_runtime)
    find_cpu = module.find


def register_cuda_kernels(capsule):
    """Take the GPU's kernels: a capsule of `const void* (*find)(const char* family)`."""
    global find_cuda
    cdef int i
    find_cuda = <find_function>PyCapsule_GetPointer(capsule, "pyxtorch.cuda_kernels")
    for i in range(families):
        family_tables[i][CUDA] = <void*>find_cuda(family_names[i])


cdef void** kernel_tables(const char* family) except NULL:
    global families
    cdef int i
    for i in range(families):
        if strcmp(family_names[i], family) == 0:
            return &family_tables[i][0]
    if families == MAX_FAMILIES:
        raise RuntimeError("too many kernel families")
    name = bytes(family)
    _family_objects.append(name)
    i = families
    family_names[i] = name
    family_tables[i][CPU] = <void*>find_cpu(family) if find_cpu != NULL else NULL
    family_tables[i][CUDA] = <void*>find_cuda(family) if find_cuda != NULL else NULL
    if family_tables[i][CPU] == NULL:
        raise ImportError(f"the CPU kernels have no family {family.decode()!r}: the build is incomplete.")
    families += 1
    return &family_tables[i][0]


# ------------------------------------------------------------------------------- exchange

cdef int code_of_format(const char* format, Py_ssize_t itemsize) noexcept:
    """dtype code of a buffer's format; -1 if there is none."""
    cdef char c
    if format == NULL:
        return UINT8
    c = format[0]
    if c == b'<' or c == b'=' or c == b'@':
        format += 1
        c = format[0]
    elif c == b'>' or c == b'!':
        if itemsize > 1:
            return -1
        format += 1
        c = format[0]
    if c == b'Z' and format[1] != 0 and format[2] == 0:
        return COMPLEX64 if format[1] == b'f' else COMPLEX128 if format[1] == b'd' else -1
    if c == 0 or format[1] != 0:
        return -1
    if c == b'?': return BOOL
    if c == b'B': return UINT8
    if c == b'b': return INT8
    if c == b'e': return FLOAT16
    if c == b'f': return FLOAT32
    if c == b'd': return FLOAT64
    if c == b'h' or c == b'i' or c == b'l' or c == b'q' or c == b'n':
        return INT16 if itemsize == 2 else INT32 if itemsize == 4 else INT64 if itemsize == 8 else -1
    return -1


cdef TensorBase from_buffer(object source, str op):
    """A tensor that shares the memory of an object with the buffer protocol (a NumPy array)."""
    cdef Py_buffer* view = <Py_buffer*>PyMem_Malloc(sizeof(Py_buffer))
    cdef int code, i
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    cdef int64_t high = 0, n = 1
    cdef TensorBase x
    if view == NULL:
        raise MemoryError()
    try:
        try:
            PyObject_GetBuffer(source, view, PyBUF_FORMAT | PyBUF_STRIDES)
        except BufferError:
            raise
    except BaseException:
        PyMem_Free(view)
        raise
    try:
        code = code_of_format(view.format, view.itemsize)
        if code < 0:
            raise TypeError(
                f"{op}: cannot convert {getattr(source, 'dtype', view.format)} to a tensor. The supported "
                "dtypes are bool, uint8, int8, int16, int32, int64, float16, float32, float64, complex64 and "
                "complex128, in native byte order."
            )
        if view.ndim > 64:
            raise RuntimeError(f"{op}: {view.ndim} dimensions; a tensor can have at most 64.")
        for i in range(view.ndim):
            sizes[i] = view.shape[i]
            if view.strides[i] % view.itemsize:
                raise ValueError(f"{op}: stride {view.strides[i]} bytes is no multiple of the item size {view.itemsize}. Copy the array first.")
            strides[i] = view.strides[i] // view.itemsize
            if strides[i] < 0 and sizes[i] > 1:
                raise ValueError(
                    f"{op}: at least one stride of the array is negative ({view.strides[i]} bytes); tensors "
                    "cannot have negative strides. Make a copy with array.copy()."
                )
            if sizes[i] <= 1:
                strides[i] = max(strides[i], 0)
            n *= sizes[i]
            high += (sizes[i] - 1) * strides[i]
        if n == 0:
            high = -1
        x = bare(view.ndim)
        x.st = foreign_storage(<char*>view.buf, (high + 1) * view.itemsize, view, release_buffer)
    except BaseException:
        PyBuffer_Release(view)
        PyMem_Free(view)
        raise
    for i in range(view.ndim):
        x.sizes[i] = sizes[i]
        x.strides[i] = strides[i]
    x.n = n
    x.dt = code
    x.ptr = x.st.data
    x.flags = CONTIGUOUS if is_contiguous(x.nd, sizes, strides) else 0
    return x


cdef TensorBase new_foreign(char* data, int64_t nbytes, void* owner, void (*release)(pyx_storage*) noexcept, int dev, int dev_index,
                            int nd, const int64_t* sizes, const int64_t* strides, int dt):
    cdef TensorBase x = bare(nd)
    cdef int i
    x.n = product(nd, sizes)
    x.st = foreign_storage(data, nbytes, owner, release, dev, dev_index)
    for i in range(nd):
        x.sizes[i] = sizes[i]
        x.strides[i] = strides[i] if strides[i] > 0 or sizes[i] > 1 else 0
    x.dt = dt
    x.dev = dev
    x.dev_index = dev_index
    x.ptr = data
    x.flags = CONTIGUOUS if is_contiguous(nd, x.sizes, x.strides) else 0
    return x


def share_buffer(source, str op="from_numpy"):
    """A tensor on the memory of `source`, an object with the buffer protocol."""
    return from_buffer(source, op)


def storage_of(TensorBase x not None):
    """The UntypedStorage behind a tensor."""
    cdef UntypedStorage s = UntypedStorage.__new__(UntypedStorage)
    hold(x.st)
    drop(s.st)
    s.st = x.st
    return s


def view_storage(UntypedStorage storage not None, dtype d not None, int64_t offset, sizes, strides):
    """A tensor on `storage`: offset and strides in elements of `d`. All are checked against its size.

    Raises:
        RuntimeError: an element would lie outside the storage, or a size or stride is negative.
    """
    cdef int nd = len(sizes), i
    cdef int64_t s[64]
    cdef int64_t t[64]
    cdef TensorBase x
    if len(strides) != nd or nd > 64:
        raise RuntimeError(f"storage view: {nd} sizes but {len(strides)} strides (at most 64).")
    for i in range(nd):
        s[i] = sizes[i]
        t[i] = strides[i]
    offset = check_bounds(nd, s, t, offset, storage.st.nbytes // d.itemsize, "storage view")
    x = bare(nd)
    for i in range(nd):
        x.sizes[i] = s[i]
        x.strides[i] = t[i]
    x.n = product(nd, s)
    x.dt = d.code
    x.dev = storage.st.device_type
    x.dev_index = storage.st.device_index
    x.st = storage.st
    hold(x.st)
    x.ptr = x.st.data + offset * d.itemsize
    x.flags = CONTIGUOUS if is_contiguous(nd, s, t) else 0
    return x


def _storage_with(bytes data not None):
    """A storage from what pickle kept of it."""
    cdef UntypedStorage s = UntypedStorage(len(data))
    memcpy(s.st.data, <const char*>data, len(data))
    return s


cdef int64_t check_bounds(int nd, const int64_t* sizes, const int64_t* strides, int64_t offset, int64_t capacity, str op) except -1:
    """Raise unless every element of the view lies in 0..capacity, without overflow on the way.

    Returns the offset, which for a view without elements is not outside either.
    """
    cdef int i
    cdef int64_t last = offset, reach
    cdef bint empty = False
    if offset < 0:
        raise RuntimeError(f"{op}: storage offset {offset} is negative.")
    for i in range(nd):
        if sizes[i] < 0:
            raise RuntimeError(f"{op}: negative size {sizes[i]} in {[sizes[k] for k in range(nd)]}.")
        if strides[i] < 0:
            raise RuntimeError(f"{op}: negative strides are not supported, got {[strides[k] for k in range(nd)]}.")
        if sizes[i] == 0:
            empty = True
    if empty:
        return min(offset, capacity)
    for i in range(nd):
        if last >= capacity:        # so that last + reach cannot overflow
            break
        if sizes[i] > 1 and strides[i] > 0:
            if strides[i] > capacity or sizes[i] - 1 > capacity // strides[i]:
                last = capacity
                break
            reach = (sizes[i] - 1) * strides[i]
            last += reach
            if last >= capacity:
                break
    if last >= capacity:
        raise RuntimeError(
            f"{op}: sizes {[sizes[k] for k in range(nd)]}, strides {[strides[k] for k in range(nd)]} and offset "
            f"{offset} reach outside the storage of {capacity} elements."
        )
    return offset


def cpu_level():
    """The best instruction level of this processor that kernels are compiled for: v2, v3, v4 or base.

    PYXTORCH_CPU_LEVEL lowers it.
    """
    cdef int best = cpu_level_number()
    asked = _os.environ.get("PYXTORCH_CPU_LEVEL")
    if best == 0:
        return "base"
    if asked:
        if asked not in ("v2", "v3", "v4"):
            raise ImportError(f"PYXTORCH_CPU_LEVEL={asked!r}: expected v2, v3 or v4.")
        best = min(best, int(asked[1]))
    return f"v{best}"


cdef extern from *:
    """
    static int cpu_level_number(void) {
    #if defined(__x86_64__)
        __builtin_cpu_init();
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx2") &&
            __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma"))
            return 4;
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
            __builtin_cpu_supports("fma"))
            return 3;
        return 2;
    #else
        return 0;
    #endif
    }
    """
    int cpu_level_number()
