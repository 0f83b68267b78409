"""Rules of indexing, gathering and scattering.
"""
import pyxtorch as torch
from pyxtorch._batching._calls import Plain, _refuse_in_place, loop
from pyxtorch._batching._rules import _dynamic, at, composed
from pyxtorch._batching._values import batched, wrap


def _parts(c, x, index):
    """An index as (basic index of x's dimensions, {dimension after it: tensor}): what is advanced stands there as a full slice."""
    index = list(index) if isinstance(index, tuple) else [index]
    index = [torch.tensor(i) if isinstance(i, list) else i for i in index]
    expanded = []
    for i in index:                     # masks that all slices share become indices
        if isinstance(i, torch.Tensor) and i.dtype in (torch.bool, torch.uint8):
            if c.is_batched(i) or batched(i):
                _dynamic(c)
            expanded += i.nonzero().unbind(1)
        else:
            expanded.append(i)
    taken = sum(i is not None and i is not Ellipsis and not isinstance(i, bool) for i in expanded)
    if taken > x.dim():
        raise IndexError(f"too many indices for tensor of dimension {x.dim()}")
    if sum(i is Ellipsis for i in expanded) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if Ellipsis in [i for i in expanded if not isinstance(i, torch.Tensor)]:
        place = next(n for n, i in enumerate(expanded) if i is Ellipsis)
        expanded[place:place + 1] = [slice(None)] * (x.dim() - taken)
    basic, advanced, dim = [], {}, 0
    for i in expanded:
        if isinstance(i, torch.Tensor):
            basic.append(slice(None))
            advanced[dim] = i
            dim += 1
        else:
            basic.append(i)
            dim += not (isinstance(i, int) and not isinstance(i, bool))
    return tuple(basic), advanced


def _placed(c, x, index):
    """(x's physical tensor, indexed by what is basic, with the advanced dimensions after the batch; physical indices; rank and place of their result)."""
    if any(isinstance(i, bool) or isinstance(i, torch.Tensor) and i.dtype is torch.bool and i.dim() == 0 for i in (index if isinstance(index, tuple) else (index,))):
        return None         # True and False add a dimension
    basic, advanced = _parts(c, x, index)
    y = c.raw(x)[(slice(None), *basic)] if c.is_batched(x) else x[basic]
    if not advanced:
        return y, None, 0, 0
    dims = list(advanced)
    adjacent = dims == list(range(dims[0], dims[0] + len(dims)))
    rank = max(i.dim() for i in advanced.values())
    lead = c.is_batched(x)
    rest = [d for d in range(y.dim() - lead) if d not in advanced]
    y = y.permute(*([0] if lead else []), *[d + lead for d in dims], *[d + lead for d in rest])
    indices = [c.aligned(i, rank) for i in advanced.values()]
    return y, indices, rank, dims[0] if adjacent else 0


def getitem(c, x, index):
    if not any(isinstance(i, torch.Tensor | list | bool) for i in (index if isinstance(index, tuple) else (index,))):
        return c.raw(x)[(slice(None), *index) if isinstance(index, tuple) else (slice(None), index)]
    placed = _placed(c, x, index)
    if placed is None:
        return loop(c, x, index)
    y, indices, rank, place = placed
    if indices is None:
        return y
    if c.is_batched(x):
        y = y[(torch.arange(c.size, device=y.device).reshape(-1, *[1] * rank), *indices)]
    else:
        y = y[tuple(indices)]
    return y.movedim(list(range(1, rank + 1)), list(range(place + 1, place + rank + 1))) if rank and place else y


def setitem(c, x, index, value):
    if not c.is_batched(x):
        _refuse_in_place(c)
    if isinstance(index, torch.Tensor) and index.dtype is torch.bool and c.is_batched(index):
        if isinstance(value, torch.Tensor) and value.dim():
            _dynamic(c)
        mask = index.reshape(*index.shape, *[1] * (x.dim() - index.dim()))
        x.copy_(torch.where(mask, value.to(x.dtype) if isinstance(value, torch.Tensor) else torch.full((), value, dtype=x.dtype), x))
        return Plain(None)
    placed = _placed(c, x, index)
    if placed is None:
        raise RuntimeError("vmap: assignment with True or False as an index is not there. Use torch.where.")
    y, indices, rank, place = placed
    if isinstance(value, torch.Tensor):
        value = value.to(x.dtype)
    if indices is None:
        if isinstance(value, torch.Tensor):
            extra = value.dim() - (y.dim() - 1)
            while extra > 0:
                value, extra = value.squeeze(0), extra - 1
            y.copy_(c.aligned(value, y.dim() - 1))
        else:
            y.fill_(value)
        return Plain(None)
    here = torch.arange(c.size, device=y.device).reshape(-1, *[1] * rank)
    if isinstance(value, torch.Tensor):
        advanced = torch.broadcast_shapes(*[i.shape for i in (here, *indices)])
        rest = list(y.shape[1 + len(indices):])
        shape = [*rest[:place], *advanced[1:], *rest[place:]]
        while value.dim() > len(shape):
            value = value.squeeze(0)
        value = c.aligned(value, len(shape)) if c.is_batched(value) else value
        value = value.expand(c.size, *shape)
        value = value.movedim(list(range(place + 1, place + rank + 1)), list(range(1, rank + 1))) if rank and place else value
    else:
        value = torch.full((), value, dtype=x.dtype, device=y.device)
    y.index_put_((here, *indices), value)
    return Plain(None)


def gather(c, x, dim, index, *, sparse_grad=False, out=None):
    y, i = c.lead(x), c.lead(index)
    if x.dim() == 0 or index.dim() == 0:
        if x.dim() != 0 and x.dim() != 1:
            return loop(c, x, dim, index)
        z = torch.gather(y.unsqueeze(1) if x.dim() == 0 else y, 1, i.unsqueeze(1) if index.dim() == 0 else i)
        return z.squeeze(1) if index.dim() == 0 else z
    return torch.gather(y, at(dim, x.dim()), i)


def _scatter(c, x, dim, index, *args, **kwargs):
    if x.dim() == 0 or index.dim() == 0 or (c.name.endswith("_") and not c.is_batched(x)):
        return loop(c, x, dim, index, *args, **kwargs) if c.is_batched(x) or not c.name.endswith("_") else _refuse_in_place(c)
    value = next((v for v in (*args, kwargs.get("value"), kwargs.get("src")) if isinstance(v, torch.Tensor)), None)
    if value is not None and value.dim() == 0:
        return loop(c, x, dim, index, *args, **kwargs)
    y = c.func(c.lead(x), at(dim, x.dim()), c.lead(index), *[c.lead(a) for a in args], **{k: c.lead(v) for k, v in kwargs.items()})
    return Plain(x) if c.name.endswith("_") else y


def _spread(x, dim, index):
    """A 1-d index, the same for all places along the other dimensions of `x`: as scatter takes it."""
    dim %= x.dim()
    shape = list(x.shape)
    shape[dim] = index.numel()
    return index.reshape([-1 if d == dim else 1 for d in range(x.dim())]).expand(shape)


def index_select(x, dim, index, *, out=None):
    if x.dim() == 0:
        return x.expand(index.numel()).squeeze(0) if index.dim() == 0 else x.reshape(1)[index].squeeze(0) if index.numel() == 1 else x.reshape(1)[index]
    if not -x.dim() <= dim < x.dim():
        raise IndexError(f"Dimension out of range (expected to be in range of [{-x.dim()}, {x.dim() - 1}], but got {dim})")
    return x[(*[slice(None)] * (dim % x.dim()), index.reshape(-1))]


def index_add(x, dim, index, source, *, alpha=1, out=None):
    if x.dim() == 0:
        return x + source.sum() * alpha
    i = index.reshape(-1)
    return torch.scatter_add(x, dim, _spread(x, dim, i), (source if alpha == 1 else source * alpha).to(x.dtype).expand(_spread(x, dim, i).shape))


def index_copy(x, dim, index, source, *, out=None):
    if x.dim() == 0:
        return source.reshape(x.shape).clone()
    i = _spread(x, dim, index.reshape(-1))
    return torch.scatter(x, dim, i, source.expand(i.shape))


def index_fill(x, dim, index, value):
    if x.dim() == 0:
        return torch.full_like(x, 0).fill_(value)
    i = _spread(x, dim, index.reshape(-1))
    v = value.to(x.dtype) if isinstance(value, torch.Tensor) else torch.full((), value, dtype=x.dtype)
    return torch.scatter(x, dim, i, v.expand(i.shape))


def take_along_dim(x, indices, dim=None, *, out=None):
    if dim is None:
        return torch.gather(x.reshape(-1), 0, indices.reshape(-1))
    shape = list(torch.broadcast_shapes([n if d != dim % x.dim() else 1 for d, n in enumerate(x.shape)], [n if d != dim % x.dim() else 1 for d, n in enumerate(indices.shape)]))
    dim %= x.dim()
    return torch.gather(x.expand([x.shape[d] if d == dim else n for d, n in enumerate(shape)]), dim, indices.expand([indices.shape[d] if d == dim else n for d, n in enumerate(shape)]))


def _put(c, x, indices, values, accumulate=False):
    indices = tuple(indices)
    if not c.is_batched(x) or any(i is None or i.dtype is torch.bool for i in indices):
        return loop(c, x, indices, values, accumulate) if c.is_batched(x) else _refuse_in_place(c)
    rank = max(i.dim() for i in indices)
    here = torch.arange(c.size, device=c.raw(x).device).reshape(-1, *[1] * rank)
    shape = (*torch.broadcast_shapes(*[i.shape for i in indices]), *x.shape[len(indices):])
    c.raw(x).index_put_((here, *[c.aligned(i, rank) for i in indices]), c.aligned(values, len(shape)).expand(c.size, *shape), accumulate)
    return Plain(x)


def index_put(x, indices, values, accumulate=False):
    return x.clone().index_put_(indices, values, accumulate)


def _select_scatter(x, src, dim, index):
    y = x.clone()
    y.select(dim, index).copy_(src)
    return y


def _diagonal_scatter(x, src, offset=0, dim1=0, dim2=1):
    y = x.clone()
    y.diagonal(offset, dim1, dim2).copy_(src)
    return y


def _slice_scatter(x, src, dim=0, start=None, end=None, step=1):
    y = x.clone()
    y[(*[slice(None)] * (dim % x.dim()), slice(start, end, step))].copy_(src)
    return y


def _for_batched_self(function):
    """Where the tensor itself is not batched but what goes into it is, it becomes so first."""
    def rule(c, x, *args, **kwargs):
        if not c.is_batched(x):
            x = wrap(c.lead(x), c.level)
        return Plain(function(x, *args, **kwargs))

    return rule


CALLS = {
    "__getitem__": getitem, "__setitem__": setitem, "gather": gather,
    **dict.fromkeys(("scatter", "scatter_add", "scatter_reduce", "scatter_", "scatter_add_", "scatter_reduce_"), _scatter),
    "index_select": composed(index_select), "index_add": composed(index_add), "index_copy": composed(index_copy), "index_fill": composed(index_fill),
    "take_along_dim": composed(take_along_dim), "take": composed(lambda x, index, out=None: x.reshape(-1)[index]), "index_put_": _put,
    "index_put": _for_batched_self(index_put), "select_scatter": _for_batched_self(_select_scatter), "diagonal_scatter": _for_batched_self(_diagonal_scatter),
    "slice_scatter": _for_batched_self(_slice_scatter),
}  # fmt: skip
