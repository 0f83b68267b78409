"""Many elements in, one out: sums, products, extremes."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, record_many, recording
from pyxtorch.kernels.reduce cimport *
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport conj_of, expand_to, to_dtype, view_sizes

from pyxtorch.ops.elementwise_compare import isnan, logical_and, logical_not, logical_or
from pyxtorch.ops.elementwise_select import maximum, minimum, where
from pyxtorch.ops._common import return_type, strict_out

tables = <pyx_reduce_kernels**>kernel_tables(b"reduce", sizeof(pyx_reduce_kernels))


cdef int reduction(const char* name) except -1:
    """The number of a reduction of include/pyxtorch/reductions.h."""
    cdef int number = tables[CPU].find(name)
    if number < 0:
        raise KeyError(f"no reduction named {name.decode()!r} in include/pyxtorch/reductions.h")
    return number


cdef int SUM = reduction(b"sum")
cdef int NANSUM = reduction(b"nansum")
cdef int PROD = reduction(b"prod")
cdef int MAX = reduction(b"max")
cdef int MIN = reduction(b"min")
cdef int ANY = reduction(b"any")
cdef int ALL = reduction(b"all")
cdef int COUNT = reduction(b"count")


# ------------------------------------------------------------------------------- the engine

cdef Variable arrange(Variable x, Mask mask, bint keepdim, Layout* l):
    """x contiguous with the reduced dimensions next to each other, and the sizes to go with it."""
    cdef int i, k = 0, first = -1, last = -1
    cdef int order[64]
    cdef bint together = True
    l.nd = 0
    for i in range(x.nd):
        if mask >> i & 1:
            if first < 0:
                first = i
            elif last != i - 1:
                together = False
            last = i
            if keepdim:
                l.sizes[l.nd] = 1
                l.nd += 1
        else:
            l.sizes[l.nd] = x.sizes[i]
            l.nd += 1
    l.outer = l.dim = l.inner = 1
    if x.flags & CONTIGUOUS and together:
        for i in range(x.nd):
            if i < first:
                l.outer *= x.sizes[i]
            elif i <= last:
                l.dim *= x.sizes[i]
            else:
                l.inner *= x.sizes[i]
        if first < 0:
            l.outer = x.n
            l.inner = 1
        return x
    for i in range(x.nd):
        if not mask >> i & 1:
            order[k] = i
            k += 1
            l.outer *= x.sizes[i]
    for i in range(x.nd):
        if mask >> i & 1:
            order[k] = i
            k += 1
            l.dim *= x.sizes[i]
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    for i in range(x.nd):
        sizes[i] = x.sizes[order[i]]
        strides[i] = x.strides[order[i]]
    return dense(<Variable>new_view(x, x.nd, sizes, strides, x.ptr))


cdef object unsupported(str op, int dt):
    return NotImplementedError(f'"{op}" not implemented for {dtype_of(dt).name!r}.')


cdef Variable reduced(int kind, Variable x, Mask mask, bint keepdim, str op, double p=0):
    """One reduction, unrecorded; half precision is computed in float."""
    cdef Layout l
    cdef int dt = x.dt, failed
    cdef Variable y
    cdef pyx_reduce_kernels* k
    if not native(tables, x):
        y = reduced(kind, as_native(tables, x), mask, keepdim, op, p)
        return y if y.dt != FLOAT32 else cast_raw(y, dt)
    x = arrange(x, mask, keepdim, &l)
    y = <Variable>new_empty(l.nd, l.sizes, BOOL if kind == ANY or kind == ALL else INT64 if kind == COUNT else dt, x.dev, x.dev_index)
    k = <pyx_reduce_kernels*>table_for(<void**>tables, x, op)
    if x.n > 32768:
        x_ptr, y_ptr = x.ptr, y.ptr
        with nogil:
            failed = k.reduce(kind, dt, x_ptr, y_ptr, l.outer, l.dim, l.inner, p)
    else:
        failed = k.reduce(kind, dt, x.ptr, y.ptr, l.outer, l.dim, l.inner, p)
    if failed == -3:
        raise OutOfMemory(op)
    if failed:
        raise unsupported(op, dt)
    return y


cdef object OutOfMemory(str op):
    from pyxtorch._core import OutOfMemoryError
    return OutOfMemoryError(f"{op}: no memory for intermediate results.")


cdef class Reduction(Function):
    cdef int describe(self, Variable x, Mask mask, bint keepdim) except -1:
        self.shape = shape_of(x)
        self.mask = mask
        self.keepdim = keepdim
        return 0

    cdef Variable spread(self, Variable y):
        cdef int64_t sizes[64]
        cdef int i, nd = len(self.shape)
        if not self.keepdim:
            for i in range(nd):
                sizes[i] = 1 if self.mask >> i & 1 else self.shape[i]
            if y.nd and y.nd != nd:
                y = view_sizes(y, nd, sizes, "view")
        for i in range(nd):
            sizes[i] = self.shape[i]
        return expand_to(y, nd, sizes, "expand")

    cdef tuple dims(self):
        return tuple([i for i in range(len(self.shape)) if self.mask >> i & 1])


cdef int sum_dtype(Variable x, object dtype) except -1:
    if dtype is not None:
        return dtype_code(dtype)
    return INT64 if x.dt <= INT64 else x.dt


# ------------------------------------------------------------------------------------- sum

cdef class Sum(Reduction):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, self.spread(g))


cdef Variable sum_mask(Variable x, Mask mask, bint keepdim):
    cdef Variable y
    cdef Sum node
    if x.dt < INT64:
        x = cast_raw(x, INT64)
    y = reduced(SUM, x, mask, keepdim, "sum")
    if recording(x):
        node = <Sum>Sum.__new__(Sum)
        node.describe(x, mask, keepdim)
        record1(node, y, x)
    return y


def sum(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """The sum of all elements, or over dimensions; integers and bools add up in int64.

    Args:
        dim: int, sequence of ints, or None for all; keepdim: keep them with size 1.
    Gradient: the gradient of the result, expanded.
    """
    cdef Variable x = checked(input, "sum", "input")
    if dim is None and dtype is None and out is None:
        return sum_mask(x, dims_mask(None, x.nd, "sum"), keepdim)
    cdef int dt = sum_dtype(x, dtype if dtype is not None or out is None else checked(out, "sum", "out").dtype)
    y = sum_mask(to_dtype(x, dt), dims_mask(dim, x.nd, "sum"), keepdim)
    return finish_out(to_dtype(y, dt), out, "sum")


def nansum(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """`sum` in which NaN counts as 0."""
    cdef Variable x = checked(input, "nansum", "input")
    if is_complex_code(x.dt):
        raise RuntimeError("nansum does not support complex inputs")
    cdef int dt = sum_dtype(x, dtype)
    x = to_dtype(x, dt)
    if x.dt > INT64:
        if not recording(x):
            return finish_out(reduced(NANSUM, x, dims_mask(dim, x.nd, "nansum"), keepdim, "nansum"), out, "nansum")
        x = where(isnan(x), 0, x)
    return finish_out(to_dtype(sum_mask(x, dims_mask(dim, x.nd, "nansum"), keepdim), dt), out, "nansum")


def mean(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """The mean of all elements, or over dimensions, of a floating-point or complex tensor."""
    cdef Variable x = checked(input, "mean", "input")
    cdef Mask mask
    cdef int64_t n = 1
    cdef int i
    if dtype is not None:
        x = to_dtype(x, dtype_code(dtype))
    if x.dt <= INT64:
        raise RuntimeError(
            f"mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {dtype_of(x.dt).name}"
        )
    mask = dims_mask(dim, x.nd, "mean")
    for i in range(x.nd):
        if mask >> i & 1:
            n *= x.sizes[i]
    if x.dt == FLOAT16 or x.dt == BFLOAT16:
        wide = sum_mask(to_dtype(x, FLOAT32), mask, keepdim)
        return finish_out(to_dtype(wide / n if n else wide * float("nan"), x.dt), out, "mean")
    total = sum_mask(x, mask, keepdim)
    return finish_out(total / n if n else total * float("nan"), out, "mean")


def nanmean(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """The mean of the elements that are not NaN."""
    cdef Variable x = checked(input, "nanmean", "input")
    if is_complex_code(x.dt):
        raise RuntimeError("nanmean does not support complex inputs")
    if x.dt <= INT64:
        raise RuntimeError(f"nanmean(): expected input to have floating point or complex dtype but got {dtype_of(x.dt).name}")
    count = logical_not(isnan(x)).sum(dim, keepdim)
    total = where(isnan(x), 0, x).sum(dim, keepdim, dtype=dtype)
    return finish_out(total / count, out, "nanmean")


# ------------------------------------------------------------------------------------ product

cdef class Prod(Reduction):
    cdef int vjp(self, Variable g) except -1:
        cdef Variable x = self.saved(0)
        cdef int dt = x.dt
        g = self.spread(g)
        # In double: what overflows or vanishes on the way often does not in the end.
        self.pass_grad(0, g * conj_of(to_dtype(<Variable>others(to_dtype(x, COMPLEX128 if is_complex_code(dt) else FLOAT64), self.mask), dt)))


cdef object others(Variable x, Mask mask):
    """For each element the product of all others along the reduced dimensions, right with zeros too."""
    if not x.n:
        return x
    from pyxtorch.ops import scan
    dims = [i for i in range(x.nd) if mask >> i & 1]
    order = [i for i in range(x.nd) if not mask >> i & 1] + dims
    moved = x.permute(order)
    flat = moved.reshape([x.sizes[i] for i in order[:x.nd - len(dims)]] + [-1])
    return scan.products_of_others(flat).reshape(moved.shape).permute([order.index(i) for i in range(x.nd)])


def prod(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """The product of all elements, or over one dimension."""
    cdef Variable x = checked(input, "prod", "input")
    cdef Variable y
    cdef Mask mask = dims_mask(dim, x.nd, "prod")
    cdef Prod node
    cdef int dt = sum_dtype(x, dtype)
    x = to_dtype(x, dt)
    if x.dt < INT64:
        x = cast_raw(x, INT64)
    y = reduced(PROD, x, mask, keepdim, "prod")
    if recording(x):
        node = <Prod>Prod.__new__(Prod)
        node.describe(x, mask, keepdim)
        node.save(x)
        record1(node, y, x)
    return finish_out(to_dtype(y, dt), out, "prod")


# --------------------------------------------------------------------------------- any, all

cdef object whether(int kind, object input, object dim, bint keepdim, object out, str op):
    """An empty tuple of dimensions is taken at its word here; for other reductions it means all. uint8 stays uint8."""
    cdef Variable x = checked(input, op, "input")
    empty = isinstance(dim, (tuple, list)) and not dim
    y = to_dtype(x, BOOL) if empty else reduced(kind, x, dims_mask(dim, x.nd, op), keepdim, op)
    return finish_out(to_dtype(y, UINT8) if x.dt == UINT8 else y, out, op)


def any(input, dim=None, keepdim=False, *, out=None):
    """Whether any element is nonzero, in all or over dimensions (uint8 stays uint8)."""
    return whether(ANY, input, dim, keepdim, out, "any")


def all(input, dim=None, keepdim=False, *, out=None):
    """Whether all elements are nonzero, in all or over dimensions (uint8 stays uint8)."""
    return whether(ALL, input, dim, keepdim, out, "all")


def count_nonzero(input, dim=None):
    """How many elements are nonzero, in all or over dimensions."""
    cdef Variable x = checked(input, "count_nonzero", "input")
    return reduced(COUNT, x, dims_mask(dim, x.nd, "count_nonzero"), False, "count_nonzero")


# ---------------------------------------------------------------------------------- extremes

cdef int nonempty(Variable x, Mask mask, bint whole, str op) except -1:
    """Extremes of nothing there are none; `whole`: no dimension was named."""
    cdef int i
    if x.n == 0 and whole:
        raise RuntimeError(f"{op}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
    for i in range(x.nd):
        if mask >> i & 1 and x.sizes[i] == 0:
            raise IndexError(f"{op}(): Expected reduction dim {i} to have non-zero size, in shape {list(shape_of(x))}.")
    return 0


cdef int ordered(Variable x, str op) except -1:
    if is_complex_code(x.dt):
        raise unsupported(op, x.dt)
    return 0


cdef class Amax(Reduction):
    """Equal extremes share the gradient."""
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        y = self.spread(self.saved(1))
        hit = logical_or(x == y, logical_and(isnan(x), isnan(y)))
        hit = to_dtype(hit, (<Variable>g).dt)
        share = hit / sum_mask(hit, self.mask, True)
        self.pass_grad(0, self.spread(g) * share)


cdef Variable extreme_values(int kind, Variable x, object dim, bint keepdim, str op):
    cdef Variable y
    cdef Amax node
    cdef Mask mask = dims_mask(dim, x.nd, op)
    ordered(x, op)
    nonempty(x, mask, dim is None or dim == (), op)
    y = reduced(kind, x, mask, keepdim, op)
    if recording(x):
        node = <Amax>Amax.__new__(Amax)
        node.describe(x, mask, keepdim)
        node.save(x)
        node.save_output(y)
        record1(node, y, x)
    return y


def amax(input, dim=(), keepdim=False, *, out=None):
    """The largest elements over dimensions; equal ones share the gradient."""
    cdef Variable x = checked(input, "amax", "input")
    return finish_out(extreme_values(MAX, x, dim, keepdim, "amax"), out, "amax")


def amin(input, dim=(), keepdim=False, *, out=None):
    """The smallest elements over dimensions; equal ones share the gradient."""
    cdef Variable x = checked(input, "amin", "input")
    return finish_out(extreme_values(MIN, x, dim, keepdim, "amin"), out, "amin")


Aminmax = return_type("aminmax", ["min", "max"])


def aminmax(input, *, dim=None, keepdim=False, out=None):
    """The smallest and the largest elements, of all or along one dimension."""
    strict_out(out, (), "aminmax", ((<Variable>checked(input, "aminmax", "input")).dt,) * 2)
    if dim is None and not (<Variable>input).n:
        raise RuntimeError("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.")
    return finish_out(Aminmax(amin(input, dim, keepdim), amax(input, dim, keepdim)), out, "aminmax")


cdef class Extreme(Function):
    """Values and indices along a dimension: the gradient goes to the index."""
    cdef tuple shape
    cdef int dim
    cdef bint keepdim

    cdef int vjp_many(self, list grads) except -1:
        g = grads[0]
        if g is None:
            return 0
        index = self.saved(0)
        if not self.shape:
            self.pass_grad(0, g)
            return 0
        if not self.keepdim:
            g = g.unsqueeze(self.dim)
            index = index.unsqueeze(self.dim)
        self.pass_grad(0, g.new_zeros(self.shape).scatter(self.dim, index, g))


cdef tuple along(int kind, Variable x, int dim, bint keepdim, str op, bint values):
    """(values or None, indices) along one dimension, unrecorded."""
    cdef Layout l
    cdef Variable v = None, i
    cdef int failed
    ordered(x, op)
    nonempty(x, <Mask>1 << dim if x.nd else 0, False, op)
    source = x if native(tables, x) else as_native(tables, x)
    a = arrange(source, <Mask>1 << dim if x.nd else 0, keepdim, &l)
    if values:
        v = <Variable>new_empty(l.nd, l.sizes, a.dt, x.dev, x.dev_index)
    i = <Variable>new_empty(l.nd, l.sizes, INT64, x.dev, x.dev_index)
    cdef Variable b = a
    cdef pyx_reduce_kernels* k = <pyx_reduce_kernels*>table_for(<void**>tables, x, op)
    cdef void* to = v.ptr if values else NULL
    b_dt, b_ptr, i_ptr = b.dt, b.ptr, i.ptr
    with nogil:
        failed = k.extreme(kind == MIN, b_dt, b_ptr, to, <int64_t*>i_ptr, l.outer, l.dim, l.inner)
    if failed:
        raise unsupported(op, x.dt)
    if values and v.dt != x.dt:
        v = cast_raw(v, x.dt)
    return v, i


Max = return_type("max", ["values", "indices"])
Min = return_type("min", ["values", "indices"])


cdef object with_indices(int kind, Variable x, object dim, bint keepdim, str op, object kinds):
    cdef int d = wrap_dim(dim, x.nd, op)
    cdef Extreme node
    v, i = along(kind, x, d, keepdim, op, True)
    if recording(x):
        node = <Extreme>Extreme.__new__(Extreme)
        node.shape = shape_of(x)
        node.dim = d
        node.keepdim = keepdim
        node.save(i)
        record_many(node, (v, i), (x,))
    return kinds(v, i)


cdef object dim_of_tensor(Variable dim, str op):
    """The dimension that a tensor tells where it cannot be the other operand."""
    if dim.nd or not is_integral(dim.dt):
        raise TypeError(f"{op}(): argument 'dim' must be int, not Tensor of shape {tuple(dim.shape)} and {dim.dtype}; an element by element {op} takes no keepdim")
    return dim.item()


def max(input, dim=None, keepdim=False, *, out=None, other=None):
    """The largest element; with `dim` (values, indices) along it; with a tensor the larger of both."""
    cdef Variable x = checked(input, "max", "input")
    if keepdim and isinstance(dim, Variable):
        dim = dim_of_tensor(dim, "max")
    if other is not None or isinstance(dim, Variable):
        return maximum(x, dim if other is None else other, out=out)
    if dim is None:
        return finish_out(extreme_values(MAX, x, None, False, "max"), out, "max")
    return finish_out(with_indices(MAX, x, dim, keepdim, "max", Max), out, "max")


def min(input, dim=None, keepdim=False, *, out=None, other=None):
    """The smallest element; with `dim` (values, indices) along it; with a tensor the smaller of both."""
    cdef Variable x = checked(input, "min", "input")
    if keepdim and isinstance(dim, Variable):
        dim = dim_of_tensor(dim, "min")
    if other is not None or isinstance(dim, Variable):
        return minimum(x, dim if other is None else other, out=out)
    if dim is None:
        return finish_out(extreme_values(MIN, x, None, False, "min"), out, "min")
    return finish_out(with_indices(MIN, x, dim, keepdim, "min", Min), out, "min")


cdef object position(int kind, Variable x, object dim, bint keepdim, str op):
    if dim is None:
        if not x.n:
            raise IndexError(f"{op}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
        i = along(kind, <Variable?>dense(x).view(-1), 0, False, op, False)[1]
        return i.view((1,) * x.nd) if keepdim else i
    return along(kind, x, wrap_dim(dim, x.nd, op), keepdim, op, False)[1]


def argmax(input, dim=None, keepdim=False, *, out=None):
    """The index (int64) of the first largest element, of all (flattened) or along a dimension."""
    return finish_out(position(MAX, checked(input, "argmax", "input"), dim, keepdim, "argmax"), out, "argmax")


def argmin(input, dim=None, keepdim=False, *, out=None):
    """The index (int64) of the first smallest element, of all (flattened) or along a dimension."""
    return finish_out(position(MIN, checked(input, "argmin", "input"), dim, keepdim, "argmin"), out, "argmin")


__all__ = [
    "sum", "nansum", "mean", "nanmean", "prod", "any", "all", "count_nonzero", "amax", "amin", "aminmax", "max", "min", "argmax",
    "argmin",
]
methods = {name: globals()[name] for name in __all__}
