"""Special functions, against SciPy's."""
import numpy as np
import pytest
import scipy.special as sp

import pyxtorch as torch
from pyxtorch.testing.operations import FLOAT, INT, WIDE, Error, Op, S, find, given, tensor

inf, nan = np.inf, np.nan
LARGE = (131, 1009)
SHAPES = (S((2, 3, 4)), S(()), S((0,)))


def unary(name, reference, *more, **named):
    named = {"dtypes": FLOAT + INT, "gives": "float", "large": S(LARGE), "out": True, "singular": (), **named}
    return Op(name, *SHAPES, *more, reference=reference, **named)


def binary(name, reference, *more, **named):
    pairs = named.pop("pairs", (S((2, 3), (2, 3)), S((3, 1, 2), (4, 1)), S((), (2, 3)), S((2, 0), (1,))))
    named = {"dtypes": WIDE, "gives": "float", "out": True, "singular": (), **named}
    return Op(name, *pairs, *more, reference=reference, **named)


def of_second(name, reference, *more, **named):
    """Two operands of which only the second has a gradient."""
    pairs = (S(tensor(2, 3, grad=False), (2, 3)), S(tensor(3, 1, 2, grad=False), (4, 1)), S(tensor(grad=False), (2, 3)))
    return binary(name, reference, *more, pairs=pairs, **named)


def polygamma(n, x):
    return sp.polygamma(n, x)



def second_kind(n, x):
    """U_n, which is 0 for n = -1"""
    return np.where(np.asarray(n) < 0, 0, sp.eval_chebyu(np.maximum(n, 0), x))


def polynomial(name, reference):
    degrees = given([[0.0], [1.0], [2.0], [7.0]], torch.float64)
    return Op("special." + name, S((3,), degrees), S((2, 3), 4), S(0.3, degrees), S((0,), 2), reference=lambda x, n: reference(n, x),
              dtypes=(torch.float64,), domain=(-1.5, 1.5), grad=False, out=True)


OPS = [
    unary("lgamma", sp.gammaln, domain=(0.3, 9.0), inplace="lgamma_", aliases=["special.gammaln"], singular=(0.0, 1.0)),
    unary("digamma", sp.digamma, domain=(0.3, 9.0), inplace="digamma_", aliases=["special.digamma", "special.psi"]),
    unary("digamma", sp.digamma, domain=(-4.9, -0.1), avoid=[-4, -3, -2, -1], dtypes=WIDE),
    Op("polygamma", *[S(n, (2, 3)) for n in (0, 1, 2, 5)], S(1, ()), S(3, (0,)), reference=polygamma, dtypes=WIDE + INT, domain=(0.4, 9.0),
       gives="float", out=True, large=S(1, LARGE), aliases=["special.polygamma"], singular=(),
       errors=[Error(RuntimeError, "negative", -1, (2,)), Error(TypeError, "'n'", 1.5, (2,)), Error(TypeError, "Tensor", 1, 2.0)]),
    Op("mvlgamma", S((2, 3), 1), S((2, 3), 3), S((), 2), reference=lambda x, p: np.vectorize(sp.multigammaln, otypes=[float])(x, p),
       dtypes=WIDE + INT, gives="float", domain=(2.1, 9.0), singular=(), inplace="mvlgamma_", out=True, aliases=["special.multigammaln"],
       errors=[Error(RuntimeError, "greater than or equal to 1", (2,), 0)]),
    of_second("igamma", sp.gammainc, domain=(0.2, 9.0), dtypes=FLOAT, large=S(tensor(*LARGE, grad=False), LARGE), inplace="igamma_",
              aliases=["special.gammainc"], errors=[Error(TypeError, "Tensor", (2,), 1.0), Error(RuntimeError, "int64", (2,), (2,), dtype=torch.int64)]),
    of_second("igammac", sp.gammaincc, domain=(0.2, 9.0), dtypes=FLOAT, large=S(tensor(*LARGE, grad=False), LARGE), inplace="igammac_",
              aliases=["special.gammaincc"]),
    of_second("special.zeta", sp.zeta, S(2.5, (2, 3)), domain=[(1.3, 9.0), (0.3, 9.0)]),
    binary("special.xlog1py", sp.xlog1py, S(2.0, (2, 3)), S((2, 3), 2.0), S(given([0.0, 0.0, 0.0]), given([nan, -1.0, -2.0])), domain=(-0.8, 2.0),
           singular=(0.0, -1.0), large=S(LARGE, LARGE), gives=None),
    unary("special.entr", sp.entr, domain=(0.1, 3.0), singular=(0.0, 1.0)),
    unary("erfinv", sp.erfinv, domain=(-0.95, 0.95), dtypes=FLOAT, inplace="erfinv_", aliases=["special.erfinv"], singular=(1.0, -1.0)),
    unary("special.erfcx", sp.erfcx),
    unary("special.ndtr", sp.ndtr), unary("special.log_ndtr", sp.log_ndtr),
    unary("special.ndtri", sp.ndtri, domain=(0.05, 0.95), dtypes=FLOAT, singular=(0.0, 1.0)),
    unary("i0", sp.i0, inplace="i0_", aliases=["special.i0", "special.modified_bessel_i0"]),
    unary("special.i1", sp.i1, aliases=["special.modified_bessel_i1"]),
    unary("special.i0e", sp.i0e, avoid=[0]), unary("special.i1e", sp.i1e, avoid=[0]),
    unary("special.bessel_j0", sp.j0), unary("special.bessel_j1", sp.j1),
    *[unary(f"special.{name}", reference, domain=(0.2, 9.0), dtypes=WIDE)
      for name, reference in (("bessel_y0", sp.y0), ("bessel_y1", sp.y1), ("modified_bessel_k0", sp.k0), ("modified_bessel_k1", sp.k1),
                              ("scaled_modified_bessel_k0", sp.k0e), ("scaled_modified_bessel_k1", sp.k1e))],
    unary("special.spherical_bessel_j0", lambda x: sp.spherical_jn(0, x), domain=(-9, 9), dtypes=WIDE, avoid=[0]),
    unary("special.airy_ai", lambda x: sp.airy(x)[0], domain=(-9, 9), grad=False),
    polynomial("chebyshev_polynomial_t", sp.eval_chebyt), polynomial("chebyshev_polynomial_u", sp.eval_chebyu),
    # DLMF 18.7.5 and 18.7.6: differences and sums of neighbouring ones of the second kind
    polynomial("chebyshev_polynomial_v", lambda n, x: sp.eval_chebyu(n, x) - second_kind(n - 1.0, x)),
    polynomial("chebyshev_polynomial_w", lambda n, x: sp.eval_chebyu(n, x) + second_kind(n - 1.0, x)),
    polynomial("shifted_chebyshev_polynomial_t", lambda n, x: sp.eval_chebyt(n, 2 * x - 1)),
    polynomial("shifted_chebyshev_polynomial_u", lambda n, x: sp.eval_chebyu(n, 2 * x - 1)),
    polynomial("shifted_chebyshev_polynomial_v", lambda n, x: sp.eval_chebyu(n, 2 * x - 1) - second_kind(n - 1.0, 2 * x - 1)),
    polynomial("shifted_chebyshev_polynomial_w", lambda n, x: sp.eval_chebyu(n, 2 * x - 1) + second_kind(n - 1.0, 2 * x - 1)),
    polynomial("hermite_polynomial_h", lambda n, x: sp.eval_hermite(np.asarray(n).astype(int), x)),
    polynomial("hermite_polynomial_he", lambda n, x: sp.eval_hermitenorm(np.asarray(n).astype(int), x)),
    polynomial("laguerre_polynomial_l", sp.eval_laguerre), polynomial("legendre_polynomial_p", sp.eval_legendre),
]


def near(actual, expected, rtol=1e-11, atol=1e-13):
    np.testing.assert_allclose(actual.numpy(), expected, rtol=rtol, atol=atol)


GRID = np.concatenate([np.linspace(-60, 60, 4001), -np.logspace(-12, 2, 301), np.logspace(-12, 2, 301)])
POSITIVE = np.logspace(-12, 2.5, 4001)


@pytest.mark.parametrize("name, reference, x, rtol, atol", [
    ("gammaln", sp.gammaln, GRID, 1e-10, 1e-12),
    ("digamma", sp.digamma, GRID, 1e-9, 1e-12),
    ("erfinv", sp.erfinv, np.linspace(-1, 1, 4001), 1e-13, 0),
    ("erfcx", sp.erfcx, np.linspace(-26, 100, 4001), 1e-11, 0),
    ("ndtr", sp.ndtr, np.linspace(-37, 20, 4001), 1e-11, 0),
    ("log_ndtr", sp.log_ndtr, np.linspace(-1e4, 30, 4001), 1e-11, 0),
    ("ndtri", sp.ndtri, np.concatenate([np.logspace(-300, -1, 999), np.linspace(0.1, 1, 999)]), 1e-11, 1e-14),
    ("i0e", sp.i0e, GRID, 1e-13, 0), ("i1e", sp.i1e, GRID, 1e-13, 0), ("i0", sp.i0, GRID, 1e-12, 0), ("i1", sp.i1, GRID, 1e-12, 0),
    ("modified_bessel_k0", sp.k0, POSITIVE, 1e-12, 0), ("modified_bessel_k1", sp.k1, POSITIVE, 1e-12, 0),
    ("scaled_modified_bessel_k0", sp.k0e, POSITIVE, 1e-12, 0), ("scaled_modified_bessel_k1", sp.k1e, POSITIVE, 1e-12, 0),
    ("bessel_j0", sp.j0, GRID, 0, 1e-13), ("bessel_j1", sp.j1, GRID, 0, 1e-13),
    ("bessel_y0", sp.y0, POSITIVE, 1e-12, 1e-13), ("bessel_y1", sp.y1, POSITIVE, 1e-12, 1e-13),
    ("airy_ai", lambda x: sp.airy(x)[0], np.linspace(-30, 20, 4001), 1e-12, 1e-13),
])
def test_accuracy_over_the_whole_range(name, reference, x, rtol, atol):
    near(getattr(torch.special, name)(torch.from_numpy(x)), reference(x), rtol, atol)


@pytest.mark.parametrize("a", [1e-3, 0.5, 3.0, 50.0, 2e3, 1e6])
def test_incomplete_gamma_near_the_mean_and_in_the_tails(a):
    x = a * np.concatenate([np.logspace(-3, 1, 201), 1 + np.linspace(-5, 5, 201) / np.sqrt(a + 1)])
    x = x[x > 0]
    both = torch.full(x.shape, a, dtype=torch.float64), torch.from_numpy(x)
    near(torch.igamma(*both), sp.gammainc(a, x), 1e-8, 1e-9)
    near(torch.igammac(*both), sp.gammaincc(a, x), 1e-8, 1e-9)


@pytest.mark.parametrize("name, x, y", [
    ("gammaln", [inf, -inf, nan, 0.0, -1.0, 1.0], [inf, inf, nan, inf, inf, 0.0]),
    ("digamma", [inf, nan, 0.0, -0.0, -1.0], [inf, nan, -inf, inf, nan]),
    ("erfinv", [1.0, -1.0, 1.5, nan, 0.0], [inf, -inf, nan, nan, 0.0]),
    ("ndtri", [0.0, 1.0, -0.1, nan, 0.5], [-inf, inf, nan, nan, 0.0]),
    ("log_ndtr", [inf, -inf, nan], [0.0, -inf, nan]),
    ("entr", [0.0, -1.0, nan, inf], [0.0, -inf, nan, -inf]),
    ("i0", [inf, -inf, nan], [inf, inf, nan]), ("i1", [inf, -inf, nan], [inf, -inf, nan]),
    ("i0e", [inf, -inf, nan], [0.0, 0.0, nan]), ("bessel_j0", [inf, nan, 0.0], [0.0, nan, 1.0]),
    ("bessel_y0", [0.0, -1.0, inf], [-inf, nan, 0.0]), ("modified_bessel_k0", [0.0, -1.0, inf], [inf, nan, 0.0]),
    ("spherical_bessel_j0", [0.0, inf, 1e-9], [1.0, 0.0, 1.0]), ("airy_ai", [inf, nan], [0.0, nan]),
])
def test_special_values(name, x, y):
    for dtype in WIDE:
        near(getattr(torch.special, name)(torch.tensor(x, dtype=dtype)), y, 0, 0)


def test_zeta_of_negative_arguments():
    """Integer powers: the finitely many terms below 0 on top of the function at the fractional part."""
    for s, q in ((2.0, -3.25), (3.0, -3.25), (5.0, -0.5)):
        parts = np.arange(-10.0, 1) + 0  # k + q for k = 0, 1, ... up to the first positive one
        parts = q + np.arange(np.ceil(-q))
        near(torch.special.zeta(torch.tensor(s, dtype=torch.float64), q), (parts ** -s).sum() + sp.zeta(s, q + np.ceil(-q)), 1e-12)
    near(torch.special.zeta(torch.tensor([2.0, 2.5, 1.0, 0.5], dtype=torch.float64), torch.tensor([-3.0, -3.5, 2.0, 2.0], dtype=torch.float64)), [inf, nan, inf, nan])
    # Three million terms below 0: they must not be summed one by one, nor left out.
    far = torch.special.zeta(torch.tensor(2.0, dtype=torch.float64), -3e6 - 0.5)
    near(far, np.pi ** 2 - 1 / 3e6, 1e-11)


def test_gradients_at_the_removable_singularities():
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    for function, first, second in ((torch.special.i1, 0.5, 0.0), (torch.special.i1e, 0.5, None), (torch.special.bessel_j1, 0.5, 0.0),
                                    (torch.special.spherical_bessel_j0, 0.0, None)):
        g, = torch.autograd.grad(function(x), x, create_graph=True)
        assert g.item() == first
        if second is not None:
            assert torch.autograd.grad(g, x)[0].item() == second


def test_no_gradient_by_the_order():
    a, x = torch.tensor([1.5, 2.0], requires_grad=True), torch.tensor([1.0, 3.0])
    for function in (torch.igamma, torch.igammac, torch.special.zeta):
        with pytest.raises(RuntimeError, match="'input'"):
            function(a, x).sum().backward()


def test_polynomials_of_high_degree():
    x = torch.linspace(-0.999, 0.999, 101, dtype=torch.float64)
    angle = np.arccos(x.numpy())
    near(torch.special.chebyshev_polynomial_t(x, 5000), np.cos(5000 * angle), 0, 1e-11)
    near(torch.special.chebyshev_polynomial_u(x, 5000), np.sin(5001 * angle) / np.sin(angle), 0, 1e-9)
    near(torch.special.legendre_polynomial_p(x, 300), sp.eval_legendre(300, x.numpy()), 0, 1e-11)


def test_degrees_that_are_none():
    x = torch.tensor([0.5, 2.0])
    for n in (-1.0, -7.5, inf, -inf, nan, 1e30):
        assert torch.special.chebyshev_polynomial_t(x, n).tolist() == [0.0, 0.0]
    assert torch.special.legendre_polynomial_p(x, -0.5).tolist() == [1.0, 1.0]      # rounded towards 0
    assert torch.special.hermite_polynomial_h(x, 2.9).tolist() == [-1.0, 14.0]


def test_namespace_has_the_top_level_functions():
    x = torch.tensor([0.25, 0.5])
    for name in ("erf", "erfc", "exp2", "expm1", "log1p", "logit", "round", "sinc"):
        assert torch.equal(getattr(torch.special, name)(x), getattr(torch, name)(x))
    assert torch.equal(torch.special.expit(x), torch.sigmoid(x))
    assert torch.equal(torch.special.softmax(x, 0), torch.softmax(x, 0))
    assert torch.equal(torch.special.log_softmax(x, 0), torch.log_softmax(x, 0))
    assert torch.equal(torch.special.logsumexp(x, 0), torch.logsumexp(x, 0))
    assert torch.equal(x.polygamma(1), torch.polygamma(1, x))


INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize("call, expected", [
    ("i0", {INF: INF, -INF: INF}), ("special.i1", {INF: INF, -INF: -INF}),
    ("special.bessel_j0", {INF: 0, -INF: 0}), ("special.bessel_j1", {INF: 0, -INF: 0}), ("special.bessel_y0", {INF: 0}),
    ("special.bessel_y1", {INF: 0}), ("special.airy_ai", {INF: 0, -INF: 0}),
])
@pytest.mark.parametrize("dtype", WIDE)
def test_limits_at_infinity(call, expected, dtype):
    """The functions' limits (DLMF 9.7, 10.17, 10.30, 10.40). PyTorch 2.13 gives NaN for all of these."""
    function = find(call)
    x = torch.tensor([*expected], dtype=dtype)
    assert function(x).tolist() == [*expected.values()]


@pytest.mark.parametrize("n", [2, 3, 4])
def test_polygamma_vanishes_at_infinity(n):
    """DLMF 5.15.8. PyTorch 2.13 gives NaN from n = 2 on."""
    assert torch.polygamma(n, torch.tensor([INF], dtype=torch.float64)).item() == 0


def test_nan_beside_infinity_stays_nan():
    """Of the incomplete gamma functions. PyTorch 2.13 gives 0 or 1."""
    a, x = torch.tensor([INF, NAN]), torch.tensor([NAN, INF])
    assert torch.igamma(a, x).isnan().all() and torch.igammac(a, x).isnan().all()


@pytest.mark.parametrize("family", ["chebyshev_polynomial_t", "chebyshev_polynomial_u", "hermite_polynomial_h", "hermite_polynomial_he", "legendre_polynomial_p"])
def test_polynomials_that_overflow_are_infinite(family):
    """With the sign of x ** n, here n = 127. PyTorch 2.13 subtracts infinities and gives NaN."""
    function = find(f"special.{family}")
    x = torch.tensor([127.0, -127.0])
    assert function(x, torch.tensor([127.0, 127.0])).tolist() == [INF, -INF]


def test_kaiser_window_of_a_large_beta():
    """i0(beta) overflows in float32; the quotient of the window does not. PyTorch 2.13 gives 0 and NaN."""
    from scipy.signal.windows import kaiser
    y = torch.signal.windows.kaiser(256, beta=100.0, sym=False)
    np.testing.assert_allclose(y.numpy(), kaiser(256, 100.0, sym=False), rtol=1e-4, atol=1e-6)


def test_complex_sigmoid_far_to_the_left_is_zero():
    """exp(-x) overflows, its reciprocal does not. PyTorch 2.13 gives NaN."""
    y = torch.sigmoid(torch.tensor([-501 - 501j, -1001.2 + 13437.7j], dtype=torch.complex64))
    assert y.abs().tolist() == [0, 0]


def test_zeta_of_huge_orders():
    """Terms that vanish do not become NaN: zeta(s, q) tends to the term of the smallest |q + k|."""
    s = torch.full((3,), 1e20, dtype=torch.float64)
    q = torch.tensor([1001.2, 0.5, -1001.2], dtype=torch.float64)
    assert torch.special.zeta(s, q).tolist() == [0, INF, INF]
