"""What the GPU kernels of kernels/cuda/*.pyx borrow: devices, launches, programs, cuBLAS."""
from libc.stdint cimport int64_t, uintptr_t
from pyxtorch._core cimport TensorBase

cdef extern from "pyxtorch/cuda_allocator.h" namespace "pyx_cuda" nogil:
    ctypedef uintptr_t Address
    cdef struct Driver:
        int (*init)(unsigned) noexcept nogil
        int (*driver_version)(int*) noexcept nogil
        int (*device_count)(int*) noexcept nogil
        int (*device_get)(int*, int) noexcept nogil
        int (*device_name)(char*, int, int) noexcept nogil
        int (*device_attribute)(int*, int, int) noexcept nogil
        int (*device_memory)(size_t*, int) noexcept nogil
        int (*context_synchronize)() noexcept nogil
        int (*memory_info)(size_t*, size_t*) noexcept nogil
        int (*copy_to_device)(Address, const void*, size_t, void*) noexcept nogil
        int (*copy_to_host)(void*, Address, size_t, void*) noexcept nogil
        int (*copy_on_device)(Address, Address, size_t, void*) noexcept nogil
        int (*copy_peer)(Address, void*, Address, void*, size_t, void*) noexcept nogil
        int (*memory_set)(Address, unsigned char, size_t, void*) noexcept nogil
        int (*stream_create)(void**, unsigned, int) noexcept nogil
        int (*stream_destroy)(void*) noexcept nogil
        int (*stream_synchronize)(void*) noexcept nogil
        int (*stream_query)(void*) noexcept nogil
        int (*stream_wait_event)(void*, void*, unsigned) noexcept nogil
        int (*event_create)(void**, unsigned) noexcept nogil
        int (*event_destroy)(void*) noexcept nogil
        int (*event_record)(void*, void*) noexcept nogil
        int (*event_query)(void*) noexcept nogil
        int (*event_synchronize)(void*) noexcept nogil
        int (*event_elapsed)(float*, void*, void*) noexcept nogil
        int (*module_load)(void**, const void*) noexcept nogil
        int (*module_function)(void**, void*, const char*) noexcept nogil
    cdef struct Device:
        int handle, capability, multiprocessors
        void* context
    cdef struct Statistic:
        int64_t current, peak, allocated, freed
    cdef cppclass Pool:
        Statistic[9][3] statistics
        int64_t retries, failures, limit
    int NOT_READY


# Failures are kept, and raised by the thread's next allocation, copy or synchronisation.
cdef int device_of_call() noexcept nogil                            # the GPU that the operation called kernels for
cdef int launch(int device, void* function, int64_t blocks, unsigned threads, void** parameters) noexcept nogil
cdef int multiprocessors(int device) noexcept nogil
cdef int memcpy_device(char* to, const char* source, int64_t nbytes) noexcept nogil
cdef int memset_device(char* to, int value, int64_t nbytes) noexcept nogil
cdef void fail(str text) noexcept                               # keep a failure of our own
# A kernel by its C++ name expression, compiled from a source of kernels/cuda/ at first use; NULL after a failure.
cdef void* function(int device, str source, str expression) noexcept

# A family's kernels by number, each compiled at its first use.
cdef struct Kernels:
    int count
    void** found                # device * count + number
    bint* defined               # by number
    int serial                  # its place in _cuda.families
# `names`: number -> C++ name expression in `source`, a file of kernels/cuda/.
cdef int define(Kernels* k, str source, dict names) except -1
# Launch: 0 (a failure is kept), or -1 where there is no kernel of that number.
cdef int start(Kernels* k, int device, int number, int64_t blocks, void** parameters) noexcept nogil
cdef enum:
    THREADS = 256               # in a block; cuda_block.h has the same
cdef int64_t blocks_for(int64_t threads, int device) noexcept nogil

# Bytes between host and device, in the order of the current stream; back: waits for them.
cdef int send(int device, void* to, const void* source, int64_t nbytes) noexcept nogil
cdef int bring(int device, void* to, const void* source, int64_t nbytes) noexcept nogil
# Device memory for a kernel's own use, ordered by the current stream; NULL after a failure.
cdef void* scratch(int device, int64_t nbytes, void** block) noexcept nogil
cdef void scratch_free(void* block) noexcept nogil
# cuBLAS: GemmStridedBatchedEx in its column-major way; 0 or a failure that is kept.
cdef int gemm(int device, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int lda, int64_t stride_a,
              const void* b, int ldb, int64_t stride_b, const void* beta, void* c, int ldc, int64_t stride_c, int batch,
              int type, int compute) noexcept nogil
cdef bint uses_tf32() noexcept nogil
# A family's table, as pyxtorch._core.kernel_tables finds it.
cdef int register(const char* family, const void* table, size_t size, object dtypes) except -1     # dtypes: codes that it does as they are

# What _cuda_device.pyx shows of it. The header's own variables belong to _cuda.pyx alone: here are pointers to them.
cdef Driver* the_driver
cdef Device* the_devices
cdef Pool* the_pools
cdef void** streams_of_thread() noexcept        # the current stream by device
cdef bint of_this_process() noexcept            # not of the parent of a fork
cdef int check(int rc, const char* what) except -1
cdef int raise_pending() except -1
cdef int use(int index) except -1
cdef int check_device(int index) except -1
cdef int keep_for(TensorBase x, void* stream) except -1     # its memory from reuse, until the stream's work is done
