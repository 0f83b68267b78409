"""Operations that move elements of sparse tensors: transposition, selection, joining, resizing."""
import pyxtorch as torch
from pyxtorch._compound import change_parts, parts_of
from pyxtorch.sparse._convert import empty_like, to_coo
from pyxtorch.sparse._layout import COMPRESSED, COO, CSC, CSR, bare, build, refuse, values_of


def wrapped(dim, ndim):
    """`dim` counted from the front; IndexError if there is no such dimension."""
    limit = max(ndim, 1)
    if not -limit <= dim < limit:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})")
    return dim % limit


# ------------------------------------------------------------------------------- transposition

def permute(x, *dims):
    dims = tuple(dims[0]) if len(dims) == 1 and not isinstance(dims[0], int) else dims
    order = [wrapped(d, x.ndim) for d in dims]
    if sorted(order) != list(range(x.ndim)):
        raise RuntimeError(f"permute: dims {tuple(dims)} must name each of the {x.ndim} dimensions of the tensor once.")
    parts = parts_of(x)
    shape = [x.shape[d] for d in order]
    sparse_dim = x.ndim - parts.dense_dim
    if set(order[:sparse_dim]) != set(range(sparse_dim)):
        raise RuntimeError(f"sparse permute: sparse and dense dimensions cannot change places, sparse_dim: {sparse_dim}, dims: {tuple(dims)}.")
    values = values_of(x).permute(0, *[d - sparse_dim + 1 for d in order[sparse_dim:]])
    if parts.layout in COMPRESSED:
        turned = parts.layout if order[0] == 0 else CSC if parts.layout is CSR else CSR
        return build(turned, parts.indices, values, shape)
    unmoved = order[:sparse_dim] == list(range(sparse_dim))
    indices = parts.indices if unmoved else parts.indices.index_select(0, torch.tensor(order[:sparse_dim], dtype=torch.int64))
    return build(COO, indices, values, shape, parts.coalesced and unmoved)


def transpose(x, dim0, dim1):
    order = list(range(x.ndim))
    a, b = wrapped(dim0, x.ndim), wrapped(dim1, x.ndim)
    sparse_dim = x.ndim - parts_of(x).dense_dim
    if (a < sparse_dim) != (b < sparse_dim):
        raise RuntimeError(f"sparse transpose: transposed dimensions must be sparse Got sparse_dim: {sparse_dim}, d0: {a}, d1: {b}")
    if order:
        order[a], order[b] = b, a
    return permute(x, order)


def t(x):
    dense_dim = parts_of(x).dense_dim
    if x.ndim - dense_dim > 2 or dense_dim:
        raise RuntimeError(
            f"t() expects a tensor with <= 2 sparse and 0 dense dimensions, but got {x.ndim - dense_dim} sparse and {dense_dim} dense dimensions"
        )
    return transpose(x, 0, 1) if x.ndim == 2 else x


def reversed_dims(x):
    return permute(x, list(range(x.ndim))[::-1])


def unsqueeze(x, dim):
    parts = parts_of(x)
    if parts.layout is not COO:
        refuse(torch.unsqueeze, parts)
    dim, sparse_dim = wrapped(dim, x.ndim + 1), x.ndim - parts.dense_dim
    shape = [*x.shape[:dim], 1, *x.shape[dim:]]
    if dim > sparse_dim:
        return build(COO, parts.indices, values_of(x).unsqueeze(dim - sparse_dim + 1), shape, parts.coalesced)
    row = torch.zeros((1, parts.nnz), dtype=torch.int64)
    return build(COO, torch.cat([parts.indices[:dim], row, parts.indices[dim:]]), values_of(x), shape, parts.coalesced)


# -------------------------------------------------------------------------------- selection

def select(x, dim, index):
    """The slice `index` of a dimension, which is left out: a sparse tensor; strided where no sparse dimension is left."""
    dim = wrapped(dim, x.ndim)
    if x.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    length = x.shape[dim]
    if not -length <= index < length:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(x.shape)} at dimension {dim}")
    index %= length
    x = to_coo(x)
    parts = parts_of(x)
    sparse_dim = parts.indices.shape[0]
    shape = [*x.shape[:dim], *x.shape[dim + 1 :]]
    if dim >= sparse_dim:
        return build(COO, parts.indices, values_of(x).select(dim - sparse_dim + 1, index), shape, parts.coalesced)
    keep = (parts.indices[dim] == index).nonzero().reshape(-1)
    values = values_of(x).index_select(0, keep)
    if sparse_dim == 1:
        return values.sum(0).to(values.dtype)
    rest = torch.cat([parts.indices[:dim], parts.indices[dim + 1 :]]).index_select(1, keep)
    return build(COO, rest, values, shape, parts.coalesced)


def unbind(x, dim=0):
    return tuple(select(x, dim, i) for i in range(x.shape[wrapped(dim, x.ndim)]))


def iterate(x):
    return iter(unbind(x))


def getitem(x, index):
    """x[i], x[:, i], x[None]: integers, slices, None and Ellipsis."""
    index = list(index) if isinstance(index, tuple) else [index]
    for i in index:
        if i is not None and i is not Ellipsis and (isinstance(i, bool) or not isinstance(i, (int, slice))):
            refuse(torch.Tensor.__getitem__, parts_of(x))
    missing = x.ndim - sum(i is not None and i is not Ellipsis for i in index)
    if missing < 0:
        raise IndexError(f"too many indices for tensor of dimension {x.ndim}")
    if index.count(Ellipsis) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    dim = 0
    for place, i in enumerate(index):
        if parts_of(x) is None:         # no sparse dimension is left: the rest is of the values
            return x[(*[slice(None)] * dim, *index[place:])]
        if i is None:
            x = unsqueeze(x, dim)
            dim += 1
        elif i is Ellipsis:
            dim += missing
        elif isinstance(i, slice):
            start, stop, step = i.indices(x.shape[dim])
            if (start, stop, step) != (0, x.shape[dim], 1):
                if step < 1:
                    raise ValueError("step must be greater than zero")
                x = index_select(x, dim, torch.arange(start, max(stop, start), step))
            dim += 1
        else:
            if not -x.shape[dim] <= i < x.shape[dim]:
                raise IndexError(f"index {i} is out of bounds for dimension {dim} with size {x.shape[dim]}")
            x = select(x, dim, i)
    return x


def narrow_copy(x, dim, start, length):
    dim = wrapped(dim, x.ndim)
    if not 0 <= start <= start + length <= x.shape[dim]:
        raise RuntimeError(f"narrow_copy: start ({start}) + length ({length}) exceeds dimension size ({x.shape[dim]}).")
    return index_select(x, dim, torch.arange(start, start + length))


def index_select(x, dim, index):
    """The slices `index` (int32 or int64, 1-D) of a dimension."""
    dim = wrapped(dim, x.ndim)
    if not isinstance(index, torch.Tensor) or index.dtype not in (torch.int32, torch.int64) or index.ndim > 1:
        raise IndexError("index_select(): Expected dtype int32 or int64 for index, in one dimension")
    index = index.reshape(-1).to(torch.int64)
    length = x.shape[dim]
    bad = index[(index < -length) | (index >= length)]
    if bad.shape[0]:
        raise IndexError(f"index_select(): index contains {int(bad[0])} that is out of range for tensor of size {list(x.shape)} at dimension {dim}")
    index = torch.where(index < 0, index + length, index)
    layout = x.layout
    x = to_coo(x)
    parts = parts_of(x)
    sparse_dim = parts.indices.shape[0]
    shape = [*x.shape[:dim], index.shape[0], *x.shape[dim + 1 :]]
    if dim >= sparse_dim:
        return build(COO, parts.indices, values_of(x).index_select(dim - sparse_dim + 1, index), shape, parts.coalesced)
    # The elements by their index along `dim`, then for each wanted slice the run of those that it has.
    order = torch.argsort(parts.indices[dim], stable=True)
    counts = torch.bincount(parts.indices[dim], minlength=length)
    starts = counts.cumsum(0) - counts
    wanted = counts.index_select(0, index)
    total = int(wanted.sum())
    new = torch.repeat_interleave(torch.arange(index.shape[0]), wanted)
    within = torch.arange(total) - (wanted.cumsum(0) - wanted).index_select(0, new)
    taken = order.index_select(0, starts.index_select(0, index).index_select(0, new) + within)
    indices = parts.indices.index_select(1, taken)
    indices[dim] = new
    y = build(COO, indices, values_of(x).index_select(0, taken), shape)
    return y if layout is COO else y.to_sparse(layout=layout)


# --------------------------------------------------------------------------------- joining

def cat(tensors, dim=0, *, out=None):
    tensors = list(tensors)
    for place, x in enumerate(tensors):
        if parts_of(x) is None:
            raise RuntimeError(f"Concatenating sparse tensors, but a dense tensor was found at position {place}.")
        if x.layout is not COO:
            raise RuntimeError(f"cat: tensors of layout {x.layout!r} cannot be joined. Use .to_sparse() first.")
    first = tensors[0]
    dim = wrapped(dim, first.ndim)
    sparse_dim = parts_of(first).indices.shape[0]
    for place, x in enumerate(tensors):
        if parts_of(x).indices.shape[0] != sparse_dim or x.ndim != first.ndim:
            raise RuntimeError(
                f"All tensors must have the same: sparse dims and dense dims as the first ({sparse_dim}, {first.ndim - sparse_dim}), but the one "
                f"at position {place} has {parts_of(x).indices.shape[0]}, {parts_of(x).dense_dim}."
            )
        if any(x.shape[d] != first.shape[d] for d in range(x.ndim) if d != dim):
            raise RuntimeError(f"cat: Sizes of tensors must match except in dimension {dim}: {list(first.shape)} and {list(x.shape)} (position {place}).")
    shape = list(first.shape)
    shape[dim] = sum(x.shape[dim] for x in tensors)
    indices, values, at = [], [], 0
    for x in tensors:
        own, v = parts_of(x).indices, values_of(x)
        if dim < sparse_dim:
            own = own.clone()
            own[dim] += at
        else:
            place = dim - sparse_dim + 1
            left = torch.zeros((*v.shape[:place], at, *v.shape[place + 1 :]), dtype=v.dtype)
            right = torch.zeros((*v.shape[:place], shape[dim] - at - v.shape[place], *v.shape[place + 1 :]), dtype=v.dtype)
            v = torch.cat([left, v, right], place)
        at += x.shape[dim]
        indices.append(own)
        values.append(v)
    ordered = dim == 0 and sparse_dim > 0 and all(parts_of(x).coalesced for x in tensors)
    return finish(build(COO, torch.cat(indices, 1), torch.cat(values), shape, ordered), out)


def stack(tensors, dim=0, *, out=None):
    tensors = list(tensors)
    for place, x in enumerate(tensors):
        if parts_of(x) is None:
            raise RuntimeError(f"Concatenating sparse tensors, but a dense tensor was found at position {place}.")
        if tuple(x.shape) != tuple(tensors[0].shape):
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and {list(x.shape)} at entry {place}")
    return cat([unsqueeze(x, dim) for x in tensors], wrapped(dim, tensors[0].ndim + 1), out=out)


# ------------------------------------------------------------------------------ in place

def finish(result, out):
    """`result`, in `out` if there is one of its kind."""
    if out is None:
        return result
    if (parts_of(out) is None) != (parts_of(result) is None) or out.dtype is not result.dtype:
        raise RuntimeError(
            f"out: expected a tensor of layout {result.layout!r} and {result.dtype!r}, but got {out.layout!r} and {out.dtype!r}."
        )
    if parts_of(out) is None:
        return out.resize_(result.shape).copy_(result)
    return replaced(out, result)


class InPlace(torch.autograd.Function):
    """In place: a sparse tensor gets the parts, and the place in the graph, of another one."""

    @staticmethod
    def forward(ctx, x, result):
        change_parts(x, result)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, g):
        return None, g


def replaced(x, result):
    """What an operation in place leaves: `x` as `result` is."""
    if tuple(x.shape) != tuple(result.shape) or x.layout is not result.layout:
        raise RuntimeError(
            f"in place: the result has shape {list(result.shape)} and layout {result.layout!r}, the tensor {list(x.shape)} and {x.layout!r}."
        )
    if x.dtype is not result.dtype:
        if torch.can_cast(result.dtype, x.dtype):
            result = result.to(x.dtype)
        else:
            raise RuntimeError(f"result type {result.dtype!r} can't be cast to the desired output type {x.dtype!r}")
    if torch.is_grad_enabled() and (x.requires_grad or result.requires_grad):
        return InPlace.apply(x, result)
    change_parts(x, result)
    return x


def copy_(x, src, non_blocking=False):
    if parts_of(x) is None or parts_of(src) is None:
        raise RuntimeError(
            f"copy_() between dense and sparse Tensors is not implemented! Found self of layout {x.layout!r} and src of layout {src.layout!r}."
        )
    return replaced(x, src.clone())


def zero_(x):
    return replaced(x, empty_like(x))


def sparse_resize_(x, size, sparse_dim, dense_dim):
    """Another shape for a COO tensor in place; where it has elements, only a larger one of as many dimensions of each kind."""
    parts = parts_of(x)
    size = tuple(int(n) for n in size)
    if parts is None or parts.layout is not COO:
        raise RuntimeError(f"sparse_resize_: expected a tensor of layout sparse_coo, not {x.layout!r}.")
    if x.requires_grad:
        raise RuntimeError("sparse_resize_: cannot resize variables that require grad")
    if sparse_dim + dense_dim != len(size):
        raise RuntimeError(f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = {sparse_dim}, dense_dim = {dense_dim}")
    values = parts.values
    if parts.nnz:
        have = parts.indices.shape[0]
        for kind, before, after in ("sparse", have, sparse_dim), ("dense", parts.dense_dim, dense_dim):
            if before != after:
                raise RuntimeError(f"changing the number of {kind} dimensions (from {before} to {after}) on a non-empty sparse tensor is not supported.")
        for kind, part in ("sparse", slice(0, have)), ("dense", slice(have, None)):
            if any(new < old for new, old in zip(size[part], x.shape[part])):
                raise RuntimeError(
                    f"shrinking the size of {kind} dimensions (from {list(x.shape[part])} to {list(size[part])}) on a non-empty sparse tensor is not supported."
                )
        if size[have:] != tuple(x.shape[have:]):
            grown = torch.zeros((parts.nnz, *size[have:]), dtype=values.dtype)
            grown[(slice(None), *[slice(0, n) for n in values.shape[1:]])] = values
            values = grown
        change_parts(x, bare(COO, parts.indices, values, size, parts.coalesced))
        return x
    return sparse_resize_and_clear_(x, size, sparse_dim, dense_dim)


def sparse_resize_and_clear_(x, size, sparse_dim, dense_dim):
    """Another shape for a COO tensor in place, without elements."""
    size = tuple(int(n) for n in size)
    if parts_of(x) is None or x.layout is not COO:
        raise RuntimeError(f"sparse_resize_and_clear_: expected a tensor of layout sparse_coo, not {x.layout!r}.")
    if sparse_dim + dense_dim != len(size):
        raise RuntimeError(f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = {sparse_dim}, dense_dim = {dense_dim}")
    values = torch.empty((0, *size[sparse_dim:]), dtype=x.dtype)
    change_parts(x, bare(COO, torch.empty((sparse_dim, 0), dtype=torch.int64), values, size, True))
    return x


def resize_as_sparse_(x, other):
    parts = parts_of(other)
    if parts is None:
        raise RuntimeError("resize_as_sparse_: expected a sparse tensor to be like.")
    return sparse_resize_(x, other.shape, other.ndim - parts.dense_dim, parts.dense_dim)


