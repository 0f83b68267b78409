"""dtypes, devices, layouts and their codes. cimported by way of _core.pxd."""
cdef extern from "pyxtorch/dtype.h" nogil:
    int BOOL "PYX_BOOL"
    int UINT8 "PYX_UINT8"
    int UINT16 "PYX_UINT16"
    int UINT32 "PYX_UINT32"
    int UINT64 "PYX_UINT64"
    int INT8 "PYX_INT8"
    int INT16 "PYX_INT16"
    int INT32 "PYX_INT32"
    int INT64 "PYX_INT64"
    int FLOAT8_E5M2 "PYX_FLOAT8_E5M2"
    int FLOAT8_E4M3FN "PYX_FLOAT8_E4M3FN"
    int FLOAT8_E5M2FNUZ "PYX_FLOAT8_E5M2FNUZ"
    int FLOAT8_E4M3FNUZ "PYX_FLOAT8_E4M3FNUZ"
    int FLOAT8_E8M0FNU "PYX_FLOAT8_E8M0FNU"
    int FLOAT16 "PYX_FLOAT16"
    int BFLOAT16 "PYX_BFLOAT16"
    int FLOAT32 "PYX_FLOAT32"
    int FLOAT64 "PYX_FLOAT64"
    int COMPLEX32 "PYX_COMPLEX32"
    int COMPLEX64 "PYX_COMPLEX64"
    int COMPLEX128 "PYX_COMPLEX128"
    enum:
        NUM_DTYPES "PYX_NUM_DTYPES"
    int CPU "PYX_CPU"
    int CUDA "PYX_CUDA"
    int itemsize_of "pyx_itemsize"(int dtype)

cdef extern from "pyxtorch/storage.h" nogil:
    int META "PYX_META"

cdef class dtype:
    cdef readonly int code
    cdef readonly int itemsize
    cdef readonly str name
    cdef readonly bint is_floating_point
    cdef readonly bint is_complex
    cdef readonly bint is_signed


cdef class device:
    cdef int kind            # CPU, CUDA or META
    cdef int number          # -1: none given
    cdef readonly str type


cdef class layout:
    cdef readonly str name


cdef inline bint is_floating(int dt) noexcept:
    return INT64 < dt <= FLOAT64
cdef inline bint is_float8(int dt) noexcept:            # of 8 bits: kept and converted, not computed in
    return INT64 < dt < FLOAT16
cdef inline bint is_complex_code(int dt) noexcept:
    return dt > FLOAT64
cdef inline bint is_integral(int dt) noexcept:          # bool excluded
    return UINT8 <= dt <= INT64
cdef inline int real_code(int dt) noexcept:             # complex64 -> float32 ...
    return FLOAT32 if dt == COMPLEX64 else FLOAT64 if dt == COMPLEX128 else FLOAT16 if dt == COMPLEX32 else dt
cdef inline int complex_code(int dt) noexcept:
    return COMPLEX128 if dt == FLOAT64 or dt == COMPLEX128 else COMPLEX32 if dt == FLOAT16 or dt == COMPLEX32 else COMPLEX64

cdef dtype dtype_of(int code)                           # the public object of a code
cdef int dtype_code(object dtype) except -1             # of a dtype, or of float, int, bool, complex
cdef int default_dtype() noexcept
cdef int promote(int a, int b) except -1                # torch.promote_types on codes
cdef int can_cast(int src, int dst) noexcept            # torch.can_cast on codes
cdef const char* buffer_format(int dt) noexcept         # of the buffer protocol; NULL if it has none
cdef int code_of_format(const char* format, Py_ssize_t itemsize) noexcept    # -1: no dtype
cdef int parse_device(object d, int* index) except -1   # None: the default device
cdef device device_of(int kind, int index)
cdef str device_name(int kind)                          # "cpu", "cuda", "meta"
cdef object load_cuda()                                 # open the GPU side
cdef layout strided
cdef int check_layout(object given, str op) except -1   # TypeError, or RuntimeError: any but strided
cdef inline int only_strided(object given, str op) except -1:   # of a factory's argument layout=
    return 0 if given is None else check_layout(given, op)
