"""Storages, and the tables of kernels. cimported by way of _core.pxd."""
from libc.stdint cimport int32_t, int64_t, uint32_t
from pyxtorch._dtype cimport *

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

cdef extern from "pyxtorch/unlocked.h":
    ctypedef struct pyx_unlocked:
        int64_t running[2]
    pyx_unlocked* pyx_unlocked_now() noexcept
    void pyx_retire(pyx_unlocked* u, pyx_storage* s) noexcept


cdef inline void hold(pyx_storage* s) noexcept nogil:
    s.refcount += 1


cdef inline void drop(pyx_storage* s) noexcept:
    s.refcount -= 1
    if s.refcount == 0:
        pyx_retire(pyx_unlocked_now(), s)


cdef pyx_storage* new_storage(int64_t nbytes, int dev, int index) except NULL
# Memory that somebody else owns; `release` is called when the last tensor lets go.
cdef pyx_storage* foreign_storage(char* data, int64_t nbytes, void* owner, void (*release)(pyx_storage*) noexcept,
                                  int dev=*, int index=*) except NULL
cdef void release_buffer(pyx_storage* s) noexcept       # `owner` is a Py_buffer
cdef pyx_storage* twin_storage(pyx_storage* s) except NULL      # the same memory under a version of its own
cdef pyx_storage* first_storage(pyx_storage* s) noexcept        # whose twin it is


cdef class UntypedStorage:
    cdef pyx_storage* st


cdef extern from "pyxtorch/kernel_table.h" nogil:
    int KERNELS_ABI "PYX_KERNELS_ABI"
    enum:
        NO_KERNEL "PYX_NO_KERNEL"
    int LAYOUT_ROWS "PYX_ROWS"
    int LAYOUT_CHANNELS_LAST "PYX_CHANNELS_LAST"
    ctypedef struct pyx_table:
        uint32_t abi
        uint32_t size
        uint32_t dtypes
        uint32_t layouts
        const void* kernels

cdef extern from "pyxtorch/formulas.h" nogil:
    ctypedef struct pyx_formula:
        const char* name
        const char* text
        const char* operands
        int scalars
        int result
        uint32_t dtypes
        bint complex_form

# Every formula as data.
cdef const pyx_formula* all_formulas(int* count) except NULL

cdef enum:
    DEVICE_KINDS = 3         # CPU, CUDA, META

cdef struct KernelFamily:
    void* tables[DEVICE_KINDS]           # by device; NULL where the device has none
    pyx_table about[DEVICE_KINDS]
    const char* name
    size_t size

# A family's kernel tables by device, opened and checked: `size` is what the caller thinks they have, in bytes.
cdef void** kernel_tables(const char* family, size_t size) except NULL
# Tells kernels which GPU the call that follows is for, and for which operation: of this thread, until it is told anew.
cdef int enter_device(int dev, int index, str op) except -1


cdef inline int native_dtype(void** tables, int dev, int dt) noexcept:
    """What a device's kernels of a family compute `dt` in: `dt` itself, or the wider dtype for half precision that they do not do."""
    if (<KernelFamily*>tables).about[dev].dtypes >> dt & 1:
        return dt
    return FLOAT32 if dt == FLOAT16 or dt == BFLOAT16 else COMPLEX64 if dt == COMPLEX32 else dt
