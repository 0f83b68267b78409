"""Pooling on the GPU: results, positions and gradients are the CPU's."""
import random

import pytest
from tape_helpers import with_gradients

import pyxtorch as torch
from pyxtorch.nn import functional as F

SOURCES = ("pool.cuh",)
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}
DTYPES = list(TOLERANCE)


@pytest.mark.parametrize("seed", range(24))
def test_random_windows(seed, agree):
    r = random.Random(seed)
    torch.manual_seed(seed)
    nd, dtype = 1 + seed % 3, DTYPES[seed % 4]
    kernel, stride = (tuple(r.randrange(1, 4) for _ in range(nd)) for _ in range(2))
    padding, dilation = tuple(r.randrange(0, k // 2 + 1) for k in kernel), tuple(r.randrange(1, 3) for _ in range(nd))
    size = [d * (k - 1) + 1 + r.randrange(0, 8) for k, d in zip(kernel, dilation)]
    x = (torch.randn(2, 3, *size) * 3).round().to(dtype)  # equal ones too
    x.reshape(-1)[1] = float("nan")
    ceil = r.random() < 0.5
    top, average, low = (getattr(F, f"{name}{nd}d") for name in ("max_pool", "avg_pool", "adaptive_avg_pool"))
    agree(with_gradients(lambda x: top(x, kernel, stride, padding, dilation, ceil, return_indices=True)), x, tolerance=TOLERANCE[dtype])
    x = torch.nan_to_num(x)
    agree(with_gradients(lambda x: average(x, kernel, stride, padding, ceil)), x, tolerance=TOLERANCE[dtype])
    agree(with_gradients(lambda x: average(x, kernel, stride, padding, ceil, False)), x, tolerance=TOLERANCE[dtype])
    out = tuple(r.randrange(1, 9) for _ in range(nd))
    agree(with_gradients(lambda x: low(x, out)), x, tolerance=TOLERANCE[dtype])
    agree(with_gradients(lambda x: getattr(F, f"adaptive_max_pool{nd}d")(x, out, return_indices=True)), x, tolerance=TOLERANCE[dtype])


def test_layouts_divisors_and_integers(agree):
    x = torch.randn(2, 3, 9, 8).to(memory_format=torch.channels_last)
    agree(with_gradients(lambda x: F.max_pool2d(x, 2, return_indices=True)), x)
    agree(with_gradients(lambda x: F.avg_pool2d(x, 3, divisor_override=5)), x)
    agree(lambda x: F.max_pool2d(x, 2), (x * 20).long(), tolerance=0)


def test_unpooling_and_wrong_indices(agree):
    x = torch.randn(2, 3, 40, 41)
    agree(lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2, output_size=(40, 41)), x, tolerance=0)
    y, indices = F.max_pool2d(x.cuda(), 2, return_indices=True)
    indices[0, 0, 0, 0] = 4000
    with pytest.raises(RuntimeError, match="index|indices"):
        F.max_unpool2d(y, indices, 2)
    agree(lambda x: x + 1, x)  # and goes on
