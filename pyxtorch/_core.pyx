"""TensorBase: memory seen through a dtype, a device, a shape and strides.

Nothing here knows the tape or a kernel. What other Cython modules may use is in _core.pxd; dtypes
and devices are in _dtype.pyx, storages, the allocator and the registry of kernels in _storage.pyx.
"""
cimport cython
from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_Release, PyObject_GetBuffer, Py_buffer,
)
from cpython.long cimport PyLong_CheckExact
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.tuple cimport PyTuple_SET_ITEM
from libc.stdint cimport intptr_t
from libc.string cimport memcpy

from pyxtorch._listen cimport listener

from pyxtorch import _dtype, _storage
from pyxtorch._size import Size
from pyxtorch._storage import OutOfMemoryError

# As Python names too; the import statement takes them for the types that are cimported.
globals().update({name: getattr(_dtype, name) for name in (
    "dtype", "device", "dtypes", "get_default_device", "get_default_dtype", "promote_types", "py_can_cast", "set_cuda_loader",
    "set_default_device", "set_default_dtype",
)})
globals().update({name: getattr(_storage, name) for name in (
    "UntypedStorage", "cpu_level", "empty_cache", "get_num_threads", "memory_stats", "register_cpu_kernels",
    "formulas", "register_cuda_kernels", "reset_peak_memory_stats", "set_cache_limit", "set_cuda_storage", "set_num_threads",
)})

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1

cdef extern from *:
    """
    #include <Python.h>
    static inline int pyx_mul_overflow(int64_t a, int64_t b, int64_t* c) { return __builtin_mul_overflow(a, b, c); }
    /* One new object of a type without calling __init__. */
    static PyObject* pyx_empty_tuple = NULL;
    static inline PyObject* pyx_new_object(PyTypeObject* allocator, PyTypeObject* type) {
        return allocator->tp_new(type, pyx_empty_tuple, NULL);
    }
    /* The attributes (__dict__) are a field that Cython does not know: the garbage collector is shown it here. */
    static Py_ssize_t pyx_attributes;  /* where it is */
    static traverseproc pyx_traverse_fields;
    static inquiry pyx_clear_fields;
    static int pyx_traverse(PyObject* self, visitproc visit, void* arg) {
        PyObject* attributes = *(PyObject**)((char*)self + pyx_attributes);
        Py_VISIT(attributes);
        return pyx_traverse_fields(self, visit, arg);
    }
    static int pyx_clear(PyObject* self) {
        Py_CLEAR(*(PyObject**)((char*)self + pyx_attributes));
        return pyx_clear_fields(self);
    }
    static void pyx_show_attributes(PyTypeObject* base, Py_ssize_t offset) {
        pyx_attributes = offset;
        pyx_traverse_fields = base->tp_traverse;
        pyx_clear_fields = base->tp_clear;
        base->tp_traverse = pyx_traverse;
        base->tp_clear = pyx_clear;
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
    """
    bint mul_overflow "pyx_mul_overflow"(int64_t a, int64_t b, int64_t* product)
    PyObject* pyx_new_object(PyTypeObject* allocator, PyTypeObject* type) except NULL
    void pyx_show_attributes(PyTypeObject* base, Py_ssize_t offset)
    void pyx_share_slots(PyTypeObject* type, PyTypeObject* base)
    void pyx_set_dict_offset(PyTypeObject* type, Py_ssize_t offset)
    object pyx_new_tuple_of(PyTypeObject* type, Py_ssize_t n)
    PyObject* pyx_empty_tuple


# --------------------------------------------------------------------------------- tensors

cdef PyTypeObject* size_type = <PyTypeObject*>Size
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
        if listener.on:
            listener.refuse(b"memory of a tensor is lent to NumPy or another reader of buffers")
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


cdef enum:
    SHARED = -2     # a storage's size_class: memory that other processes can map


cdef PyTypeObject* base_type = <PyTypeObject*>TensorBase
cdef PyTypeObject* tensor_type = <PyTypeObject*>TensorBase


cdef void set_tensor_class(type cls):
    """From now on every operation returns `cls`, which must add no fields."""
    global tensor_type
    cdef Py_ssize_t offset
    tensor_type = <PyTypeObject*>cls
    x = bare(0)
    offset = <char*>&(<TensorBase>x).attributes - <char*><PyObject*>x
    pyx_show_attributes(base_type, offset)
    pyx_share_slots(tensor_type, base_type)
    # Attributes of the user's own without the price of a dict for each result: Python's generic
    # look-up finds the dict, if there is one, by this offset.
    pyx_set_dict_offset(tensor_type, offset)


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


def count_change(TensorBase x not None):
    """Raise the version of a tensor that was changed by other means."""
    bump(x)


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
    y.flags = (CONTIGUOUS if is_contiguous(nd, sizes, strides) else 0) | (x.flags & INFERENCE)
    return y


cdef TensorBase alias(TensorBase x):
    return new_view(x, x.nd, x.sizes, x.strides, x.ptr)


cdef TensorBase untracked(TensorBase x):
    cdef TensorBase y = alias(x)
    cdef pyx_storage* twin = twin_storage(x.st)
    drop(y.st)
    y.st = twin
    return y


cdef int adopt(TensorBase x, TensorBase y) except -1:
    cdef int64_t* dims = NULL
    cdef pyx_storage* before = x.st
    if listener.on:
        listener.refuse(b"a tensor is made to look at other memory (.data =, set_, resize_)")
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
    x.moves += 1
    hold(y.st)
    x.st = y.st
    x.ptr = y.ptr
    if x.st != before:
        x._base = None      # no view any more of what it was one of
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
    cdef object size = pyx_new_tuple_of(size_type, x.nd)
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


cdef int wrap_dim(object dim, int nd, str op) except -1:
    cdef int n = nd if nd > 0 else 1
    cdef int overflow = 0
    cdef long long d
    if not PyLong_CheckExact(dim):
        if isinstance(dim, bool) or not hasattr(type(dim), "__index__"):
            raise TypeError(f"{op}(): argument 'dim' must be int, not {type(dim).__name__}")
        dim = dim.__index__()
    d = PyLong_AsLongLongAndOverflow(dim, &overflow)
    if overflow:
        raise ValueError(f"{op}: the dimension {dim} does not fit in 64 bits.")
    if d < -n or d >= n:
        raise IndexError(
            f"{op}: Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"
        )
    return <int>(d + n if d < 0 else d)


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


# ------------------------------------------------------------------------------- exchange

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
                "dtypes are bool, uint8, int8, int16, int32, int64, uint16, uint32, uint64, float16, float32, float64, complex64 and "
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
    """The UntypedStorage behind a tensor: for each storage one object, as long as somebody has it."""
    cdef pyx_storage* first = first_storage(x.st)
    if listener.on:
        listener.refuse(b"the storage of a tensor is asked for")
    cdef UntypedStorage s = _storage.wrappers.get(<intptr_t>first)
    if s is None:
        s = _storage.bare_wrapper()
        drop(s.st)
        s.st = first
        hold(first)
        _storage.wrappers[<intptr_t>first] = s
    return s


def in_shared_memory(TensorBase x not None):
    """Whether other processes can map the memory (ops/_memory.pyx)."""
    return first_storage(x.st).size_class == SHARED


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
    x.dt = dtype_code(d)
    x.dev = storage.st.device_type
    x.dev_index = storage.st.device_index
    x.st = storage.st
    hold(x.st)
    x.ptr = x.st.data + offset * d.itemsize
    x.flags = CONTIGUOUS if is_contiguous(nd, s, t) else 0
    return x


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
