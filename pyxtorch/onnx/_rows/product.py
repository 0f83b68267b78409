"""Matrix products, einsum, attention."""
import math

from pyxtorch.onnx._graph import BOOL
from pyxtorch.onnx._rows import row
from pyxtorch.onnx._rows.activation import dropout, softmax
from pyxtorch.onnx.errors import UnsupportedOperatorError


@row("matmul mm bmm mv dot linalg_matmul vdot")
def matmul(g, input, other):
    return input.matmul(other)


@row("rmatmul")
def rmatmul(g, input, other):
    return other.matmul(input)


@row("inner")
def inner(g, input, other):
    if 0 in (input.ndim, other.ndim):
        return input * other
    if other.ndim == 1 or input.ndim == 1:
        return (input * other).sum([-1])
    return tensordot(g, input, other, ([-1], [-1]))


@row("outer ger")
def outer(g, input, vec2):
    return input.unsqueeze(1) * vec2.unsqueeze(0)


@row("linear")
def linear(g, input, weight, bias=None):
    if weight.ndim == 1:
        product = input.matmul(weight)
    elif input.ndim == 2:
        inputs = [input, weight] if bias is None else [input, weight, bias]
        return g.add("Gemm", inputs, input.dtype, [input.shape[0], weight.shape[0]], transB=1)
    else:
        product = input.matmul(weight.swap(0, 1))
    return product if bias is None else product + bias


@row("bilinear")
def bilinear(g, input1, input2, weight, bias=None):
    # (.., 1, 1, I) @ (O, I, J) -> (.., O, 1, J), summed with input2
    left = input1.unsqueeze(-2, -3).matmul(weight).squeeze(-2)
    product = (left * input2.unsqueeze(-2)).sum([-1])
    return product if bias is None else product + bias


def _scaled(x, factor):
    return x if isinstance(factor, (int, float)) and factor == 1 else x * factor


def _added(product, input, beta):
    """With beta = 0 nothing of `input` counts, NaN neither."""
    return product if isinstance(beta, (int, float)) and beta == 0 else product + _scaled(input, beta)


@row("addmm baddbmm addmv")
def addmm(g, input, mat1, mat2, beta=1, alpha=1):
    return _added(_scaled(mat1.matmul(mat2), alpha), input, beta)


@row("addbmm")
def addbmm(g, input, batch1, batch2, beta=1, alpha=1):
    return _added(_scaled(batch1.matmul(batch2).sum([0]), alpha), input, beta)


@row("addr")
def addr(g, input, vec1, vec2, beta=1, alpha=1):
    return _added(_scaled(outer(g, vec1, vec2), alpha), input, beta)


@row("chain_matmul linalg_multi_dot")
def multi_dot(g, *matrices):
    matrices = matrices[0] if len(matrices) == 1 else matrices
    product = matrices[0]
    for m in matrices[1:]:
        product = product.matmul(m)
    return product


@row("matrix_power linalg_matrix_power")
def matrix_power(g, input, n):
    if not isinstance(n, int) or n < 1:
        raise UnsupportedOperatorError(f"export: {g.at}: matrix_power takes exponents of 1 and more here.")
    product = input
    for _ in range(n - 1):
        product = product.matmul(input)
    return product


@row("tensordot")
def tensordot(g, a, b, dims=2, out=None):
    if isinstance(dims, int):
        dims = (list(range(a.ndim - dims, a.ndim)), list(range(dims)))
    ours, theirs = ([x.axis(d) for d in ([one] if isinstance(one, int) else one)] for x, one in zip((a, b), dims))
    kept, other = [i for i in range(a.ndim) if i not in ours], [i for i in range(b.ndim) if i not in theirs]
    inner_size = g.product([a.size(i) for i in ours])
    left = a.transpose([*kept, *ours]).reshape([-1, inner_size])
    right = b.transpose([*theirs, *other]).reshape([inner_size, -1])
    return left.matmul(right).reshape([a.size(i) for i in kept] + [b.size(i) for i in other])


@row("cross linalg_cross")
def cross(g, input, other, dim=None):
    if dim is None:
        dim = -1 if g.at.startswith("torch.linalg") else next(i for i, n in enumerate(input.shape) if n == 3)
    a, b = ([x.slice(dim, i, i + 1) for i in range(3)] for x in (input, other))
    return g.concat([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]], input.axis(dim))


@row("trace")
def trace(g, input):
    rows, columns = g.arange(input.size(0)).unsqueeze(1), g.arange(input.size(1)).unsqueeze(0)
    return g.where(rows == columns, input, 0, dtype=input.dtype).sum()


@row("det linalg_det")
def det(g, input=None, A=None):
    x = input if input is not None else A
    return g.add("Det", [x], x.dtype, x.shape[:-2])


@row("slogdet linalg_slogdet")
def slogdet(g, input=None, A=None):
    d = det(g, input, A)
    return d.unary("Sign"), abs(d).log()


@row("logdet")
def logdet(g, input):
    return det(g, input).log()


@row("linalg_vecdot")
def vecdot(g, x, y, dim=-1):
    return (x * y).sum([dim])


@row("einsum")
def einsum(g, equation, *operands):
    if not isinstance(equation, str):
        raise UnsupportedOperatorError(f"export: {g.at}: einsum takes an equation as text here.")
    operands = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], (tuple, list)) else list(operands)
    operands = g.promoted(*operands)
    equation = equation.replace(" ", "")
    letters = sorted({c for c in equation if c.isalpha()})
    if any(c.isupper() for c in letters):  # runtimes take small letters only
        free = iter(c for c in "abcdefghijklmnopqrstuvwxyz" if c not in letters)
        for c in letters:
            if c.isupper():
                equation = equation.replace(c, next(free))
    return g.add("Einsum", operands, operands[0].dtype, [None] * len(g.out[0][1]), equation=equation)


# ---------------------------------------------------------------------------- attention

def _heads_repeated(g, x, like):
    """Each head of (.., H, L, E) as often as `like` has more heads."""
    times = like.fixed(-3) // x.fixed(-3)
    *lead, h, n, e = x.sizes()
    wide = x.unsqueeze(-3).expand([*lead, h, times, n, e])
    return wide.reshape([*lead, h * times, n, e])


@row("scaled_dot_product_attention")
def attention(g, query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    if enable_gqa and query.shape[-3] != key.shape[-3]:
        key, value = _heads_repeated(g, key, query), _heads_repeated(g, value, query)
    scale = 1 / math.sqrt(query.fixed(-1)) if scale is None else scale
    scores = query.matmul(key.swap(-1, -2)) * scale
    empty = None
    if is_causal:
        rows, columns = g.arange(query.size(-2)).unsqueeze(1), g.arange(key.size(-2)).unsqueeze(0)
        scores = g.where(columns <= rows, scores, -math.inf)
    if attn_mask is not None and attn_mask.dtype == BOOL:
        scores = g.where(attn_mask, scores, -math.inf)
        # a row of which nothing is looked at gives 0
        empty = ~attn_mask.any([-1], True)
    elif attn_mask is not None:
        scores = scores + attn_mask.cast(scores.dtype)
        empty = scores.reduce("ReduceMax", [-1], True) == -math.inf
    weights = softmax(g, scores, -1)
    if empty is not None:
        weights = g.where(empty, 0, weights)
    return dropout(g, weights, dropout_p, True).matmul(value)


@row("multi_head_attention_forward")
def multi_head_attention(
    g, query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn,
    dropout_p, out_proj_weight, out_proj_bias, training=True, key_padding_mask=None, need_weights=True, attn_mask=None,
    use_separate_proj_weight=False, q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, static_k=None,
    static_v=None, average_attn_weights=True, is_causal=False,
):  # fmt: skip
    if static_k is not None or static_v is not None:
        raise UnsupportedOperatorError(f"export: {g.at}: static_k and static_v.")
    batched = query.ndim == 3
    if not batched:
        query, key, value = (x.unsqueeze(1) for x in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    size = query.fixed(-1)
    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
    else:
        weights = [in_proj_weight.slice(0, i * size, (i + 1) * size) for i in range(3)]
    biases = [None] * 3 if in_proj_bias is None else [in_proj_bias.slice(0, i * size, (i + 1) * size) for i in range(3)]
    q, k, v = (linear(g, x, w, b) for x, w, b in zip((query, key, value), weights, biases))
    length, n = q.size(0), q.size(1)
    more = 0
    if bias_k is not None:
        k, v = (g.concat([x, b.expand([1, n, size])], 0) for x, b in ((k, bias_k), (v, bias_v)))
        more += 1
    head = size // num_heads
    # (L, N, E) -> (N, H, L, E / H)
    q, k, v = (x.reshape([x.size(0), n, num_heads, head]).transpose([1, 2, 0, 3]) for x in (q, k, v))
    if add_zero_attn:
        k, v = (g.concat([x, g.filled([n, num_heads, 1, head], 0, x.dtype)], 2) for x in (k, v))
        more += 1

    def additive(mask):
        if mask is None:
            return None
        mask = g.where(mask, -math.inf, g.number(0.0, q.dtype), dtype=q.dtype) if mask.dtype == BOOL else mask.cast(q.dtype)
        return g.add("Pad", [mask, g.ints([0, more]), None, g.ints([mask.ndim - 1])], mask.dtype,
                     [*mask.shape[:-1], None if mask.shape[-1] is None else mask.shape[-1] + more]) if more else mask  # fmt: skip

    scores = (q * (1 / math.sqrt(head))).matmul(k.swap(-1, -2))
    mask = additive(attn_mask)
    if mask is not None:
        scores = scores + (mask.reshape([n, num_heads, *mask.sizes()[1:]]) if mask.ndim == 3 else mask)
    mask = additive(key_padding_mask)
    if mask is not None:
        scores = scores + mask.unsqueeze(1, 2)
    weights = softmax(g, scores, -1)
    if training and dropout_p > 0:
        weights = dropout(g, weights, dropout_p, True)
    output = weights.matmul(v).transpose([2, 0, 1, 3]).reshape([length, n, size])
    output = linear(g, output, out_proj_weight, out_proj_bias)
    if not batched:
        output = output.squeeze(1)
    if not need_weights:
        return output
    weights = weights.mean([1]) if average_attn_weights else weights
    return output, weights if batched else weights.squeeze(0)
