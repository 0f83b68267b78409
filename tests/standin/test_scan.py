"""Running sums and their like on the GPU, against the CPU's."""
import pytest
from tape_helpers import with_gradients

import pyxtorch as torch

SHAPES = {(9, 70, 5): (1, 2), (9000,): (0,), (5000, 3): (0, 1), (2, 0, 3): (1,), (): (0,)}
CASES = [(shape, dim) for shape, dims in SHAPES.items() for dim in dims]
SOURCES = ("scan.cuh",)
TOLERANCE = {torch.float64: 1e-11, torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}


@pytest.mark.parametrize("shape,dim", CASES, ids=str)
@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=str)
def test_floats(shape, dim, dtype, agree):
    torch.manual_seed(0)
    x, tolerance = torch.randn(shape).to(dtype), 30 * TOLERANCE[dtype]
    agree(with_gradients(lambda x: x.cumsum(dim)), x, tolerance=tolerance)
    agree(with_gradients(lambda x: x.logcumsumexp(dim)), x, tolerance=tolerance)
    agree(lambda x: (x * 0.01 + 1).cumprod(dim), x, tolerance=tolerance)
    agree(with_gradients(lambda x: tuple(x.cummax(dim))), x.round(), tolerance=tolerance)
    agree(with_gradients(lambda x: tuple(x.cummin(dim))), x.round(), tolerance=tolerance)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64], ids=str)
def test_integers(dtype, agree):
    for x, dim in ((torch.randn(3000) * 30, 0), (torch.randn(7, 30, 6) * 30, 1)):
        x = x.to(dtype)
        agree(lambda x, dim: x.cumsum(dim), x, dim, tolerance=0)
        agree(lambda x, dim: x.cumsum(dim, dtype=dtype), x, dim, tolerance=0)
        agree(lambda x, dim: x.cumprod(dim), x, dim, tolerance=0)
        agree(lambda x, dim: tuple(x.cummax(dim)), x, dim, tolerance=0)


def test_complex_numbers_and_products_gradients(agree):
    x = torch.complex(torch.randn(6, 40), torch.randn(6, 40)).to(torch.complex128)
    for dim in (0, 1):
        agree(lambda x, dim: x.cumsum(dim), x, dim, tolerance=1e-11)
        agree(lambda x, dim: x.cumprod(dim), x, dim, tolerance=1e-9)
        agree(lambda x, dim: x.logcumsumexp(dim), x, dim, tolerance=1e-9)
    y = torch.rand(6, 40).double() + 0.5
    y[2, 3] = y[4, 5] = y[4, 9] = 0
    agree(with_gradients(lambda x: x.cumprod(1)), y, tolerance=1e-9)


def test_infinities_and_nan(agree):
    x = torch.randn(3, 700)
    x[0, 300], x[1, 200], x[2, 0] = float("nan"), float("inf"), -float("inf")
    for f in (lambda x: x.cumsum(1), lambda x: x.logcumsumexp(1), lambda x: tuple(x.cummax(1)), lambda x: tuple(x.cummin(1))):
        agree(f, x)
    agree(lambda x: x.logcumsumexp(0), torch.full((4,), -float("inf")))
