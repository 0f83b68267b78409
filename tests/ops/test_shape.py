"""Views, joins, copies: operations that only move elements."""
import itertools

import numpy as np
import pytest
import scipy.linalg

import pyxtorch as torch
from pyxtorch.testing.operations import BOOL, COMPLEX, FLOAT, INT, Error, Op, S

NUMBERS = FLOAT + COMPLEX + INT + BOOL
EXACT = dict.fromkeys(NUMBERS, (0, 0))


def moves(name, *samples, reference, **named):
    return Op(name, *samples, reference=reference, **{"dtypes": NUMBERS, "tol": EXACT, **named})


def squeeze(x, dim=None):
    dims = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    return np.squeeze(x, tuple(d for d in dims if x.ndim and x.shape[d] == 1))


def split(x, size, dim=0):
    cuts = np.cumsum(size)[:-1] if isinstance(size, list) else range(size, x.shape[dim], size)
    return tuple(np.split(x, list(cuts), dim))


def chunk(x, chunks, dim=0):
    return split(x, -(-x.shape[dim] // chunks), dim)


def flatten(x, start_dim=0, end_dim=-1):
    end = end_dim % x.ndim
    return x.reshape(*x.shape[:start_dim], -1, *x.shape[end + 1:])


def unfold(x, dim, size, step):
    return np.moveaxis(np.lib.stride_tricks.sliding_window_view(x, size, dim), dim, dim)[(slice(None),) * dim + (slice(None, None, step),)]


def as_strided(x, size, stride, storage_offset=0):
    flat = x.ravel()
    places = storage_offset + sum(np.indices(size)[i] * stride[i] for i in range(len(size)))
    return flat[places]


def roll(x, shifts, dims=None):
    return np.roll(x, shifts, dims)


def sum_to(x, size):
    lead = x.ndim - len(size)
    x = x.sum(tuple(range(lead)), dtype=x.dtype) if lead else x
    return x.sum(tuple(i for i, n in enumerate(size) if n == 1 and x.shape[i] != 1), keepdims=True, dtype=x.dtype)


def diag_embed(x, offset=0):
    n = x.shape[-1] + abs(offset)
    out = np.zeros((*x.shape[:-1], n, n), x.dtype)
    i = np.arange(x.shape[-1])
    out[..., i + max(-offset, 0), i + max(offset, 0)] = x
    return out


def combinations(x, r=2, with_replacement=False):
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    return np.array(list(choose(x, r)), x.dtype).reshape(-1, r)


def block_diag(*blocks):
    return scipy.linalg.block_diag(*blocks).astype(blocks[0].dtype)


def diagonal(x, offset=0, dim1=0, dim2=1):
    return np.diagonal(x, offset, dim1, dim2)


BAD_DIM = [Error(IndexError, "Dimension out of range|dim", (2, 3), 2)]
OPS = [
    moves("reshape", S((2, 6), shape=(3, 4)), S((2, 6), shape=(-1,)), S((), shape=(1, 1)), S((0, 3), shape=(3, 0)), reference=lambda x, shape: x.reshape(shape),
          function=lambda x, shape: x.reshape(shape), errors=[Error(RuntimeError, "invalid|size", (2, 3), shape=(4,)), Error(RuntimeError, "-1|infer", (2, 3), shape=(-1, -1))]),
    moves("permute", S((2, 3, 4), dims=(2, 0, 1)), S((2, 3), dims=(-1, 0)), S((), dims=()), reference=lambda x, dims: np.transpose(x, dims), function=lambda x, dims: torch.permute(x, dims),
          errors=[Error(RuntimeError, "dims|number of dimensions", (2, 3), dims=(0,)), Error(RuntimeError, "dup|repeated", (2, 3), dims=(0, 0))]),
    moves("transpose", S((2, 3, 4), 0, 2), S((2, 3), -1, 0), S((), 0, 0), reference=lambda x, a, b: np.swapaxes(x, a, b) if x.ndim else x, aliases=["swapaxes", "swapdims"],
          errors=[Error(IndexError, "Dimension out of range|dim", (2, 3), 0, 2)]),
    moves("t", S((2, 3)), S((3,)), S(()), reference=np.transpose, errors=[Error(RuntimeError, "2|dim", (2, 3, 4))]),
    moves("adjoint", S((2, 3)), S((4, 2, 3)), reference=lambda x: np.swapaxes(x, -1, -2).conj()),
    moves("movedim", S((2, 3, 4), 0, 2), S((2, 3, 4), source=(0, 1), destination=(2, 0)), reference=lambda x, source, destination: np.moveaxis(x, source, destination), aliases=["moveaxis"]),
    moves("unsqueeze", S((2, 3), 0), S((2, 3), -1), S((), 0), reference=np.expand_dims, errors=[Error(IndexError, "Dimension out of range|dim", (2, 3), 3)]),
    moves("squeeze", S((1, 3, 1)), S((1, 3, 1), 0), S((1, 3), 1), S((1, 3, 1), dim=(0, 2)), S(()), reference=squeeze, errors=BAD_DIM),
    moves("flatten", S((2, 3, 4)), S((2, 3, 4), 1), S((2, 3, 4), 0, 1), reference=flatten, errors=[Error(RuntimeError, "start_dim", (2, 3), 1, 0)]),
    moves("unflatten", S((2, 6), 1, sizes=(2, 3)), S((2, 6), 1, sizes=(-1, 2)), reference=lambda x, dim, sizes: x.reshape(*x.shape[:dim], *sizes), errors=[Error(RuntimeError, "size|multiply", (2, 6), 1, sizes=(4, 2))]),
    moves("ravel", S((2, 3)), S(()), S((0, 2)), reference=np.ravel),
    moves("broadcast_to", S((3, 1), size=(2, 3, 4)), S((), size=(2, 2)), reference=lambda x, size: np.broadcast_to(x, size), errors=[Error(RuntimeError, "expand|size|broadcast", (3,), size=(4,))]),
    moves("Tensor.expand", S((3, 1), size=(2, 3, 4)), S((3, 1), size=(-1, 4)), function=lambda x, size: x.expand(size),
          reference=lambda x, size: np.broadcast_to(x, [n if s == -1 else s for s, n in zip(size, x.shape)] if len(size) == x.ndim else size)),
    moves("broadcast_tensors", S((3, 1), (1, 4)), S((), (2,)), reference=lambda *x: tuple(np.broadcast_arrays(*x))),
    moves("Tensor.sum_to_size", S((2, 3, 4), size=(3, 1)), S((2, 3), size=(2, 3)), function=lambda x, size: x.sum_to_size(size), reference=sum_to, dtypes=FLOAT[:2], tol={}),
    moves("narrow", S((2, 5), 1, 1, 3), S((2, 5), -1, 4, 0), S((2, 5), 1, -2, 2), reference=lambda x, dim, start, n: np.take(x, range(start, start + n), dim),
          errors=[Error(RuntimeError, "exceeds|length", (2, 5), 1, 3, 3), Error(RuntimeError, "negative|non-negative", (2, 5), 1, 0, -1)]),
    moves("select", S((2, 3), 0, 1), S((2, 3), 1, -1), reference=lambda x, dim, i: np.take(x, i, dim), errors=[Error(IndexError, "index", (2, 3), 0, 2)]),
    moves("diagonal", S((3, 4)), S((3, 4), 1), S((2, 3, 3), -1, 1, 2), S((2, 2), 5), reference=diagonal, errors=[Error(RuntimeError, "identical", (2, 3), 0, 1, 1)]),
    moves("diag", S((3,)), S((3, 4)), S((3,), 1), S((3, 4), -1), reference=np.diag, errors=[Error(RuntimeError, "dimension|1D or 2D|1-?D", (2, 3, 4))]),
    moves("diagflat", S((2, 3)), S((3,), 1), reference=np.diagflat), moves("diag_embed", S((2, 3)), S((2,), -1), reference=diag_embed),
    moves("trace", S((3, 4)), reference=np.trace, dtypes=FLOAT[:2] + COMPLEX, tol={}, errors=[Error(RuntimeError, "matrix|2", (3,))]),
    moves("fliplr", S((2, 3)), reference=np.fliplr), moves("flipud", S((2, 3)), reference=np.flipud),
    moves("rot90", S((2, 3)), S((2, 3), 2), S((2, 3, 4), -1, dims=(1, 2)), reference=lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims)),
    moves("atleast_1d", S(()), S((2,)), reference=np.atleast_1d), moves("atleast_2d", S(()), S((2,)), S((2, 3), ()), reference=np.atleast_2d),
    moves("atleast_3d", S(()), S((2,)), S((2, 3)), reference=np.atleast_3d),
    moves("block_diag", S((2, 3), (1, 2)), S((2, 2)), reference=block_diag), moves("cartesian_prod", S((2,), (3,)), reference=lambda *x: np.array(list(itertools.product(*x)), x[0].dtype)),
    moves("combinations", S((4,)), S((3,), 3), S((3,), 2, True), reference=combinations),
    moves("meshgrid", S((2,), (3,), indexing="ij"), S((2,), (3,), indexing="xy"), reference=lambda *x, indexing: tuple(np.meshgrid(*x, indexing=indexing))),
    moves("hstack", S([(2, 1), (2, 2)]), S([(2,), (3,)]), reference=np.hstack), moves("vstack", S([(1, 3), (2, 3)]), S([(3,), (3,)]), reference=np.vstack, aliases=["row_stack"]),
    moves("dstack", S([(2, 3), (2, 3)]), S([(3,), (3,)]), reference=np.dstack), moves("column_stack", S([(2,), (2,)]), S([(2, 2), (2,)]), reference=np.column_stack),
    moves("hsplit", S((2, 4), 2), S((2, 4), [1, 3]), S((4,), 2), reference=lambda x, n: tuple(np.hsplit(x, n))), moves("vsplit", S((4, 2), 2), reference=lambda x, n: tuple(np.vsplit(x, n))),
    moves("dsplit", S((1, 2, 4), 2), reference=lambda x, n: tuple(np.dsplit(x, n)), errors=[Error(RuntimeError, "3", (2, 3), 2)]),
    moves("as_strided", S((3, 4), size=(2, 2), stride=(1, 2)), S((3, 4), size=(3,), stride=(1,), storage_offset=2), S((4,), size=(3, 2), stride=(1, 1)), reference=as_strided, layouts=False,
          errors=[Error(RuntimeError, "out of bounds|storage", (3,), size=(4,), stride=(1,))]),
    moves("Tensor.unfold", S((2, 7), 1, 3, 2), S((7,), 0, 3, 1), reference=unfold, errors=[Error(RuntimeError, "size", (2, 3), 1, 4, 1)]),
    moves("split", S((5, 2), 2), S((5, 2), 1, 1), S((5, 2), [1, 4]), reference=split, aliases=["unsafe_split"], errors=[Error(RuntimeError, "sum|add", (5, 2), [1, 3])]),
    moves("chunk", S((5, 2), 2), S((2, 6), 4, 1), reference=chunk, aliases=["unsafe_chunk"], errors=[Error(RuntimeError, "chunks", (5,), 0)]),
    moves("split_with_sizes", S((5, 2), [1, 0, 4]), reference=split, aliases=["unsafe_split_with_sizes"]),
    moves("tensor_split", S((7, 2), 3), S((7, 2), [1, 4]), reference=lambda x, n, dim=0: tuple(np.array_split(x, n, dim))),
    moves("unbind", S((2, 3)), S((2, 3), 1), reference=lambda x, dim=0: tuple(np.moveaxis(x, dim, 0))),
    moves("cat", S([(2, 3), (1, 3)]), S([(2, 3), (2, 0), (2, 1)], 1), S([(3,)], -1), reference=lambda x, dim=0: np.concatenate(x, dim), aliases=["concat", "concatenate"], out=True,
          large=S([(131, 500), (131, 900)], 1), errors=[Error(RuntimeError, "size|match", [(2, 3), (2, 4)]), Error(ValueError, "non-empty", []), Error(RuntimeError, "dimension", [(2, 3), (2,)])]),
    moves("stack", S([(2, 3), (2, 3)]), S([(2, 3), (2, 3)], -1), S([()]), reference=lambda x, dim=0: np.stack(x, dim), out=True, errors=[Error(RuntimeError, "equal size|size", [(2,), (3,)])]),
    moves("tile", S((2, 3), dims=(2, 2)), S((2,), dims=(2, 1, 2)), S((2, 3), dims=(2,)), reference=lambda x, dims: np.tile(x, dims), function=lambda x, dims: torch.tile(x, dims)),
    moves("Tensor.repeat", S((2, 3), size=(2, 2)), S((2,), size=(2, 1, 2)), S((2,), size=(0,)), reference=lambda x, size: np.tile(x, size), function=lambda x, size: x.repeat(size),
          errors=[Error(RuntimeError, "dimension", (2, 3), size=(2,))]),
    moves("flip", S((2, 3), dims=(0,)), S((2, 3), dims=(0, 1)), S((2, 3), dims=()), reference=lambda x, dims: np.flip(x, dims), large=S((131, 1009), dims=(1,)),
          errors=[Error(IndexError, "Dimension out of range|dim", (2,), dims=(1,)), Error(RuntimeError, "multiple times|appears|dup", (2, 3), dims=(0, 0))]),
    moves("roll", S((2, 3), 1), S((2, 3), shifts=(1, -1), dims=(0, 1)), S((2, 3), 5, 1), reference=roll),
    moves("clone", S((2, 3)), S(()), S((0,)), reference=np.copy, large=S((131, 1009))),
    moves("detach", S((2, 3)), reference=np.copy, grad=False),
    moves("conj", S((2, 3)), S(()), reference=np.conj), moves("conj_physical", S((2, 3)), reference=np.conj, out=True),
    moves("real", S((2, 3)), reference=np.real, dtypes=COMPLEX, gives="real"), moves("imag", S((2, 3)), reference=np.imag, dtypes=COMPLEX, gives="real"),
    moves("view_as_real", S((2, 3)), S(()), reference=lambda x: np.stack([x.real, x.imag], -1), dtypes=COMPLEX, gives="real"),
    moves("view_as_complex", S((3, 2)), S((2,)), reference=lambda x: x[..., 0] + 1j * x[..., 1], dtypes=(torch.float64,), gives=torch.complex128, layouts=False,
          errors=[Error(RuntimeError, "size 2|last dim", (2, 3), dtype=torch.float64)]),
    moves("Tensor.to", S((2, 3), torch.float32), S((2, 3), torch.float64), dtypes=FLOAT[:2], reference=lambda x, dtype: x, gives=None, tol={torch.float64: (1e-6, 1e-6)}, grad=False, zero=False),
    moves("nn.functional.pad", S((2, 3), pad=(1, 2)), S((2, 3), pad=(0, 0, 1, -1), value=5), reference=lambda x, pad, value=0: np.pad(x, [(0, 0)] * (x.ndim - len(pad) // 2) + [
          (max(a, 0), max(b, 0)) for a, b in zip(pad[-2::-2], pad[-1::-2])], constant_values=value)[tuple([slice(None)] * (x.ndim - len(pad) // 2) + [slice(None, b if b < 0 else None) for b in pad[-1::-2]])],
          dtypes=FLOAT + INT, large=S((131, 1009), pad=(1, 2))),
    moves("constant_pad_nd", S((2, 3), [1, 2]), S((2, 3), [1, 0, 0, 1], 4), reference=lambda x, pad, v=0: np.pad(x, [(0, 0)] * (x.ndim - len(pad) // 2) + list(zip(pad[-2::-2], pad[-1::-2])), constant_values=v)),
    *[moves("nn.functional.pad", S((2, 3, 4), pad=(1, 2), mode=mode), S((1, 2, 3, 4), pad=(1, 2, 2, 1), mode=mode), dtypes=FLOAT,
            reference=lambda x, pad, mode: np.pad(x, [(0, 0)] * (x.ndim - len(pad) // 2) + list(zip(pad[-2::-2], pad[-1::-2])), mode={"replicate": "edge", "circular": "wrap"}.get(mode, mode)))
      for mode in ("reflect", "replicate", "circular")],
]


def test_views_share_memory():
    x = torch.zeros(2, 3, 4)
    for view in (x.view(6, 4), x.t_() if x.ndim == 2 else x.transpose(0, 1), x[0], x[..., 1:3], x.unsqueeze(0), x.permute(2, 0, 1), x.diagonal(0, 1, 2), x.unfold(2, 2, 1), x.expand(5, 2, 3, 4), *x.split(1)):
        assert view.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    assert x.reshape(24).data_ptr() == x.data_ptr()
    assert x.transpose(0, 1).reshape(24).data_ptr() != x.data_ptr()


def test_view_that_needs_a_copy_is_refused():
    with pytest.raises(RuntimeError, match="view"):
        torch.zeros(2, 3).t().view(6)


def test_broadcast_shapes():
    assert torch.broadcast_shapes((3, 1), (4,), ()) == (3, 4)
    with pytest.raises(RuntimeError, match="broadcast|match"):
        torch.broadcast_shapes((3,), (4,))
