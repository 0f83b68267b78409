# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Device as _Device, Parameter as _Parameter, Tensor as _Tensor, dtype as _dtype
from pyxtorch.nn.modules.module import Module as _Module

class _Table(_Module):
    def extra_repr(self) -> _b.str: ...
    def reset_parameters(self) -> None: ...
    weight: _Parameter
class Embedding(_Table):
    def __init__(self, num_embeddings: _b.int, embedding_dim: _b.int, padding_idx: _b.int | None = None, max_norm: _b.float | None = None, norm_type: _b.float = 2.0, scale_grad_by_freq: _b.bool = False, sparse: _b.bool = False, _weight: _t.Any = None, _freeze: _b.bool = False, device: _Device = None, dtype: _dtype | None = None) -> None: ...
    def forward(self, input: _Tensor) -> _Tensor: ...
    @classmethod
    def from_pretrained(cls, embeddings: _t.Any, freeze: _b.bool = True, padding_idx: _b.int | None = None, max_norm: _b.float | None = None, norm_type: _b.float = 2.0, scale_grad_by_freq: _b.bool = False, sparse: _b.bool = False) -> _t.Self: ...
    embedding_dim: _b.int
    max_norm: _b.float | None
    norm_type: _b.float
    num_embeddings: _b.int
    padding_idx: _b.int | None
    scale_grad_by_freq: _b.bool
    sparse: _b.bool
class EmbeddingBag(_Table):
    def __init__(self, num_embeddings: _b.int, embedding_dim: _b.int, max_norm: _b.float | None = None, norm_type: _b.float = 2.0, scale_grad_by_freq: _b.bool = False, mode: _b.str = 'mean', sparse: _b.bool = False, _weight: _t.Any = None, include_last_offset: _b.bool = False, padding_idx: _b.int | None = None, device: _Device = None, dtype: _dtype | None = None) -> None: ...
    def extra_repr(self) -> _b.str: ...
    def forward(self, input: _Tensor, offsets: _Tensor | None = None, per_sample_weights: _Tensor | None = None) -> _Tensor: ...
    @classmethod
    def from_pretrained(cls, embeddings: _t.Any, freeze: _b.bool = True, max_norm: _b.float | None = None, norm_type: _b.float = 2.0, scale_grad_by_freq: _b.bool = False, mode: _b.str = 'mean', sparse: _b.bool = False, include_last_offset: _b.bool = False, padding_idx: _b.int | None = None) -> _t.Self: ...
    embedding_dim: _b.int
    include_last_offset: _b.bool
    max_norm: _b.float | None
    mode: _b.str
    norm_type: _b.float
    num_embeddings: _b.int
    padding_idx: _b.int | None
    scale_grad_by_freq: _b.bool
    sparse: _b.bool
