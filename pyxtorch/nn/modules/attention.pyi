# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Device as _Device, Parameter as _Parameter, Tensor as _Tensor, dtype as _dtype
from pyxtorch.nn.modules.linear import NonDynamicallyQuantizableLinear as _NonDynamicallyQuantizableLinear
from pyxtorch.nn.modules.module import Module as _Module

class MultiheadAttention(_Module):
    def __init__(self, embed_dim: _b.int, num_heads: _b.int, dropout: _b.float = 0.0, bias: _b.bool = True, add_bias_kv: _b.bool = False, add_zero_attn: _b.bool = False, kdim: _b.int | None = None, vdim: _b.int | None = None, batch_first: _b.bool = False, device: _Device = None, dtype: _dtype | None = None) -> None: ...
    def forward(self, query: _Tensor, key: _Tensor, value: _Tensor, key_padding_mask: _Tensor | None = None, need_weights: _b.bool = True, attn_mask: _Tensor | None = None, average_attn_weights: _b.bool = True, is_causal: _b.bool = False) -> _b.tuple[_Tensor, _Tensor | _t.Any]: ...
    add_zero_attn: _b.bool
    batch_first: _b.bool
    bias_k: _Parameter
    bias_v: _Parameter
    dropout: _b.float
    embed_dim: _b.int
    head_dim: _t.Any
    in_proj_bias: _Parameter
    in_proj_weight: _Parameter
    k_proj_weight: _Parameter
    kdim: _b.int | None
    num_heads: _b.int
    out_proj: _NonDynamicallyQuantizableLinear
    q_proj_weight: _Parameter
    v_proj_weight: _Parameter
    vdim: _b.int | None
