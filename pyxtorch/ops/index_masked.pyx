"""Masks and positions; triangles; parts written back (select_scatter and its like)."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport (
    Function, Variable, record1, record2, recording,
)
from pyxtorch.ops._common cimport *
from pyxtorch.ops._factory cimport only_plain
from pyxtorch.ops._inplace cimport write_inplace
from pyxtorch.ops._common import strict_out
from pyxtorch.ops._inplace import inplace
from pyxtorch.ops.elementwise_select cimport where_t
from pyxtorch.ops.index cimport *
from pyxtorch.ops.shape cimport expand_to, to_dtype

# ------------------------------------------------------------------------------------- masks


def masked_fill(Variable input not None, Variable mask not None, value):
    """input where mask (bool, broadcast) is false, the number or 0-d tensor `value` where it is true."""
    return fill_masked(input, mask, value, "masked_fill")


cdef Variable fill_masked(Variable x, Variable mask, object value, str op):
    cdef Variable v
    if mask.dt != BOOL:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {dtype_of(mask.dt).name}")
    if isinstance(value, Variable):
        v = <Variable>value
        if v.nd:
            raise RuntimeError(f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {v.nd} dimension(s).")
        if not can_cast(v.dt, x.dt):
            raise RuntimeError(f"{op}: value of dtype {dtype_of(v.dt).name} can't be cast to the tensor's dtype {dtype_of(x.dt).name}")
        v = to_dtype(v, x.dt)
    else:
        if not is_number(value):
            raise TypeError(f"{op}(): argument 'value' must be a number or a 0-d Tensor, not {type(value).__name__}")
        v = wrap_number(value, x.dt, x.dev, x.dev_index)
    v.flags &= ~WRAPPED if v is not value else 0xff
    same_device(x, mask, op)
    return where_t(mask, v, x)


def masked_fill_(Variable self not None, Variable mask not None, value):
    """`masked_fill`, in place."""
    return write_inplace(self, fill_masked(self, mask, value, "masked_fill_"), "masked_fill_")


def masked_select(Variable input not None, Variable mask not None, *, out=None):
    """The elements of input where mask (bool) is true, in order, after broadcasting both."""
    cdef int64_t sizes[64]
    cdef int nd
    if mask.dt != BOOL:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    same_device(input, mask, "masked_select")
    strict_out(out, (input, mask), "masked_select", (input.dt,))
    nd = broadcast(input, mask, sizes, "masked_select")
    return finish_out(
        masked_select_t(expand_to(input, nd, sizes, "masked_select"), expand_to(mask, nd, sizes, "masked_select")), out, "masked_select"
    )


cdef class MaskedScatter(Function):
    cdef tuple shape        # of source

    cdef int vjp(self, Variable g) except -1:
        mask = <Variable>self.saved(0)
        if self.needs(0):
            self.pass_grad(0, g.masked_fill(mask, 0))
        if self.needs(1):
            if g.dev == META:
                self.pass_grad(1, g.new_empty(self.shape))
                return 0
            got = g.masked_select(mask)
            n = 1
            for s in self.shape:
                n *= s
            if n > got.shape[0]:
                got = got.new_zeros(n).index_put((got.new_ones(got.shape[0]).bool().nonzero()[:, 0],), got)
            self.pass_grad(1, got.reshape(self.shape))


def masked_scatter(Variable input not None, Variable mask not None, Variable source not None):
    """input with its elements where mask is true replaced by the elements of source, in order."""
    cdef int64_t sizes[64]
    cdef int nd, code, size
    cdef Variable y
    cdef Variable m
    cdef Variable s
    cdef MaskedScatter node
    cdef pyx_index_kernels* k = index_kernels(input, "masked_scatter")
    if mask.dt != BOOL:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {dtype_of(mask.dt).name}")
    if source.dt != input.dt:
        raise RuntimeError(f"masked_scatter: expected self and source to have same dtypes but got {dtype_of(input.dt).name} and {dtype_of(source.dt).name}")
    same_device(input, mask, "masked_scatter")
    same_device(input, source, "masked_scatter")
    nd = broadcast(input, mask, sizes, "masked_scatter")
    input = expand_to(input, nd, sizes, "masked_scatter")
    m = dense(expand_to(mask, nd, sizes, "masked_scatter"))
    s = dense(source)
    count = k.count_true(<const uint8_t*>m.ptr, m.n)
    if count > s.n:
        raise RuntimeError(f"masked_scatter: expected self and source to have enough elements: the mask has {count} true elements, source {s.n}.")
    y = clone_raw(input)
    size = itemsize_of(y.dt)
    cdef char* to = y.ptr
    cdef char* where = m.ptr
    cdef char* from_ = s.ptr
    cdef int64_t length = min(m.n, y.n), room = s.n
    with nogil:
        code = k.masked_scatter(size, to, <const uint8_t*>where, length, room, from_)
    if code:
        by_mask_failed(code, "masked_scatter")
    if recording(input) or recording(source):
        node = <MaskedScatter>MaskedScatter.__new__(MaskedScatter)
        node.shape = shape_of(source)
        node.save(m)
        record2(node, y, input, source)
    return y


# --------------------------------------------------------------------------------- positions

def nonzero(Variable input not None, *, out=None, as_tuple=False):
    """Where the elements are not 0: an int64 tensor (count, dim), or a tuple with a tensor for each dimension."""
    if as_tuple:
        x = input if input.nd else <Variable?>input.reshape(1)
        places = nonzero_raw(mask_of(x))
        return tuple([places[:, k] for k in range((<Variable>x).nd)])
    return finish_out(nonzero_raw(mask_of(input)), out, "nonzero")


def argwhere(Variable input not None):
    """Where the elements are not 0: int64 (count, dim)."""
    return nonzero_raw(mask_of(input))


def nonzero_static(Variable input not None, *, size, fill_value=-1, out=None):
    """`nonzero` with exactly `size` rows: cut off, or filled up with `fill_value`."""
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    if input.dev == META:
        return finish_out(input.new_empty((size, input.nd), dtype=dtype_of(INT64)), out, "nonzero_static")
    places = nonzero_raw(mask_of(input))
    y = places.new_full((size, input.nd), fill_value)
    n = min(size, places.shape[0])
    y[:n] = places[:n]
    return finish_out(y, out, "nonzero_static")


def unravel_index(Variable indices not None, shape):
    """Flat positions as a tuple of coordinates in `shape`."""
    if indices.dt > INT64 or indices.dt == BOOL or indices.dt == UINT64:
        raise ValueError(f"torch.unravel_index(): expected 'indices' to be integer dtype, but got {dtype_of(indices.dt)!r}")
    if not isinstance(shape, int) and not all([isinstance(s, int) for s in shape]):
        raise TypeError(f"torch.unravel_index(): expected 'shape' to be int or sequence of ints, but got {type(shape).__name__}")
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if any([s < 0 for s in shape]):
        raise ValueError(f"torch.unravel_index(): 'shape' cannot have negative values, but got {shape}")
    out = []
    rest = indices.to(dtype_of(INT64))
    for size in reversed(shape):
        out.insert(0, rest % size)
        rest = rest.div(size, rounding_mode="floor")
    return tuple(out)


def repeat_interleave(input, repeats=None, dim=None, *, output_size=None):
    """Each slice of input along `dim` repeated (a number, or a 1-d tensor of numbers); without dim, of the
    flattened tensor. With one argument alone, the positions that the repeats name."""
    cdef Variable r
    cdef Variable x
    if repeats is None:
        r = checked(input, "repeat_interleave", "repeats")
        if r.nd != 1:
            raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
        return repeat_positions(r, output_size)
    x = checked(input, "repeat_interleave", "input")
    if dim is None:
        x = <Variable?>x.reshape(-1)
        dim = 0
    elif x.nd == 0:
        x = <Variable?>x.reshape(1)
    d = wrap_dim(dim, x.nd, "repeat_interleave")
    if isinstance(repeats, (list, tuple)):
        repeats = as_tensor(list(repeats), x.dev, x.dev_index)
    if not isinstance(repeats, Variable):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        shape = list(shape_of(x))
        repeats = as_index(repeats, "repeat_interleave")
        if output_size is not None and output_size != shape[d] * repeats:
            raise RuntimeError(f"repeat_interleave: Invalid output_size, expected {shape[d] * repeats} but got {output_size}")
        return x.unsqueeze(d + 1).expand(shape[:d + 1] + [repeats] + shape[d + 1:]).clone().reshape(shape[:d] + [shape[d] * repeats] + shape[d + 1:])
    r = <Variable>repeats
    if r.nd > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if r.n == 1:
        r = <Variable?>r.reshape(1).expand(x.sizes[d])
    elif r.n != x.sizes[d]:
        raise RuntimeError(f"repeats must have the same size as input along dim, but got repeats.size(0) = {r.n} and input.size({d}) = {x.sizes[d]}")
    return x.index_select(d, repeat_positions(r, output_size))


cdef Variable repeat_positions(Variable repeats, object output_size):
    cdef Variable r
    cdef Variable y
    cdef int64_t total = 0
    cdef int code
    cdef pyx_index_kernels* k = index_kernels(repeats, "repeat_interleave")
    if repeats.dt != INT64 and repeats.dt != INT32:
        raise RuntimeError("repeats has to be Long or Int tensor")
    r = cast_raw(repeats, INT64)
    if r.dev == META:
        if output_size is None:
            raise RuntimeError("cannot repeat_interleave a meta tensor without output_size")
        return <Variable?>repeats.new_empty(output_size)
    total = r.sum().item()
    if output_size is not None and output_size != total:
        raise RuntimeError(f"repeat_interleave: allocated size {output_size} does not match the sum of the repeats, {total}.")
    if total < 0:
        raise RuntimeError("repeats can not be negative")
    y = <Variable>new_empty(1, &total, INT64, r.dev, r.dev_index)
    code = k.repeat_index(<const int64_t*>r.ptr, r.n, <int64_t*>y.ptr, total)
    if code:
        raise RuntimeError("repeats can not be negative")
    return y if repeats.dt == INT64 else cast_raw(y, repeats.dt)


# --------------------------------------------------------------------------------- triangles

cdef class Triangle(Function):
    cdef bint upper
    cdef int64_t diagonal

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, triangle(g, self.upper, self.diagonal))


cdef Variable triangle(Variable x, bint upper, int64_t diagonal):
    cdef Variable from_
    cdef Variable y
    cdef Triangle node
    cdef int64_t batch = 1, rows, columns
    cdef int i, size = itemsize_of(x.dt)
    cdef pyx_index_kernels* k = index_kernels(x, "triu" if upper else "tril")
    if x.nd < 2:
        raise RuntimeError(f"{'triu' if upper else 'tril'}: input tensor must have at least 2 dimensions, not {x.nd}.")
    from_ = dense(x)
    y = <Variable>new_like(x, x.dt)
    for i in range(x.nd - 2):
        batch *= x.sizes[i]
    from_ptr, y_ptr = from_.ptr, y.ptr
    rows, columns = x.sizes[x.nd - 2], x.sizes[x.nd - 1]
    with nogil:
        k.triangle(size, upper, diagonal, batch, rows, columns, from_ptr, y_ptr)
    if recording(x):
        node = <Triangle>Triangle.__new__(Triangle)
        node.upper = upper
        node.diagonal = diagonal
        record1(node, y, x)
    return y


def tril(Variable input not None, diagonal=0, *, out=None):
    """The lower triangle of matrices: elements above diagonal number `diagonal` are 0."""
    return finish_out(triangle(input, False, diagonal), out, "tril")


def triu(Variable input not None, diagonal=0, *, out=None):
    """The upper triangle of matrices: elements below diagonal number `diagonal` are 0."""
    return finish_out(triangle(input, True, diagonal), out, "triu")


cdef device device_of_arg(object given):
    cdef int index
    cdef int kind = parse_device(given, &index)
    return device_of(kind, index)


cdef Variable triangle_indices(object row, object col, object offset, object dtype, object device, bint upper):
    if row < 0 or col < 0:
        raise RuntimeError(f"{'triu' if upper else 'tril'}_indices: row and col must be non-negative, got {row} and {col}")
    import pyxtorch
    dtype = dtype_of(INT64) if dtype is None else dtype
    if dtype_code(dtype) not in (INT64, INT32):
        raise NotImplementedError(f'"{"triu" if upper else "tril"}_indices" not implemented for {dtype_of(dtype_code(dtype)).name!r}. Use int64.')
    if device_of_arg(device).type == "meta":
        reach = offset - 1 if upper else offset
        below = sum([min(max(i + reach + 1, 0), col) for i in range(row)])
        return <Variable?>pyxtorch.empty(2, row * col - below if upper else below, dtype=dtype, device=device)
    mask = triangle(pyxtorch.ones(row, col, dtype=dtype_of(BOOL), device=device), upper, offset)
    return <Variable?>nonzero_raw(mask).t().contiguous().to(dtype)


def tril_indices(row, col, offset=0, *, dtype=None, device=None, layout=None, pin_memory=False):
    """Rows and columns (2, n) of the elements of the lower triangle of a (row, col) matrix."""
    only_plain(layout, pin_memory, "tril_indices")
    return triangle_indices(row, col, offset, dtype, device, False)


def triu_indices(row, col, offset=0, *, dtype=None, device=None, layout=None, pin_memory=False):
    """Rows and columns (2, n) of the elements of the upper triangle of a (row, col) matrix."""
    only_plain(layout, pin_memory, "triu_indices")
    return triangle_indices(row, col, offset, dtype, device, True)


# ------------------------------------------------------------------ a part of a tensor replaced

cdef Variable with_part(Variable input, Variable src, object view, str op):
    """A copy of input whose part, seen through `view`, is src."""
    y = input.clone()
    part = <Variable?>view(y)
    if part.nd != src.nd or not same_shape(part, src):
        raise RuntimeError(f"{op}: expected src to have a size equal to the part of self. src size = {list(shape_of(src))}, part size = {list(shape_of(part))}")
    part.copy_(src)
    return y


def select_scatter(Variable input not None, Variable src not None, dim, index, *, out=None):
    """input with input.select(dim, index) replaced by src."""
    return finish_out(with_part(input, src, lambda y: y.select(dim, index), "select_scatter"), out, "select_scatter")


def slice_scatter(Variable input not None, Variable src not None, dim=0, start=None, end=None, step=1, *, out=None):
    """input with the slice start:end:step of `dim` replaced by src."""
    d = wrap_dim(dim, input.nd, "slice_scatter")
    return finish_out(with_part(input, src, lambda y: y[(slice(None),) * d + (slice(start, end, step),)], "slice_scatter"), out, "slice_scatter")


def diagonal_scatter(Variable input not None, Variable src not None, offset=0, dim1=0, dim2=1, *, out=None):
    """input with a diagonal replaced by src."""
    return finish_out(with_part(input, src, lambda y: y.diagonal(offset, dim1, dim2), "diagonal_scatter"), out, "diagonal_scatter")


def as_strided_scatter(Variable input not None, Variable src not None, size, stride, storage_offset=None, *, out=None):
    """input with input.as_strided(size, stride, storage_offset) replaced by src."""
    return finish_out(with_part(input, src, lambda y: y.as_strided(size, stride, storage_offset), "as_strided_scatter"), out, "as_strided_scatter")


__all__ = [
    "masked_fill", "masked_select", "masked_scatter", "nonzero", "argwhere", "nonzero_static", "unravel_index", "repeat_interleave",
    "tril", "triu", "tril_indices", "triu_indices", "select_scatter", "slice_scatter", "diagonal_scatter", "as_strided_scatter",
]
methods = {name: globals()[name] for name in __all__ if name not in ("unravel_index", "tril_indices", "triu_indices")}
methods.update(
    masked_fill_=masked_fill_, masked_scatter_=inplace(masked_scatter, "masked_scatter_"), tril_=inplace(tril, "tril_"),
    triu_=inplace(triu, "triu_"),
)
