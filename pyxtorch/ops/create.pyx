"""Making tensors: from data, filled, in ranges; and their exchange with NumPy and DLPack."""
from cpython.complex cimport PyComplex_Check
from cpython.float cimport PyFloat_Check
from cpython.long cimport PyLong_Check
from pyxtorch._core cimport *
from pyxtorch._storage cimport UntypedStorage
from pyxtorch.autograd cimport Variable
from pyxtorch.ops._common cimport *
from pyxtorch.ops._factory cimport laid_out, only_plain

from pyxtorch._core import view_storage


# ------------------------------------------------------------------------------- from data

cdef int shape_of_data(object data, int64_t* sizes, str op) except -1:
    """The shape of nested sequences; their regularity is checked while they are read."""
    cdef int nd = 0
    while isinstance(data, (list, tuple)) or (hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, (str, Variable, dict))):
        if nd == 64:
            raise ValueError(f"{op}: too many dimensions; a tensor can have at most 64.")
        sizes[nd] = len(data)
        nd += 1
        if sizes[nd - 1] == 0:
            break
        data = data[0]
    if nd and isinstance(data, str):
        raise ValueError(f"{op}: too many dimensions 'str': {data!r} is no number. Convert words with float(), or number them.")
    return nd


cdef int dtype_of_data(object data, int depth=0) except -2:
    """The smallest dtype that holds all numbers of nested sequences; -1 for none at all."""
    cdef int found = -1, one
    if type(data) is float:
        return default_dtype()
    if isinstance(data, bool):
        return BOOL
    if type(data) is int:
        return INT64
    if isinstance(data, Variable):
        return (<Variable>data).dt
    if isinstance(data, (list, tuple)):
        if depth == 64:     # a list may hold itself
            raise ValueError("tensor: too many dimensions; a tensor can have at most 64.")
        for item in data:
            one = dtype_of_data(item, depth + 1)
            if one >= 0:
                found = one if found < 0 or found == one else promote(found, one)
        return found
    if hasattr(data, "dtype"):      # NumPy's numbers, of which float64 is a float and complex128 a complex
        return code_of_numpy(data.dtype)
    if PyFloat_Check(data):
        return default_dtype()
    if PyLong_Check(data):
        return INT64
    if PyComplex_Check(data):
        return complex_code(default_dtype())
    if isinstance(data, str):
        raise TypeError(f"new(): invalid data type 'str' in {data!r}; expected numbers.")
    if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, dict):
        return dtype_of_data(list(data), depth)
    if hasattr(data, "__float__"):
        return default_dtype()
    if hasattr(data, "__index__"):
        return INT64
    raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")


cdef int code_of_numpy(object d) except -1:
    name = d.name
    for code in range(NUM_DTYPES):
        if dtype_of(code).name == name:
            return code
    raise TypeError(
        f"can't convert np.ndarray of type {d}. The only supported types are: float64, float32, float16, complex64, "
        "complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
    )


cdef char* read_data(object data, int depth, int nd, const int64_t* sizes, int dt, char* to, str op) except NULL:
    cdef Variable x
    if depth == nd:
        if isinstance(data, Variable):
            if (<Variable>data).n != 1:
                raise ValueError(f"{op}: only one element tensors can be converted to Python scalars: one is {list(shape_of(<Variable>data))}. Use torch.stack(list).")
            data = item_of(<Variable>data)
        elif isinstance(data, (list, tuple, str)):
            raise ValueError(f"{op}: expected a number at dim {depth} (got {type(data).__name__})")
        if PyComplex_Check(data) and dt <= FLOAT64:
            raise TypeError(f"{op}: cannot convert the complex number {data} to {dtype_of(dt)!r}.")
        if PyFloat_Check(data) and dt <= INT64 and dt != BOOL:
            if data != data or data in (float("inf"), float("-inf")):
                raise ValueError(f"{op}: cannot convert float {data} to {dtype_of(dt)!r}")
            data = int(data)
        write_number(data, dt, to)
        return to + itemsize_of(dt)
    if isinstance(data, Variable):
        x = <Variable>data
        data = x.tolist()
    try:
        n = len(data)
    except TypeError:
        raise TypeError(f"{op}: expected a sequence of length {sizes[depth]} at dim {depth}, got {type(data).__name__}") from None
    if n != sizes[depth]:
        raise ValueError(f"{op}: expected sequence of length {sizes[depth]} at dim {depth} (got {n})")
    for item in data:
        n -= 1
        if n < 0:
            break
        to = read_data(item, depth + 1, nd, sizes, dt, to, op)
    if n:       # the room was made for so many
        raise ValueError(f"{op}: the sequence of length {sizes[depth]} at dim {depth} gave another number of items.")
    return to


cdef Variable on_device(Variable x, object device):
    cdef int index
    cdef int dev = parse_device(device, &index)
    if dev == CPU:
        return x
    cdef Variable y = <Variable>new_empty(x.nd, x.sizes, x.dt, dev, index)
    copy_raw(y, x)
    return y


cdef Variable on_storage(object given, UntypedStorage storage, object dtype, str op):
    """A tensor on a storage's memory: its elements, or its bytes taken for elements of `dtype` (int64)."""
    if given is not storage:
        if dtype is not None and dtype != given.dtype:
            raise RuntimeError(f"{op}: Expected a Storage of dtype {dtype} or an UntypedStorage, but got one of {given.dtype}")
        dtype = given.dtype
    elif dtype is None:
        dtype = dtype_of(INT64)
    return view_storage(storage, dtype, 0, (storage.nbytes() // dtype.itemsize,), (1,))


cdef Variable from_data(object data, object dtype, object device, str op, bint share):
    cdef int64_t sizes[64]
    cdef int nd, dt
    cdef Variable x
    if isinstance(data, Variable):
        x = <Variable>data
        dt = x.dt if dtype is None else dtype_code(dtype)
        if device is None:
            device = x.device
        if share and dt == x.dt and x.device == device_of_arg(device, x):
            return x
        return <Variable?>x.detach().to(device=device, dtype=dtype_of(dt), copy=True)
    if not isinstance(data, (list, tuple, int, float, str, bytes)) and hasattr(data, "__cuda_array_interface__"):
        from pyxtorch._cuda_launch import from_interface
        lent, readonly = from_interface(data, op)
        return from_data(lent, dtype, device, op, share and not readonly)
    if hasattr(data, "__array_interface__") or (hasattr(data, "__array__") and not isinstance(data, (list, tuple))):
        import numpy
        data = numpy.asarray(data)
        if not data.dtype.isnative:
            raise ValueError(f"{op}: given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not supported.")
        code_of_numpy(data.dtype)
        if not share or any([s < 0 for s in data.strides]) or any([s % data.itemsize for s in data.strides]):
            if share or any([s < 0 for s in data.strides]):
                data = numpy.ascontiguousarray(data).reshape(data.shape)
        x = <Variable>from_buffer(data, op)
        dt = x.dt if dtype is None else dtype_code(dtype)
        if share and dt == x.dt and data.flags.writeable:
            return on_device(x, device)
        if dt == x.dt:
            return on_device(clone_raw(x), device)
        return on_device(cast_raw(x, dt), device)
    if isinstance(data, (bytes, bytearray, memoryview)) and not isinstance(data, bytes):
        return from_data(<Variable>from_buffer(data, op), dtype, device, op, False)
    if isinstance(data, str):
        raise TypeError(f"{op}: invalid data type 'str'; expected numbers.")
    if not isinstance(data, (list, tuple, int, float)):
        storage = data if isinstance(data, UntypedStorage) else getattr(data, "_untyped_storage", None)
        if storage is not None:
            return on_device(on_storage(data, storage, dtype, op), device)
    nd = shape_of_data(data, sizes, op)
    if dtype is None:
        dt = dtype_of_data(data)
        if dt < 0:
            dt = default_dtype()
    else:
        dt = dtype_code(dtype)
    x = <Variable>new_empty(nd, sizes, dt, CPU, 0)
    if x.n or nd:
        read_data(data, 0, nd, sizes, dt, x.ptr, op)
    return on_device(x, device)


cdef object device_of_arg(object device, Variable x):
    cdef int index
    cdef int dev = parse_device(device, &index)
    return device_of(dev, index)


def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    """A new leaf with a copy of `data`: a number, nested sequences, an array, or a tensor.

    The dtype is that of an array; else bool, int64, the default float or complex, as needed.

    Raises:
        ValueError: nested sequences of unequal length.
        TypeError: data that is not made of numbers.
    """
    only_plain(None, pin_memory, "tensor")
    if isinstance(data, Variable):
        import warnings
        warnings.warn("To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
                      "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).", stacklevel=1)
    cdef Variable x = from_data(data, dtype, device, "tensor", False)
    if x is data:
        x = x.detach()
    return x.requires_grad_(True) if requires_grad else x


def reflected(function, a, Variable b not None):
    """function(a, b) of an array on the left of an operator: a tensor as it is, whose dtype counts whatever its shape; else NotImplemented."""
    if not hasattr(a, "__array_interface__"):
        return NotImplemented
    x = as_tensor_(a)
    return function(x if x.dim() else x.expand(shape_of(b)), b)


def as_tensor_(data, dtype=None, device=None):
    """As `tensor`, without a copy where the memory can be shared (that of a read-only array cannot)."""
    return from_data(data, dtype, device, "as_tensor", True)


def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=False):
    """A tensor of `obj`; `copy=True` copies always, `copy=False` never (ValueError if it must)."""
    cdef Variable x
    if copy is True:
        x = from_data(obj, dtype, device, "asarray", False)
    else:
        x = from_data(obj, dtype, device, "asarray", True)
        if copy is False and not isinstance(obj, UntypedStorage) and not (isinstance(obj, Variable) and (<Variable>obj).st == x.st) and not any(
                [getattr(obj, name, {"data": (None,)})["data"][0] == x.data_ptr() for name in ("__array_interface__", "__cuda_array_interface__")]):
            raise ValueError("asarray: cannot make this tensor without a copy; use copy=None.")
    if requires_grad:
        x.requires_grad_(True)
    return x


cdef int warn_of_readonly(bint readonly, str what) except -1:
    if readonly:
        import warnings
        warnings.warn(f"{what} is not writable, but a tensor is: writing to the tensor is undefined. Copy the array first.", UserWarning, stacklevel=2)
    return 0


def from_numpy(ndarray):
    """A tensor on the memory of a NumPy array: changes of one are seen in the other.

    Raises:
        TypeError: not an array, or a dtype that tensors do not have.
        ValueError: negative strides.
    """
    import numpy
    if not isinstance(ndarray, numpy.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    code_of_numpy(ndarray.dtype)
    if not ndarray.dtype.isnative:
        raise ValueError(f"from_numpy: the array has the byte order of another machine ({ndarray.dtype.str}). Convert with .astype(array.dtype.newbyteorder('=')).")
    warn_of_readonly(not ndarray.flags.writeable, "from_numpy: the array")
    return from_buffer(ndarray, "from_numpy")


def frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False):
    """A 1-d tensor on the memory of an object with the buffer protocol; offset in bytes."""
    cdef int dt = dtype_code(dtype)
    cdef int item = itemsize_of(dt)
    raw = memoryview(buffer).cast("B")
    warn_of_readonly(raw.readonly, "frombuffer: the buffer")
    n = len(raw)
    if n == 0:
        raise ValueError("frombuffer: both buffer length (0) and count (-1) must not be 0")
    if offset < 0 or offset >= n:
        raise ValueError(f"frombuffer: offset ({offset} bytes) must be non-negative and no greater than buffer length ({n} bytes) minus 1")
    if count == 0:
        raise ValueError(f"both buffer length ({n}) and count (0) must not be 0")
    if count < 0:
        if (n - offset) % item:
            raise ValueError(f"frombuffer: buffer length ({n - offset} bytes) after offset ({offset} bytes) must be a multiple of element size ({item})")
        count = (n - offset) // item
    if offset + count * item > n:
        raise ValueError(f"frombuffer: requested buffer length ({count} * {item} bytes) after offset ({offset} bytes) must not be greater than actual buffer length ({n} bytes)")
    cdef Variable x = <Variable>from_buffer(raw[offset:offset + count * item], "frombuffer")
    x = x.view(dtype_of(dt))
    if requires_grad:
        x.requires_grad_(True)
    return x


# --------------------------------------------------------------------------------- filled

cdef Variable made(object size, object dtype, object device, object requires_grad, object value, bint fill, str op, object layout=None):
    """An uninitialised or filled tensor; in a sparse layout one of zeros."""
    cdef int64_t sizes[64]
    cdef int index
    cdef int nd = parse_sizes(size, sizes, op)
    cdef int dt = default_dtype() if dtype is None else dtype_code(dtype)
    cdef int dev = parse_device(device, &index)
    cdef Variable y
    if layout is not None and layout is not strided:
        from pyxtorch.sparse import _convert
        return _convert.no_elements(layout, size, dtype, device, requires_grad)
    if fill:
        y = zeros_raw(nd, sizes, dt, dev, index) if value is 0 else full_raw(nd, sizes, dt, dev, index, value)
    else:
        y = <Variable>new_empty(nd, sizes, dt, dev, index)
    return y.requires_grad_(True) if requires_grad else y


cdef object star(tuple sizes, object size, str op):
    """The size given as one argument, as several, or by name."""
    if size is not None:
        if sizes:
            raise TypeError(f"{op}() got multiple values for argument 'size'")
        return size
    if not sizes:
        raise TypeError(f"{op}() missing 1 required argument: 'size'; an empty tuple makes a 0-d tensor.")
    return sizes[0] if len(sizes) == 1 else sizes


cdef object into(object out, object size, object dtype, object value, bint fill, str op):
    """The out= form of a factory function."""
    cdef Variable o = checked(out, op, "out")
    if dtype is not None and dtype_code(dtype) != o.dt:
        raise RuntimeError(f"{op}: dtype {dtype} does not match dtype of out parameter ({dtype_of(o.dt)!r}). Leave dtype= out.")
    result = made(size, o.dtype, o.device, False, value, fill, op)
    return finish_out(result, out, op)


def empty(*sizes, size=None, names=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False, memory_format=None):
    """An uninitialised tensor of the given shape.

    Raises:
        RuntimeError: a negative size, or more memory than there is (OutOfMemoryError).
    """
    only_plain(None, pin_memory, "empty")
    cdef int64_t n
    if len(sizes) == 1 and type(sizes[0]) is int and size is dtype is device is out is layout is memory_format is None and not requires_grad:
        n = sizes[0]
        if n >= 0 and default_device_is_cpu():
            return new_empty(1, &n, default_dtype(), CPU, 0)
    if out is not None:
        return into(out, star(sizes, size, "empty"), dtype, None, False, "empty")
    return laid_out(made(star(sizes, size, "empty"), dtype, device, False, None, False, "empty", layout), memory_format, False, requires_grad, "empty")


cdef bint default_device_is_cpu() except -1:
    cdef int index
    return parse_device(None, &index) == CPU


def zeros(*sizes, size=None, names=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """A tensor of zeros."""
    only_plain(None, pin_memory, "zeros")
    if out is not None:
        return into(out, star(sizes, size, "zeros"), dtype, 0, True, "zeros")
    return made(star(sizes, size, "zeros"), dtype, device, requires_grad, 0, True, "zeros", layout)


def ones(*sizes, size=None, names=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """A tensor of ones."""
    only_plain(layout, pin_memory, "ones")
    if out is not None:
        return into(out, star(sizes, size, "ones"), dtype, 1, True, "ones")
    return made(star(sizes, size, "ones"), dtype, device, requires_grad, 1, True, "ones")


def full(size, fill_value, *, names=None, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """A tensor with every element `fill_value`; the dtype is the value's unless given."""
    only_plain(layout, pin_memory, "full")
    if isinstance(fill_value, Variable):
        fill_value = item_of(<Variable>fill_value)
    elif not is_number(fill_value):
        raise TypeError(f"full(): argument 'fill_value' must be Number, not {type(fill_value).__name__}")
    if dtype is None and out is None:
        dtype = dtype_of(number_dtype(fill_value))
    if out is not None:
        return into(out, size, dtype, fill_value, True, "full")
    return made(size, dtype, device, requires_grad, fill_value, True, "full")


cdef Variable like(Variable x, object dtype, object device, object format, object requires_grad, object value, bint fill, str op, object layout=None):
    y = made(shape_of(x), dtype_of(x.dt) if dtype is None else dtype, device_of(x.dev, x.dev_index) if device is None else device, False, value, fill, op, layout)
    return laid_out(y, format, True, requires_grad, op)


def empty_like(Variable input not None, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False, memory_format=None):
    """An uninitialised tensor with the shape, dtype and device of `input`."""
    only_plain(None, pin_memory, "empty_like")
    return like(input, dtype, device, memory_format, requires_grad, None, False, "empty_like", layout)


def zeros_like(Variable input not None, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False, memory_format=None, out=None):
    """Zeros with the shape, dtype and device of `input`."""
    only_plain(None, pin_memory, "zeros_like")
    return finish_out(like(input, dtype, device, memory_format, requires_grad, 0, True, "zeros_like", layout), out, "zeros_like")


def ones_like(Variable input not None, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False, memory_format=None, out=None):
    """Ones with the shape, dtype and device of `input`."""
    only_plain(layout, pin_memory, "ones_like")
    return finish_out(like(input, dtype, device, memory_format, requires_grad, 1, True, "ones_like"), out, "ones_like")


def full_like(Variable input not None, fill_value, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False, memory_format=None, out=None):
    """A tensor like `input` with every element `fill_value`."""
    only_plain(layout, pin_memory, "full_like")
    if isinstance(fill_value, Variable):
        fill_value = item_of(<Variable>fill_value)
    elif not is_number(fill_value):
        raise TypeError(f"full_like(): argument 'fill_value' must be Number, not {type(fill_value).__name__}")
    return finish_out(like(input, dtype, device, memory_format, requires_grad, fill_value, True, "full_like"), out, "full_like")


def empty_strided(size, stride, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """An uninitialised tensor of given shape and strides (elements)."""
    only_plain(layout, pin_memory, "empty_strided")
    n = 1
    if len(tuple(size)) != len(tuple(stride)):
        raise RuntimeError(f"empty_strided: dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})")
    for s, t in zip(size, stride):
        if s < 0 or t < 0:
            raise RuntimeError(f"empty_strided: negative sizes or strides: {tuple(size)}, {tuple(stride)}")
        n = 0 if s == 0 or n == 0 else n + (s - 1) * t
    y = made((n,), dtype, device, False, None, False, "empty_strided").as_strided(tuple(size), tuple(stride))
    (<Variable>y)._base = None
    return y.requires_grad_(True) if requires_grad else y


def empty_permuted(size, physical_layout, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """An uninitialised tensor whose dimensions lie in memory in the order `physical_layout`."""
    only_plain(layout, pin_memory, "empty_permuted")
    size, order = tuple(size), tuple(physical_layout)
    if sorted(order) != list(range(len(size))):
        raise RuntimeError(f"empty_permuted: {order} is no permutation of the {len(size)} dimensions.")
    y = made([size[d] for d in order], dtype, device, False, None, False, "empty_permuted")
    inverse = [0] * len(order)
    for i, d in enumerate(order):
        inverse[d] = i
    y = y.permute(inverse)
    (<Variable>y)._base = None
    return y.requires_grad_(True) if requires_grad else y


def scalar_tensor(s, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """A 0-d tensor of the number `s`, of the default dtype unless given."""
    only_plain(layout, pin_memory, "scalar_tensor")
    return made((), dtype, device, requires_grad, s, True, "scalar_tensor")


# --------------------------------------------------------------------------- new_* methods

def new_empty_(Variable self not None, *sizes, size=None, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
    """An uninitialised tensor of the dtype and device of `self`."""
    only_plain(layout, pin_memory, "new_empty")
    return made(star(sizes, size, "new_empty"), self.dtype if dtype is None else dtype, self.device if device is None else device, requires_grad, None, False, "new_empty")


def new_zeros(Variable self not None, *sizes, size=None, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
    """Zeros of the dtype and device of `self`."""
    only_plain(layout, pin_memory, "new_zeros")
    return made(star(sizes, size, "new_zeros"), self.dtype if dtype is None else dtype, self.device if device is None else device, requires_grad, 0, True, "new_zeros")


def new_ones(Variable self not None, *sizes, size=None, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
    """Ones of the dtype and device of `self`."""
    only_plain(layout, pin_memory, "new_ones")
    return made(star(sizes, size, "new_ones"), self.dtype if dtype is None else dtype, self.device if device is None else device, requires_grad, 1, True, "new_ones")


def new_full(Variable self not None, size, fill_value, *, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
    """A tensor of the dtype and device of `self`, every element `fill_value`."""
    only_plain(layout, pin_memory, "new_full")
    return made(size, self.dtype if dtype is None else dtype, self.device if device is None else device, requires_grad, fill_value, True, "new_full")


def new_tensor(Variable self not None, data, *, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
    """A copy of `data`, of the dtype and device of `self`."""
    only_plain(layout, pin_memory, "new_tensor")
    return tensor(data, dtype=self.dtype if dtype is None else dtype, device=self.device if device is None else device, requires_grad=requires_grad)


def new_empty_strided(Variable self not None, size, stride, *, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
    """`empty_strided` of the dtype and device of `self`."""
    only_plain(layout, pin_memory, "new_empty_strided")
    return empty_strided(size, stride, dtype=self.dtype if dtype is None else dtype, device=self.device if device is None else device, requires_grad=requires_grad)


# ----------------------------------------------------------------------------------- ranges

cdef object number_of(object x):
    plain = PyFloat_Check(x) or PyLong_Check(x) or PyComplex_Check(x) or not is_number(x)       # else a number of NumPy's
    return item_of(<Variable>x) if isinstance(x, Variable) else x if plain else x.item()


def arange(start, end=None, step=1, *, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """start, start + step, ... below `end`; int64 if all are integers."""
    only_plain(layout, pin_memory, "arange")
    cdef int64_t n, i
    cdef double a, d
    cdef Variable y
    if end is None:
        start, end = 0, start
    start, end, step = number_of(start), number_of(end), number_of(step)
    for v in (start, end, step):
        if not is_number(v):
            raise TypeError(f"arange(): expected numbers, not {type(v).__name__}")
        if PyComplex_Check(v):
            raise RuntimeError(f"arange: value cannot be converted to type double without overflow: {v}")
    if step == 0 or step != step:
        raise RuntimeError(f"arange: step must be nonzero, not {step}")
    for v in (start, end):
        if isinstance(v, float) and (v != v or v in (float("inf"), float("-inf"))):
            raise RuntimeError(f"arange: unsupported range: {start} -> {end}")
    if (step > 0 and start > end) or (step < 0 and start < end):
        raise RuntimeError(f"arange: upper bound and lower bound inconsistent with step sign: {start} -> {end} by {step}")
    integral = all([not PyFloat_Check(v) for v in (start, end, step)])
    if dtype is None:
        dtype = checked(out, "arange", "out").dtype if out is not None else dtype_of(INT64 if integral else default_dtype())
    cdef int dt = dtype_code(dtype)
    if dt == INT64 and not integral:
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise ValueError("arange: step must be nonzero; as an integer it is 0. Give a floating dtype.")
        integral = True
    if integral:
        n = max(0, (end - start + step - (1 if step > 0 else -1)) // step)
    else:
        import math
        length = math.ceil((end - start) / step)
        if length > 1 << 40:
            raise RuntimeError(f"arange: invalid size, possible overflow: {length} elements")
        n = length
    if on_meta(device):
        y = <Variable>new_empty(1, &n, dt, META, 0)
    elif dt <= INT64:
        y = <Variable>new_empty(1, &n, INT64, CPU, 0)
        fill_range(y, int(start), int(step))
    else:
        a = start
        d = step
        y = <Variable>new_empty(1, &n, FLOAT64, CPU, 0)
        for i in range(n):
            (<double*>y.ptr)[i] = a + i * d
    y = on_device(cast_raw(y, dt), device)
    if requires_grad:
        y.requires_grad_(True)
    return y if out is None else finish_out(y, out, "arange")


cdef bint on_meta(object device) except -1:
    """Whether nothing need be computed."""
    cdef int index
    return parse_device(device, &index) == META


cdef void fill_range(Variable y, int64_t a, int64_t d) noexcept:
    cdef int64_t i
    cdef int64_t* p = <int64_t*>y.ptr
    for i in range(y.n):
        p[i] = a + i * d


def range_(start=0, end=None, step=1, **kwargs):
    """As arange with the end included (kept for old programs)."""
    if end is None:
        start, end = 0, start
    kwargs.setdefault("dtype", dtype_of(default_dtype()))
    return arange(start, end + step / 2.0, step, **kwargs)


cdef Variable evenly(object start, object end, object steps, object base, object out, object dtype, object device,
                     object requires_grad, str op):
    """linspace, or with a base logspace. Counted from the nearer end, so that both ends are met exactly."""
    if isinstance(steps, bool) or not hasattr(steps, "__index__"):
        raise TypeError(f"{op}(): argument 'steps' must be int, not {type(steps).__name__}")
    steps = as_index(steps, op)
    if steps < 0:
        raise RuntimeError(f"{op}: number of steps must be non-negative, not {steps}")
    for v in (start, end):
        if isinstance(v, Variable) and (<Variable>v).nd:
            raise RuntimeError(f"{op} only supports 0-dimensional start and end tensors, but got a tensor with {(<Variable>v).nd} dimension(s).")
    start, end = number_of(start), number_of(end)
    for v in (start, end):
        if not is_number(v):
            raise TypeError(f"{op}(): expected numbers, not {type(v).__name__}")
    complex_ends = isinstance(start, complex) or isinstance(end, complex) or isinstance(base, complex)
    if dtype is None:
        dtype = checked(out, op, "out").dtype if out is not None else dtype_of(complex_code(default_dtype()) if complex_ends else default_dtype())
    cdef int dt = dtype_code(dtype)
    if complex_ends and not is_complex_code(dt):
        raise RuntimeError(f"{op}: inferred dtype complex can't be safely cast to passed dtype {dtype!r}")
    if on_meta(device):
        y = made(steps, dtype, device, requires_grad, None, False, op)
        return y if out is None else finish_out(y, out, op)
    import numpy
    if dt <= INT64:
        start, end = int(start), int(end)
    k = numpy.arange(steps)
    step = (end - start) / (steps - 1) if steps > 1 else 0.0
    values = numpy.where(k < steps // 2 if steps > 1 else k == 0, start + k * step, end - (steps - 1 - k) * step)
    with numpy.errstate(all="ignore"):
        if base is not None:
            values = numpy.power(values.dtype.type(base), values)
        if dt <= INT64 and dt != BOOL:
            values = values.astype(numpy.int64)
    y = on_device(cast_raw(<Variable>from_buffer(numpy.ascontiguousarray(values), op), dt), device)
    if requires_grad:
        y.requires_grad_(True)
    return y if out is None else finish_out(y, out, op)


def linspace(start, end, steps, *, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """`steps` numbers from `start` to `end`, both included, evenly spaced.

    Args:
        start, end: numbers or 0-d tensors; truncated first where dtype is an integer one.
    Raises:
        RuntimeError: steps is negative, or complex ends and a real dtype.
    """
    only_plain(layout, pin_memory, "linspace")
    return evenly(start, end, steps, None, out, dtype, device, requires_grad, "linspace")


def logspace(start, end, steps, base=10.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """base ** linspace(start, end, steps)"""
    only_plain(layout, pin_memory, "logspace")
    if not is_number(base):
        raise TypeError(f"logspace(): argument 'base' must be Number, not {type(base).__name__}")
    return evenly(start, end, steps, base, out, dtype, device, requires_grad, "logspace")


def eye(n, m=None, *, out=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """The n x m matrix with ones on the diagonal."""
    only_plain(layout, pin_memory, "eye")
    m = n if m is None else m
    if n < 0 or m < 0:
        raise RuntimeError(f"eye: n and m must be greater or equal to 0, got {n} and {m}")
    if dtype is None and out is not None:
        dtype = checked(out, "eye", "out").dtype
    cdef Variable y = made((n, m), dtype, device, False, 0, True, "eye")
    if y.n:
        y.diagonal().fill_(1)
    if requires_grad:
        y.requires_grad_(True)
    return y if out is None else finish_out(y, out, "eye")


# ----------------------------------------------------------- shapes by way of NumPy and SciPy

def no_arrays_like(Variable x not None):
    """A batch of no arrays of the shape and dtype of `x`.

    NumPy and SciPy go through it at no cost, and what comes out tells the shape and dtype of every result: this is
    how a meta tensor goes by routines that are not in the kernel tables. `meta_tensor_of` is the way back.
    """
    import numpy
    return numpy.empty((0,) + shape_of(x), dtype_of(x.dt).name)


def meta_tensor_of(array, dtype=None):
    """The meta tensor that each of a batch of arrays stands for."""
    return made(array.shape[1:], dtype_of(code_of_numpy(array.dtype)) if dtype is None else dtype, device_of(META, 0), False, None, False, "empty")


__all__ = [
    "tensor", "asarray", "from_numpy", "frombuffer", "empty", "zeros", "ones", "full", "empty_like", "zeros_like",
    "ones_like", "full_like", "empty_strided", "empty_permuted", "scalar_tensor", "arange", "linspace", "logspace", "eye",
]
exports = {"as_tensor": as_tensor_, "range": range_}     # public names that are taken in this module
for _name, _function in (*exports.items(), ("new_empty", new_empty_)):
    _function.__name__ = _function.__qualname__ = _name

methods = {
    "new_empty": new_empty_, "new_zeros": new_zeros, "new_ones": new_ones, "new_full": new_full, "new_tensor": new_tensor,
    "new_empty_strided": new_empty_strided,
}
