"""Attention with several heads."""
import pyxtorch
from pyxtorch.nn import functional as F
from pyxtorch.nn import init
from pyxtorch.nn.modules.linear import NonDynamicallyQuantizableLinear
from pyxtorch.nn.modules.module import Module
from pyxtorch.nn.parameter import Parameter


class MultiheadAttention(Module):
    """Attention of queries to keys, in `num_heads` parts side by side: Vaswani et al. (2017).

    Args:
        embed_dim: features E of query and output, divisible by num_heads.
        num_heads: how many parts.
        dropout: of the attention weights.
        bias: whether the projections have biases.
        add_bias_kv: append a learned key and value.
        add_zero_attn: append a zero key and value.
        kdim, vdim: features of key and value, embed_dim by default.
        batch_first: (N, L, E) instead of (L, N, E).
    """

    __constants__ = ["batch_first"]

    def __init__(
        self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False,
        kdim=None, vdim=None, batch_first=False, device=None, dtype=None,
    ):  # fmt: skip
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} instead")
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")

        def weight(wanted, *shape):
            return Parameter(pyxtorch.empty(*shape, **place)) if wanted else None

        same = self._qkv_same_embed_dim
        self.register_parameter("in_proj_weight", weight(same, 3 * embed_dim, embed_dim))
        self.register_parameter("q_proj_weight", weight(not same, embed_dim, embed_dim))
        self.register_parameter("k_proj_weight", weight(not same, embed_dim, self.kdim))
        self.register_parameter("v_proj_weight", weight(not same, embed_dim, self.vdim))
        self.register_parameter("in_proj_bias", weight(bias, 3 * embed_dim))
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **place)
        self.register_parameter("bias_k", weight(add_bias_kv, 1, 1, embed_dim))
        self.register_parameter("bias_v", weight(add_bias_kv, 1, 1, embed_dim))
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self):
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if self._parameters[name] is not None:
                init.xavier_uniform_(self._parameters[name])
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def __setstate__(self, state):
        state.setdefault("_qkv_same_embed_dim", True)
        super().__setstate__(state)

    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None, average_attn_weights=True, is_causal=False):
        """(output, attention weights or None); see nn.functional.multi_head_attention_forward."""
        swap = self.batch_first and query.dim() == 3
        if swap:
            # the same tensor stays the same tensor: it is then projected once
            turned = {id(x): x.transpose(0, 1) for x in (query, key, value)}
            query, key, value = turned[id(query)], turned[id(key)], turned[id(value)]
        output, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k, self.bias_v,
            self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias, training=self.training,
            key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim, q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight, v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights, is_causal=is_causal,
        )  # fmt: skip
        return output.transpose(0, 1) if swap else output, weights
