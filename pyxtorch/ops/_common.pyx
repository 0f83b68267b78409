"""Checks and helpers that all families of operations share."""
from cpython.bool cimport PyBool_Check
from cpython.complex cimport PyComplex_Check
from cpython.float cimport PyFloat_Check
from cpython.long cimport PyLong_Check, PyLong_CheckExact
from libc.string cimport memcpy, memmove, memset
from pyxtorch._core cimport *
from pyxtorch._listen cimport tell_copied, tell_looked, tell_wrote, tell_zeroed
from pyxtorch.autograd cimport Variable, grad_enabled, recording, tracked

from pyxtorch.ops._results import EXACT_OUT, return_type, return_types  # no-cython-lint: the families take the last two from here

elementwise_tables = <pyx_elementwise_kernels**>kernel_tables(b"elementwise", sizeof(pyx_elementwise_kernels))


cdef void* table_for(void** tables, TensorBase x, str op) except NULL:
    if tables[x.dev] == NULL:
        raise RuntimeError(f"{op}: is not available on {device_name(x.dev)} tensors. Move them with .cpu().")
    if x.dev != CPU:
        enter_device(x.dev, x.dev_index, op)
    return tables[x.dev]


# ------------------------------------------------------------------------------ raw copies

cdef int copy_raw(TensorBase dst, TensorBase src) except -1:
    cdef pyx_strided walk
    cdef PyObject* operands[2]
    cdef pyx_elementwise_kernels* k
    cdef int failed
    if dst.n == 0 or dst.dev == META:
        return 0
    if dst.dev != src.dev:
        if src.dev == META:
            raise NotImplementedError("Cannot copy out of meta tensor; no data!")
        from pyxtorch import _cuda
        _cuda.copy(dst, src)
        return 0
    if dst.dt == src.dt and dst.flags & src.flags & CONTIGUOUS and dst.n == src.n and dst.n <= 4096 and dst.dev == CPU:
        memmove(dst.ptr, src.ptr, dst.n * itemsize_of(dst.dt))
        tell_copied(dst.ptr, src.ptr, dst.n * itemsize_of(dst.dt))
        return 0
    if same_memory(dst, src) and partly_the_same(dst, src):
        src = clone_raw(<Variable>src)
    operands[0] = <PyObject*>dst
    operands[1] = <PyObject*>src
    walk_init(&walk, dst.nd, dst.sizes, 2, operands)
    k = <pyx_elementwise_kernels*>table_for(<void**>elementwise_tables, dst, "copy")
    if dst.n > 65536:
        with nogil:
            failed = k.cast(&walk)
    else:
        failed = k.cast(&walk)
    if failed:
        raise RuntimeError(f"copy: cannot convert {dtype_of(src.dt)!r} to {dtype_of(dst.dt)!r}.")
    return 0


cdef bint partly_the_same(TensorBase a, TensorBase b) noexcept:
    """Whether their memory may have bytes in common, other than element by element at one place."""
    cdef int i
    cdef char* low[2]
    cdef char* high[2]
    cdef TensorBase x
    cdef bint same = a.ptr == b.ptr and a.dt == b.dt and a.nd == b.nd
    for k in range(2):
        x = a if k == 0 else b
        low[k] = x.ptr
        high[k] = x.ptr + itemsize_of(x.dt)
        for i in range(x.nd):
            reach = (x.sizes[i] - 1) * x.strides[i] * itemsize_of(x.dt)
            if reach < 0:
                low[k] += reach
            else:
                high[k] += reach
            same = same and a.sizes[i] == b.sizes[i] and (a.strides[i] == b.strides[i] or a.sizes[i] == 1)
    return not same and low[0] < high[1] and low[1] < high[0]


cdef Variable clone_raw(Variable x):
    cdef Variable y = <Variable>new_like(x, x.dt)
    copy_raw(y, x)
    return y


cdef Variable dense(Variable x):
    return x if x.flags & CONTIGUOUS else clone_raw(x)


cdef Variable cast_raw(Variable x, int dt):
    cdef Variable y
    if x.dt == dt and x.flags & CONTIGUOUS:
        return x
    y = <Variable>new_like(x, dt)
    copy_raw(y, x)
    return y


cdef Variable as_native(const void* tables, Variable x, int* layout=NULL):
    if layout != NULL:
        layout[0] = LAYOUT_ROWS
        if (<KernelFamily*>tables).about[x.dev].layouts & LAYOUT_CHANNELS_LAST and native(tables, x) and channels_lie_last(x):
            layout[0] = LAYOUT_CHANNELS_LAST
            return x
    return cast_raw(x, native_dtype(<void**>tables, x.dev, x.dt))


cdef bint channels_lie_last(TensorBase x) noexcept:
    """(N, C, *spatial) with the channels next to each other, and not rows as well."""
    cdef int i
    cdef int64_t step = x.sizes[1] if x.nd > 2 else 0
    if x.nd < 3 or x.flags & CONTIGUOUS or x.strides[1] != 1:
        return False
    for i in range(x.nd - 1, 1, -1):
        if x.sizes[i] != 1 and x.strides[i] != step:
            return False
        step *= x.sizes[i]
    return x.sizes[0] == 1 or x.strides[0] == step


cdef int fill_raw(TensorBase x, object value) except -1:
    cdef char number[16]
    cdef int size = itemsize_of(x.dt)
    cdef pyx_elementwise_kernels* k
    if x.n == 0:
        return 0
    if PyLong_Check(value):
        fits(value)
    write_number(value, x.dt, number)
    if x.flags & CONTIGUOUS:
        k = <pyx_elementwise_kernels*>table_for(<void**>elementwise_tables, x, "fill")
        if x.n > 65536:
            x_ptr, x_n = x.ptr, x.n
            with nogil:
                k.fill(x_ptr, x_n, size, number)
        else:
            k.fill(x.ptr, x.n, size, number)
    else:
        copy_raw(x, wrap_number(value, x.dt, x.dev, x.dev_index))
    return 0


cdef Variable full_raw(int nd, const int64_t* sizes, int dt, int dev, int dev_index, object value):
    cdef Variable y = <Variable>new_empty(nd, sizes, dt, dev, dev_index)
    fill_raw(y, value)
    return y


cdef Variable zeros_raw(int nd, const int64_t* sizes, int dt, int dev, int dev_index):
    cdef Variable y = <Variable>new_empty(nd, sizes, dt, dev, dev_index)
    if dev == CPU and y.n <= 4096:
        memset(y.ptr, 0, y.n * itemsize_of(dt))
        tell_zeroed(y.ptr, y.n * itemsize_of(dt))
    else:
        fill_raw(y, 0)
    return y


cdef Variable zeros_of(Variable x):
    return zeros_raw(x.nd, x.sizes, x.dt, x.dev, x.dev_index)


# --------------------------------------------------------------------------------- numbers

cdef type _np_number = None


cdef bint _is_numpy_number(object x):
    global _np_number
    if type(x).__module__ != "numpy":
        return False
    if _np_number is None:
        import numpy
        _np_number = numpy.generic
    return isinstance(x, _np_number) and (hasattr(x, "__index__") or hasattr(x, "__float__") or hasattr(x, "__complex__"))


cdef bint is_number(object x) noexcept:
    if PyFloat_Check(x) or PyLong_Check(x) or PyComplex_Check(x):
        return True
    return not isinstance(x, (Variable, list, tuple, str)) and x is not None and _is_numpy_number(x)


cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1


cdef int fits(object number) except -1:
    """OverflowError: an integer that does not fit in 64 bits, signed or not, is no operand, as in PyTorch."""
    cdef int over = 0
    PyLong_AsLongLongAndOverflow(number, &over)
    if over and (over < 0 or number >= 1 << 64):
        raise OverflowError(f"int too big to convert: {number} does not fit in 64 bits. Give a float.")
    return 0


cdef object modulo(object number, int dt):
    """What an integer dtype holds of an integer: its low bits, as in PyTorch, whose programs compute hashes with that."""
    cdef int over = 0, bits = 8 * itemsize_of(dt)
    cdef long long v
    if not (PyLong_Check(number) and BOOL < dt <= INT64):
        return number
    v = PyLong_AsLongLongAndOverflow(number, &over)
    if not over and (v >> (bits - 1) in (0, -1) if dt > UINT64 else v >= 0 and (bits == 64 or v >> bits == 0)):
        return number
    number &= (<object>1 << bits) - 1
    return number - (<object>1 << bits) if dt > UINT64 and number >> (bits - 1) else number


cdef tuple integer_range(int dt):
    beyond = <object>1 << (8 * itemsize_of(dt))     # a Python number: 2^63 is none in C
    return (0, 1) if dt == BOOL else (0, beyond - 1) if dt <= UINT64 else (-(beyond >> 1), (beyond >> 1) - 1)


cdef int number_dtype(object x) except -1:
    if PyBool_Check(x):
        return BOOL
    if PyFloat_Check(x):
        return default_dtype()
    if PyLong_Check(x):
        fits(x)
        return INT64
    if PyComplex_Check(x):
        return complex_code(default_dtype())
    kind = x.dtype.kind
    return BOOL if kind == "b" else INT64 if kind in "iu" else default_dtype() if kind == "f" else complex_code(default_dtype())


cdef int promote_number(int dt, object number) except -1:
    """A Python number changes a tensor's dtype only where it is of a higher kind."""
    cdef int other
    if PyFloat_Check(number):
        return dt if dt > INT64 else default_dtype()
    if PyBool_Check(number):
        return dt
    if PyLong_Check(number):
        fits(number)
        return dt if dt != BOOL else INT64
    other = number_dtype(number)
    if other == BOOL:
        return dt
    if other == INT64:
        return dt if dt != BOOL else INT64
    if is_complex_code(other):
        return dt if is_complex_code(dt) else complex_code(dt) if is_floating(dt) else other
    return dt if dt > INT64 else default_dtype()


cdef Variable wrap_number(object number, int dt, int dev, int dev_index):
    cdef Variable y, host
    if PyLong_Check(number):
        fits(number)
    y = <Variable>new_empty(0, NULL, dt, dev, dev_index)
    if dev == CPU:
        write_number(number, dt, y.ptr)
        tell_wrote(y.ptr, itemsize_of(dt))
    else:
        host = <Variable>new_empty(0, NULL, dt, CPU, 0)
        write_number(number, dt, host.ptr)
        copy_raw(y, host)
    y.flags |= WRAPPED
    return y


cdef extern from "pyxtorch/dtype.h" namespace "pyx" nogil:
    cdef cppclass f16:
        unsigned short x
    cdef cppclass bf16:
        unsigned short x
    f16 to_f16(float)
    bf16 to_bf16(float)
    float to_float(f16)
    float to_float_b "pyx::to_float"(bf16)

cdef extern from "pyxtorch/float8.h" namespace "pyx" nogil:
    float from_float8(int dtype, unsigned char code)
    unsigned char to_float8(int dtype, float x)


cdef object _overflow(object number, int dt):
    return (ValueError if dt == INT64 and PyLong_Check(number) else RuntimeError)(f"value cannot be converted to type {dtype_of(dt).name} without overflow: {number}")


cdef int write_number(object number, int dt, void* out) except -1:
    """Store a Python number as one element; RuntimeError where it does not fit."""
    cdef double d
    cdef double complex z
    cdef int64_t i = 0
    cdef uint64_t u
    cdef f16 h
    cdef bf16 b
    if dt == FLOAT32:
        if PyComplex_Check(number):
            number = _real_part(number, dt)
        (<float*>out)[0] = <double>number
        return 0
    if dt == FLOAT64:
        if PyComplex_Check(number):
            number = _real_part(number, dt)
        (<double*>out)[0] = <double>number
        return 0
    if dt > FLOAT64:
        z = complex(number)
        if dt == COMPLEX64:
            (<float*>out)[0] = z.real
            (<float*>out)[1] = z.imag
        elif dt == COMPLEX32:
            (<f16*>out)[0] = to_f16(z.real)
            (<f16*>out)[1] = to_f16(z.imag)
        else:
            (<double*>out)[0] = z.real
            (<double*>out)[1] = z.imag
        return 0
    if dt == FLOAT16:
        h = to_f16(<float><double>_real_part(number, dt))
        memcpy(out, &h, 2)
        return 0
    if dt == BFLOAT16:
        b = to_bf16(<float><double>_real_part(number, dt))
        memcpy(out, &b, 2)
        return 0
    if is_float8(dt):
        (<unsigned char*>out)[0] = to_float8(dt, <float><double>_real_part(number, dt))
        return 0
    if dt == BOOL:
        (<unsigned char*>out)[0] = 1 if number else 0
        return 0
    if not PyLong_Check(number):
        number = _real_part(number, dt)
        if not PyLong_Check(number):
            d = number
            if d != d or d - d != 0 or (dt <= UINT64 and d < 0):
                raise _overflow(number, dt)
            number = int(number)
    if dt <= UINT64:
        bits = 8 * itemsize_of(dt)
        if not -(<object>1 << bits) < number < <object>1 << bits:     # negative ones wrap, as in C
            raise _overflow(number, dt)
        u = number & ((<object>1 << bits) - 1)
        memcpy(out, &u, itemsize_of(dt))        # the low bytes come first
        return 0
    try:
        i = number
    except OverflowError:
        raise _overflow(number, dt) from None
    if dt == INT64:
        (<int64_t*>out)[0] = i
    elif dt == INT32 and -0x80000000 <= i <= 0x7fffffff:
        (<int*>out)[0] = <int>i
    elif dt == INT16 and -0x8000 <= i <= 0x7fff:
        (<short*>out)[0] = <short>i
    elif dt == INT8 and -0x80 <= i <= 0x7f:
        (<signed char*>out)[0] = <signed char>i
    else:
        raise _overflow(number, dt)
    return 0


cdef object _real_part(object number, int dt):
    if PyComplex_Check(number):
        if number.imag != 0:
            raise _overflow(number, dt)
        return number.real
    return number


cdef object read_number(int dt, const void* p):
    tell_looked(p, dt == BOOL)
    if dt == FLOAT32:
        return (<float*>p)[0]
    if dt == INT64:
        return (<int64_t*>p)[0]
    if dt == BOOL:
        return (<unsigned char*>p)[0] != 0
    if dt == FLOAT64:
        return (<double*>p)[0]
    if dt == INT32:
        return (<int*>p)[0]
    if dt == UINT8:
        return (<unsigned char*>p)[0]
    if dt == INT8:
        return (<signed char*>p)[0]
    if dt == INT16:
        return (<short*>p)[0]
    if dt == FLOAT16:
        return to_float((<f16*>p)[0])
    if dt == BFLOAT16:
        return to_float_b((<bf16*>p)[0])
    if dt == COMPLEX64:
        return complex((<float*>p)[0], (<float*>p)[1])
    if dt == COMPLEX128:
        return complex((<double*>p)[0], (<double*>p)[1])
    if dt == UINT16:
        return (<unsigned short*>p)[0]
    if dt == UINT32:
        return (<unsigned int*>p)[0]
    if dt == UINT64:
        return (<uint64_t*>p)[0]
    if dt == COMPLEX32:
        return complex(to_float((<f16*>p)[0]), to_float((<f16*>p)[1]))
    return from_float8(dt, (<unsigned char*>p)[0])


cdef object item_of(TensorBase x):
    cdef Variable host
    if x.n != 1:
        raise RuntimeError(f"item: a Tensor with {x.n} elements cannot be converted to Scalar; only one element can.")
    if x.dev == META:
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")
    if x.dev != CPU:
        host = <Variable>new_empty(0, NULL, x.dt, CPU, 0)
        copy_raw(host, x)
        return read_number(x.dt, host.ptr)
    return read_number(x.dt, x.ptr)


cdef int need_values(TensorBase x, str op) except -1:
    if x.dev == META:
        raise NotImplementedError(f"{op}: attempted to run this operator with Meta tensors: its result depends on elements, and they have none.")
    return 0


cdef bint any_true(object x) except -1:
    return (<Variable?>x).dev != META and bool(x.any())


cdef int64_t as_index(object x, str op) except? -1:
    if isinstance(x, Variable):
        if (<Variable>x).dt > INT64 or (<Variable>x).dt == BOOL:
            raise TypeError(f"{op}: only integer tensors of a single element can be converted to an index, not {dtype_of((<Variable>x).dt)!r}.")
        return item_of(<Variable>x)
    if PyFloat_Check(x) or PyBool_Check(x):
        raise TypeError(f"{op}: expected an integer, not the {type(x).__name__} {x}.")
    if not PyLong_Check(x) and not hasattr(type(x), "__index__"):
        raise TypeError(f"{op}: expected an integer, not {type(x).__name__}.")
    return x if PyLong_Check(x) else x.__index__()


cdef Variable as_tensor(object x, int dev, int dev_index):
    if isinstance(x, Variable):
        return <Variable>x
    if PyFloat_Check(x) or PyLong_Check(x) or PyComplex_Check(x):
        return wrap_number(x, number_dtype(x), dev, dev_index)
    if hasattr(type(x), "__torch_function__"):      # for the gate, which then asks it: its array is not what counts
        raise TypeError(f"expected a Tensor or a number, not {type(x).__name__}, whose class overrides operations.")
    from pyxtorch.ops import create
    return create.as_tensor_(x, device=device_of(dev, dev_index))


# ----------------------------------------------------------------------------- shapes, dims

cdef int parse_sizes(object sizes, int64_t* out, str op) except -1:
    cdef int n = 0
    if PyLong_Check(sizes):
        out[0] = sizes
        return 1
    if isinstance(sizes, Variable):
        if (<Variable>sizes).nd:
            sizes = sizes.tolist()
        else:
            out[0] = as_index(sizes, op)
            return 1
    elif not isinstance(sizes, (tuple, list)):
        if hasattr(sizes, "__index__"):
            out[0] = sizes.__index__()
            return 1
        try:
            sizes = tuple(sizes)
        except TypeError:
            raise TypeError(f"{op}: expected a tuple of ints, not {type(sizes).__name__}.") from None
    if len(sizes) > 64:
        raise RuntimeError(f"{op}: {len(sizes)} dimensions; a tensor can have at most 64.")
    for s in sizes:
        if PyLong_CheckExact(s):
            out[n] = s
        else:
            if PyFloat_Check(s):
                raise TypeError(f"{op}: sizes must be integers, but entry {n} is {s!r}.")
            out[n] = as_index(s, op)
        n += 1
    return n


cdef int parse_star(tuple args, int64_t* out, str op) except -1:
    if len(args) == 1:
        return parse_sizes(args[0], out, op)
    return parse_sizes(args, out, op)


cdef int broadcast(TensorBase a, TensorBase b, int64_t* out, str op) except -1:
    cdef int nd = a.nd if a.nd > b.nd else b.nd
    cdef int i
    cdef int64_t x, y
    for i in range(1, nd + 1):
        x = a.sizes[a.nd - i] if i <= a.nd else 1
        y = b.sizes[b.nd - i] if i <= b.nd else 1
        if x != y and x != 1 and y != 1:
            raise RuntimeError(
                f"{op}: The size of tensor a ({x}) must match the size of tensor b ({y}) at non-singleton dimension "
                f"{nd - i}: shapes {list(shape_of(a))} and {list(shape_of(b))} do not broadcast."
            )
        out[nd - i] = y if x == 1 else x
    return nd


cdef uint64_dims dims_mask(object dim, int nd, str op) except *:
    """Bit i is set where dimension i is named; None (and an empty sequence) names all."""
    cdef uint64_dims mask = 0
    cdef int d
    if dim is None:
        return (<uint64_dims>1 << nd) - 1 if nd < 64 else ~<uint64_dims>0
    if not isinstance(dim, (tuple, list)):
        return <uint64_dims>1 << wrap_dim(dim, nd, op)
    if len(dim) == 0:
        return (<uint64_dims>1 << nd) - 1 if nd < 64 else ~<uint64_dims>0
    for item in dim:
        d = wrap_dim(item, nd, op)
        if mask >> d & 1:
            raise RuntimeError(f"{op}: dim {d} appears multiple times in the list of dims {list(dim)}.")
        mask |= <uint64_dims>1 << d
    return mask


cdef int _category(int dt) noexcept:
    return 0 if dt == BOOL else 1 if dt <= INT64 else 2 if dt <= FLOAT64 else 3


cdef int _priority(TensorBase x) noexcept:
    return 0 if x.flags & WRAPPED else 1 if x.nd == 0 else 2


cdef int result_type_of(TensorBase a, TensorBase b) except -1:
    """Dimensioned tensors decide; 0-d tensors, and then numbers, only by a higher kind."""
    cdef int pa, pb, dt
    if a.dt == b.dt:
        return a.dt
    pa = _priority(a)
    pb = _priority(b)
    if pa == pb:
        return promote(a.dt, b.dt)
    if pa < pb:
        return result_type_of(b, a)
    if _category(b.dt) <= _category(a.dt):
        return a.dt
    dt = b.dt
    if b.flags & WRAPPED:       # a number is of the default dtype of its kind
        if is_complex_code(dt) and is_floating(a.dt):
            return complex_code(a.dt)
        return complex_code(default_dtype()) if is_complex_code(dt) else default_dtype() if is_floating(dt) else dt
    return promote(a.dt, dt)


def result_type(tensor1, tensor2):
    """The dtype in which an arithmetic operation of two tensors or numbers is computed."""
    return dtype_of(result_type_of(as_tensor(tensor1, CPU, 0), as_tensor(tensor2, CPU, 0)))


# ------------------------------------------------------------------------------- checks, out

cdef int same_device(TensorBase a, TensorBase b, str op) except -1:
    if a.dev != b.dev or a.dev_index != b.dev_index:
        raise RuntimeError(
            f"{op}: Expected all tensors to be on the same device, but found at least two devices, "
            f"{device_of(a.dev, a.dev_index)} and {device_of(b.dev, b.dev_index)}! Move one with .to(device)."
        )
    return 0


cdef int need_floating(TensorBase x, str op) except -1:
    if x.dt <= INT64:
        raise NotImplementedError(f"{op}: not implemented for {dtype_of(x.dt)!r} tensors; convert with .float() first.")
    return 0


def same_dtype(a, b, op, name):
    """RuntimeError where tensor b, the argument `name`, is of another dtype than a; TypeError where it is no tensor."""
    cdef Variable x = a
    cdef Variable y = checked(b, op, name)
    if x.dt != y.dt:
        raise RuntimeError(f"{op}: expected {name} to have scalar type {dtype_of(x.dt).name} but found {dtype_of(y.dt).name}. Convert one with .to().")


cdef Variable checked(object x, str op, str name):
    if not isinstance(x, Variable):
        raise TypeError(f"{op}(): argument '{name}' must be Tensor, not {type(x).__name__}")
    return <Variable>x


cdef object _finish_one(Variable result, object given, str op):
    cdef Variable out = checked(given, op, "out")
    if result is out:
        return out
    if grad_enabled() and (tracked(result) or tracked(out)):
        raise RuntimeError(
            f"{op}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    if recording(result) or recording(out):
        raise NotImplementedError(f"{op}: Trying to use forward AD with {op}_out that does not support it because it is an out= function")
    if result.dt != out.dt and op in EXACT_OUT:
        raise RuntimeError(
            f"{op}: Expected out tensor to have dtype {dtype_of(result.dt).name}, but got {dtype_of(out.dt).name} instead. "
            f"Give an out of {dtype_of(result.dt)!r}, or convert the result with .to()."
        )
    if not can_cast(result.dt, out.dt):
        raise RuntimeError(f"{op}: result type {dtype_of(result.dt).name} can't be cast to the desired output type {dtype_of(out.dt).name}")
    same_device(result, out, op)
    if out.n and not out.flags & CONTIGUOUS and overlaps_itself(out):
        raise RuntimeError(
            f"{op}: unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )
    shape = None
    if not same_shape(result, out):
        shape = shape_of(out) if out.n else None
        resize_raw(out, result.nd, result.sizes)
    copy_raw(out, result)
    bump(out)
    if shape is not None:
        import warnings
        warnings.warn(
            f"{op}: An output with one or more elements was resized since it had shape {list(shape)}, which does not match the "
            f"required output shape {list(shape_of(result))}. Give an empty tensor, or one of the right shape.", stacklevel=4)
    return out


cdef int resize_raw(TensorBase x, int nd, const int64_t* sizes) except -1:
    """Give x another shape, contiguous, from its first element on. Where its memory is not enough, the storage moves to more."""
    cdef int64_t strides[64]
    cdef int64_t n = 1, step = 1
    cdef int i
    for i in range(nd - 1, -1, -1):
        strides[i] = step
        step, n = mul_sizes(step, max(sizes[i], 1)), mul_sizes(n, sizes[i])
    cdef int64_t nbytes = mul_sizes(n, itemsize_of(x.dt))
    if n and nbytes > x.st.nbytes - (x.ptr - x.st.data):
        if not x.n and x.st.refcount == 1 and x.st.resizable and x.ptr == x.st.data:        # nobody sees it move
            adopt(x, new_empty(nd, sizes, x.dt, x.dev, x.dev_index))
            return 0
        from pyxtorch.ops import _memory
        _memory.grow(x, nbytes)
    adopt(x, new_view(x, nd, sizes, strides, x.ptr))
    return 0


def resize(TensorBase x not None, tuple shape):
    """`resize_raw` for those who do not cimport it."""
    cdef int64_t sizes[64]
    cdef int i
    for i in range(min(len(shape), 64)):
        sizes[i] = shape[i]
    resize_raw(x, min(len(shape), 64), sizes)


cdef bint share_memory(TensorBase a, TensorBase b):
    """Whether two dense tensors have bytes in common."""
    if a.n == 0 or b.n == 0 or not a.flags & b.flags & CONTIGUOUS:
        return False
    return a.ptr < b.ptr + b.n * itemsize_of(b.dt) and b.ptr < a.ptr + a.n * itemsize_of(a.dt)


def strict_out(out, inputs, op, dtypes=None):
    """Further checks of `out=` (a tensor, a tuple, None) of operations for which PyTorch makes them.

    RuntimeError where out shares memory with one of `inputs`, or is not exactly of the `dtypes` given (codes, None for any).
    """
    if out is None:
        return
    outs = tuple(out) if isinstance(out, (tuple, list)) else (out,)
    if dtypes is not None and len(outs) != len(dtypes):
        raise TypeError(f"{op}: out must be {'a tensor' if len(dtypes) == 1 else f'a tuple of {len(dtypes)} tensors'}, but it is a tuple of {len(outs)}.")
    for i, o in enumerate(outs):
        if not isinstance(o, Variable):
            continue        # finish_out says so
        if dtypes is not None and dtypes[i] is not None and (<Variable>o).dt != dtypes[i]:
            raise RuntimeError(f"{op}: Expected out tensor to have dtype {dtype_of(dtypes[i]).name}, but got {dtype_of((<Variable>o).dt).name} instead")
        for x in inputs:
            if isinstance(x, Variable) and share_memory(<Variable>o, <Variable>x):
                raise RuntimeError(
                    f"{op}: unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
                    "memory location. Please clone() the tensor before performing the operation."
                )


cdef object finish_out(object result, object out, str op):
    if out is None:
        return result
    if isinstance(result, tuple):
        if not isinstance(out, (tuple, list)) or len(out) != len(result):
            raise TypeError(f"{op}: out must be a tuple of {len(result)} tensors.")
        for i in range(len(out)):
            for o in out[:i]:
                if o is out[i] or isinstance(o, Variable) and isinstance(out[i], Variable) and share_memory(<Variable>o, <Variable>out[i]):
                    raise RuntimeError(
                        f"{op}: unsupported operation: two of the tensors to be written refer to a single memory location. Give a tensor for each result.")
        written = [_finish_one(r, o, op) for r, o in zip(result, out)]
        return type(result)(*written) if type(result) is not tuple else tuple(written)
    return _finish_one(result, out, op)
