"""Attention with several heads."""
import math

from pyxtorch.ops.attention import scaled_dot_product_attention
from pyxtorch.ops.create import zeros
from pyxtorch.ops.matmul import linear
from pyxtorch.ops.random_dropout import dropout
from pyxtorch.ops.shape_join import cat
from pyxtorch.ops.shape_pad import pad

functional = ["multi_head_attention_forward"]


def _additive(mask, name, dtype):
    """A mask as numbers to add: -inf where a bool mask is True."""
    if mask is None or mask.is_floating_point():
        return mask
    if mask.dtype.name != "bool":
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return zeros(tuple(mask.shape), dtype=dtype, device=mask.device).masked_fill(mask, -math.inf)


def _check(query, key, value, key_padding_mask, attn_mask, num_heads):
    """Whether there is a batch dimension; complains of shapes that do not fit."""
    n = query.dim()
    if n not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {n}-D query tensor")
    if key.dim() != n or value.dim() != n:
        raise AssertionError(f"For {'batched' if n == 3 else 'unbatched'} ({n}-D) `query`, expected `key` and `value` to be {n}-D but found {key.dim()}-D and {value.dim()}-D tensors respectively")
    if key_padding_mask is not None and key_padding_mask.dim() != n - 1:
        raise AssertionError(f"For {'batched' if n == 3 else 'unbatched'} ({n}-D) `query`, expected `key_padding_mask` to be `None` or {n - 1}-D but found {key_padding_mask.dim()}-D tensor instead")
    if attn_mask is not None:
        if attn_mask.dim() not in (2, 3):
            raise AssertionError(f"expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D tensor instead")
        if n == 2 and attn_mask.dim() == 3 and tuple(attn_mask.shape) != (num_heads, query.shape[0], key.shape[0]):
            raise AssertionError(f"Expected `attn_mask` shape to be {(num_heads, query.shape[0], key.shape[0])} but got {tuple(attn_mask.shape)}")
    return n == 3


def _project(query, key, value, weights, bias):
    """Query, key and value through their linear maps; one product where they are the same tensor."""
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    if not isinstance(weights, tuple):
        if query is key and key is value:
            return linear(query, weights, bias).chunk(3, -1)
        if key is value:
            size = query.shape[-1]
            q = linear(query, weights[:size], biases[0])
            k, v = linear(key, weights[size:], None if bias is None else bias[size:]).chunk(2, -1)
            return q, k, v
        weights = weights.chunk(3)
    return tuple([linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases)])


def multi_head_attention_forward(
    query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn,
    dropout_p, out_proj_weight, out_proj_bias, training=True, key_padding_mask=None, need_weights=True, attn_mask=None,
    use_separate_proj_weight=False, q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, static_k=None,
    static_v=None, average_attn_weights=True, is_causal=False,
):  # fmt: skip
    """softmax(q k^T / sqrt(d) + mask) v for each head: Vaswani et al. (2017).

    Args:
        query: (L, N, E) or (L, E); key, value: (S, N, *) or (S, *).
        in_proj_weight: (3 E, E), or with use_separate_proj_weight the three q/k/v_proj_weight.
        bias_k, bias_v: (1, 1, E), appended to keys and values.
        add_zero_attn: append a zero key and value.
        key_padding_mask: (N, S) or (S); True or -inf takes a key out.
        attn_mask: (L, S) or (N * heads, L, S), bool or added.
        need_weights: also return the weights, averaged over heads unless average_attn_weights=False.
        is_causal: a hint that attn_mask is causal.
    Returns: (output like query, weights or None).
    """
    batched = _check(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        same = query is key and key is value, key is value
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        value = key if same[1] else value
        key, value = (query, query) if same[0] else (key, value)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    length, batch, width = query.shape
    sources = key.shape[0]
    if width != int(embed_dim_to_check):
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}")
    head = width // num_heads
    if head * num_heads != width:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {num_heads}")
    if tuple(key.shape[:2]) != tuple(value.shape[:2]):
        raise AssertionError(f"key's sequence and batch dims {tuple(key.shape[:2])} do not match value's {tuple(value.shape[:2])}")
    if not use_separate_proj_weight and tuple(key.shape) != tuple(value.shape):
        raise AssertionError(f"key shape {tuple(key.shape)} does not match value shape {tuple(value.shape)}")
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None  # the hint suffices
    else:
        attn_mask = _additive(attn_mask, "attn_mask", query.dtype)
        is_causal = False
    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight
    q, k, v = _project(query, key, value, weights, in_proj_bias)
    if attn_mask is not None:
        wanted = (length, sources) if attn_mask.dim() == 2 else (batch * num_heads, length, sources)
        if tuple(attn_mask.shape) != wanted:
            raise RuntimeError(f"The shape of the {attn_mask.dim()}D attn_mask is {tuple(attn_mask.shape)}, but should be {wanted}.")
    padding = _additive(key_padding_mask, "key_padding_mask", query.dtype)
    if padding is not None and tuple(padding.shape) != (batch, sources):
        raise AssertionError(f"expecting key_padding_mask shape of {(batch, sources)}, but got {tuple(padding.shape)}")
    added = 0
    if (bias_k is None) != (bias_v is None):
        given, missing = ("bias_k", "bias_v") if bias_v is None else ("bias_v", "bias_k")
        raise AssertionError(f"multi_head_attention_forward: {given} is set but {missing} is None; give both or neither.")
    if bias_k is not None:
        k, v = cat([k, bias_k.expand(1, batch, width)]), cat([v, bias_v.expand(1, batch, width)])
        added += 1

    def heads(x):
        return x.reshape(x.shape[0], batch * num_heads, x.shape[2] // num_heads).transpose(0, 1)

    q = heads(q)
    k = heads(k) if static_k is None else static_k
    v = heads(v) if static_v is None else static_v
    if add_zero_attn:
        k, v = (cat([x, x.new_zeros((x.shape[0], 1, x.shape[2]))], 1) for x in (k, v))
        added += 1
    if added:  # what was appended is never masked
        attn_mask = None if attn_mask is None else pad(attn_mask, (0, added))
        padding = None if padding is None else pad(padding, (0, added))
    sources = k.shape[1]
    mask = attn_mask
    if padding is not None:
        padding = padding.reshape(batch, 1, 1, sources).expand(batch, num_heads, 1, sources).reshape(batch * num_heads, 1, sources)
        mask = padding if mask is None else mask + padding
    if need_weights:
        scores = (q * (1.0 / math.sqrt(q.shape[-1]))) @ k.transpose(1, 2)
        if mask is not None:
            scores = scores + mask
        attention = scores.softmax(-1)
        if dropout_p > 0.0 and training:
            attention = dropout(attention, dropout_p)
        output = attention @ v
    else:
        split = [x.reshape(batch, num_heads, *x.shape[1:]) for x in (q, k, v)]
        if mask is not None:
            mask = mask.reshape(1, 1, *mask.shape) if mask.dim() == 2 else mask.reshape(batch, num_heads, *mask.shape[1:])
        output = scaled_dot_product_attention(*split, mask, dropout_p if training else 0.0, is_causal)
        output = output.reshape(batch * num_heads, length, output.shape[-1])
    output = output.transpose(0, 1).reshape(length * batch, num_heads * output.shape[2])
    output = linear(output, out_proj_weight, out_proj_bias)
    output = output.reshape(length, batch, output.shape[1])
    if not batched:
        output = output.squeeze(1)
    if not need_weights:
        return output, None
    attention = attention.reshape(batch, num_heads, length, sources)
    if average_attn_weights:
        attention = attention.mean(1)
    return output, attention if batched else attention.squeeze(0)
