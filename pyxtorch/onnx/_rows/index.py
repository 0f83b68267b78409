"""Indexing, gathering and scattering, embeddings."""
import pyxtorch
from pyxtorch import Tensor
from pyxtorch.onnx._graph import BOOL, INT, Length, Value
from pyxtorch.onnx._rows import row
from pyxtorch.onnx._rows.reduce import axes_of
from pyxtorch.onnx.errors import UnsupportedOperatorError

BYTE = pyxtorch.uint8


def _items(g, index):
    """An index as a list of ints, lengths, slices, None, ... and values."""
    items = list(index) if isinstance(index, tuple) else [index]
    out = []
    for item in items:
        if isinstance(item, (list, tuple)):
            parts = [x for x in _flattened(item) if isinstance(x, Value)]
            if parts:
                item = g.concat([p.reshape([1]) if isinstance(p, Value) else g.ints([p]) for p in item], 0)
            else:
                item = g.constant(pyxtorch.tensor(item, device="cpu"))
        elif isinstance(item, Tensor):
            item = g.constant(item)
        elif isinstance(item, bool):
            raise UnsupportedOperatorError(f"export: {g.at}: an index that is True or False.")
        elif isinstance(item, Value) and not isinstance(item, Length) and item.ndim == 0 and item.dtype not in (BOOL, BYTE):
            item = Length(g, item.reshape([1]).name, item.dtype, [1])  # one element along this axis
        elif hasattr(item, "__index__") and not isinstance(item, (int, Value)):
            item = int(item)
        out.append(item)
    return out


def _flattened(x):
    for item in x:
        if isinstance(item, (list, tuple)):
            yield from _flattened(item)
        else:
            yield item


def _is_mask(item):
    return isinstance(item, Value) and item.dtype in (BOOL, BYTE)


def _is_tensor(item):
    return isinstance(item, Value) and not isinstance(item, Length)


def _taken(item):
    """How many dimensions of the tensor an item of an index takes."""
    return 0 if item is None or item is Ellipsis else item.ndim if _is_mask(item) else 1


def _full(items, ndim):
    """The items with `...` written out."""
    rest = ndim - sum(map(_taken, items))
    at = next((i for i, x in enumerate(items) if x is Ellipsis), None)
    every = [slice(None)] * rest
    return items + every if at is None else items[:at] + every + items[at + 1 :]


def _sliced(x, items):
    """The part of an index that is no tensor, applied: (value, [(axis of it, tensor)])."""
    tensors, axis, dropped, added = [], 0, [], []
    for item in items:
        if item is None:
            added.append(axis - len(dropped) + len(added))
            continue
        if isinstance(item, slice):
            step = 1 if item.step is None else item.step
            x = x.slice(axis, 0 if item.start is None else item.start, item.stop, step)
        elif _is_tensor(item):
            tensors.append((axis - len(dropped) + len(added), item))
            axis += _taken(item)
            continue
        elif isinstance(item, int):
            x = x.slice(axis, item, item + 1 if item != -1 else None)
            dropped.append(axis)
        else:
            x = x.gather(item, axis)  # a length: one element stays
            dropped.append(axis)
        axis += 1
    x = x.squeeze(*dropped)
    return (x.unsqueeze(*added) if added else x), tensors


def getitem_of(g, x, index):
    """x[index]."""
    items = _full(_items(g, index), x.ndim)
    x, tensors = _sliced(x, items)
    if not tensors:
        return x
    places = []
    for axis, t in tensors:
        if _is_mask(t):
            found = g.add("NonZero", [t.cast(BOOL)], INT, [t.ndim, None])
            places += [(axis + i, found.slice(0, i, i + 1).squeeze(0)) for i in range(t.ndim)]
        else:
            places.append((axis, t.cast(INT)))
    if len(places) == 1:
        return x.gather(places[0][1], places[0][0])
    axes = [a for a, _ in places]
    shape = g.broadcast(*[t.shape for _, t in places])
    wide = _to_one_shape(g, [t for _, t in places], shape)
    where = g.concat([t.unsqueeze(-1) for t in wide], len(shape))
    rest = [i for i in range(x.ndim) if i not in axes]
    moved = x.transpose([*axes, *rest])
    found = g.add("GatherND", [moved, where], x.dtype, [*shape, *[x.shape[i] for i in rest]])
    if axes == list(range(axes[0], axes[0] + len(axes))):  # side by side: the result's new axes stand there
        n, before = len(shape), axes[0]
        found = found.transpose([*range(n, n + before), *range(n), *range(n + before, found.ndim)])
    return found


def _to_one_shape(g, tensors, shape):
    if all(t.shape == tensors[0].shape and t.ndim == len(shape) for t in tensors):
        return tensors
    if None not in shape:
        return [t.expand(shape) for t in tensors]
    total = tensors[0] * 0
    for t in tensors[1:]:
        total = total + t * 0
    return [total + t for t in tensors]


def written(g, x, index, value, reduction=None):
    """x with x[index] replaced by a value (or added to)."""
    items = _full(_items(g, index), x.ndim)
    value = (value if isinstance(value, Value) else g.number(value, x.dtype)).cast(x.dtype)
    if all(item == slice(None) if isinstance(item, slice) else False for item in items) and reduction is None:
        return _fitted(value, x.ndim).expand(x.sizes())
    masks = [item for item in items if _is_mask(item)]
    if masks and value.ndim == 0 and reduction is None and items[0] is masks[0] and all(isinstance(i, slice) and i == slice(None) for i in items[1:]):
        mask = masks[0].cast(BOOL)
        return g.where(mask.unsqueeze(*range(mask.ndim, x.ndim)) if mask.ndim < x.ndim else mask, value, x)
    sizes = x.sizes()
    places = g.arange(g.product(sizes)).reshape(sizes)
    places = getitem_of(g, Value(g, places.name, INT, x.shape), index)
    value = _fitted(value, places.ndim)
    target = places.sizes()
    flat = g.add("ScatterElements", [x.reshape([-1]), places.reshape([-1]), value.expand(target).reshape([-1])], x.dtype, [None], axis=0, reduction=reduction)
    return flat.reshape(sizes)


def _fitted(value, ndim):
    """Without the leading axes of length 1 that are too many."""
    return value.squeeze(*range(value.ndim - ndim)) if value.ndim > ndim else value


@row("getitem")
def getitem(g, input, index):
    return getitem_of(g, input, index)


@row("setitem")
def setitem(g, input, index, value):
    return written(g, input, index, value)


@row("index_put _index_put_impl")
def index_put(g, input, indices, values, accumulate=False):
    return written(g, input, tuple([slice(None) if i is None else i for i in indices]), values, "add" if accumulate else None)


@row("index_select index_select_copy")
def index_select(g, input, dim, index):
    return input.gather(index.reshape([1]) if index.ndim == 0 else index, dim) if input.ndim else input


@row("gather")
def gather(g, input, dim, index, sparse_grad=False):
    if input.ndim == 0:
        return input
    return g.add("GatherElements", [input, index.cast(INT)], input.dtype, index.shape, axis=input.axis(dim))


@row("take_along_dim")
def take_along_dim(g, input, indices, dim=None):
    if dim is None:
        return input.reshape([-1]).gather(indices.reshape([-1]))
    axis = input.axis(dim)
    sizes = [n if m == 1 else m for n, m in zip(input.sizes(), indices.shape)]
    wide = g.broadcast(input.shape, indices.shape)
    x = input.expand([m if i != axis else input.size(i) for i, m in enumerate(wide)]) if None not in wide else input
    i = indices.expand([s if s is not None else indices.size(k) for k, s in enumerate(sizes[:axis] + [indices.size(axis)] + sizes[axis + 1 :])])
    return g.add("GatherElements", [x, i], x.dtype, i.shape, axis=axis)


@row("take")
def take(g, input, index):
    return input.reshape([-1]).gather(index)


REDUCTIONS = {"add": "add", "sum": "add", "multiply": "mul", "prod": "mul", "amax": "max", "amin": "min"}


def scattered(g, input, dim, index, src, reduction=None):
    """ScatterElements; of `src` the part that is as large as `index`."""
    if input.ndim == 0:
        return scattered(g, input.unsqueeze(0), 0, index.reshape([1]), src.reshape([1]), reduction).squeeze(0)
    if not (src.shape == index.shape and None not in src.shape):
        for axis in range(index.ndim):
            n = index.size(axis)
            if not (isinstance(n, int) and src.shape[axis] == n):
                src = src.slice(axis, 0, n)
    return g.add("ScatterElements", [input, index.cast(INT), src.cast(input.dtype)], input.dtype, input.shape, axis=input.axis(dim), reduction=reduction)


def _source(g, input, index, src):
    if isinstance(src, Value) and not isinstance(src, Length) and (src.ndim or not index.ndim):
        return src
    return g.filled(index.sizes(), src, input.dtype)


@row("scatter")
def scatter(g, input, dim, index, src=None, value=None, reduce=None):
    source = _source(g, input, index, value if src is None else src)
    return scattered(g, input, dim, index, source, REDUCTIONS[reduce] if reduce else None)


@row("scatter_add")
def scatter_add(g, input, dim, index, src):
    return scattered(g, input, dim, index, src, "add")


@row("scatter_reduce")
def scatter_reduce(g, input, dim, index, src, reduce, include_self=True):
    if reduce not in REDUCTIONS:
        raise UnsupportedOperatorError(f"export: {g.at}: scatter_reduce by {reduce}.")
    if not include_self:
        info = pyxtorch.finfo(input.dtype) if input.floats else pyxtorch.iinfo(input.dtype)
        neutral = {"sum": 0, "prod": 1, "amax": float("-inf") if input.floats else info.min, "amin": float("inf") if input.floats else info.max}[reduce]
        input = scattered(g, input, dim, index, g.filled(index.sizes(), neutral, input.dtype))
    return scattered(g, input, dim, index, src, REDUCTIONS[reduce])


def _along(g, input, dim, index, source):
    """A vector of places along one axis, as large as `source`."""
    axis = input.axis(dim)
    index = index.reshape([-1]) if index.ndim != 1 else index
    length = -1 if index.shape[0] is None else index.shape[0]
    return index.reshape([length if i == axis else 1 for i in range(input.ndim)]).expand(source.sizes())


@row("index_add")
def index_add(g, input, dim, index, source, alpha=1):
    source = source * alpha if alpha != 1 else source
    return scattered(g, input, dim, _along(g, input, dim, index, source), source, "add")


@row("index_copy")
def index_copy(g, input, dim, index, source):
    return scattered(g, input, dim, _along(g, input, dim, index, source), source)


@row("index_fill")
def index_fill(g, input, dim, index, value):
    axis = input.axis(dim)
    hit = (g.arange(input.size(axis)).unsqueeze(1) == index.reshape([1, -1])).any([1])
    length = -1 if hit.shape[0] is None else hit.shape[0]
    hit = hit.reshape([length if i == axis else 1 for i in range(input.ndim)])
    return g.where(hit, value.cast(input.dtype) if isinstance(value, Value) else g.number(value, input.dtype), input)


@row("index_reduce")
def index_reduce(g, input, dim, index, source, reduce, include_self=True):
    return scatter_reduce(g, input, dim, _along(g, input, dim, index, source), source, reduce, include_self)


@row("put")
def put(g, input, index, source, accumulate=False):
    flat = scattered(g, input.reshape([-1]), 0, index.reshape([-1]), source.reshape([-1]), "add" if accumulate else None)
    return flat.reshape(input.sizes())


@row("diagonal_scatter")
def diagonal_scatter(g, input, src, offset=0, dim1=0, dim2=1):
    from pyxtorch.onnx._rows.shape import diagonal_of

    sizes = input.sizes()
    places = g.arange(g.product(sizes)).reshape(sizes)
    places = diagonal_of(g, Value(g, places.name, INT, input.shape), offset, dim1, dim2)
    return scattered(g, input.reshape([-1]), 0, places.reshape([-1]), src.reshape([-1])).reshape(sizes)


@row("select_scatter")
def select_scatter(g, input, src, dim, index):
    return written(g, input, tuple([slice(None)] * input.axis(dim) + [index]), src)


@row("slice_scatter")
def slice_scatter(g, input, src, dim=0, start=None, end=None, step=1):
    return written(g, input, tuple([slice(None)] * input.axis(dim) + [slice(start, end, step)]), src)


@row("masked_scatter")
def masked_scatter(g, input, mask, source):
    sizes = input.sizes()
    mask = mask.cast(BOOL).expand(sizes)
    order = g.add("CumSum", [mask.reshape([-1]).cast(INT), g.number(0, INT)], INT, [None]) - 1  # which of the source's elements comes here
    taken = source.reshape([-1]).gather(order.maximum(0)).reshape(sizes)
    return g.where(mask, taken, input)


@row("masked_select")
def masked_select(g, input, mask):
    shape = g.broadcast(input.shape, mask.shape)
    if tuple(shape) != input.shape or None in shape:
        input = g.where(mask.cast(BOOL) | ~mask.cast(BOOL), input, input)
    if tuple(shape) != mask.shape or None in shape:
        mask = (input == input) & mask | mask
    return g.add("Compress", [input.reshape([-1]), mask.cast(BOOL).reshape([-1])], input.dtype, [None])


@row("nonzero")
def nonzero(g, input, as_tuple=False):
    x = input.reshape([1]) if input.ndim == 0 else input
    found = g.add("NonZero", [x if x.dtype in (BOOL, INT, pyxtorch.float32) else x.cast(BOOL)], INT, [x.ndim, None])
    if input.ndim == 0 and not as_tuple:
        return found.slice(0, 0, 0).transpose([1, 0])  # which has no coordinates
    if as_tuple:
        return tuple([found.slice(0, i, i + 1).squeeze(0) for i in range(x.ndim)])
    return found.transpose([1, 0])


@row("argwhere")
def argwhere(g, input):
    return nonzero(g, input)


@row("fill_diagonal")
def fill_diagonal(g, input, fill_value, wrap=False):
    i, j = g.arange(input.size(0)).unsqueeze(1), g.arange(input.size(1)).unsqueeze(0)
    return g.where(i == j, g.number(fill_value, input.dtype), input)


@row("bucketize")
def bucketize(g, input, boundaries, out_int32=False, right=False):
    x = input if isinstance(input, Value) else g.number(input, boundaries.dtype)
    x, edges = g.promoted(x.unsqueeze(-1), boundaries)
    below = edges <= x if right else edges < x
    return below.cast(INT).sum([-1])


@row("searchsorted")
def searchsorted(g, sorted_sequence, input, out_int32=False, right=False, side=None, sorter=None):
    if sorter is not None:
        raise UnsupportedOperatorError(f"export: {g.at}: searchsorted with a sorter.")
    x = input if isinstance(input, Value) else g.number(input, sorted_sequence.dtype)
    right = right or side == "right"
    if sorted_sequence.ndim == 1:
        return bucketize(g, x, sorted_sequence, right=right)
    edges, x = g.promoted(sorted_sequence.unsqueeze(-2), x.unsqueeze(-1))
    return (edges <= x if right else edges < x).cast(INT).sum([-1])


@row("unique")
def unique(g, input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    wide = input if input.floats or input.dtype == INT else input.cast(INT)
    results = [(wide.dtype, g.out[0][1]), None, (INT, [None]) if return_inverse else None, (INT, [None]) if return_counts else None]
    values, _, inverse, counts = g.add_many("Unique", [wide], results, sorted=1, axis=None if dim is None else input.axis(dim))
    if inverse is not None and dim is None:
        inverse = inverse.reshape(input.sizes())
    return tuple([v for v in (values, inverse, counts) if v is not None])


# ---------------------------------------------------------------------------- embeddings

@row("embedding")
def embedding(g, input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    if max_norm is not None:
        raise UnsupportedOperatorError(f"export: {g.at}: max_norm changes the weight, which an exported program keeps fixed.")
    return weight.gather(input)


@row("torch.embedding")
def embedding_of_torch(g, weight, indices, *args, **named):
    return weight.gather(indices)


@row("embedding_bag")
def embedding_bag(g, input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode="mean", sparse=False,
                  per_sample_weights=None, include_last_offset=False, padding_idx=None):  # fmt: skip
    if input.ndim != 2 or offsets is not None or max_norm is not None or padding_idx is not None:
        raise UnsupportedOperatorError(f"export: {g.at}: embedding_bag takes bags of one size here: input of two dimensions, no padding_idx.")
    found = weight.gather(input)
    if per_sample_weights is not None:
        found = found * per_sample_weights.unsqueeze(-1)
    return found.reduce({"mean": "ReduceMean", "sum": "ReduceSum", "max": "ReduceMax"}[mode], axes_of(found, 1))


@row("one_hot")
def one_hot(g, input, num_classes=-1):
    if isinstance(num_classes, int) and num_classes < 0:
        raise UnsupportedOperatorError(f"export: {g.at}: one_hot needs num_classes; without it the size depends on the largest element.")
    return (input.unsqueeze(-1) == g.arange(num_classes)).cast(INT)
