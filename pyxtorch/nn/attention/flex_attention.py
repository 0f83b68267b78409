"""torch.nn.attention.flex_attention: attention whose scores a function of the user's changes or masks, composed of other operations.

Functions of scores and masks are called once, with tensors of indices that broadcast over (B, H, L, S), instead of once for each
score: whatever is written in operations on tensors, indexing of other tensors included, gives the same.
"""
from math import sqrt
from typing import NamedTuple, TypedDict

import pyxtorch
from pyxtorch import Tensor

__all__ = [
    "AuxOutput", "AuxRequest", "BlockMask", "FlexKernelOptions", "and_masks", "create_block_mask", "create_mask", "flex_attention", "noop_mask", "or_masks",
]

_DEFAULT_SPARSE_BLOCK_SIZE = 128  # of a BlockMask, in queries and in keys


class AuxRequest(NamedTuple):
    """What else than the output is wanted."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """The logarithm of the sum of exponentials of scores, and the greatest score, of each query; None where not asked for."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


class FlexKernelOptions(TypedDict, total=False):
    """How PyTorch's kernels are to be laid out. Nothing of it changes a result."""

    num_warps: int
    num_stages: int
    BLOCK_M: int
    BLOCK_N: int
    BACKEND: str


def noop_mask(batch, head, token_q, token_kv):
    """The mask in which every query sees every key."""
    return token_q.new_ones((), dtype=pyxtorch.bool) if isinstance(token_q, Tensor) else pyxtorch.ones((), dtype=pyxtorch.bool)


def _combined(mask_mods, operation, start):
    if not all(callable(mod) for mod in mask_mods):
        raise RuntimeError(f"All inputs should be callable mask_mods: {mask_mods}")

    def mask_mod(b, h, q_idx, kv_idx):
        result = b.new_full((), start, dtype=pyxtorch.bool)
        for mod in mask_mods:
            result = operation(result, mod(b, h, q_idx, kv_idx))
        return result

    return mask_mod


def and_masks(*mask_mods):
    """The mask of what all of these let through."""
    return _combined(mask_mods, lambda a, b: a & b, True)


def or_masks(*mask_mods):
    """The mask of what one of these lets through."""
    return _combined(mask_mods, lambda a, b: a | b, False)


def _indices(B, H, Q_LEN, KV_LEN, device):
    return [pyxtorch.arange(n, device=device).view([-1 if i == j else 1 for j in range(4)]) for i, n in enumerate((B, H, Q_LEN, KV_LEN))]


def create_mask(mod_fn, B, H, Q_LEN, KV_LEN, device=None):
    """The mask of a function (b, h, q_idx, kv_idx), or the bias of a function (score, b, h, q_idx, kv_idx), as a tensor (B, H, Q_LEN, KV_LEN)."""
    import inspect

    B, H = B or 1, H or 1
    places = _indices(B, H, Q_LEN, KV_LEN, device)
    count = len([p for p in inspect.signature(mod_fn).parameters.values() if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)])
    if count == 5:
        zeros = pyxtorch.zeros(B, H, Q_LEN, KV_LEN, device=device)
        out = mod_fn(zeros, *places)
        return pyxtorch.where(pyxtorch.isneginf(out), False, True).expand(B, H, Q_LEN, KV_LEN)
    return mod_fn(*places).expand(B, H, Q_LEN, KV_LEN)


def _pair(size):
    return (size, size) if isinstance(size, int) else tuple(size)


def _to_list(blocks):
    """For each row of a bool tensor: how many are True, and the columns, those first."""
    blocks = blocks.to(pyxtorch.int32)
    return blocks.sum(-1).to(pyxtorch.int32), blocks.argsort(dim=-1, descending=True, stable=True).to(pyxtorch.int32)


def _to_dense(count, columns):
    """The reverse, as 0 and 1."""
    listed = pyxtorch.arange(columns.shape[-1], device=columns.device) < count.unsqueeze(-1)
    return pyxtorch.zeros(columns.shape, dtype=pyxtorch.int32, device=columns.device).scatter(-1, columns.long(), listed.to(pyxtorch.int32))


class BlockMask:
    """Which blocks of keys each block of queries sees: in part, where `mask_mod` decides, or wholly ("full").

    Made by `create_block_mask`, or from lists of blocks by `BlockMask.from_kv_blocks`. The fields `kv_num_blocks` (B, H, rows) and
    `kv_indices` (B, H, rows, columns) say how many blocks of keys a row of blocks sees and which, `full_...` the same of whole ones, and
    `q_...` the same by columns.
    """

    _TENSORS = ("kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices", "q_num_blocks", "q_indices", "full_q_num_blocks", "full_q_indices")

    def __init__(self, seq_lengths, kv_num_blocks, kv_indices, full_kv_num_blocks=None, full_kv_indices=None, q_num_blocks=None, q_indices=None,
                 full_q_num_blocks=None, full_q_indices=None, BLOCK_SIZE=(128, 128), mask_mod=noop_mask):  # fmt: skip
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        if (full_kv_num_blocks is None) != (full_kv_indices is None):
            raise AssertionError("full_kv_num_blocks and full_kv_indices must be both provided or omitted")
        self.seq_lengths, self.BLOCK_SIZE, self.mask_mod = tuple(seq_lengths), _pair(BLOCK_SIZE), mask_mod
        values = (kv_num_blocks, kv_indices, full_kv_num_blocks, full_kv_indices, q_num_blocks, q_indices, full_q_num_blocks, full_q_indices)
        for name, value in zip(self._TENSORS, values):
            setattr(self, name, value)

    @classmethod
    def from_kv_blocks(cls, kv_num_blocks, kv_indices, full_kv_num_blocks=None, full_kv_indices=None, BLOCK_SIZE=_DEFAULT_SPARSE_BLOCK_SIZE, mask_mod=None, seq_lengths=None,
                       compute_q_blocks=True):  # fmt: skip
        """From lists of blocks by rows; those by columns are computed from them."""
        size = _pair(BLOCK_SIZE)
        if seq_lengths is None:
            seq_lengths = kv_indices.shape[-2] * size[0], kv_indices.shape[-1] * size[1]
        columns = [None] * 4
        if compute_q_blocks:
            columns[:2] = _to_list(_to_dense(kv_num_blocks, kv_indices).mT)
            if full_kv_num_blocks is not None:
                columns[2:] = _to_list(_to_dense(full_kv_num_blocks, full_kv_indices).mT)
        return cls(seq_lengths, kv_num_blocks, kv_indices, full_kv_num_blocks, full_kv_indices, *columns, size, mask_mod or noop_mask)

    @property
    def shape(self):
        return (*self.kv_indices.shape[:-2], *self.seq_lengths)

    def numel(self):
        """How many scores there are."""
        count = 1
        for n in self.shape:
            count *= n
        return count

    def to_dense(self):
        """0 or 1 for each block (B, H, rows, columns): whether a row of blocks sees any of it."""
        dense = _to_dense(self.kv_num_blocks, self.kv_indices)
        return dense if self.full_kv_num_blocks is None else dense | _to_dense(self.full_kv_num_blocks, self.full_kv_indices)

    def sparsity(self):
        """How much of the scores lies in blocks that are not seen, in percent; negative where the last blocks reach beyond the end."""
        seen = int(self.to_dense().sum()) * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1]
        return 100 * (1 - seen / self.numel())

    def as_tuple(self, flatten=True):
        """The fields in the order of the arguments."""
        sizes = (*self.seq_lengths,) if flatten else (self.seq_lengths,)
        block = (*self.BLOCK_SIZE,) if flatten else (self.BLOCK_SIZE,)
        return (*sizes, *(getattr(self, name) for name in self._TENSORS), *block, self.mask_mod)

    def to(self, device):
        """The same on another device."""
        tensors = [None if t is None else t.to(device) for t in (getattr(self, name) for name in self._TENSORS)]
        return BlockMask(self.seq_lengths, *tensors, self.BLOCK_SIZE, self.mask_mod)

    def __getitem__(self, index):
        """Some batches, heads or rows of blocks; then `mask_mod` does not fit any more and lets all through."""
        index = index if isinstance(index, tuple) else (index,)
        index = tuple(i if not isinstance(i, int) else slice(i, i + 1 or None) for i in index)
        rows = [None if t is None else t[index] for t in (self.kv_num_blocks, self.kv_indices, self.full_kv_num_blocks, self.full_kv_indices)]
        return BlockMask.from_kv_blocks(*rows, BLOCK_SIZE=self.BLOCK_SIZE, mask_mod=None, seq_lengths=self.seq_lengths, compute_q_blocks=self.q_indices is not None)

    def _mask(self, places):
        """The mask itself, True where a query sees a key, broadcastable to the scores."""
        (q, kv), (rows, columns) = places[2:], self.BLOCK_SIZE
        whole = pyxtorch.zeros((), dtype=pyxtorch.bool, device=q.device)

        def spread(count, indices):
            blocks = _to_dense(count, indices).bool()
            return blocks.repeat_interleave(rows, -2)[..., : q.numel(), :].repeat_interleave(columns, -1)[..., : kv.numel()]

        if self.full_kv_num_blocks is not None:
            whole = spread(self.full_kv_num_blocks, self.full_kv_indices)
        return whole | (spread(self.kv_num_blocks, self.kv_indices) & self.mask_mod(*places))

    def __repr__(self):
        name = getattr(self.mask_mod, "__name__", self.mask_mod)
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%, BLOCK_SIZE={self.BLOCK_SIZE}, mask_mod={name})"


def create_block_mask(mask_mod, B, H, Q_LEN, KV_LEN, device=None, BLOCK_SIZE=_DEFAULT_SPARSE_BLOCK_SIZE, _compile=False, separate_full_blocks=True, compute_dq_write_order=False,
                      dq_kv_order=True):  # fmt: skip
    """The BlockMask of a function (b, h, q_idx, kv_idx) that says which query sees which key.

    Args:
        B, H: batches and heads; None where the mask is the same for all.
        BLOCK_SIZE: queries and keys of a block. separate_full_blocks: keep blocks that are wholly seen apart.
    """
    rows, columns = size = _pair(BLOCK_SIZE)
    mask = create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device)
    padded = pyxtorch.nn.functional.pad(mask, (0, -KV_LEN % columns, 0, -Q_LEN % rows))
    B, H, Q, KV = padded.shape
    counts = padded.reshape(B, H, Q // rows, rows, KV // columns, columns).sum((3, 5))
    whole = counts == rows * columns if separate_full_blocks else pyxtorch.zeros_like(counts, dtype=pyxtorch.bool)
    part = (counts > 0) & ~whole
    full = _to_list(whole) if separate_full_blocks else (None, None)
    return BlockMask.from_kv_blocks(*_to_list(part), *full, BLOCK_SIZE=size, mask_mod=mask_mod, seq_lengths=(Q_LEN, KV_LEN))


def flex_attention(query, key, value, score_mod=None, block_mask=None, scale=None, enable_gqa=False, return_lse=False, kernel_options=None, *, return_aux=None):
    """softmax(score_mod(query key^T * scale), where the mask lets through) value.

    Args:
        query: (B, Hq, L, E); key: (B, Hkv, S, E); value: (B, Hkv, S, Ev).
        score_mod: function (score, b, h, q_idx, kv_idx) of the scores and their places, which broadcast against them.
        block_mask: a BlockMask for (L, S). scale: default 1 / sqrt(E).
        enable_gqa: Hq may be a multiple of Hkv. return_lse, return_aux: give more than the output. kernel_options: of no effect.
    Returns: (B, Hq, L, Ev), where queries that see nothing get 0; with return_lse a pair with the logarithm of the sum of
        exponentials (B, Hq, L), with return_aux (an AuxRequest) a pair with an AuxOutput.
    Raises:
        ValueError: tensors of other than 4 dimensions, dtypes or sizes that do not fit.
    """
    for name, x in (("query", query), ("key", key), ("value", value)):
        if x.dim() != 4:
            raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
        if x.dtype != query.dtype:
            raise ValueError(f"Expected query, key, and value to have the same dtype, but got query.dtype: {query.dtype} and {name}.dtype: {x.dtype}")
    heads, kv_heads = query.shape[1], key.shape[1]
    if heads != kv_heads:
        if not enable_gqa:
            raise ValueError(f"Expect query and key/value to have the same number of heads but got Hq={heads} and Hkv={kv_heads}. Try setting enable_gqa=True for GQA.")
        if heads % kv_heads:
            raise ValueError(f"Expect number of query heads to be a multiple of kv heads for GQA but got Hq={heads} and Hkv={kv_heads}.")
        key, value = key.repeat_interleave(heads // kv_heads, 1), value.repeat_interleave(heads // kv_heads, 1)
    B, H, L, E = query.shape
    S = key.shape[-2]
    exact = query.dtype if query.dtype == pyxtorch.float64 else pyxtorch.float32
    scores = query.to(exact) @ key.to(exact).mT * (1 / sqrt(E) if scale is None else scale)
    places = _indices(B, H, L, S, query.device)
    if score_mod is not None:
        scores = score_mod(scores, *places).to(exact).expand(B, H, L, S)
    if block_mask is not None:
        if tuple(block_mask.shape[-2:]) != (L, S):
            raise ValueError(f"block_mask was created for block_mask.shape={block_mask.shape} but got q_len={L} and kv_len={S}. As the block mask was created for "
                             f"another length than you're using now, create a new block mask for these lengths.")  # fmt: skip
        for have, given, what in zip((B, H), block_mask.shape, ("batch", "heads")):
            if given not in (1, have):
                raise ValueError(f"block_mask has {given} {what}, but query has {have}; 1 or {have} would fit.")
        scores = scores.masked_fill(~block_mask._mask(places), float("-inf"))
    unseen = scores.isneginf().all(-1, keepdim=True)
    weights = scores.masked_fill(unseen, 0).softmax(-1).masked_fill(unseen, 0)
    out = (weights @ value.to(exact)).to(query.dtype)
    if return_aux is not None:
        return out, AuxOutput(scores.logsumexp(-1) if return_aux.lse else None, scores.amax(-1) if return_aux.max_scores else None)
    return (out, scores.logsumexp(-1)) if return_lse else out
