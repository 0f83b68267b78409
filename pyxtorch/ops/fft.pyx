"""Discrete Fourier transforms, for `pyxtorch.fft`: complex, real and Hermitian input, 1 to n dimensions.

All are three linear operations: complex to complex, real to half of complex, half of complex to
real. scipy.fft does them, imported on first use; the gradient of each is one of the three again.
A tensor on another device is transformed on the CPU.
"""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport conj_of, to_dtype

from pyxtorch._core import get_num_threads
from pyxtorch.ops import create, shape_join, shape_pad

# What sums over n elements are multiplied with: 1, 1 / sqrt(n), 1 / n
cdef enum:
    PLAIN = 0
    ROOT = 1
    MEAN = 2
# and SciPy's names for that, when transforming forward and back
cdef tuple FORWARD = ("backward", "ortho", "forward")
cdef tuple INVERSE = ("forward", "ortho", "backward")
# Below this many elements SciPy's threads cost more than they bring.
cdef enum:
    SMALL = 65536


# ------------------------------------------------------------------------- the three operations

cdef Variable transformed(object function, Variable x, tuple dims, object norm, object sizes=None):
    """A function of scipy.fft, off the tape."""
    if x.dev == META:
        result = function(create.no_arrays_like(x), axes=tuple([d + 1 for d in dims]), norm=norm, s=sizes)
        return <Variable?>create.meta_tensor_of(result)
    workers = get_num_threads() if x.n > SMALL else 1
    array = x.detach().cpu().resolve_conj().numpy()
    try:
        result = function(array, axes=dims, norm=norm, workers=workers, s=sizes)
    except RuntimeError as error:
        if workers == 1:
            raise
        import warnings
        warnings.warn(f"fft: {error}; it works in one thread.", stacklevel=3)
        result = function(array, axes=dims, norm=norm, workers=1, s=sizes)
    y = create.from_numpy(result if result.flags.c_contiguous else result.copy())
    return <Variable?>(y if x.dev == CPU else y.to(x.device))


cdef class ComplexToComplex(Function):
    cdef tuple dims
    cdef int scale
    cdef bint forward
    cdef bint of_real

    cdef int vjp(self, Variable g) except -1:
        g = complex_to_complex(g, self.dims, self.scale, not self.forward)
        self.pass_grad(0, g.real if self.of_real else g)


cdef Variable complex_to_complex(Variable x, tuple dims, int scale, bint forward):
    """The transform, or its inverse; `x` may be real."""
    cdef Variable y
    cdef ComplexToComplex node
    if not dims:
        return x
    from scipy import fft
    y = transformed(fft.fftn if forward else fft.ifftn, x, dims, (FORWARD if forward else INVERSE)[scale])
    if recording(x):
        node = <ComplexToComplex>ComplexToComplex.__new__(ComplexToComplex)
        node.dims = dims
        node.scale = scale
        node.forward = forward
        node.of_real = not is_complex_code(x.dt)
        record1(node, y, x)
    return y


cdef class RealToComplex(Function):
    """The first half, n // 2 + 1 elements, along the last of `dims`; the others are their conjugates."""
    cdef tuple dims
    cdef int scale
    cdef int64_t size

    cdef int vjp(self, Variable g) except -1:
        g = fitted(g, self.dims[-1], self.size)
        self.pass_grad(0, complex_to_complex(g, self.dims, self.scale, False).real)


cdef Variable real_to_complex(Variable x, tuple dims, int scale):
    cdef Variable y
    cdef RealToComplex node
    from scipy import fft
    y = transformed(fft.rfftn, x, dims, FORWARD[scale])
    if recording(x):
        node = <RealToComplex>RealToComplex.__new__(RealToComplex)
        node.dims = dims
        node.scale = scale
        node.size = x.sizes[<int>dims[-1]]
        record1(node, y, x)
    return y


cdef class ComplexToReal(Function):
    """Each element but the first (and the last of an even size) stands for its conjugate too."""
    cdef tuple dims
    cdef int scale
    cdef int64_t size

    cdef int vjp(self, Variable g) except -1:
        cdef Variable half = real_to_complex(g, self.dims, self.scale)
        cdef int last = self.dims[-1]
        weight = create.full((half.sizes[last],) + (1,) * (half.nd - 1 - last), 2, dtype=dtype_of(g.dt), device=g.device)
        weight[0] = 1
        if self.size % 2 == 0:
            weight[-1] = 1
        self.pass_grad(0, half * weight)


cdef Variable complex_to_real(Variable x, tuple dims, int scale, int64_t size):
    """The inverse of `real_to_complex`; `size` along the last of `dims`."""
    cdef Variable y
    cdef ComplexToReal node
    from scipy import fft
    sizes = [x.sizes[<int>d] for d in dims[:-1]] + [size]
    y = transformed(fft.irfftn, x, dims, INVERSE[scale], sizes)
    if recording(x):
        node = <ComplexToReal>ComplexToReal.__new__(ComplexToReal)
        node.dims = dims
        node.scale = scale
        node.size = size
        record1(node, y, x)
    return y


# ------------------------------------------------------------------------------------ arguments

cdef int scale_of(object norm, bint forward, str op) except -1:
    if norm is None or norm == "backward":
        return PLAIN if forward else MEAN
    if norm == "forward":
        return MEAN if forward else PLAIN
    if norm == "ortho":
        return ROOT
    raise RuntimeError(f'{op}: Invalid normalization mode: "{norm}". Use "backward", "ortho" or "forward".')


cdef Variable wide(object input, str op, bint real):
    """The input in a dtype that can be transformed: real or complex, single or double precision."""
    cdef Variable x = checked(input, op, "input")
    if x.dt <= INT64:
        x = to_dtype(x, default_dtype())
    if x.dt == FLOAT16 or x.dt == BFLOAT16:
        raise RuntimeError(f"{op}: Unsupported dtype {dtype_of(x.dt).name}. Convert with .float().")
    if real and is_complex_code(x.dt):
        raise RuntimeError(f"{op} expects a real input tensor, but got {dtype_of(x.dt).name}. Use the complex transform, or .real.")
    return x


cdef int dim_of(object dim, Variable x, str op) except -1:
    if not hasattr(type(dim), "__index__"):
        raise TypeError(f"{op}(): argument 'dim' must be int, not {type(dim).__name__}")
    if x.nd == 0:
        raise IndexError(f"{op}: Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, x.nd, op)


cdef tuple dims_and_sizes(Variable x, object s, object dim, str op):
    """(dims, sizes along them); a size of -1 is the tensor's own, which is left for the caller to look up."""
    if hasattr(type(s), "__index__"):
        s = (s,)
    if hasattr(type(dim), "__index__"):
        dim = (dim,)
    if dim is not None:
        dims = tuple([dim_of(d, x, op) for d in dim])
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"{op}: FFT dims must be unique, but got dim={tuple(dim)}.")
        if s is not None and len(s) != len(dims):
            raise RuntimeError(f"{op}: When given, dim and shape arguments must have the same length, but got dim={tuple(dim)} and s={tuple(s)}.")
    elif s is not None:
        if len(s) > x.nd:
            raise RuntimeError(f"{op}: Got shape with {len(s)} values but input tensor only has {x.nd} dimensions.")
        dims = tuple(range(x.nd - len(s), x.nd))
    else:
        dims = tuple(range(x.nd))
    sizes = [-1] * len(dims) if s is None else list(s)
    for n in sizes:
        if not hasattr(type(n), "__index__"):
            raise TypeError(f"{op}(): the sizes of the transform must be int, not {type(n).__name__}")
        if n != -1 and n < 1:
            raise RuntimeError(f"{op}: Invalid number of data points ({n}) specified; it must be 1 or more.")
    return dims, sizes


cdef Variable fitted(Variable x, int dim, int64_t size):
    """`x` cut, or continued with zeros, at the end of `dim`."""
    if size < x.sizes[dim]:
        return <Variable?>x.narrow(dim, 0, size)
    if size > x.sizes[dim]:
        return <Variable?>shape_pad.constant_pad_nd(x, [0, 0] * (x.nd - 1 - dim) + [0, size - x.sizes[dim]])
    return x


cdef Variable all_fitted(Variable x, tuple dims, list sizes, str op):
    for d, n in zip(dims, sizes):
        if n == -1:
            n = x.sizes[<int>d]
        if n < 1:
            raise RuntimeError(f"{op}: Invalid number of data points ({n}) specified; it must be 1 or more.")
        x = fitted(x, d, n)
    return x


cdef object written(Variable y, object out, str op):
    if isinstance(out, Variable) and is_complex_code(y.dt) != is_complex_code((<Variable>out).dt):
        kind = "complex" if is_complex_code(y.dt) else "floating point"
        raise RuntimeError(f"{op} expects a {kind} output tensor, but got {dtype_of((<Variable>out).dt).name}")
    return finish_out(y, out, op)


# -------------------------------------------------------------------------- the kinds of transforms

cdef object complex_transform(str op, bint forward, object input, object s, object dim, object norm, object out):
    cdef Variable x = wide(input, op, False)
    cdef int scale = scale_of(norm, forward, op)
    dims, sizes = dims_and_sizes(x, s, dim, op)
    x = all_fitted(x, dims, sizes, op)
    if not dims:
        x = to_dtype(x, complex_of(x.dt))
    return written(complex_to_complex(x, dims, scale, forward), out, op)


cdef object real_transform(str op, bint forward, object input, object s, object dim, object norm, object out):
    """Of real input the inverse transform is the conjugate of the transform."""
    cdef Variable x = wide(input, op, True)
    cdef int scale = scale_of(norm, forward, op)
    dims, sizes = dims_and_sizes(x, s, dim, op)
    if not dims:
        raise RuntimeError(f"{op} must transform at least one axis")
    y = real_to_complex(all_fitted(x, dims, sizes, op), dims, scale)
    return written(y if forward else conj_of(y), out, op)


cdef object hermitian_transform(str op, bint forward, object input, object s, object dim, object norm, object out):
    """To real numbers: back, or forward by way of the conjugate."""
    cdef Variable x = wide(input, op, False)
    cdef int scale = scale_of(norm, forward, op)
    dims, sizes = dims_and_sizes(x, s, dim, op)
    if not dims:
        raise RuntimeError(f"{op} must transform at least one axis")
    cdef int64_t size = 2 * (x.sizes[<int>dims[-1]] - 1) if sizes[-1] == -1 else sizes[-1]
    if size < 1:
        raise RuntimeError(f"{op}: Invalid number of data points ({size}) specified; it must be 1 or more. Give the size of the result.")
    x = all_fitted(x, dims, sizes[:-1] + [size // 2 + 1], op)
    x = to_dtype(x, complex_of(x.dt))
    return written(complex_to_real(conj_of(x) if forward else x, dims, scale, size), out, op)


cdef int complex_of(int dt) noexcept:
    return COMPLEX64 if dt == FLOAT32 else COMPLEX128 if dt == FLOAT64 else dt


# ------------------------------------------------------------------------------- public functions

KINDS = {
    # name: what it gives, of what, result
    "fft": ("the discrete Fourier transform", "real or complex", "complex, shaped like the input"),
    "ifft": ("the inverse of `fft`", "real or complex", "complex, shaped like the input"),
    "rfft": ("the Fourier transform of real input: the half that is not redundant", "real", "complex, n // 2 + 1 elements along the last dimension"),
    "irfft": ("the inverse of `rfft`", "half of a Hermitian-symmetric signal", "real; along the last dimension n elements, 2 (m - 1) of m unless given"),
    "hfft": ("the Fourier transform of a Hermitian-symmetric signal", "half of that signal", "real; along the last dimension n elements, 2 (m - 1) of m unless given"),
    "ihfft": ("the inverse of `hfft`", "real", "complex, n // 2 + 1 elements along the last dimension"),
}
ABOUT = """{title}{where}.

Args:
    input: {of}, single or double precision; integers become the default dtype.
    {sizes}
    norm: "backward" (the inverse divides by the number of elements), "forward" (the other way
        round) or "ortho" (both divide by its root).
Returns:
    {result}.
Raises:
    RuntimeError: half precision, sizes below 1, an unknown norm. IndexError: no such dimension.
Gradient:
    The adjoint transform; differentiable any number of times.
"""


cdef object transform(str kind, str op, object input, object s, object dim, object norm, object out):
    cdef bint forward = kind in ("fft", "rfft", "hfft")
    if kind == "fft" or kind == "ifft":
        return complex_transform(op, forward, input, s, dim, norm, out)
    if kind == "rfft" or kind == "ihfft":
        return real_transform(op, forward, input, s, dim, norm, out)
    return hermitian_transform(op, forward, input, s, dim, norm, out)


def _documented(function, str name, str kind, str where, str sizes):
    title, of, result = KINDS[kind]
    function.__name__ = function.__qualname__ = name
    function.__doc__ = ABOUT.format(title=title[0].upper() + title[1:], where=where, of=of, result=result, sizes=sizes)
    return function


def _along_one(str kind):
    def function(input, n=None, dim=-1, norm=None, *, out=None):
        cdef Variable x = checked(input, kind, "input")
        if n is not None and not hasattr(type(n), "__index__"):
            raise TypeError(f"{kind}(): argument 'n' must be int, not {type(n).__name__}")
        # -1 stands for "as it is" only in the transforms along several dimensions.
        if n == -1:
            raise RuntimeError(f"{kind}: Invalid number of data points (-1) specified; it must be 1 or more.")
        return transform(kind, kind, x, None if n is None else (n,), (dim_of(dim, x, kind),), norm, out)

    return _documented(function, kind, kind, " along one dimension", "n: the signal is cut or continued with zeros to this length first; dim: the dimension.")


def _along_two(str kind):
    name = kind + "2"

    def function(input, s=None, dim=(-2, -1), norm=None, *, out=None):
        return transform(kind, name, input, s, dim, norm, out)

    return _documented(function, name, kind, " along two dimensions", "s: the signal is cut or continued with zeros to these sizes first (-1: as it is); dim: the dimensions.")


def _along_all(str kind):
    name = kind + "n"

    def function(input, s=None, dim=None, norm=None, *, out=None):
        return transform(kind, name, input, s, dim, norm, out)

    return _documented(function, name, kind, " along several dimensions",
                       "s: the signal is cut or continued with zeros to these sizes first (-1: as it is); dim: the dimensions, by\n"
                       "        default the last len(s), or all.")


transforms = {function.__name__: function for kind in KINDS for function in (_along_one(kind), _along_two(kind), _along_all(kind))}


# ------------------------------------------------------------------------------------ frequencies

cdef object frequencies(object indices, object n, object d, object out, object dtype, object device, object requires_grad, str op):
    cdef Variable y
    if not hasattr(type(n), "__index__"):
        raise TypeError(f"{op}(): argument 'n' must be int, not {type(n).__name__}")
    if dtype is not None and dtype_code(dtype) <= INT64:
        raise RuntimeError(f"{op} requires a floating point or complex dtype, but got {dtype}")
    y = create.tensor(indices, dtype=dtype or dtype_of(default_dtype()), device=device)
    # As one product, like PyTorch: d may be 0.
    y = y * (1.0 / (n * d) if n * d else float("inf"))
    return finish_out(y.requires_grad_() if requires_grad else y, out, op)


def fftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of the elements of `fft` of n samples a distance d apart: 0, 1, ... -2, -1, over n d."""
    only_strided(layout, "fftfreq")
    return frequencies([*range((n + 1) // 2), *range(-(n // 2), 0)], n, d, out, dtype, device, requires_grad, "fftfreq")


def rfftfreq(n, d=1.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False):
    """The frequencies of the elements of `rfft` of n samples a distance d apart: 0, 1, ... n // 2, over n d."""
    only_strided(layout, "rfftfreq")
    return frequencies([*range(n // 2 + 1)], n, d, out, dtype, device, requires_grad, "rfftfreq")


cdef object shifted(object input, object dim, bint back, str op):
    cdef Variable x = checked(input, op, "input")
    if dim is None:
        dims = list(range(x.nd))
    else:
        dims = [wrap_dim(d, x.nd, op) for d in ((dim,) if hasattr(type(dim), "__index__") else dim)]
    if not dims:
        return x
    return shape_join.roll(x, [(x.sizes[<int>d] + back) // 2 for d in dims], dims)


def fftshift(input, dim=None):
    """Moves frequency 0 to the middle, along `dim` (an int, several, or None: all)."""
    return shifted(input, dim, False, "fftshift")


def ifftshift(input, dim=None):
    """Undoes `fftshift`."""
    return shifted(input, dim, True, "ifftshift")


transforms.update(fftfreq=fftfreq, rfftfreq=rfftfreq, fftshift=fftshift, ifftshift=ifftshift)
