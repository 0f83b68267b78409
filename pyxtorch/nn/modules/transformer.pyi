# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Device as _Device, Tensor as _Tensor, dtype as _dtype
from pyxtorch.nn.modules.attention import MultiheadAttention as _MultiheadAttention
from pyxtorch.nn.modules.dropout import Dropout as _Dropout
from pyxtorch.nn.modules.linear import Linear as _Linear
from pyxtorch.nn.modules.module import Module as _Module

class Transformer(_Module):
    def __init__(self, d_model: _b.int = 512, nhead: _b.int = 8, num_encoder_layers: _b.int = 6, num_decoder_layers: _b.int = 6, dim_feedforward: _b.int = 2048, dropout: _b.float = 0.1, activation: _b.str = 'relu', custom_encoder: _t.Any = None, custom_decoder: _t.Any = None, layer_norm_eps: _b.float = 1e-05, batch_first: _b.bool = False, norm_first: _b.bool = False, bias: _b.bool = True, device: _Device = None, dtype: _dtype | None = None) -> None: ...
    def forward(self, src: _Tensor, tgt: _t.Any, src_mask: _t.Any = None, tgt_mask: _t.Any = None, memory_mask: _t.Any = None, src_key_padding_mask: _t.Any = None, tgt_key_padding_mask: _t.Any = None, memory_key_padding_mask: _t.Any = None, src_is_causal: _t.Any = None, tgt_is_causal: _t.Any = None, memory_is_causal: _b.bool = False) -> _Tensor: ...
    @staticmethod
    def generate_square_subsequent_mask(sz: _t.Any, device: _Device = None, dtype: _dtype | None = None) -> _Tensor: ...
    batch_first: _b.bool
    d_model: _b.int
    decoder: TransformerDecoder
    encoder: TransformerEncoder
    nhead: _b.int
class TransformerDecoder(_Module):
    def __init__(self, decoder_layer: _t.Any, num_layers: _b.int, norm: _Module | None = None) -> None: ...
    def forward(self, tgt: _t.Any, memory: _t.Any, tgt_mask: _t.Any = None, memory_mask: _t.Any = None, tgt_key_padding_mask: _t.Any = None, memory_key_padding_mask: _t.Any = None, tgt_is_causal: _t.Any = None, memory_is_causal: _b.bool = False) -> _Tensor: ...
    layers: _t.Any
    norm: _Module | None
    num_layers: _b.int
class TransformerEncoder(_Module):
    def __init__(self, encoder_layer: _t.Any, num_layers: _b.int, norm: _Module | None = None, enable_nested_tensor: _b.bool = True, mask_check: _b.bool = True) -> None: ...
    def forward(self, src: _Tensor, mask: _Tensor | None = None, src_key_padding_mask: _t.Any = None, is_causal: _t.Any = None) -> _Tensor: ...
    enable_nested_tensor: _b.bool
    layers: _t.Any
    mask_check: _b.bool
    norm: _Module | None
    num_layers: _b.int
class _Layer(_Module):
    activation: _t.Any
    dropout: _Dropout
    linear1: _Linear
    linear2: _Linear
class TransformerDecoderLayer(_Layer):
    def __init__(self, d_model: _b.int, nhead: _b.int, dim_feedforward: _b.int = 2048, dropout: _b.float = 0.1, activation: _b.str = 'relu', layer_norm_eps: _b.float = 1e-05, batch_first: _b.bool = False, norm_first: _b.bool = False, bias: _b.bool = True, device: _Device = None, dtype: _dtype | None = None) -> None: ...
    def forward(self, tgt: _t.Any, memory: _t.Any, tgt_mask: _t.Any = None, memory_mask: _t.Any = None, tgt_key_padding_mask: _t.Any = None, memory_key_padding_mask: _t.Any = None, tgt_is_causal: _b.bool = False, memory_is_causal: _b.bool = False) -> _Tensor: ...
    dropout1: _Dropout
    dropout2: _Dropout
    dropout3: _Dropout
    multihead_attn: _MultiheadAttention
    norm1: _t.Any
    norm2: _t.Any
    norm3: _t.Any
    norm_first: _b.bool
    self_attn: _MultiheadAttention
class TransformerEncoderLayer(_Layer):
    def __init__(self, d_model: _b.int, nhead: _b.int, dim_feedforward: _b.int = 2048, dropout: _b.float = 0.1, activation: _b.str = 'relu', layer_norm_eps: _b.float = 1e-05, batch_first: _b.bool = False, norm_first: _b.bool = False, bias: _b.bool = True, device: _Device = None, dtype: _dtype | None = None) -> None: ...
    def forward(self, src: _Tensor, src_mask: _t.Any = None, src_key_padding_mask: _t.Any = None, is_causal: _b.bool = False) -> _Tensor: ...
    dropout1: _Dropout
    dropout2: _Dropout
    norm1: _t.Any
    norm2: _t.Any
    norm_first: _b.bool
    self_attn: _MultiheadAttention
