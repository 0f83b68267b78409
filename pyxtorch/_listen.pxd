"""Who is told of what is written beside the tables of kernels while a step is recorded. See include/pyxtorch/listener.h."""
from libc.stdint cimport int64_t

cdef extern from "pyxtorch/listener.h" nogil:
    ctypedef struct listened_storage "pyx_storage":
        pass
    ctypedef void (*step_scalars "pyx_own_scalars")(double t, const void* options, double* each) noexcept
    ctypedef struct pyx_listener:
        int on
        void (*made)(listened_storage* s) noexcept
        void (*copied)(char* to, const char* source, int64_t nbytes) noexcept
        void (*zeroed)(char* to, int64_t nbytes) noexcept
        void (*wrote)(char* to, int64_t nbytes) noexcept
        void (*looked)(const char* at, int64_t nbytes, const char* what) noexcept
        void (*refuse)(const char* why) noexcept
        void (*stepped)(step_scalars fill, int64_t count, char** steps, const unsigned char* narrow, void* group) noexcept

# The one of the process. Ask `listener.on` first.
cdef pyx_listener listener


cdef inline void tell_copied(char* to, const char* source, int64_t nbytes) noexcept:
    if listener.on:
        listener.copied(to, source, nbytes)


cdef inline void tell_zeroed(char* to, int64_t nbytes) noexcept:
    if listener.on:
        listener.zeroed(to, nbytes)


cdef inline void tell_wrote(char* to, int64_t nbytes) noexcept:
    if listener.on:
        listener.wrote(to, nbytes)


cdef inline void tell_looked(const void* at, bint truth) noexcept:
    if listener.on:
        listener.looked(<const char*>at, 1 if truth else 16, b"an element of a tensor becomes a number of Python (item, tolist, int, print): return the tensor instead")
