"""torch.nn.attention: functions of scores and masks against plain attention with the same bias."""
import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F
from pyxtorch.nn.attention import SDPBackend, sdpa_kernel
from pyxtorch.nn.attention.bias import causal_lower_right, causal_upper_left
from pyxtorch.nn.attention.flex_attention import (
    AuxRequest,
    BlockMask,
    and_masks,
    create_block_mask,
    create_mask,
    flex_attention,
    noop_mask,
    or_masks,
)


@pytest.fixture
def qkv():
    torch.manual_seed(0)
    return [torch.randn(2, 4, 37, 8, dtype=torch.float64, requires_grad=True) for _ in range(3)]


def causal(b, h, q, k):
    return q >= k


def test_without_functions_it_is_attention(qkv):
    assert torch.allclose(flex_attention(*qkv), F.scaled_dot_product_attention(*qkv))
    assert torch.allclose(flex_attention(*qkv, scale=0.5), F.scaled_dot_product_attention(*qkv, scale=0.5))
    q = torch.randn(2, 8, 5, 8, dtype=torch.float64)
    assert torch.allclose(flex_attention(q, *qkv[1:], enable_gqa=True), F.scaled_dot_product_attention(q, *qkv[1:], enable_gqa=True))


def test_score_mod_is_a_bias(qkv):
    bias = torch.randn(4, 37, 37, dtype=torch.float64, requires_grad=True)
    table = torch.randn(73, dtype=torch.float64)
    out = flex_attention(*qkv, score_mod=lambda s, b, h, q, k: s + bias[h, q, k] + table[q - k + 36])
    i = torch.arange(37)
    expected = F.scaled_dot_product_attention(*qkv, attn_mask=bias + table[i[:, None] - i + 36])
    assert torch.allclose(out, expected)
    direction = torch.randn_like(out)
    inputs = [*qkv, bias]
    assert all(torch.allclose(a, b) for a, b in zip(torch.autograd.grad(out, inputs, direction), torch.autograd.grad(expected, inputs, direction)))


def test_masks(qkv):
    documents = torch.arange(37) // 10
    mod = and_masks(causal, lambda b, h, q, k: documents[q] == documents[k])
    block_mask = create_block_mask(mod, None, None, 37, 37, BLOCK_SIZE=8)
    mask = create_mask(mod, None, None, 37, 37)
    i = torch.arange(37)
    assert torch.equal(mask[0, 0], (i[:, None] >= i) & (documents[:, None] == documents))
    out, lse = flex_attention(*qkv, block_mask=block_mask, return_lse=True)
    assert torch.allclose(out, F.scaled_dot_product_attention(*qkv, attn_mask=mask))
    scores = (qkv[0] @ qkv[1].mT / 8**0.5).masked_fill(~mask, float("-inf"))
    assert torch.allclose(lse, scores.logsumexp(-1))
    aux = flex_attention(*qkv, block_mask=block_mask, return_aux=AuxRequest(max_scores=True))[1]
    assert aux.lse is None and torch.allclose(aux.max_scores, scores.amax(-1))
    nothing = create_block_mask(lambda b, h, q, k: q < 0, None, None, 37, 37)
    assert flex_attention(*qkv, block_mask=nothing).abs().sum() == 0
    either = create_mask(or_masks(causal, lambda b, h, q, k: k == 36), None, None, 37, 37)[0, 0]
    assert torch.equal(either, (i[:, None] >= i) | (i == 36)) and create_mask(noop_mask, 2, 1, 3, 4).all()


def test_blocks():
    mask = create_block_mask(causal, 1, 2, 300, 300, BLOCK_SIZE=128)
    assert mask.shape == (1, 2, 300, 300) and mask.numel() == 180000 and mask.BLOCK_SIZE == (128, 128)
    assert mask.to_dense()[0, 0].tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert mask.full_kv_num_blocks[0, 0].tolist() == [0, 1, 0]      # the last row of blocks reaches beyond the end
    assert mask.kv_num_blocks[0, 0].tolist() == [1, 1, 3] and mask.q_num_blocks[0, 0].tolist() == [2, 2, 1]
    assert round(mask.sparsity(), 4) == -9.2267 and "300" in repr(mask)
    # Lists of blocks alone say what is seen, too.
    listed = BlockMask.from_kv_blocks(torch.tensor([[[1, 2]]], dtype=torch.int32), torch.tensor([[[[1, 0], [0, 1]]]], dtype=torch.int32), BLOCK_SIZE=2)
    q = torch.randn(1, 1, 4, 3)
    expected = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]).bool()
    assert torch.allclose(flex_attention(q, q, q, block_mask=listed), F.scaled_dot_product_attention(q, q, q, attn_mask=expected))


def test_causal_biases(qkv):
    q, k, v = qkv[0][:, :, :5], *qkv[1:]
    for make, shift in ((causal_upper_left, 0), (causal_lower_right, 32)):
        mask = torch.ones(5, 37, dtype=torch.bool).tril(shift)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=make(5, 37))
        assert type(out) is torch.Tensor and torch.allclose(out, F.scaled_dot_product_attention(q, k, v, attn_mask=mask)) and torch.equal(make(5, 37)._materialize(), mask)


def test_switches():
    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
        assert torch.backends.cuda.math_sdp_enabled() and torch.backends.cuda.flash_sdp_enabled() and not torch.backends.cuda.mem_efficient_sdp_enabled()
    assert torch.backends.cuda.mem_efficient_sdp_enabled() and str(SDPBackend.MATH) == "SDPBackend.MATH"
    with pytest.raises(AssertionError, match="SDPBackend"), sdpa_kernel("math"):
        pass


def test_what_is_refused(qkv):
    q, k, v = qkv
    for call, error, words in (
        (lambda: flex_attention(q[0], k, v), NotImplementedError, "4D"),
        (lambda: flex_attention(q, k.float(), v), ValueError, "float32"),
        (lambda: flex_attention(q[:, :2], k, v), ValueError, "Hq=2"),
        (lambda: flex_attention(q, k, v, block_mask=create_block_mask(causal, None, None, 36, 37)), ValueError, "q_len=37"),
        (lambda: flex_attention(q, k, v, block_mask=create_block_mask(causal, 3, None, 37, 37)), ValueError, "3 batch"),
        (lambda: and_masks(3), RuntimeError, "callable"),
        (lambda: causal_lower_right(3), RuntimeError, "2D"),
    ):
        with pytest.raises(error, match=words):
            call()


def test_gradients_of_convolutions():
    for n in (1, 2, 3):
        size = (5, 6, 7)[:n]
        x, w = torch.randn(2, 4, *size, requires_grad=True), torch.randn(6, 2, *[3] * n, requires_grad=True)
        y = getattr(F, f"conv{n}d")(x, w, None, 2, 1, 1, 2)
        g = torch.randn_like(y)
        expected = torch.autograd.grad(y, (x, w), g)
        assert torch.allclose(getattr(nn.grad, f"conv{n}d_input")(x.shape, w, g, 2, 1, 1, 2), expected[0])
        assert torch.allclose(getattr(nn.grad, f"conv{n}d_weight")(x, w.shape, g, 2, 1, 1, 2), expected[1])
