"""The right values where PyTorch 2.13 gives others (docs/where_pytorch_differs.md): by mpmath with 60 digits, float64, or the definition."""
import math
import re
from pathlib import Path

import pytest

import pyxtorch as torch

INF, NAN = math.inf, math.nan
PAGE = Path(__file__).parent.parent / "docs" / "where_pytorch_differs.md"
special = torch.special


def f32(*values):
    return [torch.tensor(v, dtype=torch.float32) for v in values]


def f64(*values):
    return [torch.tensor(v, dtype=torch.float64) for v in values]


def c64(*values):
    return [torch.tensor(v, dtype=torch.complex64) for v in values]


# record: (function, arguments, value)
VALUES = [
    ("i0", torch.i0, f32(INF), INF),
    ("i0", torch.i0, f32(-INF), INF),
    ("special.i1", special.i1, f32(-INF), -INF),
    ("special.modified_bessel_i0", special.modified_bessel_i0, f32(-INF), INF),
    ("special.modified_bessel_i1", special.modified_bessel_i1, f32(-INF), -INF),
    ("special.bessel_j0", special.bessel_j0, f32(INF), 0.0),
    ("special.bessel_j0", special.bessel_j0, f32(-4988429.0), 0.000356715441641),
    ("special.bessel_j0", special.bessel_j0, f64(-5.439777184204883), -0.0274946955749563),
    ("special.bessel_j1", special.bessel_j1, f32(-INF), 0.0),
    ("special.bessel_j1", special.bessel_j1, f32(-4988429.0), -1.93232014321e-5),
    ("special.bessel_y0", special.bessel_y0, f32(4988429.0), 1.93231656778e-5),
    ("special.bessel_j1", special.bessel_j1, f64(5.247816827502734), -0.34495343329734719),
    ("special.bessel_y0", special.bessel_y0, f64(5.091308063884989), -0.32060087298318455),
    ("special.bessel_y0", special.bessel_y0, f32(INF), 0.0),
    ("special.bessel_y1", special.bessel_y1, f32(4988429.0), -0.000356715439704),
    ("special.bessel_y1", special.bessel_y1, f64(5.576059452216908), -0.0489859933210994),
    ("special.bessel_y1", special.bessel_y1, f32(INF), 0.0),
    ("special.airy_ai", special.airy_ai, f32(-501.0), -0.0321925539738),
    ("special.airy_ai", special.airy_ai, f32(-13437.7001953125), -0.0304679710549),
    ("special.airy_ai", special.airy_ai, f64(-2.146076312776824), 0.13280641967828098),
    ("special.airy_ai", special.airy_ai, f32(INF), 0.0),
    ("special.zeta", special.zeta, f32(1e20, 501.0), 0.0),
    ("special.zeta", special.zeta, f32(INF, INF), 0.0),
    ("special.zeta", special.zeta, f32(NAN, -INF), NAN),
    ("polygamma", lambda x: torch.polygamma(1, x), f32(-7.950586795806885), 412.744223173),
    *[(f"polygamma.polygamma_n_{n}", lambda x, n=n: torch.polygamma(n, x), f32(INF), 0.0) for n in (1, 2, 3, 4)],
    ("special.chebyshev_polynomial_t", special.chebyshev_polynomial_t, f32(-55.0, 55.0), -INF),
    ("special.chebyshev_polynomial_u", special.chebyshev_polynomial_u, f32(-55.0, 55.0), -INF),
    ("special.chebyshev_polynomial_v", special.chebyshev_polynomial_v, f32(-55.0, 55.0), -INF),
    ("special.chebyshev_polynomial_w", special.chebyshev_polynomial_w, f32(-55.0, 55.0), -INF),
    ("special.shifted_chebyshev_polynomial_t", special.shifted_chebyshev_polynomial_t, f32(-55.0, 55.0), -INF),
    ("special.shifted_chebyshev_polynomial_u", special.shifted_chebyshev_polynomial_u, f32(-55.0, 55.0), -INF),
    ("special.shifted_chebyshev_polynomial_v", special.shifted_chebyshev_polynomial_v, f32(-55.0, 55.0), -INF),
    ("special.shifted_chebyshev_polynomial_w", special.shifted_chebyshev_polynomial_w, f32(-55.0, 55.0), -INF),
    ("special.hermite_polynomial_h", special.hermite_polynomial_h, f32(-55.0, 55.0), -INF),
    ("special.hermite_polynomial_h", special.hermite_polynomial_h, f32(0.0, 55.0), 0.0),
    ("special.hermite_polynomial_he", special.hermite_polynomial_he, f32(-55.0, 55.0), -INF),
    ("special.laguerre_polynomial_l", special.laguerre_polynomial_l, f32(501.0, 501.0), -INF),
    ("special.laguerre_polynomial_l", special.laguerre_polynomial_l, f32(1001.2, 501.0), INF),
    ("special.legendre_polynomial_p", special.legendre_polynomial_p, f32(-55.0, 55.0), -INF),
    ("special.laguerre_polynomial_l", special.laguerre_polynomial_l, f32(-1.0, 127.0), 331194599.5),
    ("special.hermite_polynomial_he", special.hermite_polynomial_he, f32(0.0, 127.0), 0.0),
    ("signal.windows.kaiser", lambda: torch.signal.windows.kaiser(256, beta=100, sym=False)[100], [], 0.08984975909337313),
    ("igamma", torch.igamma, f32(INF, NAN), NAN),
    ("igamma", torch.igamma, f32(NAN, INF), NAN),
    ("igammac", torch.igammac, f32(NAN, INF), NAN),
    ("pow", torch.pow, c64(0j, 0j), 1 + 0j),
    ("pow", torch.pow, c64(complex(INF, NAN), complex(-INF, INF)), complex(NAN, NAN)),
    ("__rpow__", lambda x, y: x.__rpow__(y), c64(0j, 0j), 1 + 0j),
    ("float_power", torch.float_power, c64(0j, 0j), 1 + 0j),
    ("float_power", torch.float_power, c64(complex(INF, NAN), complex(-INF, INF)), complex(NAN, NAN)),
    ("pow", torch.pow, c64(6.835576 + 4.779798j, 5.8045096 + 6.5017815j), 230.2157053 - 4202.155604j),
    ("reciprocal", torch.reciprocal, c64(complex(INF, INF)), 0j),
    ("rsqrt", torch.rsqrt, c64(complex(-INF, INF)), 0j),
    ("sigmoid", torch.sigmoid, c64(-501 - 501j), 0j),
    ("nn.functional.silu.complex", torch.nn.functional.silu, c64(-501 - 501j), 0j),
    ("__rsub__", lambda x, y: torch.rsub(y, x), c64(complex(-INF, -INF), complex(INF, INF)), complex(-INF, -INF)),
    ("__radd__", lambda x, y: x.__radd__(y), c64(complex(-INF, -INF), complex(-INF, -INF)), complex(-INF, -INF)),
]


def same(a, b):
    return a == b or (a != a and b != b) or (math.isfinite(abs(b)) and abs(a - b) <= 2e-6 * abs(b) + 1e-12)


@pytest.mark.parametrize("record, function, arguments, right", VALUES, ids=[f"{v[0]}-{i}" for i, v in enumerate(VALUES)])
def test_right_value(record, function, arguments, right):
    value = function(*arguments).item()
    if isinstance(right, complex):
        assert same(value.real, right.real) and same(value.imag, right.imag), value
    else:
        assert same(value, right), value


@pytest.mark.parametrize("z, w, quadrant", [
    (-501 - 501j, 4988429 + 4988429j, (1, -1)),
    (-13437.7001953125 - 501j, 4988429 + 4988429j, (-1, -1)),
    (501 + 501j, 4988429 - 4988429j, (1, -1)),
])  # fmt: skip
def test_the_direction_of_an_infinite_complex_power(z, w, quadrant):
    """pow: the angle Im(w) log|z| + Re(w) arg z is some 1e7 radians, of which float32 has none right."""
    assert torch.pow(*c64(z, w)).item() == complex(*(q * INF for q in quadrant))


def test_gradient_of_what_was_overwritten_is_zero():
    """as_strided_scatter of a 0-d view: the element that src replaced has no influence."""
    x = torch.tensor([1.0], requires_grad=True)
    src = torch.tensor(2.0, requires_grad=True)
    y = torch.as_strided_scatter(x, src, (), (), 0)
    assert [g.tolist() for g in torch.autograd.grad(y, (x, src), torch.tensor([1.5]))] == [[0.0], 1.5]


def test_logaddexp_of_two_that_are_left_out_has_gradients():
    """logaddexp: softmax weights of -inf and -inf are a half each, and the second derivatives are finite too."""
    a = torch.tensor([-INF, 1.0], requires_grad=True)
    b = torch.tensor([-INF, 2.0], requires_grad=True)
    g = torch.autograd.grad(torch.logaddexp(a, b).sum(), (a, b), create_graph=True)
    assert g[0][0].item() == g[1][0].item() == 0.5
    assert abs(g[0][1].item() - 1 / (1 + math.e)) < 1e-6
    second = torch.autograd.grad(g[0].sum(), (a, b))
    assert second[0][0].item() == 0 and math.isclose(second[0][1].item(), math.e / (1 + math.e) ** 2, rel_tol=1e-5)


def test_the_norm_at_zero_has_a_second_derivative_of_zero():
    """linalg.norm.subgradients_at_zero: the gradient at 0 is chosen to be 0, and so are its derivatives."""
    x = torch.zeros(5, requires_grad=True)
    v = torch.tensor(1.5, requires_grad=True)
    (g,) = torch.autograd.grad(torch.linalg.norm(x), x, v, create_graph=True)
    assert [h.tolist() for h in torch.autograd.grad(g.sum(), (x, v))] == [[0.0] * 5, 0.0]


def test_out_of_ihfft_is_the_result():
    """fft.ihfftn, fft.ihfft2: `out` holds what is returned without it."""
    x = torch.arange(60.0).reshape(3, 4, 5)
    for function, named in ((torch.fft.ihfftn, {"dim": (0,)}), (torch.fft.ihfft2, {"dim": (0, 1)})):
        plain = function(x, **named)
        out = torch.zeros(plain.shape, dtype=torch.complex64)
        function(x, out=out, **named)
        assert (out - plain).abs().max().item() == 0


def test_equal_elements_keep_their_order():
    """sort, msort, argsort, mode, topk: among equal elements the first in order comes first, or, for mode, the last is named."""
    x = (torch.arange(8000) * 7919 % 13).to(torch.float16)
    assert torch.sort(x)[1].tolist() == sorted(range(8000), key=x.tolist().__getitem__)
    assert torch.argsort(x > 6).tolist() == sorted(range(8000), key=(x > 6).tolist().__getitem__)
    assert torch.msort(x).tolist() == sorted(x.tolist())
    values, places = torch.topk(x, 100)
    assert values.tolist() == [12.0] * 100 and len(set(places.tolist())) == 100
    value, place = torch.mode(torch.tensor([1.0, 2.0, 2.0, 1.0, 3.0, 1.0]))
    assert (value.item(), place.item()) == (1.0, 5)


def test_linear_cross_entropy_has_second_derivatives():
    """nn.functional.linear_cross_entropy.chunked: its second derivative is that of cross_entropy(linear(x, w))."""
    F = torch.nn.functional
    w = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [0.0, 1.0, 1.0], [-2.0, 0.5, 0.75]])
    found = []
    for loss in (lambda x: F.linear_cross_entropy(x, w, torch.tensor(1)), lambda x: F.cross_entropy(F.linear(x, w), torch.tensor(1))):
        x = torch.tensor([0.3, -0.7, 1.1], requires_grad=True)
        (g,) = torch.autograd.grad(loss(x), x, create_graph=True)
        found.append(torch.autograd.grad((g * torch.tensor([1.0, 2.0, 3.0])).sum(), x)[0])
    assert (found[0] - found[1]).abs().max().item() < 1e-6 and found[0].abs().max().item() > 0.1


@pytest.mark.skipif(not PAGE.exists(), reason="the sources are not beside the tests")
def test_every_record_is_on_the_page():
    page = PAGE.read_text()
    listed = {name for line in re.findall(r"^\| (`[^|]*?) \|", page, re.M) for name in re.findall(r"`([^`]*)`", line)}
    missing = {record for record, *_ in VALUES} - listed
    assert not missing, f"add to {PAGE.name}: {missing}"


@pytest.mark.skipif(not PAGE.exists(), reason="the sources are not beside the tests")
def test_every_record_of_the_page_has_its_value_here():
    """Those whose value is wrong in PyTorch; `masked.logaddexp` and the like are named by the tests of them."""
    wrong = PAGE.read_text().split("## PyTorch's value is wrong")[1].split("\n## ")[0]
    listed = {name for line in re.findall(r"^\| (`[^|]*?) \|", wrong, re.M) for name in re.findall(r"`([^`]*)`", line)}
    here = Path(__file__).read_text()
    missing = {name for name in listed - {record for record, *_ in VALUES} if name.split(".")[-1] not in here}
    assert not missing, f"add their values: {missing}"
