"""dtypes, devices and layouts: what a tensor's elements are, where they lie and how they are kept.

What other Cython modules may use is in _dtype.pxd, by way of _core.pxd.
"""
cimport cython

# ---------------------------------------------------------------------------------- dtypes


@cython.binding(False)  # methods that check the type of their self, called as Class.method(x)
@cython.final
cdef class dtype:
    """An element type, such as `pyxtorch.float32`. There is one object for each."""

    def __init__(self):
        raise TypeError("dtype: cannot be created; use pyxtorch.float32, pyxtorch.int64, ...")

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return _dtype_by_name, (self.name,)

    def to_real(self):
        """The dtype of the parts of a complex dtype; other dtypes are their own."""
        return self if self.code < 0 else _dtypes[real_code(self.code)]

    def to_complex(self):
        """The complex dtype whose parts have this dtype."""
        return _dtypes[complex_code(dtype_code(self))]


cdef list _dtypes = []
_NAMES = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
          "float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz", "float8_e4m3fnuz", "float8_e8m0fnu",
          "float16", "bfloat16", "float32", "float64", "complex32", "complex64", "complex128")
# What PyTorch calls them in names of classes and in messages.
SCALAR_TYPES = ("Bool", "Byte", "UInt16", "UInt32", "UInt64", "Char", "Short", "Int", "Long",
                "Float8_e5m2", "Float8_e4m3fn", "Float8_e5m2fnuz", "Float8_e4m3fnuz", "Float8_e8m0fnu",
                "Half", "BFloat16", "Float", "Double", "ComplexHalf", "ComplexFloat", "ComplexDouble")
cdef int _code
for _code in range(NUM_DTYPES):
    _d = <dtype>dtype.__new__(dtype)
    (<dtype>_d).code = _code
    (<dtype>_d).itemsize = itemsize_of(_code)
    (<dtype>_d).name = _NAMES[_code]
    (<dtype>_d).is_floating_point = is_floating(_code)
    (<dtype>_d).is_complex = is_complex_code(_code)
    (<dtype>_d).is_signed = _code > UINT64 and _code != FLOAT8_E8M0FNU
    _dtypes.append(_d)

_ALIASES = {"float": "float32", "double": "float64", "half": "float16", "int": "int32", "long": "int64",
            "short": "int16", "chalf": "complex32", "cfloat": "complex64", "cdouble": "complex128"}


# Dtypes that are names alone, as far as PyTorch computes nothing in them either: programs compare with them, and no tensor is made.
_SHELLS = {}
for _name in (*(f"{kind}{bits}" for kind in ("uint", "int") for bits in range(1, 8)), "bits1x8", "bits2x4", "bits4x2", "bits8", "bits16", "bit", "float4_e2m1fn_x2"):
    _d = <dtype>dtype.__new__(dtype)
    (<dtype>_d).code = -1
    (<dtype>_d).itemsize = 2 if _name == "bits16" else 1
    (<dtype>_d).name = _name
    (<dtype>_d).is_floating_point = _name.startswith("float")
    (<dtype>_d).is_complex = False
    (<dtype>_d).is_signed = _name.startswith(("int", "float"))
    _SHELLS[_name] = _d


def shells():
    """The dtypes that no tensor has, by name."""
    return dict(_SHELLS)


def _dtype_by_name(name):
    return _SHELLS[name] if name in _SHELLS else _dtypes[_NAMES.index(name)]


def dtypes():
    """All dtypes by every public name, aliases among them."""
    named = {d.name: d for d in _dtypes}
    named.update((alias, named[name]) for alias, name in _ALIASES.items())
    return named


cdef int _default_dtype = FLOAT32


cdef int default_dtype() noexcept:
    return _default_dtype


def get_default_dtype():
    """The floating-point dtype that Python floats become (float32 unless set)."""
    return _dtypes[_default_dtype]


def set_default_dtype(d):
    """Make `d`, a floating-point dtype, what Python floats become.

    Raises:
        TypeError: `d` is not a floating-point dtype.
    """
    global _default_dtype
    cdef int code = dtype_code(d)
    if not is_floating(code):
        raise TypeError(f"set_default_dtype: only floating-point dtypes can be the default, not {d}.")
    _default_dtype = code


cdef dtype dtype_of(int code):
    return <dtype>_dtypes[code]


cdef int dtype_code(object d) except -1:
    if type(d) is dtype:
        if (<dtype>d).code < 0:
            raise TypeError(f"{d}: no tensor has this dtype, here as in PyTorch's operations. Keep such numbers in torch.uint8 and take them apart yourself.")
        return (<dtype>d).code
    if d is float:          # Python's own, of 64 bits, whatever the default dtype
        return FLOAT64
    if d is int:
        return INT64
    if d is bool:
        return BOOL
    if d is complex:
        return COMPLEX128
    raise TypeError(f"expected a dtype such as pyxtorch.float32, not {d!r} ({type(d).__name__}).")


cdef int promote(int a, int b) except -1:
    """torch.promote_types: the smallest dtype that both go to; with unsigned integers of more than 8 bits as the array API standard says."""
    if a == b:
        return a
    if a > b:
        a, b = b, a
    # now a < b in the order of the codes
    if is_float8(a) or is_float8(b):
        raise RuntimeError(f"Promotion for Float8 Types is not supported, attempted to promote {_NAMES[a]} and {_NAMES[b]}. Convert with .to().")
    if b > FLOAT64:
        a, b = complex_code(a) if is_floating(a) else b, b
        return a if a > b else b
    if b > INT64:
        return FLOAT32 if a == FLOAT16 and b == BFLOAT16 else b
    if b <= UINT64 or a == BOOL or a > UINT64:
        return b
    # unsigned with signed: the signed one that holds both
    if a == UINT64:
        raise RuntimeError(f"Promotion of uint64 and {_NAMES[b]} is not supported: no integer dtype holds both. Convert one with .to().")
    return b if itemsize_of(b) > itemsize_of(a) else INT16 if a == UINT8 else INT32 if a == UINT16 else INT64


cdef int _kind(int code) noexcept:
    return 0 if code == BOOL else 1 if code <= INT64 else 2 if code <= FLOAT64 else 3


cdef int can_cast(int src, int dst) noexcept:
    """torch.can_cast: never to a lower kind (complex > float > int > bool)."""
    if src == dst:
        return True
    return _kind(dst) >= _kind(src)


def promote_types(type1, type2):
    """The smallest dtype to which both dtypes can be converted without losing kind or size."""
    return _dtypes[promote(dtype_code(type1), dtype_code(type2))]


def py_can_cast(from_, to):
    """Whether `from_` may be converted to `to` by type promotion: never to a lower kind."""
    return bool(can_cast(dtype_code(from_), dtype_code(to)))


cdef const char* buffer_format(int dt) noexcept:
    if dt == BOOL: return b"?"
    if dt == UINT8: return b"B"
    if dt == UINT16: return b"H"
    if dt == UINT32: return b"I"
    if dt == UINT64: return b"L"
    if dt == INT8: return b"b"
    if dt == INT16: return b"h"
    if dt == INT32: return b"i"
    if dt == INT64: return b"l"
    if dt == FLOAT16: return b"e"
    if dt == FLOAT32: return b"f"
    if dt == FLOAT64: return b"d"
    if dt == COMPLEX64: return b"Zf"
    if dt == COMPLEX128: return b"Zd"
    return NULL


cdef int code_of_format(const char* format, Py_ssize_t itemsize) noexcept:
    """dtype code of a buffer's format; -1 if there is none."""
    cdef char c
    if format == NULL:
        return UINT8
    c = format[0]
    if c == b'<' or c == b'=' or c == b'@':
        format += 1
        c = format[0]
    elif c == b'>' or c == b'!':
        if itemsize > 1:
            return -1
        format += 1
        c = format[0]
    if c == b'Z' and format[1] != 0 and format[2] == 0:
        return COMPLEX64 if format[1] == b'f' else COMPLEX128 if format[1] == b'd' else -1
    if c == 0 or format[1] != 0:
        return -1
    if c == b'?': return BOOL
    if c == b'B': return UINT8
    if c == b'b': return INT8
    if c == b'e': return FLOAT16
    if c == b'f': return FLOAT32
    if c == b'd': return FLOAT64
    if c == b'h' or c == b'i' or c == b'l' or c == b'q' or c == b'n':
        return INT16 if itemsize == 2 else INT32 if itemsize == 4 else INT64 if itemsize == 8 else -1
    if c == b'H' or c == b'I' or c == b'L' or c == b'Q' or c == b'N':
        return UINT16 if itemsize == 2 else UINT32 if itemsize == 4 else UINT64 if itemsize == 8 else -1
    return -1


# --------------------------------------------------------------------------------- devices

cdef tuple DEVICES = ("cpu", "cuda", "meta",     # by code; the others are named and compared, and nothing can be there
                      "fpga", "hip", "hpu", "ideep", "ipu", "lazy", "maia", "mkldnn", "mps", "mtia", "opencl", "opengl", "privateuseone", "ve",
                      "vulkan", "xla", "xpu")


cdef str device_name(int kind):
    return <str>DEVICES[kind]


cdef int _default_kind = CPU
cdef int _default_index = -1
cdef list _device_stack = []


@cython.binding(False)
@cython.final
cdef class device:
    """Where a tensor lives: `device("cpu")`, `device("cuda:0")`, `device("cuda", 1)`; `device("meta")`: nowhere, it has a shape only.

    As a context manager it becomes the default device of what is created inside. PyTorch's other types of devices (`"mps"`, `"xpu"`
    and so on) can be named and compared; putting a tensor there is an error.
    """

    def __init__(self, type, index=None):
        cdef int number = -1
        if isinstance(type, device):
            self.kind = (<device>type).kind
            self.number = (<device>type).number
            self.type = (<device>type).type
            return
        if isinstance(type, int) and not isinstance(type, bool):
            number = type
            type = "cuda"
        if not isinstance(type, str):
            raise TypeError(f"device: expected a string such as 'cpu' or 'cuda:0', not {type!r}.")
        name, colon, text = type.partition(":")
        if colon:
            if index is not None:
                raise RuntimeError(f"device: {type!r} has an index already, {index} cannot be added.")
            if not text.isdecimal() or (len(text) > 1 and text[0] == "0"):
                raise RuntimeError(f"device: invalid device string: {type!r}. Use 'cpu', 'cuda', 'cuda:N' or 'meta'.")
            index = int(text)
        if name not in DEVICES:
            hint = f" A dtype is written torch.{name}." if name in _NAMES or name in ("float", "double", "half", "long", "int") else " Use 'cuda' for a GPU." if name.lower() in ("gpu", "cuda") else ""
            raise RuntimeError(f"device: Expected one of {', '.join(DEVICES)} device type at start of device string: {type}.{hint} Tensors are on 'cpu', 'cuda', 'cuda:N' or 'meta'.")
        if index is not None:
            if index < 0 or index > 127:
                raise RuntimeError(f"device: index {index} is out of range in {type!r}; use 0 to 127.")
            number = index
        self.kind = DEVICES.index(name)
        self.number = number
        self.type = name

    @property
    def index(self):
        return None if self.number < 0 else self.number

    def __repr__(self):
        if self.number < 0:
            return f"device(type='{self.type}')"
        return f"device(type='{self.type}', index={self.number})"

    def __str__(self):
        return self.type if self.number < 0 else f"{self.type}:{self.number}"

    def __eq__(self, other):
        if not isinstance(other, device):
            return NotImplemented
        return self.kind == (<device>other).kind and self.number == (<device>other).number

    def __hash__(self):
        return hash((self.kind, self.number))

    def __reduce__(self):
        return device, (str(self),)

    def __enter__(self):
        global _default_kind, _default_index
        _device_stack.append((_default_kind, _default_index))
        _default_kind, _default_index = self.kind, self.number
        return self

    def __exit__(self, *exc):
        global _default_kind, _default_index
        _default_kind, _default_index = _device_stack.pop()


cdef device device_of(int kind, int index):
    cdef device d = <device>device.__new__(device)
    d.kind = kind
    d.number = index if kind == CUDA else -1
    d.type = device_name(kind)
    return d


def get_default_device():
    """The device on which factory functions create tensors."""
    return device_of(_default_kind, _default_index)


def set_default_device(d):
    """Create tensors on `d` where no device is named."""
    global _default_kind, _default_index
    if d is None:
        _default_kind, _default_index = CPU, -1
        return
    cdef int index = -1
    d = device(d)
    if (<device>d).kind > META:
        parse_device(d, &index)                  # says that nothing can be there
    _default_kind, _default_index = (<device>d).kind, (<device>d).number


cdef int parse_device(object d, int* index) except -1:
    cdef int kind
    if d is None:
        kind = _default_kind
        index[0] = _default_index
    else:
        if type(d) is not device:
            d = device(d)
        kind = (<device>d).kind
        index[0] = (<device>d).number
    if kind == CUDA:
        if index[0] < 0:
            index[0] = _cuda_current()
    elif kind > META:
        raise RuntimeError(f"device: pyxtorch has no tensors on {device_name(kind)!r} devices; use 'cpu', 'cuda' or 'meta'.")
    else:
        index[0] = 0
    return kind


cdef object _cuda_loader = None    # of _cuda.pyx: importing pyxtorch must not touch a driver


def set_cuda_loader(loader):
    """`loader()` opens the GPU side; called when the first CUDA tensor is made."""
    global _cuda_loader
    _cuda_loader = loader


cdef int _cuda_current() except -1:
    return load_cuda().current_device()


cdef object load_cuda():
    if _cuda_loader is None:
        __import__("pyxtorch._cuda")  # sets the loader
    return _cuda_loader()


# --------------------------------------------------------------------------------- layouts

@cython.binding(False)
@cython.final
cdef class layout:
    """How a tensor's elements are kept. Every tensor is `strided`; the other names are there to be asked about."""

    def __init__(self):
        raise TypeError("layout: cannot be created; use pyxtorch.strided.")

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return _layout_by_name, (self.name,)


_layouts = {}
for _name in ("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged"):
    _l = <layout>layout.__new__(layout)
    (<layout>_l).name = _name
    _layouts[_name] = _l
strided = _layouts["strided"]


def _layout_by_name(name):
    return _layouts[name]


def layouts():
    """All layouts by their public names."""
    return dict(_layouts)


cdef int check_layout(object given, str op) except -1:
    if type(given) is not layout:
        raise TypeError(f"{op}(): argument 'layout' must be torch.layout, not {type(given).__name__}")
    if given is not strided:
        raise RuntimeError(f"{op}: cannot make a tensor of layout {given!r}; every tensor is {strided!r}. Leave layout= out.")
    return 0


class memory_format:
    """An order of a tensor's dimensions in memory."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return self.name


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
