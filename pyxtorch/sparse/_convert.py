"""From one layout to another, and to the elements at given places."""
import pyxtorch as torch
from pyxtorch._compound import parts_of
from pyxtorch.sparse._layout import COMPRESSED, COO, CSC, CSR, bare, build, expected, values_of

_HALF = (torch.float16, torch.bfloat16)


# -------------------------------------------------------------------------------------- places

def flat_of(indices, shape):
    """One number for each column of `indices`: its place in a tensor of this shape (of the indices' dimensions only)."""
    flat = torch.zeros(indices.shape[1], dtype=torch.int64)
    for d in range(indices.shape[0]):
        flat = flat * shape[d] + indices[d]
    return flat


def indices_at(flat, shape):
    """The inverse of `flat_of`."""
    rows = []
    for n in reversed(shape):
        rows.append(flat % max(n, 1))
        flat = torch.div(flat, max(n, 1), rounding_mode="floor")
    return torch.stack(rows[::-1]) if rows else torch.zeros((0, flat.shape[0]), dtype=torch.int64)


def coo_indices(parts):
    """The indices as of layout COO, (sparse_dim, nnz), whatever the layout."""
    if parts.layout is COO:
        return parts.indices
    compressed, plain = (i.to(torch.int64) for i in parts.indices)
    line = torch.repeat_interleave(torch.arange(compressed.shape[0] - 1), compressed[1:] - compressed[:-1])
    return torch.stack((line, plain) if parts.layout is CSR else (plain, line))


def grouped_sum(values, places, count):
    """values (nnz, ...) added up by place (nnz,), below `count`: (count, ...). bool: any; half precision is rounded once."""
    shape = (count, *values.shape[1:])
    if values.dtype is torch.bool:
        return torch.zeros(shape, dtype=torch.int32).index_add(0, places, values.to(torch.int32)) > 0
    if values.dtype in _HALF:
        return torch.zeros(shape).index_add(0, places, values.float()).to(values.dtype)
    return torch.zeros(shape, dtype=values.dtype).index_add(0, places, values)


# -------------------------------------------------------------------------------------- COO

def coalesce(x):
    """The same tensor with every index once, in order."""
    parts = expected(x, (COO,), "coalesce", "sparse coordinate")
    return x if parts.coalesced else build(COO, *coalesced(parts.indices, values_of(x), x.shape), x.shape, True)


def coalesced(indices, values, shape):
    """(indices, values) with equal columns added up, in order."""
    shape = shape[: indices.shape[0]]
    flat = flat_of(indices, shape)
    if bool((flat[1:] > flat[:-1]).all()):
        return indices, values
    places, group = torch.unique(flat, return_inverse=True)
    return indices_at(places, shape), grouped_sum(values, group, places.shape[0])


def to_dense(x, dtype=None, masked_grad=None):
    """The strided tensor of the same elements."""
    parts = parts_of(x)
    if parts is None:
        return x if dtype is None else x.to(dtype)
    indices, values = coo_indices(parts), values_of(x)
    shape = tuple(x.shape)
    lead = shape[: indices.shape[0]]
    count = 1
    for n in lead:
        count *= n
    y = grouped_sum(values, flat_of(indices, lead), count).reshape(shape)
    return y if dtype is None else y.to(dtype)


def to_coo(x, sparse_dim=None):
    """Any tensor in layout COO."""
    parts = parts_of(x)
    if parts is None:
        return _from_dense(x, x.ndim if sparse_dim is None else sparse_dim)
    have = x.ndim - parts.dense_dim
    if sparse_dim is not None and sparse_dim != have:
        raise RuntimeError(f"to_sparse: conversion from a tensor of {have} sparse dimensions to sparse_dim={sparse_dim} is not supported.")
    if parts.layout is COO:
        return x
    y = build(COO, coo_indices(parts), values_of(x), x.shape, False)
    return coalesce(y) if parts.layout is CSR else y


def _from_dense(x, sparse_dim):
    if not isinstance(sparse_dim, int) or not 0 <= sparse_dim <= x.ndim or (sparse_dim == 0 and x.ndim):
        raise RuntimeError(f"to_sparse: sparse_dim must be in 1..{x.ndim}, the dimensions of the tensor, but is {sparse_dim}.")
    if x.device.type != "cpu":
        raise RuntimeError(f"to_sparse: sparse tensors lie on the CPU, the tensor is on {x.device}. Use .cpu() first.")
    lead = tuple(x.shape[:sparse_dim])
    present = x.detach() != 0
    if sparse_dim < x.ndim:
        present = present.flatten(sparse_dim).any(-1)
    flat = present.reshape(-1).nonzero().reshape(-1)
    values = x.reshape(-1, *x.shape[sparse_dim:]).index_select(0, flat)
    return build(COO, indices_at(flat, lead), values, x.shape, True)


# --------------------------------------------------------------------------------- compressed

def to_compressed(x, layout, dense_dim=None):
    """Any matrix (with `dense_dim` further dimensions in the values) in layout CSR or CSC."""
    parts = parts_of(x)
    if parts is not None and parts.layout is layout:
        return x
    op = "to_sparse_csr" if layout is CSR else "to_sparse_csc"
    sparse_dim = x.ndim - ((dense_dim or 0) if parts is None else parts.dense_dim)
    if sparse_dim != 2:
        raise RuntimeError(f"{op}: expected a tensor of 2 sparse dimensions, but it has {sparse_dim} (shape {list(x.shape)}).")
    y = to_coo(x, sparse_dim)
    indices, values = coalesced(parts_of(y).indices, values_of(y), x.shape)
    if layout is CSC:
        order = torch.argsort(indices[1], stable=True)
        indices, values = indices.index_select(1, order), values.index_select(0, order)
    line, plain = indices if layout is CSR else (indices[1], indices[0])
    return build(layout, (starts_of(line, x.shape[0 if layout is CSR else 1]), plain.contiguous()), values, x.shape)


def starts_of(line, lines):
    """Where each of `lines` lines begins, from the line of each element: (lines + 1,)."""
    starts = torch.zeros(lines + 1, dtype=torch.int64)
    starts[1:] = torch.bincount(line, minlength=lines).cumsum(0)[:lines]
    return starts


def to_layout(x, layout, sparse_dim=None, dense_dim=None):
    """Any tensor in the layout asked for."""
    if layout is torch.strided:
        return to_dense(x)
    if layout is COO:
        return to_coo(x, sparse_dim)
    if layout in COMPRESSED:
        return to_compressed(x, layout, dense_dim)
    raise RuntimeError(f"to_sparse: the layouts here are sparse_coo, sparse_csr and sparse_csc, not {layout!r}.")


# -------------------------------------------------------------------------- elements at places

def same_indices(a, b):
    """Whether two parts have the same pattern, in the same order."""
    if a.layout is not b.layout or a.values.shape != b.values.shape:
        return False
    if a.layout is COO:
        return a.indices is b.indices or torch.equal(a.indices, b.indices)
    return all(i is j or torch.equal(i, j) for i, j in zip(a.indices, b.indices))


def at_pattern(x, parts, shape):
    """The elements of `x`, strided or sparse, where `parts` has some: a tensor like its values."""
    own = parts_of(x)
    if own is not None and same_indices(own, parts):
        return values_of(x)
    indices = coo_indices(parts)
    lead = tuple(shape[: indices.shape[0]])
    flat = flat_of(indices, lead)
    if own is None:
        return x.reshape(-1, *shape[len(lead) :]).index_select(0, flat) if lead else x.reshape(1, *shape).expand(flat.shape[0], *shape)
    y = coalesce(to_coo(x))
    have = parts_of(y)
    if have.indices.shape[0] != indices.shape[0]:
        return at_pattern(to_dense(x), parts, shape)
    return at_places(flat_of(have.indices, lead), values_of(y), flat)


def at_places(have, values, flat):
    """values (n, ...) that stand at the places `have` (n,), in order, taken at `flat`; zero where there is none."""
    if not have.shape[0]:
        return torch.zeros((flat.shape[0], *values.shape[1:]), dtype=values.dtype)
    at = torch.searchsorted(have, flat).clamp_(max=have.shape[0] - 1)
    present = have.index_select(0, at) == flat
    taken = values.index_select(0, at)
    return torch.where(present.reshape(-1, *(1,) * (values.ndim - 1)), taken, torch.zeros((), dtype=values.dtype))


def sparse_mask(x, mask):
    """The elements of `x` at the indices of `mask`."""
    parts = parts_of(mask)
    if parts is None:
        raise RuntimeError("sparse_mask: the mask must be a sparse tensor, but is strided.")
    if tuple(x.shape) != tuple(mask.shape):
        raise RuntimeError(f"sparse_mask(): operands have incompatible sizes; self has size {list(x.shape)} but mask has size {list(mask.shape)}")
    return build(parts.layout, parts.indices, at_pattern(x, parts, tuple(x.shape)), x.shape, parts.coalesced)


def no_elements(layout, shape, dtype=None, device=None, requires_grad=False, dense_dim=0, index_dtype=torch.int64):
    """A sparse tensor of zeros: without elements."""
    if layout not in (COO, *COMPRESSED):
        raise (RuntimeError if isinstance(layout, torch.layout) else TypeError)(f"sparse tensor: the layouts here are sparse_coo, sparse_csr and sparse_csc, not {layout!r}.")
    if torch.device("cpu" if device is None else device).type != "cpu":
        raise RuntimeError(f"sparse tensor: sparse tensors lie on the CPU; device={device} is not there for them.")
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    lead = len(shape) - dense_dim
    values = torch.empty((0, *shape[lead:]), dtype=dtype, device="cpu")
    if layout is COO:
        y = bare(COO, torch.empty((lead, 0), dtype=torch.int64), values, shape, True)
    elif lead != 2:
        raise RuntimeError(f"sparse tensor: a tensor of layout {layout!r} has 2 sparse dimensions, not {lead}.")
    else:
        lines = shape[0 if layout is CSR else 1]
        y = bare(layout, (torch.zeros(lines + 1, dtype=index_dtype), torch.empty(0, dtype=index_dtype)), values, shape)
    return y.requires_grad_() if requires_grad else y


def empty_like(x, shape=None, dtype=None):
    """A sparse tensor without elements, of the layout of `x`, its number of dense dimensions where the shape has so many."""
    parts = parts_of(x)
    shape = tuple(x.shape if shape is None else shape)
    index_dtype = (parts.indices if parts.layout is COO else parts.indices[0]).dtype
    return no_elements(parts.layout, shape, dtype or x.dtype, None, False, parts.dense_dim if len(shape) == x.ndim else 0, index_dtype)
