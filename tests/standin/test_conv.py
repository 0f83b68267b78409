"""Convolution on the GPU: results and gradients are the CPU's."""
import random

import pytest
from tape_helpers import with_gradients

import pyxtorch as torch
from pyxtorch.nn import functional as F

SOURCES = ("conv.cuh",)
TOLERANCE = {torch.float64: 1e-11, torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 8e-2}
DTYPES = list(TOLERANCE)


def case(seed):
    """(arguments, options, transposed, number of dimensions): random sizes that fit."""
    r = random.Random(seed)
    nd, transposed = r.choice((1, 2, 2, 3)), r.random() < 0.4
    groups = r.choice((1, 1, 2, 3))
    per_in, per_out = r.choice((1, 2, 5)), r.choice((1, 3, 12))
    kernel = [r.choice((1, 2, 3)) for _ in range(nd)]
    stride, padding, dilation = ([r.choice(c) for _ in range(nd)] for c in ((1, 1, 2, 3), (0, 1, 2), (1, 1, 2)))
    size = [d * (k - 1) + 1 + r.randrange(0, 7) for k, d in zip(kernel, dilation)]
    options = {"stride": tuple(stride), "padding": tuple(padding), "dilation": tuple(dilation), "groups": groups}
    if transposed:
        options["output_padding"] = tuple(r.randrange(0, max(s, d)) for s, d in zip(stride, dilation))
        size = [n + 2 * p for n, p in zip(size, padding)]
    x = torch.randn(r.choice((1, 3)), groups * per_in, *size, dtype=torch.float64)
    w = torch.randn(groups * (per_in if transposed else per_out), per_out if transposed else per_in, *kernel, dtype=torch.float64)
    return (x, w, torch.randn(groups * per_out, dtype=torch.float64) if r.random() < 0.5 else None), options, transposed, nd


@pytest.mark.parametrize("seed", range(28))
def test_random_sizes(seed, agree):
    torch.manual_seed(seed)
    arguments, options, transposed, nd = case(seed)
    f = getattr(F, f"conv{'_transpose' if transposed else ''}{nd}d")
    dtype = DTYPES[seed % 4]
    arguments = [None if a is None else a.to(dtype) for a in arguments]
    agree(with_gradients(lambda x, w, b: f(x, w, b, **options)), *arguments, tolerance=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_more_than_a_tile(dtype, agree):
    """Rows, columns and sums beyond one tile; the gradient of the weight in pieces."""
    torch.manual_seed(0)
    x, w, b = (t.to(dtype) for t in (torch.randn(2, 5, 24, 25) / 4, torch.randn(70, 5, 3, 3) / 4, torch.randn(70)))
    for image in (x, x.to(memory_format=torch.channels_last)):
        agree(with_gradients(lambda x, w, b: F.conv2d(x, w, b, padding=1)), image, w, b, tolerance=4 * TOLERANCE[dtype])


def test_depthwise(agree):
    x, w = torch.randn(2, 6, 20, 21).double(), torch.randn(6, 1, 3, 3).double()
    agree(with_gradients(lambda x, w: F.conv2d(x, w, padding="same", groups=6)), x, w, tolerance=1e-10)


def test_nothing(agree):
    agree(with_gradients(lambda x, w: F.conv2d(x, w)), torch.randn(0, 2, 5, 5), torch.randn(3, 2, 3, 3))


def test_second_derivatives(agree):
    def second(x, w):
        x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
        g = torch.autograd.grad((F.conv2d(x, w, stride=2, padding=1) ** 3).sum(), (x, w), create_graph=True)
        return torch.autograd.grad(sum((t**2).sum() for t in g), (x, w))

    agree(second, torch.randn(2, 3, 6, 5).double(), torch.randn(4, 3, 3, 3).double(), tolerance=1e-9)
