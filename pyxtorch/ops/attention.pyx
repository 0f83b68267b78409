"""Scaled dot-product attention."""
from math import sqrt

from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport to_dtype

from pyxtorch.ops.elementwise_select import where
from pyxtorch.ops import matmul as products
from pyxtorch.ops import random_dropout
from pyxtorch.ops import softmax as softmaxes


def scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    """softmax(query key^T * scale + mask) value: each query's mean of the values, weighted by how well its keys fit.

    Args:
        query: (N, ..., Hq, L, E); key: (N, ..., H, S, E); value: (N, ..., H, S, Ev), floating point.
        attn_mask: broadcastable to (N, ..., L, S): bool (True takes part) or a number added to the scores.
        dropout_p: probability with which a weight becomes 0 (whatever the mode).
        is_causal: query i sees the keys 0..i only; not together with attn_mask.
        scale: default 1 / sqrt(E). enable_gqa: Hq may be a multiple of H; groups of queries share a head.
    Returns: (N, ..., Hq, L, Ev). A query that sees no key at all gets 0.
    Raises:
        RuntimeError: dtypes or dimensions do not fit, or is_causal with attn_mask.
    Source:
        Vaswani et al., "Attention Is All You Need" (2017).
    """
    op = "scaled_dot_product_attention"
    cdef Variable q = checked(query, op, "query")
    cdef Variable k = checked(key, op, "key")
    cdef Variable v = checked(value, op, "value")
    cdef Variable mask = None
    if not q.dt == k.dt == v.dt:
        raise RuntimeError(f"Expected query, key, and value to have the same dtype, but got query.dtype: {dtype_of(q.dt)}, key.dtype: {dtype_of(k.dt)}, and value.dtype: {dtype_of(v.dt)} instead.")
    if q.nd < 2 or k.nd < 2 or v.nd < 2:
        raise RuntimeError(f"{op}: Expected query, key, and value to all be at least 2 dimensional, but got {q.nd}, {k.nd} and {v.nd} dimensions.")
    if is_causal and attn_mask is not None:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    L, S = q.sizes[q.nd - 2], k.sizes[k.nd - 2]
    factor = 1 / sqrt(q.sizes[q.nd - 1]) if scale is None and q.sizes[q.nd - 1] else 1.0 if scale is None else scale
    if enable_gqa:
        k, v = shared_heads(k, q, op, "key"), shared_heads(v, q, op, "value")
    if attn_mask is not None:
        mask = checked(attn_mask, op, "attn_mask")
        if mask.dt != BOOL and mask.dt != q.dt and mask.dt != FLOAT32:
            raise RuntimeError(f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: {dtype_of(mask.dt)} and query.dtype: {dtype_of(q.dt)} instead.")
    if q.dt == FLOAT16 or q.dt == BFLOAT16:    # the weights are formed in float32
        wide = [to_dtype(x, FLOAT32) if x is not None and x.dt == q.dt else x for x in (q, k, v, mask)]
        return to_dtype(scaled_dot_product_attention(*wide, dropout_p, is_causal, factor), q.dt)
    if is_causal:
        mask = q.new_ones((L, S), dtype=dtype_of(BOOL)).tril()
    # The smaller of the products is scaled.
    scores = products.matmul(q * factor, k.transpose(-2, -1))
    if mask is not None:
        scores = where(mask, scores, float("-inf")) if mask.dt == BOOL else scores + mask.to(dtype_of(q.dt))
    weights = softmaxes.softmax(scores, -1)
    if mask is not None and not is_causal and S:
        # A row without any key would be 0 / 0.
        blind = (scores.detach() == float("-inf")).all(-1, True)
        if any_true(blind):
            weights = where(blind, 0, softmaxes.softmax(where(blind, 0, scores), -1))
    if dropout_p > 0:
        weights = random_dropout.dropout(weights, dropout_p, True)
    return products.matmul(weights, v)


cdef Variable shared_heads(Variable x, Variable q, str op, str name):
    """Heads repeated so that there are as many as in q."""
    if q.nd < 3 or x.nd < 3:
        raise RuntimeError(f"{op}: enable_gqa needs query, key and value of at least 3 dimensions (..., heads, length, size).")
    have, want = x.sizes[x.nd - 3], q.sizes[q.nd - 3]
    if have == want:
        return x
    if not have or want % have:
        raise RuntimeError(f"{op}: Number of heads in {name} ({have}) must divide the number of heads in query ({want}).")
    return x.repeat_interleave(want // have, x.nd - 3)


__all__ = []
functional = ["scaled_dot_product_attention"]
methods = {}
