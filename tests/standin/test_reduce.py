"""Reductions and softmax on the GPU, against the CPU's."""
import pytest

import pyxtorch as torch

# Short and long lines, along every place; the last two are folded in pieces.
SHAPES = {(37, 70, 5): (0, 1, 2, (0, 1), (0, 2), (1, 2), None), (1, 1): (0, None), (300, 2): (0, 1), (50000,): (0,), (20000, 3): (0,)}
CASES = [(shape, dim) for shape, dims in SHAPES.items() for dim in dims]


@pytest.fixture(params=CASES, ids=str)
def case(request):
    torch.manual_seed(0)
    shape, dim = request.param
    return torch.randn(shape), dim


def test_sums_and_means(case, agree):
    x, dim = case
    agree(lambda x: x.sum(dim), x, tolerance=1e-4)
    agree(lambda x: x.double().mean(dim, keepdim=True), x, tolerance=1e-10)
    agree(lambda x: (x * 100).long().sum(dim), x, tolerance=0)
    agree(lambda x: torch.complex(x, -x).sum(dim), x, tolerance=1e-4)
    agree(lambda x: torch.where(x > 1, float("nan"), x).nansum(dim), x, tolerance=1e-4)


def test_extremes(case, agree):
    x, dim = case
    agree(lambda x: x.amax(dim) if dim is not None else x.max(), x, tolerance=0)
    agree(lambda x: x.amin(dim) if dim is not None else x.min(), x, tolerance=0)
    agree(lambda x: (x * 3).to(torch.int8).amax(dim) if dim is not None else (x * 3).to(torch.int8).max(), x, tolerance=0)
    if not isinstance(dim, tuple):
        agree(lambda x: x.argmax(dim), x, tolerance=0)
        agree(lambda x: (x * 2).int().argmin(dim), x, tolerance=0)  # many equal ones: the first counts
        agree(lambda x: (x > 0).int().argmax(dim), x, tolerance=0)
    if isinstance(dim, int):
        agree(lambda x: tuple(x.max(dim)), x, tolerance=0)
        agree(lambda x: tuple(x.min(dim, keepdim=True)), x, tolerance=0)


def test_logic_and_counts(case, agree):
    x, dim = case
    agree(lambda x: (x > 2).any(dim), x, tolerance=0)
    agree(lambda x: (x > -3).all(dim), x, tolerance=0)
    agree(lambda x: (x > 0).count_nonzero(dim), x, tolerance=0)


def test_variances_and_norms(case, agree):
    x, dim = case
    agree(lambda x: (x + 1000).var(dim), x, tolerance=1e-3)
    agree(lambda x: x.double().std(dim, correction=0), x, tolerance=1e-10)
    for p in (0, 1, 2, 3, float("inf"), -float("inf")):
        agree(lambda x, p: torch.linalg.vector_norm(x.double(), p, dim), x, p, tolerance=1e-9)


def test_products(agree):
    x = torch.rand(6, 50, 3) + 0.5
    for dim in (0, 1, 2):
        agree(lambda x, dim: x.prod(dim), x, dim)
    agree(lambda x: x.prod(), torch.tensor([3, -2, 5]), tolerance=0)


def test_nan_wins(agree):
    x = torch.randn(5, 400)
    x[2, 300] = x[2, 311] = float("nan")
    agree(lambda x: tuple(x.max(1)), x)
    agree(lambda x: x.argmin(1), x)
    agree(lambda x: x.amax(0), x)


def test_nothing(agree):
    x = torch.ones(3, 0, 4)
    agree(lambda x: x.sum(1), x)
    agree(lambda x: x.prod(1), x)
    agree(lambda x: x.sum(0), x)
    agree(lambda x: x.any(1), x)
    agree(lambda x: torch.complex(x, x).imag.sum(1), x)


@pytest.mark.parametrize("shape,dim", [((64, 10), 1), ((3, 700), 1), ((5, 6, 7), 1), ((5, 6, 7), 0), ((300, 2), 0), ((), 0)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64], ids=str)
def test_softmax(shape, dim, dtype, agree):
    x = (torch.randn(shape) * 5).to(dtype)
    tolerance = {torch.float16: 2e-3, torch.float32: 1e-5}.get(dtype, 1e-12)
    weight = torch.randn(shape).to(dtype)

    def gradient(x, weight, f):
        x = x.detach().requires_grad_()
        return torch.autograd.grad((f(x, dim) * weight).sum(), x)[0]

    for f in (torch.softmax, torch.log_softmax):
        agree(f, x, dim, tolerance=tolerance)
        agree(gradient, x, weight, f, tolerance=tolerance)


def test_softmax_of_large_and_infinite_scores(agree):
    x = torch.tensor([[1e30, 1e30, 0.0], [-float("inf"), 0.0, 1.0], [-float("inf")] * 3])
    agree(lambda x: torch.softmax(x, 1), x)
    agree(lambda x: torch.log_softmax(x, 1), x)


def test_minus_zero_is_less_than_zero():
    for dtype in (torch.float32, torch.float64):
        for x in (torch.tensor([0.0, -0.0] * 50, dtype=dtype).cuda(), torch.tensor([-0.0, 0.0] * 50, dtype=dtype).cuda()):
            assert not x.amax().signbit().item() and x.amin().signbit().item()
            assert not x.reshape(50, 2).amax(1).signbit().any().item() and x.reshape(50, 2).T.contiguous().amin(0).signbit().all().item()
