"""Random numbers of the GPU are those of the CPU: one stream, whatever the device."""
import pytest

import pyxtorch as torch
from pyxtorch.nn import functional as F


def draw(f, device):
    torch.manual_seed(3)
    x = f(device)
    return x, torch.rand(3)     # the place reached in the stream is the same too


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name,arguments", [("uniform_", (-1, 3)), ("normal_", (1, 2)), ("exponential_", (2,)), ("log_normal_", ()),
                                            ("cauchy_", ()), ("geometric_", (0.3,)), ("bernoulli_", (0.3,))], ids=str)
def test_laws(name, arguments, dtype, agree):
    def numbers(device):
        return getattr(torch.empty(999, dtype=dtype, device=device), name)(*arguments)

    found, after = draw(numbers, "cuda")
    expected, after_too = draw(numbers, "cpu")
    agree(lambda x: x + 0 if x.is_cuda else expected, found.cpu(), tolerance={torch.float16: 1e-2, torch.bfloat16: 4e-2, torch.float32: 2e-5}.get(dtype, 1e-12))
    assert found.is_cuda and torch.equal(after, after_too)


@pytest.mark.parametrize("f", [
    lambda d: torch.randint(0, 1000, (99,), device=d),
    lambda d: torch.randint(-2**40, 2**41, (99,), device=d),
    lambda d: torch.randint(0, 200, (99,), dtype=torch.uint8, device=d),
    lambda d: torch.empty(77, dtype=torch.int64, device=d).random_(),
    lambda d: torch.empty(77, dtype=torch.bool, device=d).random_(),
    lambda d: torch.bernoulli(torch.linspace(0, 1, 101).to(d)),
    lambda d: torch.bernoulli(torch.linspace(0, 1, 101, dtype=torch.float64).to(d)),
    lambda d: torch.randperm(50, device=d),
    lambda d: torch.multinomial(torch.ones(3, 5, device=d), 9, True),
    lambda d: torch.poisson(torch.full((30,), 4.0, device=d)),
    lambda d: F.dropout(torch.ones(333, device=d), 0.3),
    lambda d: F.dropout(torch.ones(333, dtype=torch.complex64, device=d), 0.3).real,
    lambda d: F.dropout(torch.ones(333, dtype=torch.float16, device=d), 1.0),
    lambda d: torch.rand(5, 7, device=d),
    lambda d: torch.randn(70, dtype=torch.complex64, device=d).real.round(decimals=3),
])
def test_draws_are_the_same(f):
    found, after = draw(f, "cuda")
    expected, after_too = draw(f, "cpu")
    assert found.is_cuda and found.dtype == expected.dtype and torch.equal(found.cpu(), expected) and torch.equal(after, after_too)


def test_probabilities_are_checked():
    with pytest.raises(RuntimeError, match="p_in"):
        torch.bernoulli(torch.tensor([0.5, 1.5], device="cuda"))


def test_dropout_gradient(agree):
    def gradient(x):
        torch.manual_seed(1)
        x = x.detach().requires_grad_()
        return torch.autograd.grad(F.dropout(x, 0.4).sum(), x)[0]

    agree(gradient, torch.ones(200))


def test_seeds_through_cuda():
    torch.cuda.manual_seed(5)
    a = torch.rand(4, device="cuda")
    state = torch.cuda.get_rng_state()
    b = torch.rand(4, device="cuda")
    torch.cuda.set_rng_state(state)
    assert torch.equal(torch.rand(4, device="cuda"), b)
    torch.cuda.manual_seed_all(5)
    assert torch.equal(torch.rand(4, device="cuda"), a) and torch.cuda.initial_seed() == 5
