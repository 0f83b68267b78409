"""Checks and helpers that all families of operations share. Nothing here records on the tape
unless it says so."""
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint64_t
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Node, Variable, recording
from pyxtorch.kernels.elementwise cimport *

cdef pyx_elementwise_kernels** elementwise_tables
# The kernel table of a family for the device of x, which the call that follows works on; RuntimeError when it has none yet.
cdef void* table_for(void** tables, TensorBase x, str op) except NULL


cdef inline bint native(const void* tables, TensorBase x) noexcept:
    """Whether the family's kernels for the device of x compute its dtype as it is; else it goes to them as `native_dtype`."""
    return native_dtype(<void**>tables, x.dev, x.dt) == x.dt


# What the kernels take: of a dtype and a layout that they do, cast or copied where x is not; unrecorded. `layout` is told
# which it is; without it they get rows.
cdef Variable as_native(const void* tables, Variable x, int* layout=*)


# ------------------------------------------------------------------------------ raw copies
cdef int copy_raw(TensorBase dst, TensorBase src) except -1     # any dtypes, strides, devices; src is broadcast
cdef Variable dense(Variable x)                     # x itself if contiguous, else a contiguous copy
cdef Variable cast_raw(Variable x, int dt)          # contiguous and of dtype dt; x itself if it is so already
cdef Variable clone_raw(Variable x)                 # always a new contiguous copy
cdef int fill_raw(TensorBase x, object value) except -1         # every element; value is a Python number
cdef Variable full_raw(int nd, const int64_t* sizes, int dt, int dev, int dev_index, object value)
cdef Variable zeros_raw(int nd, const int64_t* sizes, int dt, int dev, int dev_index)
cdef Variable zeros_of(Variable x)                  # zeros, contiguous, like x

# --------------------------------------------------------------------------------- numbers
cdef bint is_number(object x) noexcept              # int, float, complex, bool, NumPy scalars
cdef tuple integer_range(int dt)                    # the least and the greatest number of an integer dtype or bool
cdef int number_dtype(object x) except -1           # bool -> BOOL, int -> INT64, float -> default, complex
cdef int promote_number(int dt, object number) except -1        # a tensor dtype with a Python number
cdef object modulo(object number, int dt)
cdef Variable wrap_number(object number, int dt, int dev, int dev_index)   # 0-d, WRAPPED
cdef int write_number(object number, int dt, void* out) except -1
cdef object read_number(int dt, const void* p)      # Python number of one element
cdef object item_of(TensorBase x)                   # of a one-element tensor (copies from the GPU)
cdef int need_values(TensorBase x, str op) except -1            # NotImplementedError on meta: the result's shape depends on elements
cdef bint any_true(object x) except -1              # for checks of elements; on meta there are none to complain of
cdef int64_t as_index(object x, str op) except? -1  # int, or integer tensor of one element
cdef Variable as_tensor(object x, int dev, int dev_index)       # tensor, number, list, NumPy array

# ----------------------------------------------------------------------------- shapes, dims
ctypedef unsigned long long uint64_dims

cdef int parse_sizes(object sizes, int64_t* out, str op) except -1          # int, sequence; returns nd
cdef int parse_star(tuple args, int64_t* out, str op) except -1             # f(2, 3), f((2, 3))
cdef int broadcast(TensorBase a, TensorBase b, int64_t* out, str op) except -1      # returns nd
cdef uint64_dims dims_mask(object dim, int nd, str op) except *             # None: all; int or sequence
cdef int result_type_of(TensorBase a, TensorBase b) except -1                # torch.result_type on codes

# ------------------------------------------------------------------------------- checks, out
cdef int same_device(TensorBase a, TensorBase b, str op) except -1
cdef int need_floating(TensorBase x, str op) except -1          # RuntimeError for integers and bool
cdef object finish_out(object result, object out, str op)       # copy results into out (tuple: each)
cdef Variable checked(object x, str op, str name)               # x as Variable, or TypeError
