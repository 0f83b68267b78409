"""What the records of test_elementwise.py do not say: numbers, in-place forms, special values."""
import math

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


def slopes(function, *values, dtype=torch.float64):
    leaves = [torch.tensor([v], dtype=dtype, requires_grad=True) for v in values]
    return [g.item() for g in torch.autograd.grad(function(*leaves), leaves)]


def test_the_angle_and_the_distance_have_slopes_of_any_size():
    """x^2 + y^2 is out of range long before the angle and its slope are."""
    for dtype, scales in ((torch.float32, (1e-38, 1e-30, 1.0, 1e30)), (torch.float64, (1e-300, 1.0, 1e300))):
        for scale in scales:
            for y, x in ((1, 1), (1, 0), (0, 1), (-3, 4), (0, -1)):
                r2 = y * y + x * x
                got = slopes(torch.atan2, y * scale, x * scale, dtype=dtype)
                assert [g * scale for g in got] == pytest.approx([x / r2, -y / r2], rel=1e-5), (y, x, scale)
                assert slopes(torch.hypot, y * scale, x * scale, dtype=dtype) == pytest.approx([y / r2**0.5, x / r2**0.5], rel=1e-5)
        for function in (torch.atan2, torch.hypot):         # the phase of a silent bin: a subgradient, and no NaN after it
            assert slopes(function, 0.0, 0.0, dtype=dtype) == [0, 0]
            a, b = (torch.zeros(1, dtype=dtype, requires_grad=True) for _ in range(2))
            first = torch.autograd.grad(function(a, b), (a, b), create_graph=True)
            assert not any(g.item() for g in torch.autograd.grad(sum(first), (a, b)))
        assert slopes(torch.atan2, 1.0, np.inf, dtype=dtype) == [0, 0]


def sinc_derivative(x, n):
    """pi^n times the integral of t^n cos(pi x t + n pi / 2) over 0..1, by Gauss's rule: no cancellation anywhere."""
    nodes, weights = np.polynomial.legendre.leggauss(80)
    t = (nodes + 1) / 2
    return np.pi**n * np.sum(weights / 2 * t**n * np.cos(np.pi * x * t + n * np.pi / 2))


@pytest.mark.parametrize("dtype, rtol", [(torch.float64, 1e-11), (torch.float32, 2e-6)])
def test_all_derivatives_of_sinc_at_all_places(dtype, rtol):
    for x in (0.0, 1e-30, 1e-8, 1e-4, 1e-3, 0.01, 0.1, 0.3, 0.5, 0.7, 0.99, 1.5, 2.25, -0.2, -3.4, 7.3):
        leaf = torch.tensor(x, dtype=dtype, requires_grad=True)
        y = torch.sinc(leaf)
        for n in range(1, 6):
            y, = torch.autograd.grad(y, leaf, create_graph=True)
            assert y.item() == pytest.approx(sinc_derivative(leaf.item(), n), rel=rtol, abs=1e-12), (x, n)


@pytest.mark.parametrize("dtype, rtol", [(torch.complex64, 4e-6), (torch.complex128, 1e-13)])
def test_complex_sinc_has_all_its_digits_near_zero(dtype, rtol):
    """Value and derivatives of a holomorphic function: what arrives is conj(f')."""
    mp = pytest.importorskip("mpmath")
    with mp.workdps(50):
        for place in (0, 1e-200, 1e-12, 1e-8 + 1e-8j, 1e-5j, 1e-3 - 2e-3j, 0.01 + 0.02j, 0.3 + 0.1j, 0.48j, 0.9 - 0.3j, 1.3 + 2j, -0.2 - 0.4j):
            leaf = torch.tensor(place, dtype=dtype, requires_grad=True)
            y = torch.sinc(leaf)
            for n in range(3):
                expected = complex(mp.diff(lambda z: mp.sinc(mp.pi * z), mp.mpmathify(leaf.item()), n))
                if n:
                    expected = expected.conjugate()
                assert abs(y.item() - expected) <= rtol * max(abs(expected), 1e-12 if dtype == torch.complex128 else 1e-6), (place, n)
                y, = torch.autograd.grad(y, leaf, torch.ones_like(y), create_graph=True)


def test_ldexp_is_rounded_once():
    def f(x, n, dtype=torch.float32, exponent=torch.int64):
        return torch.ldexp(torch.tensor([x], dtype=dtype), torch.tensor([n], dtype=exponent)).item()

    assert f(1.0, 128, torch.float64) == 2.0**128 and f(1.0, 1023, torch.float64) == 2.0**1023
    assert f(2.0**-140, 160) == 2.0**20 and f(2.0**100, -200) == 2.0**-100
    assert f(2.0**-1070, 2090, torch.float64) == 2.0**1020
    assert f(0.0, 2000) == 0 and f(np.inf, -2000) == np.inf and f(1.0, 2000) == np.inf and f(1.0, -2000) == 0
    assert np.isnan(f(np.nan, 3)) and f(1.5, 0.5, exponent=torch.float32) == pytest.approx(1.5 * 2**0.5)
    for dtype in (torch.float32, torch.float64):
        rng = np.random.default_rng(0)
        x, n = rng.standard_normal(1000), rng.integers(-300, 300, 1000)
        x = x.astype("float32" if dtype == torch.float32 else "float64")
        with np.errstate(over="ignore"):
            expected = np.ldexp(x, n)
        got = torch.ldexp(torch.from_numpy(x), torch.from_numpy(n))
        assert got.dtype == dtype and (got.numpy() == expected).all()
    # dtypes: that of a floating-point input, else as of input * 2.0 ** other
    assert torch.ldexp(torch.tensor([1]), torch.tensor([3])).dtype == torch.float32
    assert torch.ldexp(torch.tensor([1.0], dtype=torch.float16), torch.tensor([3])).dtype == torch.float16
    leaf, n = torch.tensor([2.0**-140], requires_grad=True), torch.tensor([100.0], requires_grad=True)
    a, b = torch.autograd.grad(torch.ldexp(leaf, n), (leaf, n))
    assert a.item() == 2.0**100 and b.item() == pytest.approx(2.0**-40 * np.log(2))


def test_logaddexp_at_infinities_and_nan():
    inf, nan = np.inf, np.nan
    for function in (torch.logaddexp, torch.logaddexp2):
        for a, b, slope in ((inf, inf, [0.5, 0.5]), (-inf, -inf, [0.5, 0.5]), (inf, -inf, [1, 0]), (inf, 1.0, [1, 0]), (-inf, 1.0, [0, 1]), (2.0, 2.0, [0.5, 0.5])):
            assert slopes(function, a, b) == slope
        for a, b in ((nan, 1.0), (1.0, nan), (nan, nan), (nan, inf)):
            assert np.isnan(slopes(function, a, b)).all(), (a, b)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_minus_zero_is_less_than_zero(dtype):
    """IEEE 754-2019, whatever the order of the operands."""
    low, high = torch.tensor([-0.0] * 20, dtype=dtype), torch.tensor([0.0] * 20, dtype=dtype)
    for a, b in ((low, high), (high, low)):
        for function, negative in ((torch.minimum, True), (torch.fmin, True), (torch.maximum, False), (torch.fmax, False)):
            y = function(a, b)
            assert not y.any() and (y.signbit() == negative).all(), function
    assert torch.minimum(low, low).signbit().all() and torch.maximum(low, low).signbit().all() and not torch.minimum(high, high).signbit().any()
    assert torch.maximum(low, low - 1).signbit().all() and torch.minimum(high, high + 1).signbit().sum() == 0
    for n in (2, 3, 63, 64, 65, 200, 70001):     # folded in lanes, in pieces, by columns
        for place in {0, 1, n // 2, n - 1}:
            for common, other in ((-0.0, 0.0), (0.0, -0.0)):
                x = torch.full((n,), common, dtype=dtype)
                x[place] = other
                both = torch.stack((x, x), 1)
                for largest in (x.max(), x.amax(), torch.aminmax(x)[1], x.amax(0), both.amax(0), both.T.contiguous().amax(1)):
                    assert not largest.any() and not largest.signbit().any()
                for smallest in (x.min(), x.amin(), torch.aminmax(x)[0], x.amin(0), both.amin(0), both.T.contiguous().amin(1)):
                    assert not smallest.any() and smallest.signbit().all()
                for value, index in (x.max(0), x.min(0), x[None].max(1), both.max(0)):      # indices take them for equal: the first
                    assert not index.any() and (value.signbit() == x[0].signbit()).all()
                assert x.argmax() == 0 and x.argmin() == 0
    assert torch.full((9,), -0.0, dtype=dtype).amax().signbit() and not torch.zeros(9, dtype=dtype).amin().signbit()
    assert not torch.linalg.vector_norm(low, -inf).signbit() and not torch.linalg.vector_norm(low, inf).signbit()


def test_one_tensor_is_not_the_place_for_two_results():
    x, ones = torch.rand(3, 3), torch.ones(3, dtype=torch.int64)
    one, whole, wide = torch.empty(3), torch.empty(3, dtype=torch.int64), torch.empty(7)
    calls = [
        lambda: torch.aminmax(x, dim=0, out=(one, one)), lambda: torch.sort(ones, out=(whole, whole)), lambda: torch.topk(ones, 3, out=(whole, whole)),
        lambda: torch.max(ones, 0, out=(whole, whole)), lambda: torch.cummax(ones, 0, out=(whole, whole)), lambda: torch.mode(ones, out=(whole, whole)),
        lambda: torch.linalg.qr(x, out=(x, x)), lambda: torch.linalg.slogdet(x, out=(one, one)), lambda: torch.linalg.eigh(x, out=(one, one)),
        lambda: torch.aminmax(x, dim=0, out=(wide[:3], wide[2:5])), lambda: torch.aminmax(x, dim=0, out=(torch.empty(0),) * 2),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match="single memory location"):
            call()
    with pytest.raises(RuntimeError, match="dtype int"):
        torch.frexp(one, out=(torch.empty(3), torch.empty(3)))
    both = torch.aminmax(x, dim=0, out=(wide[:3], wide[4:]))
    assert torch.equal(both.min, x.amin(0)) and torch.equal(both.max, x.amax(0))


def test_memory_lent_twice_is_one_memory():
    """Two tensors over one array: an in-place operation must not read what it has written."""
    for function in (torch.Tensor.add_, torch.Tensor.mul_, torch.Tensor.atan2_, torch.Tensor.copy_):
        array = np.arange(1.0, 9.0)
        x, y = torch.from_numpy(array)[1:], torch.from_numpy(array)[:-1]
        expected = function(x.clone(), y.clone())
        function(x, y)
        assert torch.equal(x, expected), function


def window(r, side, shape):
    """Slices of random steps and places that cut a window of this shape out of (side, side)."""
    steps = [r.integers(1, (side - 1) // n + 1) for n in shape]
    firsts = [r.integers(0, side - (n - 1) * step) for n, step in zip(shape, steps)]
    return tuple(slice(int(f), int(f + (n - 1) * s + 1), int(s)) for f, n, s in zip(firsts, shape, steps))


@pytest.mark.parametrize("side", (24, 90, 200, 420))
def test_random_copies_between_parts_of_one_memory(side):
    """Windows of any place, step, order of dimensions and dtype into one array, against NumPy's copy of the source."""
    r = np.random.default_rng(side)
    for _ in range(150):
        array = r.normal(size=(side, side)).astype(np.float32)
        shape = tuple(r.integers(1, side // 2, 2))
        turned, source_turned, converts = r.integers(2), r.integers(2), r.integers(3) == 0
        to, source = window(r, side, shape[::-1] if turned else shape), window(r, side, shape[::-1] if source_turned else shape)
        expected, kept = array.copy(), (array.view(np.int32) if converts else array)[source].copy()
        (expected[to].T if turned else expected[to])[...] = kept.T if source_turned else kept
        x = torch.from_numpy(array)
        y = (x.view(torch.int32) if converts else x)[source]
        (x[to].t() if turned else x[to]).copy_(y.t() if source_turned else y)
        assert np.array_equal(x.numpy(), expected, equal_nan=True), (to, turned, source, source_turned, converts)


@pytest.mark.parametrize("n", (10, 5000, 300_000))
@pytest.mark.parametrize("lent", (False, True), ids=("one storage", "lent twice"))
def test_copies_between_parts_of_one_memory(n, lent):
    """As if the source had been put aside first: whatever the size, the direction and the layout."""
    side = int(n ** 0.5)
    parts = (
        (lambda x: x[1:], lambda x: x[:-1]), (lambda x: x[:-1], lambda x: x[1:]), (lambda x: x[: n // 2], lambda x: x[: n // 2 * 2 : 2]),
        (lambda x: x[: side * side].view(side, side), lambda x: x[: side * side].view(side, side).t()), (lambda x: x, lambda x: x[1]),
        (lambda x: x.view(torch.float32)[:n], lambda x: x), (lambda x: x.view(torch.float32)[n:], lambda x: x), (lambda x: x.view(torch.int64), lambda x: x),
        (lambda x: x, lambda x: x), (lambda x: x[: n // 2], lambda x: x[n // 2 : n // 2 * 2]),
    )
    for to, source in parts:
        for write in (torch.Tensor.copy_, lambda x, y: x.__setitem__(slice(None), y), lambda x, y: torch.add(y.expand(x.shape), 0, out=x)):
            array = np.arange(float(n))
            x = torch.from_numpy(array)
            y = source(torch.from_numpy(array) if lent else x)
            x = to(x)
            if y.dtype != x.dtype and write is not torch.Tensor.copy_:
                continue
            expected = y.clone().to(x.dtype).expand(x.shape)
            write(x, y)
            assert torch.equal(x, expected)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("n", [1, 3, 40, 2000])
def test_sines_of_zeros_and_of_a_quarter_turn(n, dtype):
    low, high = torch.full((n,), -0.0, dtype=dtype), torch.zeros(n, dtype=dtype)
    for function in (torch.sin, torch.tan, torch.sinh, torch.tanh, torch.asin, torch.atan, torch.asinh, torch.atanh, torch.expm1, torch.log1p, torch.sqrt):
        assert not function(low).any() and function(low).signbit().all() and not function(high).any() and not function(high).signbit().any(), function
    assert (torch.cos(low) == 1).all() and (torch.cos(high) == 1).all() and (torch.cosh(low) == 1).all()
    if dtype in (torch.float32, torch.float64):
        assert (torch.sin(high + math.pi / 2) == 1).all()
        turns = torch.linspace(-7, 7, 10007, dtype=dtype)
        assert torch.sin(turns).abs().max() <= 1 and torch.cos(turns).abs().max() <= 1
        near = torch.linspace(1e-12, 1e-8 if dtype == torch.float64 else 2.4e-4, 50, dtype=dtype)
        assert (torch.cos(near) == 1).all() and (torch.cos(-near) == 1).all() and torch.equal(torch.sin(near * 1e-4), near * 1e-4)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
@pytest.mark.parametrize("n", [1, 3, 40])
def test_a_remainder_of_zero_has_the_sign_of_the_divisor(n, dtype):
    """As in Python, and in the Array API standard."""
    for x in (0.0, -0.0, 6.0, -6.0):
        for y in (3.0, -3.0, math.inf, -math.inf):
            if x == 0 or math.isfinite(y):
                z = torch.full((n,), x, dtype=dtype) % torch.full((n,), y, dtype=dtype)
                assert not z.any() and (z.signbit() == (y < 0)).all() and (torch.remainder(x, torch.full((n,), y, dtype=dtype)).signbit() == (y < 0)).all()


@pytest.mark.parametrize("n", [1, 3, 40])
def test_logarithms_of_powers_are_whole_numbers(n):
    """log10(1000) is 3, not the number before it, whose floor is 2."""
    for dtype, tens in ((torch.float32, 11), (torch.float64, 23)):
        for k in range(tens):
            assert (torch.full((n,), 10.0**k, dtype=dtype).log10() == k).all(), (dtype, k)
        for k in range(-100, 100):
            assert (torch.full((n,), 2.0**k, dtype=dtype).log2() == k).all(), (dtype, k)
    x = torch.from_numpy(np.random.RandomState(0).uniform(-37, 38, 4000)).exp2().to(torch.float32)
    x = torch.cat([x, torch.linspace(0.5, 2, 4000)])
    right = np.log10(x.double().numpy())
    assert (np.abs(x.log10().numpy() - right) <= 0.75 * np.spacing(np.abs(right).astype(np.float32))).all()


def test_clamp_between_a_number_and_a_tensor_of_no_dimensions():
    x = torch.arange(5.0)
    assert torch.clamp(x, 1, torch.tensor(3)).tolist() == [1, 1, 2, 3, 3] == x.clamp(torch.tensor(1.0), 3).tolist()
    assert torch.clamp(x.long(), 1, torch.tensor(3)).dtype == torch.int64
    for limit in (torch.tensor([3]), torch.tensor(3.0, requires_grad=True)):
        with pytest.raises(TypeError, match="both"):
            torch.clamp(x, 1, limit)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_ldexp_by_integers_keeps_the_dtype(dtype):
    x = torch.tensor([1.5, -3.0], dtype=dtype, requires_grad=True)
    y = torch.ldexp(x, torch.tensor([3, -4], dtype=torch.int8))
    y.sum().backward()
    assert y.dtype == dtype and y.tolist() == [12.0, -0.1875] and x.grad.tolist() == [8.0, 0.0625]
    subnormal = torch.tensor([2.0**-133], dtype=torch.bfloat16)
    assert torch.ldexp(subnormal, torch.tensor([257])).tolist() == [2.0**124]


def test_logaddexp_of_a_real_and_a_complex_tensor():
    a, b = torch.tensor([1.0]), torch.tensor([1 + 2j])
    assert torch.allclose(torch.logaddexp(a, b), torch.log(torch.exp(a) + torch.exp(b)))
    assert torch.allclose(torch.logaddexp(b, a), torch.logaddexp(a, b))


def test_integers_and_numbers_beyond_their_range_are_divided_as_they_are():
    x = torch.tensor([1, 4, 200], dtype=torch.uint8)
    assert (x / -1).tolist() == [-1, -4, -200] and (-2 / x).tolist() == pytest.approx([-2, -0.5, -0.01])
    assert (x / 400).tolist() == pytest.approx([1 / 400, 0.01, 0.5]) and torch.copysign(x, -1).tolist() == [-1, -4, -200]
    assert torch.xlogy(x, 300).tolist() == pytest.approx([n * math.log(300) for n in (1, 4, 200)])
    assert (torch.tensor([3], dtype=torch.int8) / 1000).tolist() == pytest.approx([0.003])
    assert (torch.tensor([3], dtype=torch.int8) / 1000).dtype == torch.float32 and (x / 1j).dtype == torch.complex64


def test_numbers_beyond_an_integer_dtype():
    """Arithmetic keeps the low bits, as hashes need; comparisons see the number itself."""
    x = torch.tensor([1, 4, 100], dtype=torch.int32)
    assert ((x * 2654435761) ^ 805459861).tolist() == [((np.int64(v) * 2654435761) ^ 805459861).astype(np.int32).item() for v in (1, 4, 100)]
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32):
        kind = np.dtype(str(dtype).partition(".")[2])
        x, a = torch.tensor([1, 4, 100], dtype=dtype), np.array([1, 4, 100])
        for number in (-1, 300, -200, 128, 70000, 2**40 + 3, -(2**40) - 3, 2**63 - 1):
            for op in ("add", "sub", "mul", "bitwise_and", "bitwise_or", "bitwise_xor"):
                name = {"sub": "subtract", "mul": "multiply"}.get(op, op)
                with np.errstate(over="ignore"):
                    expected = getattr(np, name)(a, np.int64(number)).astype(kind).tolist()
                assert getattr(torch, op)(x, number).tolist() == expected, (dtype, number, op)
                assert getattr(x.clone(), op + "_")(number).tolist() == expected
            assert (x < number).tolist() == (a < number).tolist() and (x >= number).tolist() == (a >= number).tolist()
    x = torch.tensor([7], dtype=torch.int8)
    for divide in (lambda: x // 256, lambda: x % 512, lambda: torch.fmod(x, -256), lambda: x.clone().floor_divide_(256)):
        with pytest.raises(RuntimeError, match="division by zero"):
            divide()
    with pytest.raises(RuntimeError, match="without overflow"):
        x ** 256
