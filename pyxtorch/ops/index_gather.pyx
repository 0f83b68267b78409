"""Gathering and scattering along one dimension."""
from libc.string cimport memcpy
from pyxtorch._core cimport *
from pyxtorch.autograd cimport (
    Function, Variable, check_inplace, rebase, record1, record2, recording,
)
from pyxtorch.ops._common cimport *
from pyxtorch.ops._precision cimport is_low
from pyxtorch.ops._common import strict_out
from pyxtorch.ops._inplace import inplace as inplace_form
from pyxtorch.ops.elementwise_select cimport where_t
from pyxtorch.ops.index_plan cimport *
from pyxtorch.ops.shape cimport expand_to, sliced

cdef int failed(int code, str op, Variable x, const int64_t* bad) except -1:
    if code == -2:
        raise RuntimeError(f"{op}: index {bad[0]} is out of bounds for dimension {bad[1]} with size {x.sizes[bad[1]] if x.nd else 1}")
    if code == -1:
        raise NotImplementedError(f'"{op}" not implemented for {dtype_of(x.dt).name!r}. Convert with .to(dtype).')
    raise MemoryError(f"{op}: no memory.")


cdef int check_gather(Variable x, int d, Variable index, str op) except -1:
    """index: int32 or int64, as many dimensions as x, no larger than x except along dim."""
    cdef int i
    if index.n == 0:
        return 0
    if index.dt != INT64 and index.dt != INT32:
        raise RuntimeError(f"{op}(): Expected dtype int32 or int64 for index, but got {dtype_of(index.dt).name}")
    same_device(x, index, op)
    if (x.nd or 1) != (index.nd or 1):
        raise RuntimeError(f"{op}: Index tensor must have the same number of dimensions as input tensor, but has {index.nd} and the input {x.nd}.")
    for i in range(index.nd):
        if i != d and index.sizes[i] > (x.sizes[i] if x.nd else 1):
            raise RuntimeError(
                f"{op}: Size does not match at dimension {i} expected index {list(shape_of(index))} to be no larger than self "
                f"{list(shape_of(x))} apart from dimension {d}"
            )
    return 0


cdef class Gather(Function):
    cdef int dim
    cdef tuple shape

    cdef int vjp(self, Variable g) except -1:
        cdef int64_t sizes[64]
        cdef int nd = parse_sizes(self.shape, sizes, "gather")
        zeros = zeros_raw(nd, sizes, g.dt, g.dev, g.dev_index)
        self.pass_grad(0, scatter_t(zeros, self.dim, <Variable>self.saved(0), g, PUT_ADD, False, "scatter_add"))


cdef Variable gather_t(Variable x, int d, Variable index):
    """Recorded; index is checked, of any integer dtype and strides."""
    cdef int64_t strides[64]
    cdef int64_t shape[64]
    cdef int64_t bad[2]
    cdef char* from_
    cdef char* at
    cdef char* to
    cdef int code, k, nd, size = itemsize_of(x.dt)
    cdef Variable i = index_int64(index, "gather")
    cdef Variable y = <Variable>new_empty(i.nd, i.sizes, x.dt, x.dev, x.dev_index)
    cdef pyx_index_kernels* kernels = index_kernels(x, "gather")
    cdef Gather node
    cdef int64_t length = x.sizes[d] if x.nd else 1
    if y.n:
        for k in range(x.nd):
            strides[k] = x.strides[k] * size
        if x.nd == 0:
            strides[0] = 0
        nd = i.nd if i.nd else 1
        shape[0] = 1
        memcpy(shape, i.sizes, i.nd * sizeof(int64_t))
        from_, at, to = x.ptr, i.ptr, y.ptr
        if y.n > 4096:
            with nogil:
                code = kernels.gather(size, nd, shape, d, length, from_, strides, <const int64_t*>at, to, bad)
        else:
            code = kernels.gather(size, nd, shape, d, length, from_, strides, <const int64_t*>at, to, bad)
        if code:
            failed(code, "gather", x, bad)
    if recording(x):
        node = <Gather>Gather.__new__(Gather)
        node.dim = d
        node.shape = shape_of(x)
        node.save(index)
        record1(node, y, x)
    return y


def gather(Variable input not None, dim, Variable index not None, *, sparse_grad=False, out=None):
    """out[..., i, ...] = input[..., index[..., i, ...], ...] along `dim`; out has the shape of index.

    Raises:
        RuntimeError: an index out of range (negative ones are), or a shape that does not fit.
    Gradient:
        added up into the places that were read.
    """
    cdef int d = wrap_dim(dim, input.nd, "gather")
    check_gather(input, d, index, "gather")
    strict_out(out, (input, index), "gather", (input.dt,))
    if index.n == 0:
        index = cast_raw(index, INT64)
    return finish_out(gather_t(input, d, index), out, "gather")


def take_along_dim(Variable input not None, Variable indices not None, dim=None, *, out=None):
    """`gather` after broadcasting the other dimensions; without dim, of the flattened tensor.

    With dim, negative indices count from the end.
    """
    cdef int d, i
    if indices.dt != INT64:
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {dtype_of(indices.dt).name}")
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1), out=out)
    if input.nd != indices.nd:
        raise RuntimeError(f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got {input.nd} dimensions for input, and {indices.nd} dimensions for indices")
    d = wrap_dim(dim, input.nd, "take_along_dim")
    a, b = list(shape_of(input)), list(shape_of(indices))
    for i in range(input.nd):
        if i != d:
            if a[i] != b[i] and a[i] != 1 and b[i] != 1:
                raise RuntimeError(f"take_along_dim: shapes {a} and {b} do not broadcast apart from dimension {d}.")
            a[i] = b[i] = b[i] if a[i] == 1 else a[i]
    if indices.n and any_true(indices < 0):
        indices = where_t(indices < 0, indices + input.sizes[d], indices)
    return gather(input.expand(a), d, indices.expand(b), out=out)


cdef class Scatter(Function):
    """x with src written at the places of an index (PUT_SET) or added there (PUT_ADD)."""
    cdef int dim, how

    cdef int vjp(self, Variable g) except -1:
        index = <Variable>self.saved(0)
        if self.needs(0):
            if self.how == PUT_ADD:
                self.pass_grad(0, g)
            else:
                zero = zeros_raw(0, NULL, g.dt, g.dev, g.dev_index)
                self.pass_grad(0, scatter_t(g, self.dim, index, zero, PUT_SET, False, "scatter"))
        if self.needs(1) and (<Variable>index).n:       # by an empty index nothing comes from src, whatever its shape
            self.pass_grad(1, gather_t(g, self.dim, index))


cdef int scatter_raw(Variable y, int d, Variable index, Variable src, int how, str op) except -1:
    """Write into y. src: 0-d, or at least as large as index; its dtype is that of y."""
    cdef int64_t strides[64]
    cdef int64_t from_[64]
    cdef int64_t bad[2]
    cdef int code, k, nd, size = itemsize_of(y.dt)
    cdef Variable i = apart(index_int64(index, op), y)      # an index that is written meanwhile: read from a copy
    cdef pyx_index_kernels* kernels = index_kernels(y, op)
    cdef int64_t length = y.sizes[d] if y.nd else 1
    cdef Variable wide
    if i.n == 0:
        return 0
    same_device(y, i, op)
    same_device(y, src, op)
    if (how == PUT_ADD or how == PUT_MUL) and is_low(y.dt):     # many terms for one place are rounded once
        wide = cast_raw(y, FLOAT32)
        scatter_raw(wide, d, i, cast_raw(src, FLOAT32), how, op)
        return copy_raw(y, wide)
    strides[0] = 0
    from_[0] = 0
    for k in range(y.nd):
        strides[k] = y.strides[k] * size
    for k in range(i.nd):
        from_[k] = src.strides[k] * size if src.nd else 0
    nd = i.nd if i.nd else 1
    cdef int64_t shape[64]
    cdef int dt = y.dt
    cdef char* to = y.ptr
    cdef char* at = i.ptr
    cdef char* values = src.ptr
    shape[0] = 1
    memcpy(shape, i.sizes, i.nd * sizeof(int64_t))
    if i.n > 4096:
        with nogil:
            code = kernels.scatter(how, dt, nd, shape, d, length, to, strides, <const int64_t*>at, values, from_, bad)
    else:
        code = kernels.scatter(how, dt, nd, shape, d, length, to, strides, <const int64_t*>at, values, from_, bad)
    if code:
        failed(code, op, y, bad)
    return 0


cdef Variable scatter_t(Variable x, int d, Variable index, Variable src, int how, bint inplace, str op):
    """Recorded for PUT_SET and PUT_ADD. src: 0-d, or of at least index's sizes."""
    cdef Variable y
    cdef Scatter node
    cdef int k
    cdef bint on_tape = recording(x) or recording(src)
    if src.nd and index.n:
        for k in range(index.nd):       # so that the gradient of src has its shape
            if src.sizes[k] != index.sizes[k]:
                src = sliced(src, k, 0, index.sizes[k], 1)
    elif on_tape:
        src = expand_to(src, index.nd, index.sizes, op) if src.nd == 0 else src
    if inplace:
        check_inplace(x, op)
        index = apart(index, x)     # backward needs it as it is now
        if same_memory(src, x) and src.n:
            src = <Variable?>src.clone()
        scatter_raw(x, d, index, src, how, op)
        y = off_tape_self(x)
        bump(x)
    else:
        y = clone_raw(x)
        scatter_raw(y, d, index, src, how, op)
    if on_tape:
        node = <Scatter>Scatter.__new__(Scatter)
        node.dim = d
        node.how = how
        node.save(index)
        record2(node, y, x, src)
        if inplace:
            rebase(x, y)
    return x if inplace else y


cdef Variable scatter_source(Variable x, int d, Variable index, object src, str op):
    """Checks; src as a tensor: 0-d for a number."""
    cdef Variable v
    cdef int k
    check_scatter(x, d, index, op)
    if not isinstance(src, Variable):
        if not is_number(src):
            raise TypeError(f"{op}(): argument 'value' must be a number, not {type(src).__name__}")
        return wrap_number(src, x.dt, x.dev, x.dev_index)
    v = <Variable>src
    if v.dt != x.dt:
        raise RuntimeError(f"{op}(): Expected self.dtype to be equal to src.dtype, but got {dtype_of(x.dt).name} and {dtype_of(v.dt).name}")
    same_device(x, v, op)
    if index.n == 0:
        return v
    if (v.nd or 1) != (index.nd or 1):
        raise RuntimeError(f"{op}: Index tensor must have the same number of dimensions as src tensor, but has {index.nd} and src {v.nd}.")
    for k in range(index.nd):
        if index.sizes[k] > (v.sizes[k] if v.nd else 1):
            raise RuntimeError(
                f"{op}: Expected index {list(shape_of(index))} to be no larger than self {list(shape_of(x))} apart from "
                f"dimension {d} and to be no larger size than src {list(shape_of(v))}"
            )
    if v.nd == 0 and index.nd:
        return at_least_1d(v)
    if v.nd and index.nd == 0:
        return <Variable?>v.select(0, 0)
    return v


cdef int check_scatter(Variable x, int d, Variable index, str op) except -1:
    if index.dt != INT64 and index.dt != INT32:
        raise RuntimeError(f"{op}(): Expected dtype int32/int64 for index")
    if index.n == 0:
        same_device(x, index, op)
        return 0
    return check_gather(x, d, index, op)


cdef object scatter_by(Variable x, object dim, Variable index, object src, object reduce, bint inplace, str op):
    cdef int d = wrap_dim(dim, x.nd, op)
    cdef Variable v
    cdef Variable y
    if reduce is not None and reduce not in ("add", "multiply"):
        raise RuntimeError(f"{op}: reduce argument must be either add or multiply, not {reduce!r}.")
    v = scatter_source(x, d, index, src, op)
    if reduce is None or reduce == "add":
        return scatter_t(x, d, index, v, PUT_SET if reduce is None else PUT_ADD, inplace, op)
    if recording(x) or recording(v):
        raise RuntimeError(f"{op}: reduce='multiply' has no gradient. Use scatter_reduce(..., 'prod').")
    y = x if inplace else clone_raw(x)
    if inplace:
        check_inplace(x, op)
    scatter_raw(y, d, index, v, PUT_MUL, op)
    if inplace:
        bump(x)
    return y


cdef object given(object src, object value, str op):
    if src is None and value is None:
        raise TypeError(f"{op}(): missing argument: src or value.")
    return value if src is None else src


def scatter(Variable input not None, dim, Variable index not None, src=None, *, value=None, reduce=None, out=None):
    """input with out[..., index[..., i, ...], ...] = src[..., i, ...] (or a number) along `dim`.

    Args:
        reduce: "add" or "multiply" combine instead of replacing.
    Raises:
        RuntimeError: an index out of range (negative ones are), or a shape that does not fit.
    Gradient:
        of input: 0 at places that were overwritten; of src: g at the places it went to.
    """
    return finish_out(scatter_by(input, dim, index, given(src, value, "scatter"), reduce, False, "scatter"), out, "scatter")


def scatter_(Variable self not None, dim, Variable index not None, src=None, *, value=None, reduce=None):
    """`scatter`, in place."""
    return scatter_by(self, dim, index, given(src, value, "scatter_"), reduce, True, "scatter_")


def scatter_add(Variable input not None, dim, Variable index not None, Variable src not None, *, out=None):
    """input with src[..., i, ...] added at index[..., i, ...] along `dim`, in the order of i."""
    return finish_out(scatter_by(input, dim, index, src, "add", False, "scatter_add"), out, "scatter_add")


def scatter_add_(Variable self not None, dim, Variable index not None, Variable src not None):
    """`scatter_add`, in place."""
    return scatter_by(self, dim, index, src, "add", True, "scatter_add_")


# ------------------------------------------------------------------------------- scatter_reduce

REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


cdef object lowest(int dt):
    """Less than every element of a dtype."""
    if dt > INT64:
        return float("-inf")
    return integer_range(dt)[0]


cdef object highest(int dt):
    if dt > INT64:
        return float("inf")
    return integer_range(dt)[1]


cdef class ScatterReduce(Function):
    """Saved: self, index, src, result."""
    cdef int dim
    cdef str reduce
    cdef bint include_self

    cdef int vjp(self, Variable g) except -1:
        x, index, src, y = self.saved(0), self.saved(1), self.saved(2), self.saved(3)
        dim = self.dim
        to_x = to_src = None
        if self.reduce == "sum":
            to_x, to_src = g, g.gather(dim, index)
        elif self.reduce == "mean":
            n = g.new_ones(shape_of(g)) if self.include_self else g.new_zeros(shape_of(g))
            n = n.scatter_add(dim, index, g.new_ones(()).expand(shape_of(index)))
            share = g / n.clamp_min(1)
            to_x, to_src = share, share.gather(dim, index)
        elif self.reduce == "prod":
            to_x, to_src = self.through_product(g, x, index, src, y)
        else:
            # equal elements share the gradient of the one they tie for
            is_x = (x == y).to(g.dtype)
            is_src = (src == y.gather(dim, index)).to(g.dtype)
            n = is_x.scatter_add(dim, index, is_src)
            share = g / n
            to_x = (is_x * share).masked_fill(n == 0, 0)
            to_src = is_src * share.masked_fill(n == 0, 0).gather(dim, index)
        if not self.include_self:
            to_x = to_x.scatter(dim, index, 0)
        self.pass_grad(0, to_x)
        self.pass_grad(1, to_src)

    cdef tuple through_product(self, Variable g, Variable x, Variable index, Variable src, Variable y):
        """Zeros take part by leaving them out of the product, one at a time."""
        dim = self.dim
        others = x.masked_fill(x == 0, 1)
        to_x = g * others.scatter_reduce(dim, index, src, "prod", include_self=self.include_self) / others
        zero = src == 0
        zeros = g.new_zeros(shape_of(g)).scatter_add(dim, index, zero.to(g.dtype)).gather(dim, index)
        alone = zero & (zeros == 1)
        rest = x.scatter_reduce(dim, index, src.masked_fill(alone, 1), "prod", include_self=self.include_self)
        to_src = where_t(alone, (g * rest).gather(dim, index), (g * y).gather(dim, index) / src.masked_fill(zero, 1))
        return to_x, to_src


cdef Variable reduced(Variable x, int d, Variable index, Variable src, str reduce, bint include_self, str op):
    """Out of place, recorded. index and src have the same sizes where src counts."""
    cdef Variable y = clone_raw(x)
    cdef Variable n
    cdef ScatterReduce node
    cdef int k
    if index.n and src.nd:
        for k in range(index.nd):
            if src.sizes[k] != index.sizes[k]:
                src = sliced(src, k, 0, index.sizes[k], 1)
    if not include_self and index.n:
        start = {"sum": 0, "mean": 0, "prod": 1, "amax": lowest(x.dt), "amin": highest(x.dt)}[reduce]
        scatter_raw(y, d, index, wrap_number(start, x.dt, x.dev, x.dev_index), PUT_SET, op)
    if index.n:
        scatter_raw(y, d, index, src, {"sum": PUT_ADD, "mean": PUT_ADD, "prod": PUT_MUL, "amax": PUT_MAX, "amin": PUT_MIN}[reduce], op)
    if reduce == "mean" and index.n:
        n = full_raw(x.nd, x.sizes, x.dt if x.dt != BOOL else INT64, x.dev, x.dev_index, 1 if include_self else 0)
        scatter_raw(n, d, index, wrap_number(1, n.dt, x.dev, x.dev_index), PUT_ADD, op)
        n = <Variable?>(n.masked_fill(n == 0, 1) if is_complex_code(n.dt) else n.clamp_min(1))
        y = <Variable?>(y / n if y.dt > INT64 else y.div(n, rounding_mode="floor"))
    if recording(x) or recording(src):
        node = <ScatterReduce>ScatterReduce.__new__(ScatterReduce)
        node.dim = d
        node.reduce = reduce
        node.include_self = include_self
        node.save(x)
        node.save(index)
        node.save(src)
        node.save_output(y)
        record2(node, y, x, src)
    return y


def scatter_reduce(Variable input not None, dim, Variable index not None, Variable src not None, reduce, *, include_self=True, out=None):
    """input combined with src along `dim`: out[..., index[i], ...] = reduce of all src[..., i, ...] that go there.

    Args:
        reduce: "sum", "prod", "mean", "amax" or "amin".
        include_self: whether the elements of input take part where something goes.
    Gradient:
        as of the reduction; amax and amin share it among equal elements.
    """
    cdef int d = wrap_dim(dim, input.nd, "scatter_reduce")
    if reduce not in REDUCTIONS:
        raise RuntimeError(f"scatter_reduce: reduce argument must be either sum, prod, mean, amax or amin, got {reduce}.")
    src = scatter_source(input, d, index, src, "scatter_reduce")
    return finish_out(reduced(input, d, index, src, reduce, include_self, "scatter_reduce"), out, "scatter_reduce")


def index_reduce(Variable input not None, dim, Variable index not None, Variable source not None, reduce, *, include_self=True, out=None):
    """`scatter_reduce` of whole slices: slice i of source goes to slice index[i] of input."""
    cdef int d = wrap_dim(dim, input.nd, "index_reduce")
    cdef Variable i = vector_index(index, "index_reduce")
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    if source.dt != input.dt:
        raise RuntimeError(f"index_reduce(): self and source expected to have the same dtype, but got {dtype_of(input.dt).name} and {dtype_of(source.dt).name}")
    x, s = at_least_1d(input), at_least_1d(source)
    if (<Variable>x).nd != (<Variable>s).nd:
        raise RuntimeError(f"index_reduce(): source and self must have the same number of dimensions, got {source.nd} and {input.nd}.")
    for k in range((<Variable>x).nd):
        if (<Variable>s).sizes[k] != (i.n if k == d else (<Variable>x).sizes[k]):
            raise RuntimeError(f"index_reduce(): source of shape {list(shape_of(source))} does not fit {i.n} indices along dimension {d} of a tensor of shape {list(shape_of(input))}.")
    shape = [1] * (<Variable>x).nd
    shape[d] = i.n
    full = <Variable?>i.reshape(shape).expand(shape_of(s))
    y = reduced(x, d, full, s, reduce, include_self, "index_reduce")
    return finish_out(y if input.nd else y.reshape(()), out, "index_reduce")


__all__ = ["gather", "take_along_dim", "scatter", "scatter_add", "scatter_reduce", "index_reduce"]
methods = {name: globals()[name] for name in __all__}
methods.update(
    scatter_=scatter_, scatter_add_=scatter_add_, scatter_reduce_=inplace_form(scatter_reduce, "scatter_reduce_"),
    index_reduce_=inplace_form(index_reduce, "index_reduce_"),
)
