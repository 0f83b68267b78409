"""Copies, and conversions between dtypes, devices, real and complex."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, check_inplace, mark_view, rebase, rebasing, record1, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops._factory cimport in_format
from pyxtorch.ops.shape cimport cloned, conj_of, contiguous, detached, expand_to, selected, to_dtype

from pyxtorch._core import device as device_class, dtype as dtype_class
from pyxtorch.ops import shape, shape_join, shape_part
from pyxtorch.ops._inplace import inplace


def conj(Variable input not None):
    """Complex conjugate; a real tensor is returned as it is."""
    return conj_of(input)


def conj_physical(Variable input not None, *, out=None):
    """Complex conjugate, always in new memory."""
    return finish_out(conj_of(input) if is_complex_code(input.dt) else cloned(input), out, "conj_physical")


def clone(Variable input not None, *, memory_format=None):
    """A copy of the elements, recorded on the tape."""
    return cloned(input) if memory_format is None else in_format(input, memory_format, True, "clone")


def contiguous_(Variable input not None, memory_format=None):
    """The tensor itself if its elements lie in row-major order (or that of `memory_format`) without gaps, else a copy in which they do."""
    return contiguous(input) if memory_format is None else in_format(input, memory_format, False, "contiguous")


def detach(Variable input not None):
    """The same memory off the tape."""
    return detached(input)


cdef class Move(Function):
    """To another device, and perhaps dtype."""
    cdef object dtype, device

    cdef int vjp(self, Variable g) except -1:
        if is_complex_code(g.dt) and not self.dtype.is_complex:
            g = real(g)
        self.pass_grad(0, to(g, self.device, self.dtype))


def to(Variable input not None, *args, dtype=None, device=None, non_blocking=False, copy=False, memory_format=None):
    """The tensor with another dtype and/or on another device; itself if it is so already.

    to(dtype), to(device), to(device, dtype) and to(other) are understood.
    """
    cdef int dt, dev, index = 0
    cdef Move node
    cdef Variable y, z
    for i, a in enumerate(args):
        if type(a) is dtype_class or a is float or a is int or a is bool or a is complex:
            dtype = a
        elif isinstance(a, Variable):
            dtype, device = a.dtype, a.device
        elif isinstance(a, (str, device_class)) or (i == 0 and isinstance(a, int) and not isinstance(a, bool)):
            device = a
        elif isinstance(a, bool):
            if i == 2 or (i == 1 and dtype is None) or (i == 1 and device is None):
                non_blocking = a
            else:
                copy = a
        elif a is not None:
            raise TypeError(f"to() received an invalid argument: {a!r}; expected a dtype, a device or a tensor.")
    dt = input.dt if dtype is None else dtype_code(dtype)
    if device is None:
        dev, index = input.dev, input.dev_index
    else:
        dev = parse_device(device, &index)
        if dev == CUDA and (device if isinstance(device, device_class) else device_class(device)).index is None and input.dev == CUDA:
            index = input.dev_index
    if dev == input.dev and index == input.dev_index:
        if dt == input.dt:
            return in_format(input, memory_format, copy, "to") if memory_format is not None else cloned(input) if copy else input
        return in_format(to_dtype(input, dt), memory_format, False, "to")
    z = cast_raw(input, dt)
    y = <Variable>new_empty(z.nd, z.sizes, dt, dev, index)
    copy_raw(y, z)
    if recording(input):
        node = <Move>Move.__new__(Move)
        node.dtype = dtype_of(input.dt)
        node.device = device_of(input.dev, input.dev_index)
        record1(node, y, input)
    return in_format(y, memory_format, False, "to")


def _converter(name, code):
    def convert(Variable self not None, memory_format=None):
        return to_dtype(self, code) if memory_format is None else in_format(to_dtype(self, code), memory_format, False, name)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"The tensor as {dtype_of(code)!r}."
    return convert


def type_as(Variable input not None, Variable other not None):
    """The tensor with the dtype of `other`."""
    return to(input, other)


def cpu(Variable input not None, memory_format=None):
    """The tensor on the CPU."""
    return to(input, "cpu", memory_format=memory_format)


def cuda(Variable input not None, device=None, non_blocking=False, memory_format=None):
    """The tensor on a GPU."""
    return to(input, "cuda" if device is None else device, memory_format=memory_format)


def copy_(Variable self not None, src, non_blocking=False):
    """Overwrite with the elements of `src`: broadcast, and converted in dtype and device."""
    cdef Variable source = as_tensor(src, self.dev, self.dev_index)
    cdef Variable value
    check_inplace(self, "copy_")
    value = source
    if recording(source) or rebasing(self, 0):
        value = to(value, self.device, self.dtype)
        value = expand_to(value, self.nd, self.sizes, "copy_")
        if value is source or not (value.flags & FOLLOWED):
            value = recorded_alias(value)
        copy_raw(self, value)
        bump(self)
        rebase(self, value)
        return self
    if not same_shape(self, source):
        value = expand_to(detached(source), self.nd, self.sizes, "copy_")
    copy_raw(self, value)
    bump(self)
    return self


cdef class Same(Function):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)


cdef Variable recorded_alias(Variable x):
    cdef Variable y = <Variable>alias(x)
    if recording(x):
        record1(Same.__new__(Same), y, x)
    return y


def real(Variable input not None):
    """A view of the real parts; a real tensor is returned as it is."""
    return complex_part(input, 0) if is_complex_code(input.dt) else input


def imag(Variable input not None):
    """A view of the imaginary parts."""
    if not is_complex_code(input.dt):
        raise RuntimeError(f"imag: imag is not implemented for tensors with non-complex dtypes, here {dtype_of(input.dt)!r}.")
    return complex_part(input, 1)


cdef Variable complex_part(Variable x, int which):
    return selected(<Variable>view_as_real(x), x.nd, which)


cdef class ViewAsReal(Function):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, view_as_complex(contiguous(g)))


cdef class ViewAsComplex(Function):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, view_as_real(g))


def view_as_real(Variable input not None):
    """A complex tensor as a real one with a last dimension of 2 (real, imaginary); a view."""
    cdef int64_t sizes[65]
    cdef int64_t strides[65]
    cdef int i
    if not is_complex_code(input.dt):
        raise RuntimeError(f"view_as_real is only supported for complex tensors, not {dtype_of(input.dt)!r}")
    for i in range(input.nd):
        sizes[i] = input.sizes[i]
        strides[i] = 2 * input.strides[i]
    sizes[input.nd] = 2
    strides[input.nd] = 1
    cdef Variable y = <Variable>new_view(input, input.nd + 1, sizes, strides, input.ptr)
    y.dt = real_code(input.dt)
    mark_view(y, input)
    if recording(input):
        record1(ViewAsReal.__new__(ViewAsReal), y, input)
    return y


def view_as_complex(Variable input not None):
    """A real tensor whose last dimension has size 2 as a complex one; a view."""
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    cdef int i
    if input.dt != FLOAT16 and input.dt != FLOAT32 and input.dt != FLOAT64:
        raise RuntimeError(f"view_as_complex is only supported for float16, float32 and float64, not {dtype_of(input.dt)!r}")
    if input.nd == 0 or input.sizes[input.nd - 1] != 2:
        raise RuntimeError(f"view_as_complex: Tensor must have a last dimension of size 2, its shape is {list(shape_of(input))}")
    if input.strides[input.nd - 1] != 1:
        raise RuntimeError(f"view_as_complex: Tensor must have a last dimension with stride 1, not {input.strides[input.nd - 1]}")
    for i in range(input.nd - 1):
        if input.strides[i] % 2 and input.sizes[i] > 1:
            raise RuntimeError(f"view_as_complex: Tensor must have a stride divisible by 2 for all but last dimension, dim {i} has {input.strides[i]}")
        sizes[i] = input.sizes[i]
        strides[i] = input.strides[i] // 2
    if ((input.ptr - input.st.data) // itemsize_of(input.dt)) % 2:
        raise RuntimeError("view_as_complex: Tensor must have a storage_offset divisible by 2")
    cdef Variable y = <Variable>new_view(input, input.nd - 1, sizes, strides, input.ptr)
    y.dt = complex_code(input.dt)
    mark_view(y, input)
    if recording(input):
        record1(ViewAsComplex.__new__(ViewAsComplex), y, input)
    return y


# ------------------------------------------------------------------------------ views, in new memory

cdef object copying(object view, str op):
    """`view` whose results lie in new memory."""

    def function(Variable input not None, *args, out=None, **kwargs):
        result = view(input, *args, **kwargs)
        if isinstance(result, tuple):
            result = finish_out(tuple([cloned(<Variable>part) for part in result]), out, op)
            return result if out is None else None
        return finish_out(cloned(<Variable>result), out, op)

    function.__name__ = function.__qualname__ = op
    function.__doc__ = f"`{op[:-5]}`, in new memory."
    return function


def resolve_conj(Variable input not None):
    """`input` itself: no tensor keeps its conjugate undone."""
    return input


def resolve_neg(Variable input not None):
    """`input` itself: no tensor keeps its negative undone."""
    return input


exports = {
    f"{view.__name__}_copy": copying(view, f"{view.__name__}_copy") for view in (
        shape.expand, shape.permute, shape.squeeze, shape.t, shape.transpose, shape.unsqueeze, shape.view,
        shape_part.as_strided, shape_part.diagonal, shape_part.narrow, shape_part.select, shape_part.unfold,
        shape_join.split, shape_join.split_with_sizes, shape_join.unbind, detach, view_as_real, view_as_complex,
    )
}


def resolve_conj(Variable input not None):
    """The tensor itself: conjugates are computed at once here."""
    return input


def resolve_neg(Variable input not None):
    """The tensor itself: negatives are computed at once here."""
    return input


exports["alias_copy"] = copying(lambda input: input, "alias_copy")

__all__ = ["conj", "conj_physical", "clone", "detach", "real", "imag", "view_as_real", "view_as_complex"]
methods = {
    "narrow_copy": exports["narrow_copy"], "conj": conj, "conj_physical": conj_physical, "clone": clone, "contiguous": contiguous_, "detach": detach, "to": to,
    "type_as": type_as, "cpu": cpu, "cuda": cuda, "copy_": copy_,
    "conj_physical_": inplace(conj_physical, "conj_physical_"),
    "resolve_conj": resolve_conj, "resolve_neg": resolve_neg,
}
for _name, _code in (("bool", BOOL), ("byte", UINT8), ("char", INT8), ("short", INT16), ("int", INT32), ("long", INT64),
                     ("half", FLOAT16), ("bfloat16", BFLOAT16), ("float", FLOAT32), ("double", FLOAT64),
                     ("chalf", COMPLEX32), ("cfloat", COMPLEX64), ("cdouble", COMPLEX128)):
    methods[_name] = _converter(_name, _code)
properties = {"real": real, "imag": imag}
