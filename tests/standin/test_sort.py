"""Sorting, selecting, searching and counting on the GPU, against the CPU's."""
import pytest

import pyxtorch as torch

SOURCES = ("sort.cuh",)
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
DTYPES = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, *FLOATS)


def numbers(dtype, *shape):
    """With equal ones, and NaN and infinities where there are."""
    torch.manual_seed(0)
    x = (torch.randn(*shape) * 4).round()
    if dtype.is_floating_point and x.numel() > 9:
        flat = x.reshape(-1)
        flat[3], flat[5], flat[6], flat[7], flat[8] = float("nan"), float("inf"), -float("inf"), -0.0, 0.0
    return x.to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_orders(dtype, agree):
    for shape, dim in (((6, 37, 3), 1), ((5, 33), 0), ((700,), 0), ((4, 1), 1), ((3, 0), 1)):
        x = numbers(dtype, *shape)
        for down in (False, True):
            agree(lambda x, dim, down: tuple(torch.sort(x, dim, down)), x, dim, down, tolerance=0)
            agree(lambda x, dim, down: torch.argsort(x, dim, down, stable=True), x, dim, down, tolerance=0)
        k = min(5, x.shape[dim])
        for largest in (True, False):
            agree(lambda x, k, dim, largest: tuple(torch.topk(x, k, dim, largest)), x, k, dim, largest, tolerance=0)
        if k:
            agree(lambda x, k, dim: tuple(torch.kthvalue(x, k, dim)), x, k, dim, tolerance=0)
            agree(lambda x, dim: tuple(torch.mode(x, dim)), x, dim, tolerance=0)
            if dtype is not torch.bool:
                agree(lambda x, dim: tuple(torch.median(x, dim)), x, dim, tolerance=0)
                agree(lambda x, dim: tuple(torch.nanmedian(x, dim)), x, dim, tolerance=0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_unique_and_search(dtype, agree):
    x = numbers(dtype, 300)
    agree(lambda x: torch.unique(x, return_inverse=True, return_counts=True), x, tolerance=0)
    agree(lambda x: torch.unique_consecutive(x, return_inverse=True, return_counts=True), x, tolerance=0)
    agree(lambda x: torch.unique(x.reshape(60, 5)[:, :2], dim=0, return_inverse=True, return_counts=True), x, tolerance=0)
    if dtype is not torch.bool:
        s = numbers(dtype, 4, 50).sort(1).values
        for right in (False, True):
            agree(lambda s, x, right: torch.searchsorted(s, x, right=right), s, numbers(dtype, 4, 9), right, tolerance=0)
            agree(lambda s, x, right: torch.bucketize(x, s, right=right), s[0], numbers(dtype, 30), right, tolerance=0)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_counting(dtype, agree):
    x = torch.nan_to_num(numbers(dtype, 400), 0, 4, -4)
    agree(lambda x: torch.histc(x, 7, -3, 3), x, tolerance=0)
    agree(lambda x: torch.histc(x, 5), x, tolerance=0)
    agree(lambda x: torch.bincount((x.abs() * 2).long(), minlength=30), x, tolerance=0)
    agree(lambda x: torch.bincount((x.abs() * 2).long(), weights=x.double()), x, tolerance=1e-12)


def test_gradients(agree):
    def gradient(x, f):
        x = x.detach().requires_grad_()
        y = f(x)
        return torch.autograd.grad((y * torch.arange(y.numel(), device=x.device).reshape(y.shape)).sum(), x)[0]

    x = torch.randn(6, 20)
    for f in (lambda x: x.sort(1).values, lambda x: x.topk(3, 1).values, lambda x: x.median(0).values, lambda x: x.kthvalue(4, 1).values,
              lambda x: x.quantile(torch.tensor([0.25, 0.7], device=x.device), dim=1)):
        agree(gradient, x, f)


def test_what_has_no_order_is_refused():
    x = torch.complex(torch.ones(4), torch.ones(4)).cuda()
    for f in (torch.sort, lambda x: x.topk(2), lambda x: x.kthvalue(2)):
        with pytest.raises((RuntimeError, NotImplementedError)):
            f(x)
    with pytest.raises(RuntimeError):
        torch.bincount(torch.tensor([1, -1]).cuda())
