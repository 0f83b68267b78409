"""Nested tensors of layout torch.jagged: rows of different lengths, (n, *, ...) where * is the dimension that has them.

They are held as the strided ones are, as components, and an operation runs on each. What differs is what PyTorch lets one do: ask for the shape
(the dimension of different lengths is a `Ragged`), for `values()` and `offsets()`, reduce along any dimension, and add strided tensors.
"""
import itertools

import pyxtorch as torch
from pyxtorch._compound import parts_of
from pyxtorch.nested import _components as strided
from pyxtorch.nested._components import Nested, pack, unbind

_numbers = itertools.count(1)


class Ragged:
    """The size of a dimension whose components have different ones. Two are equal where they are the same lengths."""

    def __init__(self, lengths):
        self.lengths, self.number = tuple(lengths), next(_numbers)

    def __eq__(self, other):
        return self.lengths == other.lengths if isinstance(other, Ragged) else NotImplemented

    def __hash__(self):
        return hash(self.lengths)

    def __repr__(self):
        return f"j{self.number}"


class Jagged(Nested):
    """The components of a jagged tensor; `at` is the dimension of theirs in which they differ."""

    own = ("lengths", "offsets")

    def __init__(self, components, at=0):
        super().__init__(components)
        self.at = at

    def offsets(self):
        """Where each component begins in `values()`, and where the last one ends."""
        return torch.tensor([0, *itertools.accumulate(c.shape[self.at] for c in self.components)])

    def lengths(self):
        """None: the components lie one behind the other."""

    def handler(self, func):
        name = getattr(func, "__name__", "")
        descriptor = getattr(getattr(func, "__self__", None), "__name__", "")
        found = ATTRIBUTES.get(descriptor) if name == "__get__" else CALLS.get(name) or CALLS.get(strided.name_of(func).rpartition(".")[2])
        return found or super().handler(func)

    def like(self, components):
        components = [c.detach() for c in components]
        at = self.at
        if components and self.components and components[0].ndim != self.components[0].ndim:
            at = next((d for d in range(components[0].ndim) if len({c.shape[d] for c in components}) > 1), 0)
        return Jagged(components, at)


def jagged(components, at=0):
    """A jagged tensor of these components, with their gradients."""
    return pack(list(components), Jagged([], at))


def checked(components):
    for c in components:
        if c.ndim < 1 or c.shape[1:] != components[0].shape[1:]:
            raise RuntimeError(
                f"No ragged dimension other than the first of the components is possible: their shapes are {[tuple(c.shape) for c in components]}.")
    if not components:
        raise RuntimeError("Cannot construct a nested tensor of layout torch.jagged from an empty list of tensors")
    return components


def _lengths(x):
    parts = parts_of(x)
    return [c.shape[parts.at] for c in parts.components]


def shape(x):
    parts = parts_of(x)
    sizes = list(parts.components[0].shape)
    sizes[parts.at] = Ragged(_lengths(x))
    return (len(parts.components), *sizes)


def size(x, dim=None):
    return shape(x) if dim is None else shape(x)[strided._dim(x, dim, "size", 0)]


def values(x):
    """All components one behind the other."""
    return torch.cat(unbind(x), dim=parts_of(x).at)


def _reduced(name, x, dim, keepdim, kwargs):
    """A reduction of one dimension: of all, of those where lengths differ (strided results), or of another (jagged)."""
    operation = getattr(torch, name)
    if dim is None:
        return operation(torch.cat([c.reshape(-1) for c in unbind(x)]), **kwargs)
    dims = [strided._dim(x, d, name, 0) for d in ((dim,) if isinstance(dim, int) else dim)]
    at = parts_of(x).at + 1
    if 0 in dims:
        if at not in dims:
            raise RuntimeError(f"{name}(): not supported along the batch dimension but not the ragged dimension for NestedTensor.")
        data, rest = values(x), [d - 1 for d in dims if d > 0]
        y = operation(data, rest if len(rest) > 1 else rest[0], **kwargs)
        return y.unsqueeze(0) if keepdim else y
    inner = [d - 1 for d in dims]
    results = [operation(c, inner if len(inner) > 1 else inner[0], keepdim=keepdim, **kwargs) for c in unbind(x)]
    if at in dims:
        return torch.stack(results)
    return jagged(results, at - 1 if keepdim else at - 1 - sum(d < at for d in dims))


def reduction(name):
    def function(x, dim=None, keepdim=False, **kwargs):
        return _reduced(name, x, dim, keepdim, kwargs)

    return function


def parts_pack(x, components, at=None):
    return jagged(components, parts_of(x).at if at is None else at)


def binary(name):
    """With a number, a jagged tensor of the same lengths, or a strided one that broadcasts to (n, *, ...)."""

    def function(a, b, *args, **kwargs):
        operation = getattr(torch, name)
        x = a if isinstance(parts_of(a), Nested) else b
        n, ndim = len(parts_of(x).components), x.dim()

        def each(t):
            if isinstance(parts_of(t), Nested):
                if [c.shape for c in parts_of(t).components] != [c.shape for c in parts_of(x).components] and sorted(_lengths(t)) != sorted(_lengths(x)):
                    raise RuntimeError(f"cannot call binary pointwise function {name} with inputs of shapes {shape(a)} and {shape(b)}")
                return unbind(t)
            if not isinstance(t, torch.Tensor) or t.dim() < ndim:
                return [t] * n
            if t.dim() > ndim or t.shape[0] not in (1, n) or t.shape[parts_of(x).at + 1] != 1:
                raise RuntimeError(f"{name}: a strided tensor of shape {list(t.shape)} does not broadcast to {shape(x)}.")
            return [t[0]] * n if t.shape[0] == 1 else t.unbind(0)

        results = [operation(c, d, *args, **kwargs) for c, d in zip(each(a), each(b), strict=True)]
        if [r.shape for r in results] != [torch.broadcast_shapes(r.shape, c.shape) for r, c in zip(results, parts_of(x).components)]:
            raise RuntimeError(f"{name}: the operands do not broadcast to {shape(x)}.")
        return parts_pack(x, results)

    return function


def view(x, *sizes):
    """A view of (n, -1, ...): the dimension of different lengths stays."""
    sizes = list(sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes)
    lengths = _lengths(x)
    free = [i for i, s in enumerate(sizes) if s == -1 or isinstance(s, Ragged)]
    if sizes[0] not in (-1, len(lengths)) or free not in ([parts_of(x).at + 1], [0, parts_of(x).at + 1]):
        raise RuntimeError(f"view: of a nested tensor {shape(x)} keeps its first dimension and the one of different lengths, which is -1 in the new shape; got {sizes}.")
    at = parts_of(x).at
    return parts_pack(x, [c.reshape([*sizes[1:at + 1], n, *sizes[at + 2:]]) for c, n in zip(unbind(x), lengths)])


def transpose(x, dim0, dim1):
    a, b, at = strided._dim(x, dim0, "transpose") - 1, strided._dim(x, dim1, "transpose") - 1, parts_of(x).at
    return jagged([c.transpose(a, b) for c in unbind(x)], b if at == a else a if at == b else at)


def unsqueeze(x, dim):
    if not -x.dim() - 1 <= dim <= x.dim():
        raise IndexError(f"Dimension out of range (expected to be in range of [{-x.dim() - 1}, {x.dim()}], but got {dim})")
    dim %= x.dim() + 1
    if dim == 0:
        raise RuntimeError("unsqueeze(): not supported for NestedTensor on dim=0.")
    return parts_pack(x, [c.unsqueeze(dim - 1) for c in unbind(x)], parts_of(x).at + (dim - 1 <= parts_of(x).at))


def attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    """Each component on its own: (n, heads, *, width), the lengths of queries and keys may differ."""
    if attn_mask is not None:
        raise RuntimeError("scaled_dot_product_attention: attn_mask is not supported for nested tensors; is_causal is.")
    function = torch.nn.functional.scaled_dot_product_attention
    parts = zip(unbind(query), unbind(key), unbind(value), strict=True)
    return parts_pack(query, [function(q, k, v, None, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa) for q, k, v in parts])


def text(x):
    suffix = f", grad_fn=<{x.grad_fn.name().rpartition('::')[2]}>" if x.grad_fn is not None else ", requires_grad=True" if x.requires_grad else ""
    return f"NestedTensor(size={shape(x)}, offsets={parts_of(x).offsets()!r}{suffix}, contiguous={parts_of(x).at == 0})"


ATTRIBUTES = {"layout": lambda x: torch.jagged, "shape": shape}
CALLS = {
    "size": size, "values": values, "__repr__": text, "__format__": lambda x, spec: format(text(x), spec),
    **{name: reduction(name) for name in ("sum", "mean", "amax", "amin", "prod", "any", "all", "var", "std", "logsumexp")},
    **{name: binary(name) for name in strided.BINARY}, "view": view, "reshape": view, "transpose": transpose, "unsqueeze": unsqueeze,
    "scaled_dot_product_attention": attention,
}  # fmt: skip


# ----------------------------------------------------------------------------------------------------- making them


def nested_tensor_from_jagged(values, offsets=None, lengths=None, jagged_dim=None, min_seqlen=None, max_seqlen=None):
    """A jagged tensor of consecutive rows of `values`: those from offsets[i] to offsets[i + 1], or of these the first lengths[i].

    Args:
        values: (total, ...). offsets: n + 1 integers; lengths: n integers; at least one of the two.
        jagged_dim: the dimension of the result with different lengths: 1, the only one that there is.
        min_seqlen, max_seqlen: hints, which are not needed.
    Raises:
        RuntimeError: neither offsets nor lengths, or they reach beyond `values`.
    """
    if offsets is None and lengths is None:
        raise RuntimeError("nested_tensor_from_jagged(): At least one of offsets or lengths is required.")
    if jagged_dim not in (None, 1):
        raise NotImplementedError(f"nested_tensor_from_jagged: jagged_dim={jagged_dim} is not there; the rows of values are those of dimension 1.")
    counts = None if lengths is None else [int(n) for n in lengths]
    starts = [0, *itertools.accumulate(counts)] if offsets is None else [int(n) for n in offsets]
    counts = [b - a for a, b in zip(starts, starts[1:])] if counts is None else counts
    if len(counts) != len(starts) - 1 or any(n < 0 or a < 0 or a + n > values.shape[0] for a, n in zip(starts, counts)):
        raise RuntimeError(f"nested_tensor_from_jagged: offsets {starts} and lengths {counts} do not lie within values of {values.shape[0]} rows.")
    return jagged([values[a:a + n] for a, n in zip(starts, counts)])


def narrow(tensor, dim, start, length, layout=torch.strided):
    """Of each row of a strided tensor (n, length, ...) a part: from start[i], length[i] elements.

    Args:
        dim: 1. start, length: n integers, or one for all.
        layout: torch.jagged, or strided where start and length are numbers.
    """
    if layout is torch.strided and isinstance(start, int) and isinstance(length, int):
        return strided.pack([row.narrow(dim - 1, start, length) for row in tensor])
    if layout is not torch.jagged or dim != 1:
        raise RuntimeError(f"narrow: of layout torch.jagged along dim=1 only, not of {layout!r} along {dim}.")
    n = tensor.shape[0]
    starts, counts = ([v] * n if isinstance(v, int) else [int(e) for e in v] for v in (start, length))
    return jagged([row.narrow(0, a, k) for row, a, k in zip(tensor.unbind(0), starts, counts, strict=True)])


def masked_select(tensor, mask):
    """Of each row of a tensor (n, length) the elements where the mask, which broadcasts to it, is True, as a jagged tensor."""
    if tensor.layout is not torch.strided:
        raise RuntimeError(f"masked_select: expects a strided tensor, not one of layout {tensor.layout!r}.")
    if tensor.dim() != 2:
        raise RuntimeError(f"masked_select: expects a tensor of 2 dimensions, not {tensor.dim()}.")
    return jagged([torch.masked_select(row, keep) for row, keep in zip(tensor.unbind(0), mask.expand(tensor.shape).unbind(0))])
