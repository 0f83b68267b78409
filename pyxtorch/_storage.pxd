"""Storages, and the tables of kernels. cimported by way of _core.pxd."""
from libc.stdint cimport int32_t, int64_t
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


# A family's kernel tables by device; the entry is NULL where the device has none.
cdef void** kernel_tables(const char* family) except NULL
