"""Attention."""
import numpy as np
import scipy.special as sp

import pyxtorch as torch
from pyxtorch.testing.operations import FLOAT, Error, Op, S, given, tensor


def attention(q, k, v, attn_mask=None, is_causal=False, scale=None, enable_gqa=False):
    if enable_gqa:
        k, v = (np.repeat(t, q.shape[-3] // t.shape[-3], -3) for t in (k, v))
    scores = q @ np.swapaxes(k, -1, -2) * (1 / np.sqrt(q.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = np.tril(np.ones(scores.shape[-2:], bool))
    if attn_mask is not None:
        scores = np.where(attn_mask, scores, -np.inf) if attn_mask.dtype == bool else scores + attn_mask
    return sp.softmax(scores, -1) @ v


SHAPE = (2, 3, 4)
OPS = [
    Op("nn.functional.scaled_dot_product_attention", S(SHAPE, SHAPE, SHAPE), S((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 6)), S(SHAPE, SHAPE, SHAPE, is_causal=True), S(SHAPE, SHAPE, SHAPE, scale=0.3),
       S(SHAPE, SHAPE, SHAPE, given([[True, False, True], [True, True, True], [False, False, True]])), S((1, 4, 3, 2), (1, 2, 3, 2), (1, 2, 3, 2), enable_gqa=True), reference=attention, dtypes=FLOAT,
       tol={torch.float16: (2e-3, 2e-3), torch.bfloat16: (2e-2, 2e-2)}, large=S((8, 64, 256), (8, 64, 256), (8, 64, 256)), errors=[Error(RuntimeError, "is_causal|mask", SHAPE, SHAPE, SHAPE, given(np.ones((3, 3), bool)), is_causal=True)]),
    Op("nn.functional.scaled_dot_product_attention", S(SHAPE, SHAPE, SHAPE, tensor(3, 3)), reference=attention),
]
