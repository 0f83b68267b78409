"""The Transformer of Vaswani et al. (2017), whole and in layers."""
import copy
import math

import pyxtorch
from pyxtorch.nn import functional as F
from pyxtorch.nn import init
from pyxtorch.nn.modules.attention import MultiheadAttention
from pyxtorch.nn.modules.container import ModuleList
from pyxtorch.nn.modules.dropout import Dropout
from pyxtorch.nn.modules.linear import Linear
from pyxtorch.nn.modules.module import Module
from pyxtorch.nn.modules.normalization import LayerNorm


def _causal_mask(size, device=None, dtype=None):
    """(size, size) with -inf above the diagonal: no position sees a later one."""
    return pyxtorch.full((size, size), -math.inf, dtype=dtype, device=device).triu(1)


def _is_causal(mask, is_causal, size):
    """The hint if given; otherwise whether `mask` is the causal one."""
    if is_causal is not None or mask is None:
        return bool(is_causal)
    if mask.dtype == pyxtorch.bool or tuple(mask.shape)[-2:] != (size, size):
        return False
    if mask.is_meta or pyxtorch.compiler.is_exporting():  # no more than a hint
        return False
    return bool((mask == _causal_mask(size, mask.device, mask.dtype)).all())


def _activation(activation):
    if callable(activation):
        return activation
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return getattr(F, activation)


def _copies(layer, count):
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


class _Layer(Module):
    """Residual steps, normalised before (norm_first) or after."""

    __constants__ = ["norm_first"]

    def _feed_forward(self, x, last):
        x = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return last(x)

    def _make_feed_forward(self, d_model, dim_feedforward, dropout, activation, bias, place):
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **place)
        self.activation = _activation(activation)

    def __setstate__(self, state):
        super().__setstate__(state)
        self.__dict__.setdefault("activation", F.relu)


def _residual(x, step, norm, norm_first):
    return x + step(norm(x)) if norm_first else norm(x + step(x))


class TransformerEncoderLayer(_Layer):
    """Self-attention, then two linear maps, each added to its input and normalised.

    Args:
        d_model: features.
        nhead: heads of the attention.
        dim_feedforward: features between the two linear maps.
        dropout: after each step.
        activation: "relu", "gelu" or a function.
        layer_norm_eps: eps of the LayerNorms.
        batch_first: (N, L, d_model) instead of (L, N, d_model).
        norm_first: normalise before each step instead of after.
        bias: whether linear maps and norms have biases.
    """

    def __init__(
        self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation="relu", layer_norm_eps=1e-5,
        batch_first=False, norm_first=False, bias=True, device=None, dtype=None,
    ):  # fmt: skip
        place = {"device": device, "dtype": dtype}
        super().__init__()
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **place)
        self._make_feed_forward(d_model, dim_feedforward, dropout, activation, bias, place)
        self.norm_first = norm_first
        self.norm1, self.norm2 = (LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place) for _ in range(2))
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        def attend(x):
            out, _ = self.self_attn(x, x, x, attn_mask=src_mask, key_padding_mask=src_key_padding_mask, need_weights=False, is_causal=is_causal)
            return self.dropout1(out)

        x = _residual(src, attend, self.norm1, self.norm_first)
        return _residual(x, lambda x: self._feed_forward(x, self.dropout2), self.norm2, self.norm_first)


class TransformerDecoderLayer(_Layer):
    """TransformerEncoderLayer with attention to `memory` between. Arguments of that."""

    def __init__(
        self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation="relu", layer_norm_eps=1e-5,
        batch_first=False, norm_first=False, bias=True, device=None, dtype=None,
    ):  # fmt: skip
        place = {"device": device, "dtype": dtype}
        super().__init__()
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **place)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **place)
        self._make_feed_forward(d_model, dim_feedforward, dropout, activation, bias, place)
        self.norm_first = norm_first
        self.norm1, self.norm2, self.norm3 = (LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place) for _ in range(3))
        self.dropout1, self.dropout2, self.dropout3 = Dropout(dropout), Dropout(dropout), Dropout(dropout)

    def forward(
        self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None,
        tgt_is_causal=False, memory_is_causal=False,
    ):  # fmt: skip
        def attend(x):
            out, _ = self.self_attn(x, x, x, attn_mask=tgt_mask, key_padding_mask=tgt_key_padding_mask, need_weights=False, is_causal=tgt_is_causal)
            return self.dropout1(out)

        def look_up(x):
            out, _ = self.multihead_attn(
                x, memory, memory, attn_mask=memory_mask, key_padding_mask=memory_key_padding_mask, need_weights=False, is_causal=memory_is_causal
            )
            return self.dropout2(out)

        x = _residual(tgt, attend, self.norm1, self.norm_first)
        x = _residual(x, look_up, self.norm2, self.norm_first)
        return _residual(x, lambda x: self._feed_forward(x, self.dropout3), self.norm3, self.norm_first)


class TransformerEncoder(Module):
    """`num_layers` copies of an encoder layer, and a final norm if given.

    enable_nested_tensor and mask_check are accepted: there are no nested tensors.
    """

    __constants__ = ["norm"]

    def __init__(self, encoder_layer, num_layers, norm=None, enable_nested_tensor=True, mask_check=True):
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        size = src.shape[1] if src.dim() == 3 and self.layers[0].self_attn.batch_first else src.shape[0]
        is_causal = _is_causal(mask, is_causal, size)
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=is_causal)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """`num_layers` copies of a decoder layer, and a final norm if given."""

    __constants__ = ["norm"]

    def __init__(self, decoder_layer, num_layers, norm=None):
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None,
        tgt_is_causal=None, memory_is_causal=False,
    ):  # fmt: skip
        size = tgt.shape[1] if tgt.dim() == 3 and self.layers[0].self_attn.batch_first else tgt.shape[0]
        tgt_is_causal = _is_causal(tgt_mask, tgt_is_causal, size)
        for layer in self.layers:
            tgt = layer(
                tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal, memory_is_causal=memory_is_causal,
            )  # fmt: skip
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """Encoder and decoder.

    Args:
        d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first,
            norm_first, bias: of the layers.
        num_encoder_layers, num_decoder_layers: how many.
        custom_encoder, custom_decoder: modules to use instead.
    """

    def __init__(
        self, d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048, dropout=0.1,
        activation="relu", custom_encoder=None, custom_decoder=None, layer_norm_eps=1e-5, batch_first=False,
        norm_first=False, bias=True, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        place = {"device": device, "dtype": dtype}
        shared = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)

        def norm():
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)

        self.encoder = custom_encoder
        if custom_encoder is None:
            self.encoder = TransformerEncoder(TransformerEncoderLayer(*shared, **place), num_encoder_layers, norm())
        self.decoder = custom_decoder
        if custom_decoder is None:
            self.decoder = TransformerDecoder(TransformerDecoderLayer(*shared, **place), num_decoder_layers, norm())
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def _reset_parameters(self):
        for parameter in self.parameters():
            if parameter.dim() > 1:
                init.xavier_uniform_(parameter)

    @staticmethod
    def generate_square_subsequent_mask(sz, device=None, dtype=None):
        """(sz, sz) with -inf above the diagonal: no position sees a later one."""
        return _causal_mask(sz, device, dtype)

    def forward(
        self, src, tgt, src_mask=None, tgt_mask=None, memory_mask=None, src_key_padding_mask=None, tgt_key_padding_mask=None,
        memory_key_padding_mask=None, src_is_causal=None, tgt_is_causal=None, memory_is_causal=False,
    ):  # fmt: skip
        batched = src.dim() == 3
        dim = 0 if self.batch_first else 1
        if batched and src.shape[dim] != tgt.shape[dim]:
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal, memory_is_causal=memory_is_causal,
        )  # fmt: skip
