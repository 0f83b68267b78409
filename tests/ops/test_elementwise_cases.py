"""What the records of test_elementwise.py do not say: numbers, in-place forms, special values."""
import numpy as np
import pytest

import pyxtorch as torch

inf, nan = np.inf, np.nan


@pytest.mark.parametrize("name, expected", [("add", 3.5), ("sub", -0.5), ("mul", 3.0), ("div", 0.75), ("true_divide", 0.75), ("floor_divide", 0.0)])
def test_two_numbers(name, expected):
    y = getattr(torch, name)(1.5, 2)
    assert y.item() == expected and y.shape == () and y.dtype == torch.get_default_dtype()


@pytest.mark.parametrize("name", ["atan2", "hypot", "maximum", "minimum", "fmax", "fmin", "logical_and", "logical_or", "logical_xor", "gcd", "lcm",
                                  "heaviside", "nextafter", "logaddexp", "logaddexp2", "ldexp"])
def test_tensors_only(name):
    function = getattr(torch, name)
    for pair in ((torch.ones(2), 2), (2, torch.ones(2)), (2, 2)):
        with pytest.raises(TypeError, match="must be Tensor, not int"):
            function(*pair)


@pytest.mark.parametrize("name", ["copysign", "eq", "ne", "lt", "le", "gt", "ge", "fmod", "rsub"])
def test_numbers_second_only(name):
    assert getattr(torch, name)(torch.ones(2), 2).shape == (2,)
    with pytest.raises(TypeError, match="must be Tensor, not int"):
        getattr(torch, name)(2, torch.ones(2))


def test_powers_of_nothing():
    for wrong in ((2, 3), ("a", torch.ones(2)), (torch.ones(2), "a"), (None, None)):
        with pytest.raises(TypeError):
            torch.float_power(*wrong)
    with pytest.raises(TypeError):
        torch.float_power(torch.ones(2), 2, out=3)


def test_in_place_where_the_result_does_not_fit():
    with pytest.raises(RuntimeError, match="complex"):
        torch.ones(2, dtype=torch.complex64).abs_()
    with pytest.raises(RuntimeError, match="float32.*float64"):
        torch.ones(2).float_power_(2)
    x = torch.full((2,), 3.0, dtype=torch.float64)
    assert x.float_power_(2) is x and x.tolist() == [9, 9]
    y = torch.ones(4, 4)
    with pytest.raises(RuntimeError, match="shape"):
        y.clamp_(torch.zeros(1, 4, 4), torch.ones(4, 4))
    assert y.shape == (4, 4)


def test_nextafter_gradient():
    a = torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([2.0, 2.0, -3.0], dtype=torch.float64, requires_grad=True)
    ga, gb = torch.autograd.grad(torch.nextafter(a, b).sum(), (a, b))
    assert ga.tolist() == [1, 0, 1] and gb.tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_frexp(dtype):
    info = torch.finfo(dtype)
    x = torch.tensor([0.0, -0.0, 1.0, -3.5, info.max, info.tiny, info.tiny / 4, inf, -inf, nan], dtype=dtype)
    mantissa, exponent = torch.frexp(x)
    expected = np.frexp(x.numpy())
    np.testing.assert_array_equal(mantissa.numpy(), expected[0])
    assert exponent.dtype == torch.int32 and (exponent.numpy() == expected[1]).all()
    assert (np.signbit(mantissa.numpy()[:2]) == [False, True]).all()


def test_frexp_gradient():
    x = torch.tensor([0.3, -5.0, 40.0], dtype=torch.float64, requires_grad=True)
    mantissa, exponent = torch.frexp(x)
    assert torch.equal(torch.autograd.grad(mantissa.sum(), x)[0], torch.exp2(-exponent.double()))


def test_gradient_of_copysign_keeps_the_dtype():
    x = torch.tensor([1.0, -2.0], dtype=torch.float16, requires_grad=True)
    y = torch.copysign(x, torch.tensor([-1.0, -0.0], dtype=torch.float16))
    g, = torch.autograd.grad(y.sum(), x)
    assert g.dtype == torch.float16 and g.tolist() == [-1, 1]


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_complex_division_by_nan(dtype):
    x = torch.tensor([complex(nan, 0), complex(0, nan), complex(nan, nan)], dtype=dtype)
    for y in (x.reciprocal(), (1 + 1j) / x):
        assert np.isnan(y.numpy().real).all() and np.isnan(y.numpy().imag).all()
    assert torch.tensor([complex(inf, 0), complex(0, -inf)], dtype=dtype).reciprocal().tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_complex_products_round_both_terms(dtype):
    """A fused multiply-add in one of them gave z * conj(z) an imaginary part, and overflowing squares a wrong infinity."""
    z = torch.randn(1000, generator=torch.Generator().manual_seed(0), dtype=dtype)
    assert (z * z.conj().resolve_conj()).imag.abs().max().item() == 0
    big = 1e20 if dtype == torch.complex64 else 1e200
    square = torch.tensor([complex(big, big)] * 20, dtype=dtype).square()
    assert square.real.isnan().all() and (square.imag == inf).all()
    rows = torch.tensor([complex(-501, -big)] * 20, dtype=dtype) * torch.tensor(complex(-501, big), dtype=dtype)
    assert rows.tolist() == [complex(inf, 0)] * 20
