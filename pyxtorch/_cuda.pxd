"""What the GPU kernels of kernels/cuda/*.pyx borrow: devices, launches, programs, cuBLAS."""
from libc.stdint cimport int64_t


# Failures are kept, and raised by the thread's next allocation, copy or synchronisation.
cdef int pointer_device(const void* address) noexcept nogil          # whose memory this is
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
cdef int register(const char* family, const void* table) except -1
