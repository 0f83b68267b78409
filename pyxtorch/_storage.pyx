"""Storage: blocks of memory that tensors share; the allocator, the thread pool, and what kernels borrow of them.

What other Cython modules may use is in _storage.pxd, by way of _core.pxd.
"""
import os as _os
import weakref as _weakref

cimport cython
from cpython.buffer cimport PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_Release, Py_buffer
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_RawMalloc
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from cpython.unicode cimport PyUnicode_AsUTF8
from libc.stdint cimport intptr_t, uint32_t
from libc.string cimport memcpy, memset, strcmp, strncpy
from pyxtorch._dtype cimport device_name, device_of, load_cuda, parse_device
from pyxtorch._listen cimport listened_storage, listener

cdef extern from "pyxtorch/allocator.h" namespace "pyx_alloc" nogil:
    cdef cppclass Stats:
        int64_t allocated, allocated_peak, cached, cap, reserved_peak, allocations, frees, misses
    Stats look()
    void reset_peaks()
    void set_cap(int64_t nbytes)
    void empty()
    void alloc_release "pyx_alloc::release"(pyx_storage* s) noexcept
    pyx_storage* make_storage "pyx_alloc::storage"(int64_t nbytes)
    void* scratch(int64_t nbytes)
    void scratch_free(void* p)

cdef extern from "pyxtorch/meta.h" namespace "pyx_meta" nogil:
    pyx_storage* meta_storage "pyx_meta::storage"(int64_t nbytes)
    const void* meta_table "pyx_meta::table"(const char* family, const void* cpu)

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

cdef extern from "pthread.h" nogil:
    int pthread_atfork(void (*before)() noexcept nogil, void (*parent)() noexcept nogil, void (*child)() noexcept nogil)

cdef extern from *:
    """
    static pyx_runtime pyx_core_runtime = {pyx_pool::parallel, pyx_pool::num_threads, pyx_alloc::scratch,
                                           pyx_alloc::scratch_free};
    const pyx_runtime* pyx_rt = &pyx_core_runtime;
    """
    pyx_runtime pyx_core_runtime


cdef pyx_unlocked unlocked_state
memset(&unlocked_state, 0, sizeof(unlocked_state))
unlocked = PyCapsule_New(&unlocked_state, "pyxtorch._storage.unlocked", NULL)
runtime = PyCapsule_New(&pyx_core_runtime, "pyxtorch._storage.runtime", NULL)       # for api.pyx


cdef void forget_kernels() noexcept nogil:
    """In a forked child no other thread runs a kernel."""
    unlocked_state.running[0] = unlocked_state.running[1] = 0


pthread_atfork(NULL, NULL, forget_kernels)


class OutOfMemoryError(RuntimeError):
    """An allocation that cannot be met; the message names its size in bytes."""


# --------------------------------------------------------------------------------- storage

# What _cuda.pyx lends once it is loaded.
ctypedef pyx_storage* (*storage_function)(int64_t nbytes, int index) except NULL
cdef storage_function cuda_storage
cuda_storage = NULL


def set_cuda_storage(capsule):
    """Take the GPU's storage function, a capsule of `pyx_storage* (*)(int64_t nbytes, int index)`."""
    global cuda_storage
    cuda_storage = <storage_function>PyCapsule_GetPointer(capsule, "pyxtorch.cuda_storage")


cdef pyx_storage* new_storage(int64_t nbytes, int dev, int index) except NULL:
    cdef pyx_storage* s
    if dev == CUDA:
        if cuda_storage == NULL:
            load_cuda()
            if cuda_storage == NULL:
                raise RuntimeError("cuda: no GPU is available.")
        if listener.on:
            listener.refuse(b"a tensor is made on a GPU")
        return cuda_storage(nbytes, index)
    s = make_storage(nbytes) if dev == CPU else meta_storage(nbytes)
    if s == NULL:
        raise OutOfMemoryError(
            f"CPU allocator: cannot allocate {nbytes} bytes ({nbytes / 2**30:.2f} GiB) beside the "
            f"{look().allocated} bytes in use. Use smaller tensors or a smaller dtype."
        )
    if listener.on:
        listener.made(<listened_storage*>s)
    return s


cdef void release_buffer(pyx_storage* s) noexcept:
    """Let go of memory that was lent through the buffer protocol."""
    cdef Py_buffer* view = <Py_buffer*>s.owner
    PyBuffer_Release(view)
    PyMem_Free(view)
    PyMem_Free(s)


cdef pyx_storage* foreign_storage(char* data, int64_t nbytes, void* owner, void (*release)(pyx_storage*) noexcept,
                                  int dev=CPU, int index=0) except NULL:
    cdef pyx_storage* s = <pyx_storage*>PyMem_Malloc(sizeof(pyx_storage))
    if s == NULL:
        raise MemoryError()
    if listener.on:
        listener.refuse(b"memory of others (NumPy's, a buffer) becomes a tensor")
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


cdef void release_twin(pyx_storage* s) noexcept:
    drop(<pyx_storage*>s.owner)
    s.owner = NULL
    s.data = <char*>(s + 1)
    alloc_release(s)


cdef pyx_storage* twin_storage(pyx_storage* s) except NULL:
    """The same memory under a version of its own."""
    cdef pyx_storage* twin = make_storage(0)
    if twin == NULL:
        raise MemoryError()
    twin.data = s.data
    twin.nbytes = s.nbytes
    twin.device_type = s.device_type
    twin.device_index = s.device_index
    twin.resizable = s.resizable
    twin.owner = s
    twin.release = release_twin
    hold(s)
    return twin


cdef pyx_storage* first_storage(pyx_storage* s) noexcept:
    while s.release == release_twin:
        s = <pyx_storage*>s.owner
    return s


cdef enum:
    FREED = 2       # a storage's `resizable`: resized to 0 under tensors that look at its memory


cdef pyx_storage no_bytes  # what a storage has that was made by __new__ alone
memset(&no_bytes, 0, sizeof(no_bytes))
no_bytes.refcount = 1
no_bytes.size_class = -1


# What users see of storages are objects of a subclass (storage.py), for each storage one at a time.
wrappers = _weakref.WeakValueDictionary()       # address of a storage to its object
_public_class = None


def set_storage_class(cls):
    """Objects of storages are made of this class from now on."""
    global _public_class
    _public_class = cls


def bare_wrapper():
    """An object of the public class, as yet without a storage."""
    if _public_class is None:
        from pyxtorch import storage  # calls set_storage_class  # no-cython-lint
    return _public_class.__new__(_public_class)


@cython.binding(False)
cdef class UntypedStorage:
    """Bytes behind tensors, as Python holds them. `UntypedStorage(nbytes, device="cpu")` are uninitialised bytes of its own."""

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

    def __bytes__(self):
        if self.st.device_type == META:
            raise NotImplementedError("Cannot copy out of meta tensor; no data!")
        if self.st.device_type != CPU:
            raise RuntimeError("storage: its memory is on a GPU; copy it with tensor.cpu() first.")
        return self.st.data[:self.st.nbytes] if self.st.nbytes else b""

    def nbytes(self):
        """Size in bytes."""
        return 0 if self.st.resizable == FREED else self.st.nbytes

    size = nbytes

    def __len__(self):
        return self.nbytes()

    def data_ptr(self):
        """Address of the first byte; 0 on the device meta."""
        if listener.on:
            listener.refuse(b"the address of a storage is asked for")
        return 0 if self.st.device_type == META else <intptr_t>self.st.data

    @property
    def device(self):
        return device_of(self.st.device_type, self.st.device_index)

    @property
    def _cdata(self):
        return <intptr_t>self.st

    def __eq__(self, other):
        return isinstance(other, UntypedStorage) and self.st == (<UntypedStorage>other).st

    def __hash__(self):
        return hash(<intptr_t><PyObject*>self)      # the storage's own address changes when it moves

    def __getbuffer__(self, Py_buffer* view, int flags):
        if self.st.device_type != CPU:
            raise BufferError(f"storage: on {device_name(self.st.device_type)} it has no buffer; only memory of the CPU has.")
        view.buf = self.st.data
        view.obj = self
        view.len = self.st.nbytes
        view.itemsize = 1
        view.readonly = False
        view.ndim = 1
        view.format = <char*>b"B" if flags & PyBUF_FORMAT else NULL
        view.shape = <Py_ssize_t*>&self.st.nbytes if flags & PyBUF_STRIDES else NULL
        view.strides = NULL
        if (flags & PyBUF_STRIDES) == PyBUF_STRIDES:
            view.strides = one_stride
        view.suboffsets = NULL
        hold(self.st)       # the memory itself: the storage may move while it is lent
        view.internal = self.st

    def __releasebuffer__(self, Py_buffer* view):
        drop(<pyx_storage*>view.internal)


cdef Py_ssize_t[1] one_stride = [1]


def memory_stats():
    """Statistics of the CPU allocator, in bytes and counts."""
    cdef Stats stats = look()
    return {
        "allocated_bytes.current": stats.allocated,
        "allocated_bytes.peak": stats.allocated_peak,
        "cached_bytes.current": stats.cached,
        "reserved_bytes.current": stats.allocated + stats.cached,
        "reserved_bytes.peak": stats.reserved_peak,
        "allocations": stats.allocations,
        "frees": stats.frees,
        "misses": stats.misses,
        "cap_bytes": stats.cap,
    }


def reset_peak_memory_stats():
    """Count peaks from now on."""
    reset_peaks()


def empty_cache():
    """Give all cached CPU memory back to the system."""
    empty()


def set_cache_limit(nbytes):
    """Keep at most `nbytes` bytes of freed CPU memory for reuse (default 2 GiB)."""
    if nbytes < 0:
        raise ValueError(f"set_cache_limit: nbytes must be 0 or more, not {nbytes}.")
    set_cap(nbytes)


# --------------------------------------------------------------------------------- threads

def set_num_threads(int n):
    """Use at most `n` threads, the caller among them. Results do not depend on it."""
    if n < 1:
        raise RuntimeError(f"set_num_threads: expected a positive number of threads, not {n}.")
    pool.wanted = min(n, 1024)


def get_num_threads():
    """How many threads an operation may use."""
    return pool_threads()


# -------------------------------------------------------------------------------- kernels

cdef enum:
    MAX_FAMILIES = 64
cdef KernelFamily registry[MAX_FAMILIES]
cdef int families = 0
ctypedef const pyx_table* (*find_function)(const char*) noexcept
cdef find_function[DEVICE_KINDS] finders
cdef void (*enter_cuda)(int) noexcept
enter_cuda = NULL

cdef struct kernel_module:          # as in kernels/cpu/module.cpp
    uint32_t abi
    const pyx_table* (*find)(const char*) noexcept
    void (*set_runtime)(const pyx_runtime*) noexcept
    const pyx_formula* (*formulas)(int*) noexcept

cdef const pyx_formula* (*list_formulas)(int*) noexcept
list_formulas = NULL

cdef struct cuda_module:            # as in _cuda.pyx
    const pyx_table* (*find)(const char*) noexcept
    void (*enter)(int) noexcept

_family_objects = []


def register_cpu_kernels(capsule):
    """Take the kernels of one instruction level (kernels/cpu/module.cpp)."""
    global list_formulas
    cdef kernel_module* module = <kernel_module*>PyCapsule_GetPointer(capsule, "pyxtorch.kernels")
    if module.abi != <uint32_t>KERNELS_ABI:
        raise ImportError(f"the CPU kernels are of another build: their interface is {module.abi}, this one {KERNELS_ABI}. Build again.")
    module.set_runtime(&pyx_core_runtime)
    finders[CPU] = module.find
    list_formulas = module.formulas


def register_cuda_kernels(capsule):
    """Take the GPU's kernels: a capsule of two functions, `find` and `enter` (_cuda.pyx)."""
    global enter_cuda
    cdef int i
    cdef cuda_module* module = <cuda_module*>PyCapsule_GetPointer(capsule, "pyxtorch.cuda_kernels")
    finders[CUDA] = module.find
    enter_cuda = module.enter
    for i in range(families):
        open_table(&registry[i], CUDA)


cdef extern from *:
    """
    static thread_local char pyx_caller[64];        /* the operation whose kernels are called, for errors */
    static thread_local int pyx_caller_device;
    """
    char pyx_caller[64]
    int pyx_caller_device


cdef int64_t no_kernel() except? NO_KERNEL with gil:
    """Stands in the table of a device for each kernel that it lacks; as in meta.h, one function can stand for them all."""
    raise RuntimeError(f"{pyx_caller.decode()}: is not available on {device_name(pyx_caller_device)} tensors. Move them with .cpu().")


cdef void** without_gaps(KernelFamily* family, int dev, void** entries) except NULL:
    """A table in which no entry is NULL."""
    cdef size_t i, count = family.size // sizeof(void*)
    cdef void** whole = entries
    for i in range(count):
        if entries[i] == NULL:
            if dev == CPU:
                raise ImportError(f"the CPU kernels of the family {family.name.decode()!r} lack entry {i}: the build is incomplete.")
            if whole == entries:
                whole = <void**>PyMem_RawMalloc(family.size)        # kept as long as the process, as tables are
                if whole == NULL:
                    raise MemoryError()
                memcpy(whole, entries, family.size)
            whole[i] = <void*>no_kernel
    return whole


cdef int open_table(KernelFamily* family, int dev) except -1:
    """Take what a device has of a family, and look whether it is of this build."""
    cdef const pyx_table* found = finders[dev](family.name) if finders[dev] != NULL else NULL
    if found == NULL:
        return 0
    if found.abi != <uint32_t>KERNELS_ABI or found.size != family.size:
        raise ImportError(
            f"kernels of the family {family.name.decode()!r} are of another build: interface {found.abi} and {found.size} bytes where "
            f"{KERNELS_ABI} and {family.size} are expected. Build all of it again."
        )
    family.about[dev] = found[0]
    family.tables[dev] = without_gaps(family, dev, <void**>found.kernels)
    return 0


cdef void** kernel_tables(const char* family, size_t size) except NULL:
    global families
    cdef int i
    for i in range(families):
        if strcmp(registry[i].name, family) == 0:
            if registry[i].size != size:
                raise ImportError(f"two modules know tables of the family {family.decode()!r} of {registry[i].size} and {size} bytes. Build all of it again.")
            return registry[i].tables
    if families == MAX_FAMILIES:
        raise RuntimeError("too many kernel families")
    name = bytes(family)
    _family_objects.append(name)
    i = families
    registry[i].name = name
    registry[i].size = size
    open_table(&registry[i], CPU)
    open_table(&registry[i], CUDA)
    if registry[i].tables[CPU] == NULL:
        raise ImportError(f"the CPU kernels have no family {family.decode()!r}: the build is incomplete.")
    registry[i].about[META] = registry[i].about[CPU]
    registry[i].tables[META] = <void*>meta_table(family, registry[i].tables[CPU])
    families += 1
    return registry[i].tables


cdef const pyx_formula* all_formulas(int* count) except NULL:
    if list_formulas == NULL:
        raise RuntimeError("the CPU kernels are not loaded.")
    return list_formulas(count)


def formulas():
    """What pyxtorch.kernels.formulas gives, as tuples."""
    cdef int count, i
    cdef const pyx_formula* all_ = all_formulas(&count)
    return [(all_[i].name.decode(), all_[i].text.decode(), all_[i].operands.decode(), all_[i].scalars, all_[i].result, all_[i].dtypes,
             bool(all_[i].complex_form)) for i in range(count)]


cdef int enter_device(int dev, int index, str op) except -1:
    global pyx_caller_device
    pyx_caller_device = dev
    strncpy(pyx_caller, PyUnicode_AsUTF8(op), sizeof(pyx_caller) - 1)
    if dev == CUDA and enter_cuda != NULL:
        enter_cuda(index)
    return 0


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
