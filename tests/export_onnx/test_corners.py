"""Corners of operations where ONNX's and PyTorch's definitions part."""
import math

import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

MASK = torch.zeros(4, 5)
MASK[1], MASK[2, 3:] = -math.inf, -math.inf
PADDED = torch.zeros(2, 5, dtype=torch.bool)
PADDED[0] = True
PLANE = torch.randn(1, 1, 10, 10)
FACTORS = (0.3, 0.7, 1 / 3, 1.1, 1.3, 1.7, 2.3, 2.9)
ATTENTION = nn.MultiheadAttention(8, 2, batch_first=True).eval()

CASES = {
    "attention, a row of -inf": (lambda q, k: F.scaled_dot_product_attention(q, k, k, attn_mask=MASK), torch.randn(2, 4, 8), torch.randn(2, 5, 8)),
    "attention, causal, more queries than keys": (lambda q, k: F.scaled_dot_product_attention(q, k, k, is_causal=True), torch.randn(2, 5, 8), torch.randn(2, 3, 8)),
    "heads, all padded": (lambda q, k: ATTENTION(q, k, k, key_padding_mask=PADDED), torch.randn(2, 4, 8), torch.randn(2, 5, 8)),
    "addmm, beta 0 before NaN": (lambda x: torch.addmm(x * math.nan, x, x, beta=0), torch.randn(3, 3)),
    "nearest, sizes": (lambda x: tuple([F.interpolate(x, size=s) for s in (3, 5, 7, 9, 11, 13, 17, 21, 23, 29, 31)]), PLANE),
    "nearest, factors": (lambda x: tuple([F.interpolate(x, scale_factor=s) for s in FACTORS]), PLANE),
    "bilinear, factors": (lambda x: tuple([F.interpolate(x, scale_factor=s, mode="bilinear") for s in FACTORS]), PLANE),
    "bilinear, to one pixel": (lambda x: tuple([F.interpolate(x, size=(1, s), mode="bilinear", align_corners=a) for s in (1, 5) for a in (True, False)]), PLANE),
    "bicubic, sizes": (lambda x: tuple([F.interpolate(x, size=s, mode="bicubic", align_corners=a) for s in (1, 3, 7, 13, 21) for a in (True, False)]), PLANE),
    "smoothed": (lambda x: tuple([F.interpolate(x, size=s, mode=m, antialias=True) for s in (3, 7, 13) for m in ("bilinear", "bicubic")]), PLANE),
    "grid_sample": (lambda x, g: tuple([F.grid_sample(x, g, mode=m, padding_mode=p, align_corners=a) for m in ("bilinear", "nearest", "bicubic")
                                        for p in ("zeros", "border", "reflection") for a in (True, False)]), torch.randn(1, 2, 6, 5), torch.randn(1, 4, 4, 2)),
    "equal elements in order": (lambda x: (*x.round().sort(1, descending=True, stable=True), *x.round().sort(1, stable=True)), torch.randn(3, 9)),
    "division of whole numbers": (lambda x: (x // 2, -x // 3, x % 3, -x % 3, torch.div(-x, 4, rounding_mode="trunc"), torch.fmod(-x, 3)), torch.arange(9) - 4),
    "minus zero": (lambda x: (torch.signbit(x * -0.0), torch.copysign(x, x * -0.0)), torch.tensor([1.0, -1.0])),
    "NaN": (lambda x: (x.clamp(-1, 1), torch.maximum(x, -x), torch.fmax(x, torch.zeros(3)), x.nan_to_num(), F.relu(x).isnan()), torch.tensor([1.0, math.nan, -2.0])),
}  # fmt: skip


EDGES = torch.tensor([1.0, math.nan, -2.0, math.inf, -math.inf, 0.0, -0.0, 0.5, 2.5, -2.5, 1e-8, 80.0])
UNARY = """abs neg exp log sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid erf erfc reciprocal floor ceil round trunc frac rsqrt square exp2
expm1 log1p log2 log10 sign isnan isinf isfinite nan_to_num sinc logit relu""".split()
BINARY = """add sub mul div remainder fmod maximum minimum fmax fmin pow atan2 hypot logaddexp xlogy eq ne lt le gt ge logical_and logical_or logical_xor heaviside copysign
floor_divide""".split()


def test_infinity_zero_and_nan():
    def every(x, y):
        return tuple([getattr(torch, name)(x) for name in UNARY] + [getattr(torch, name)(x, y) for name in BINARY])

    program = torch.onnx.export(every, (EDGES, EDGES.flip(0)))
    for shift in range(len(EDGES)):
        args = EDGES, EDGES.roll(shift)
        for name, got, want in zip(UNARY + BINARY, program(*args), every(*args), strict=True):
            assert torch.allclose(got.double(), want.double(), rtol=1e-5, atol=1e-6, equal_nan=True), (name, args, got, want)


@pytest.mark.parametrize("name", CASES)
def test_corner(name):
    function, *args = CASES[name]
    with torch.no_grad():
        program = torch.onnx.export(function, tuple(args))
        expected = function(*args)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for got, want in zip(program(*args), expected, strict=True):
        assert got.shape == want.shape and torch.allclose(got.double(), want.double(), rtol=1e-5, atol=1e-5, equal_nan=True), (got, want)


@pytest.mark.parametrize("function", [
    lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear", recompute_scale_factor=True), lambda x: F.interpolate(x, scale_factor=0.7),
    lambda x: F.interpolate(x, scale_factor=0.5, mode="area"), lambda x: F.adaptive_avg_pool2d(x, (4, 3)), lambda x: F.adaptive_avg_pool2d(x, (None, 5)),
    lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), lambda x: F.avg_pool2d(x, 2, 2, ceil_mode=True, count_include_pad=False),
    lambda x: F.pad(x, (1, 2, 3, 0), mode="circular"), lambda x: F.unfold(x, 3, padding=1, stride=2), lambda x: x.unfold(2, 3, 2), lambda x: F.pixel_unshuffle(F.interpolate(x, scale_factor=2), 2),
])  # fmt: skip
def test_planes_of_any_size(function):
    program = torch.onnx.export(function, (torch.randn(1, 2, 9, 10),), dynamic_shapes=({2: "h", 3: "w"},))
    for h, w in ((9, 10), (12, 7), (21, 16), (5, 6)):
        x = torch.randn(1, 2, h, w)
        got, want = program(x)[0], function(x)
        assert got.shape == want.shape and torch.allclose(got, want, atol=1e-5), (h, w)
