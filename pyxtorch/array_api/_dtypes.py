"""Dtypes in the terms of the standard: kinds, promotion, casts."""
import functools
import numbers
from types import SimpleNamespace

import pyxtorch as torch
from pyxtorch import Tensor, dtype

SIGNED = {"int8": torch.int8, "int16": torch.int16, "int32": torch.int32, "int64": torch.int64}
UNSIGNED = {"uint8": torch.uint8, "uint16": torch.uint16, "uint32": torch.uint32, "uint64": torch.uint64}
REAL = {"float32": torch.float32, "float64": torch.float64}
COMPLEX = {"complex64": torch.complex64, "complex128": torch.complex128}
BOOL = {"bool": torch.bool}
KINDS = {
    "bool": BOOL, "signed integer": SIGNED, "unsigned integer": UNSIGNED, "integral": SIGNED | UNSIGNED, "real floating": REAL,
    "complex floating": COMPLEX, "numeric": SIGNED | UNSIGNED | REAL | COMPLEX,
}  # fmt: skip
_OTHER_FLOATS = frozenset(("real floating", "numeric"))  # kinds that float16 and its like are of, which the standard does not name


def is_integral(d):
    """Whether a dtype is one of integers; bool is none."""
    return not (d.is_floating_point or d.is_complex or d == torch.bool)


def default_complex():
    """The complex dtype of the default floating-point dtype."""
    return torch.get_default_dtype().to_complex()


def need_tensor(name, *values):
    """TypeError where one of these is no tensor."""
    for value in values:
        if not isinstance(value, Tensor):
            raise TypeError(f"{name}: expected a tensor, got {type(value).__name__}. Make one with asarray.")


def isdtype(dtype, kind):
    """Whether a dtype is of a kind: a name such as "integral", another dtype, or a tuple of these, any of which will do."""
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    if not isinstance(dtype, torch.dtype):
        raise TypeError(f"isdtype: expected a dtype, got {dtype!r}.")
    if isinstance(kind, torch.dtype):
        return dtype == kind
    if kind not in KINDS:
        raise ValueError(f"isdtype: kind={kind!r} is none of {', '.join(map(repr, KINDS))}.")
    return dtype in KINDS[kind].values() or (dtype.is_floating_point and kind in _OTHER_FLOATS) or (dtype.is_complex and kind in ("complex floating", "numeric"))


def with_number(d, number):
    """The dtype that an operation of a tensor of dtype `d` and a Python number has."""
    if isinstance(number, (bool, numbers.Integral)):
        return torch.int64 if d == torch.bool and not isinstance(number, bool) else d
    if isinstance(number, numbers.Real):
        return d if d.is_floating_point or d.is_complex else torch.get_default_dtype()
    return d if d.is_complex else d.to_complex() if d.is_floating_point else default_complex()


def promoted(a, b):
    """The dtype that both dtypes can be converted to: the standard's table; across kinds, where it has no entry, PyTorch's."""
    try:
        return torch.promote_types(a, b)
    except RuntimeError as error:
        raise TypeError(f"result_type: there is no dtype for both {a} and {b}. Convert one with astype.") from error


def result_type(*arrays_and_dtypes):
    """The dtype of an operation of these tensors, dtypes and Python numbers; shapes make no difference.

    Raises:
        TypeError: two dtypes that no dtype holds (uint64 and a signed one), or an argument that is none of these.
        ValueError: there are numbers only.
    """
    dtypes, others = [], []
    for value in arrays_and_dtypes:
        if isinstance(value, Tensor):
            dtypes.append(value.dtype)
        elif isinstance(value, dtype):
            dtypes.append(value)
        elif isinstance(value, numbers.Number):
            others.append(value)
        else:
            raise TypeError(f"result_type: expected tensors, dtypes and numbers, got {type(value).__name__}.")
    if not dtypes:
        raise ValueError("result_type: at least one argument must be a tensor or a dtype.")
    return functools.reduce(with_number, others, functools.reduce(promoted, dtypes))


def operands(name, *values):
    """Tensors of one dtype: each of `values`, tensors and at least one, or Python numbers, as the standard promotes them."""
    device = None
    for value in values:
        if isinstance(value, Tensor):
            device = value.device if device is None else device
        elif not isinstance(value, numbers.Number):
            raise TypeError(f"{name}: expected a tensor or a number, got {type(value).__name__}. Make a tensor with asarray.")
    if device is None:
        raise TypeError(f"{name}: at least one argument must be a tensor; all are numbers.")
    d = result_type(*values)
    return [value.to(d) if isinstance(value, Tensor) else torch.full((), value, dtype=d, device=device) for value in values]


def can_cast(from_, to, /):
    """Whether the standard's promotion leads from a dtype, or a tensor's dtype, to `to`."""
    d = from_.dtype if isinstance(from_, Tensor) else from_
    try:
        return torch.promote_types(d, to) == to
    except RuntimeError:
        return False


def astype(x, dtype, /, *, copy=True, device=None):
    """A tensor with the elements of `x` in another dtype, and on another device where that is given.

    Args:
        copy: False gives `x` itself where nothing is to be converted.
    Raises:
        TypeError: `x` is complex and `dtype` is not.
    """
    need_tensor("astype", x)
    if x.dtype.is_complex and not (dtype.is_complex or dtype == torch.bool):
        raise TypeError(f"astype: {x.dtype} to {dtype} would drop imaginary parts. Take real(x) or imag(x) first.")
    return x.to(device=device, dtype=dtype, copy=copy)


def finfo(type, /):
    """Limits of a floating-point dtype, of a complex one, or of a tensor's: bits, eps, max, min, smallest_normal, dtype."""
    d = type.dtype if isinstance(type, Tensor) else type
    of = torch.finfo(d)
    return SimpleNamespace(bits=of.bits, eps=of.eps, max=of.max, min=of.min, smallest_normal=of.smallest_normal, dtype=d.to_real())


def iinfo(type, /):
    """Limits of an integer dtype, or of a tensor's: bits, max, min, dtype."""
    d = type.dtype if isinstance(type, Tensor) else type
    of = torch.iinfo(d)
    return SimpleNamespace(bits=of.bits, max=of.max, min=of.min, dtype=d)
