"""Rules of operations on shapes: the batch stays dimension 0 of the physical tensor, and views stay views of it.
"""
import math

import pyxtorch as torch
from pyxtorch._batching._calls import Plain, loop
from pyxtorch._batching._rules import along, at, composed, of_rank
from pyxtorch._batching._values import base, batched
from pyxtorch._compound import change_parts


def _sizes(given):
    return tuple(given[0]) if len(given) == 1 and not isinstance(given[0], int) else tuple(given)


def _full(sizes, numel, op):
    """Sizes with -1 replaced, as the batch may be of size 0."""
    sizes = list(sizes)
    if -1 in sizes:
        known = math.prod(s for s in sizes if s != -1)
        if known == 0 or numel % known or sizes.count(-1) > 1:
            raise RuntimeError(f"shape '{sizes}' is invalid for input of size {numel}")
        sizes[sizes.index(-1)] = numel // known
    elif math.prod(sizes) != numel:
        raise RuntimeError(f"shape '{sizes}' is invalid for input of size {numel}")
    return sizes


def _as(method):
    def rule(c, x, *sizes, shape=None, size=None, dtype=None):
        if not c.is_batched(x):
            return loop(c, x, *sizes)
        if dtype is not None or (len(sizes) == 1 and isinstance(sizes[0], torch.dtype)):
            y, dtype = c.raw(x), dtype or sizes[0]
            return y.view(dtype) if y.dim() > 1 else y.unsqueeze(1).view(dtype).squeeze(1)
        given = shape if shape is not None else size if size is not None else _sizes(sizes)
        return getattr(c.raw(x), method)(c.size, *_full(given, x.numel(), method))

    return rule


def expand(c, x, *sizes, size=None, implicit=False):
    sizes = tuple(size) if size is not None else _sizes(sizes)
    if len(sizes) < x.dim():
        raise RuntimeError(f"expand: the number of sizes provided ({len(sizes)}) must be greater or equal to the number of dimensions in the tensor ({x.dim()})")
    return c.aligned(x, len(sizes)).expand(c.size, *sizes)


def permute(c, x, *order, dims=None):
    order = dims if dims is not None else _sizes(order)
    if len(order) != x.dim():
        raise RuntimeError(f"permute: number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = {x.dim()} is not equal to len(dims) = {len(order)}")
    return c.raw(x).permute(0, *[at(d, x.dim()) for d in order])


def transpose(c, x, dim0, dim1):
    a, b = at(dim0, x.dim()), at(dim1, x.dim())
    return c.raw(x).transpose(a, b) if x.dim() else c.raw(x)


def movedim(c, x, source, destination):
    one = isinstance(source, int)
    source, destination = ([d] if one else list(d) for d in (source, destination))
    return c.raw(x).movedim([at(d, x.dim()) for d in source], [at(d, x.dim()) for d in destination]) if x.dim() else c.raw(x)


def squeeze(c, x, dim=None):
    y = c.raw(x)
    if dim is None:
        dims = [d for d in range(1, y.dim()) if y.shape[d] == 1]
    else:
        dims = [at(d, x.dim()) for d in ([dim] if isinstance(dim, int) else dim)] if x.dim() else []
    return y.squeeze(dims) if dims else y.view_as(y)


def unsqueeze(c, x, dim):
    return c.raw(x).unsqueeze(at(dim, x.dim() + 1))


def flatten(c, x, start_dim=0, end_dim=-1):
    if x.dim() == 0:
        return c.raw(x).unsqueeze(1)
    return c.raw(x).flatten(at(start_dim, x.dim()), at(end_dim, x.dim()))


def diagonal(c, x, offset=0, dim1=0, dim2=1):
    return torch.diagonal(c.raw(x), offset, at(dim1, x.dim()), at(dim2, x.dim()))


def diag_embed(c, x, offset=0, dim1=-2, dim2=-1):
    return torch.diag_embed(c.raw(x), offset, at(dim1, x.dim() + 1), at(dim2, x.dim() + 1))


def cat(c, tensors, dim=0, *, out=None):
    kept = [x for x in tensors if not (x.dim() == 1 and x.shape[0] == 0)] or list(tensors)
    if any(x.dim() == 0 for x in tensors):
        raise RuntimeError("zero-dimensional tensor cannot be concatenated")
    if len(kept) < len(tensors):
        dtype = tensors[0].dtype
        for x in tensors[1:]:
            dtype = torch.promote_types(dtype, x.dtype)
        kept = [x.to(dtype) for x in kept]
    return torch.cat([c.lead(x) for x in kept], at(dim, kept[0].dim()))


def stack(c, tensors, dim=0, *, out=None):
    return torch.stack([c.lead(x) for x in tensors], at(dim, tensors[0].dim() + 1))


def repeat(c, x, *sizes, repeats=None):
    sizes = tuple(repeats) if repeats is not None else _sizes(sizes)
    if len(sizes) < x.dim():
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    return c.aligned(x, len(sizes)).repeat(1, *sizes)


def tile(x, *sizes, dims=None):
    sizes = tuple(dims) if dims is not None else _sizes(sizes)
    return x.repeat(*[1] * (x.dim() - len(sizes)), *sizes)


def flip(c, x, *star, dims=None):
    dims = [dims] if isinstance(dims, int) else dims if dims is not None else _sizes(star)
    return torch.flip(c.raw(x), [at(d, x.dim()) for d in dims]) if x.dim() else c.raw(x).clone()


def roll(c, x, shifts, dims=None):
    if dims is None or x.dim() == 0:
        y = c.raw(x)
        return torch.roll(y.reshape(c.size, x.numel()), shifts if isinstance(shifts, int) else shifts[0], 1).reshape(y.shape)
    return torch.roll(c.raw(x), shifts, at(dims, x.dim()) if isinstance(dims, int) else [at(d, x.dim()) for d in dims])


def triangle(c, x, diagonal=0, *, out=None):
    return c.func(c.raw(x), diagonal)


def diag(x, diagonal=0, *, out=None):
    return torch.diag_embed(x, diagonal) if x.dim() == 1 else torch.diagonal(x, diagonal).clone()


def new_sized(c, x, *size, **kwargs):
    """`x.new_zeros(2, 3)` and its like."""
    sizes = tuple(kwargs.pop("size")) if "size" in kwargs else None
    rest = ()
    if c.name == "new_full":
        sizes, rest = (size[0], size[1:]) if sizes is None else (sizes, size)
        sizes = (sizes,) if isinstance(sizes, int) else tuple(sizes)
        if any(batched(v) for v in (*rest, *kwargs.values()) if isinstance(v, torch.Tensor)):
            return loop(c, x, sizes, *rest, **kwargs)
    elif sizes is None:
        sizes = _sizes(size)
    return c.func(c.raw(x), (c.size, *sizes), *rest, **kwargs)


def broadcast_tensors(*tensors):
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    shape = torch.broadcast_shapes(*[t.shape for t in tensors])
    return [t.expand(shape) for t in tensors]


def _reshaped(name):
    """A view in place: the shell gets another shape."""
    def rule(x, *args):
        y = getattr(torch.Tensor, name)(x, *args)
        change_parts(x, y)
        return x

    return composed(rule)


def _at_least(rank):
    def one(x):
        if x.dim() >= rank:
            return x.view_as(x)
        if rank == 3:
            return x.reshape(1, 1, 1) if x.dim() == 0 else x.unsqueeze(0).unsqueeze(-1) if x.dim() == 1 else x.unsqueeze(-1)
        return x.reshape([1] * rank) if x.dim() == 0 else x.unsqueeze(0)

    def several(*tensors):
        tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
        found = [one(x) for x in tensors]
        return found[0] if len(tensors) == 1 and found and isinstance(tensors, tuple) and len(found) == 1 else tuple(found)

    return composed(several)


def _joined(rank, dim):
    def rule(tensors, *, out=None):
        lifted = [torch.atleast_3d(x) if rank == 3 else torch.atleast_2d(x) if rank == 2 else torch.atleast_1d(x) for x in tensors]
        where = dim if dim is not None else 0 if lifted[0].dim() == 1 else 1
        return torch.cat(lifted, where)

    return composed(rule)


def column_stack(tensors, *, out=None):
    return torch.cat([x.reshape(-1, 1) if x.dim() < 2 else x for x in tensors], 1)


def meshgrid(*tensors, indexing=None):
    tensors = list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else list(tensors)
    swap = indexing == "xy" and len(tensors) > 1
    if swap:
        tensors[0], tensors[1] = tensors[1], tensors[0]
    shape = [x.numel() for x in tensors]
    grids = [x.reshape([-1 if i == j else 1 for j in range(len(tensors))]).expand(shape) for i, x in enumerate(tensors)]
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def rot90(x, k=1, dims=(0, 1)):
    a, b = dims
    k %= 4
    return x.clone() if k == 0 else x.flip(b).transpose(a, b) if k == 1 else x.flip([a, b]) if k == 2 else x.flip(a).transpose(a, b)


def _parts_along(dim):
    def rule(x, indices_or_sections):
        where = 0 if dim == 1 and x.dim() == 1 else dim
        return torch.tensor_split(x, indices_or_sections, where)

    return composed(rule)


def kron(a, b, *, out=None):
    rank = max(a.dim(), b.dim())
    p, q = [1] * (rank - a.dim()) + list(a.shape), [1] * (rank - b.dim()) + list(b.shape)
    left = a.reshape([s for n in p for s in (n, 1)])
    right = b.reshape([s for n in q for s in (1, n)])
    return (left * right).reshape([m * n for m, n in zip(p, q)])


def cross(x, y, dim=None, *, out=None):
    if dim is None:
        dim = next(d for d in range(x.dim()) if x.shape[d] == 3)
    x, y = torch.broadcast_tensors(x, y)
    a, b = (t.unbind(dim) for t in (x, y))
    return torch.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]], dim)


CALLS = {
    "view": _as("view"), "reshape": _as("reshape"), "view_copy": composed(lambda x, *a, **k: x.view(*a, **k).clone()),
    "view_as": composed(lambda x, other: x.view(tuple(other.shape))), "reshape_as": composed(lambda x, other: x.reshape(tuple(other.shape))),
    "expand": expand, "broadcast_to": expand, "expand_as": composed(lambda x, other: x.expand(tuple(other.shape))), "expand_copy": composed(lambda x, *a, **k: x.expand(*a, **k).clone()),
    "permute": permute, "transpose": transpose, "swapaxes": transpose, "swapdims": transpose, "movedim": movedim, "moveaxis": movedim,
    "t": composed(lambda x: x if x.dim() < 2 else x.transpose(0, 1)), "adjoint": composed(lambda x: x.transpose(-2, -1).conj()),
    "squeeze": squeeze, "unsqueeze": unsqueeze, "flatten": flatten, "ravel": composed(lambda x: x.reshape(-1)), "unflatten": along(dim=0),
    **{n + "_copy": composed(lambda x, *a, n=n, **k: getattr(torch, n)(x, *a, **k).clone()) for n in "permute transpose squeeze unsqueeze t diagonal".split()},
    **{n: along(dim=0) for n in "narrow select narrow_copy unbind chunk split split_with_sizes tensor_split unsafe_chunk unsafe_split unsafe_split_with_sizes select_copy unbind_copy split_copy split_with_sizes_copy".split()},
    "unfold": along(dimension=0), "unfold_copy": along(dimension=0),
    "diagonal": diagonal, "diag_embed": diag_embed, "diag": composed(diag), "diagflat": composed(lambda x, offset=0: torch.diag_embed(x.reshape(-1), offset)),
    "trace": composed(lambda x: x.diagonal().sum()), "tril": of_rank(2, triangle), "triu": of_rank(2, triangle),
    **dict.fromkeys(("cat", "concat", "concatenate"), cat), "stack": stack, "repeat": repeat, "tile": composed(tile), "flip": flip, "roll": roll,
    "rot90": composed(rot90), "hsplit": _parts_along(1), "vsplit": _parts_along(0), "dsplit": _parts_along(2),
    "fliplr": composed(lambda x: x.flip(1)), "flipud": composed(lambda x: x.flip(0)), "hstack": _joined(1, None), "vstack": _joined(2, 0), "row_stack": _joined(2, 0),
    "dstack": _joined(3, 2), "column_stack": composed(column_stack), "atleast_1d": _at_least(1), "atleast_2d": _at_least(2), "atleast_3d": _at_least(3),
    "broadcast_tensors": composed(broadcast_tensors), "meshgrid": composed(meshgrid), "kron": composed(kron), "cross": composed(cross),
    "linalg_cross": composed(lambda x, y, *, dim=-1, out=None: cross(x, y, dim)), "__reversed__": composed(lambda x: x.flip(0) if x.dim() else x),
    **dict.fromkeys(("new_zeros", "new_ones", "new_empty", "new_full"), new_sized),
    "new_tensor": lambda c, x, data, *, dtype=None, device=None, requires_grad=False: Plain(torch.tensor(data, dtype=dtype or x.dtype, device=device or base(x).device, requires_grad=requires_grad)),
    "sum_to_size": composed(lambda x, *sizes: _summed(x, _sizes(sizes))),
    "unsqueeze_": _reshaped("unsqueeze"), "squeeze_": _reshaped("squeeze"), "transpose_": _reshaped("transpose"), "t_": _reshaped("t"), "swapaxes_": _reshaped("transpose"),
    "swapdims_": _reshaped("transpose"), "tril_": None, "triu_": None,
}  # fmt: skip


def _summed(x, sizes):
    extra = x.dim() - len(sizes)
    dims = [*range(extra), *[i + extra for i, s in enumerate(sizes) if s == 1 and x.shape[i + extra] != 1]]
    y = x.sum(dims, keepdim=True) if dims else x
    return y.reshape(sizes)
