"""Special functions, one result per element: gamma functions, zeta, the error function's inverse
and kin, Bessel functions, orthogonal polynomials.

The formulas are in include/pyxtorch/math_special.h; they are computed in double precision whatever
the dtype. DLMF is the Digital Library of Mathematical Functions, https://dlmf.nist.gov.
"""
from libc.math cimport M_PI, sqrt
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable, record1, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport (
    FLOAT, SAME, Binary, Unary, binary, formula, formula1, unary, zero_div, zero_mul,
)
from pyxtorch.ops.elementwise_select cimport where_t
from pyxtorch.ops.shape cimport to_dtype

import math

from pyxtorch.ops import create
from pyxtorch.ops.elementwise_arithmetic import sign
from pyxtorch.ops.elementwise_compare import logical_and
from pyxtorch.ops.elementwise_select import where
from pyxtorch.ops._inplace import inplace

cdef double ROOT_HALF = sqrt(0.5)
cdef double ROOT_TWO_PI = sqrt(2 * M_PI)
cdef double TWO_OVER_ROOT_PI = 2 / sqrt(M_PI)


cdef class OfInput(Unary):
    """A function whose gradient is written over its input."""
    cdef int keep(self, Variable x, Variable y) except -1:
        self.save(x)


cdef class OfBoth(Unary):
    """A function whose gradient is written over its input and its output."""
    cdef int keep(self, Variable x, Variable y) except -1:
        self.save(x)
        self.save_output(y)


cdef class OfInputs(Binary):
    """A function of two operands whose gradient is written over both."""
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)


# -------------------------------------------------------------------------- gamma functions

cdef int LGAMMA = formula(b"lgamma")
cdef int DIGAMMA = formula(b"digamma")
cdef int POLYGAMMA = formula(b"polygamma")
cdef int IGAMMA = formula(b"igamma")
cdef int IGAMMAC = formula(b"igammac")
cdef int ZETA = formula(b"zeta")


cdef class Lgamma(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, <Variable>digamma(self.saved(0))))


cdef class Digamma(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, <Variable>polygamma(1, self.saved(0))))


cdef class Polygamma(OfInput):
    cdef int n

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, <Variable>polygamma(self.n + 1, self.saved(0))))


def lgamma(input, *, out=None):
    """log |gamma(input)|. Gradient: digamma(input)."""
    return unary(LGAMMA, Lgamma, input, "lgamma", FLOAT, out)


def digamma(input, *, out=None):
    """The derivative of lgamma. Gradient: polygamma(1, input)."""
    return unary(DIGAMMA, Digamma, input, "digamma", FLOAT, out)


def polygamma(n, input, *, out=None):
    """The n-th derivative of digamma (n an integer from 0 on). Gradient: polygamma(n + 1, input).

    Raises:
        RuntimeError: n is negative.
    """
    cdef Variable x = checked(input, "polygamma", "input")
    cdef Variable y
    cdef Polygamma node
    cdef double s[1]
    if isinstance(n, Variable):
        n = as_index(n, "polygamma")
    if not isinstance(n, int) or isinstance(n, bool):
        raise TypeError(f"polygamma(): argument 'n' must be int, not {type(n).__name__}")
    if n < 0:
        raise RuntimeError(f"polygamma: polygamma(n, x) does not support negative n, but n={n}. Give one from 0 on.")
    if n == 0:
        return digamma(x, out=out)
    if x.dt <= INT64:
        x = to_dtype(x, default_dtype())
    s[0] = n
    y = formula1(POLYGAMMA, x, s, "polygamma")
    if recording(x):
        node = <Polygamma>Polygamma.__new__(Polygamma)
        node.n = n
        node.save(x)
        record1(node, y, x)
    return finish_out(y, out, "polygamma")


def mvlgamma(input, p, *, out=None):
    """The logarithm of the gamma function of p dimensions:
    p (p - 1) / 4 log(pi) + sum over j < p of lgamma(input - j / 2).

    Raises:
        RuntimeError: p is less than 1.
    """
    cdef Variable x = checked(input, "mvlgamma", "input")
    if not isinstance(p, int) or isinstance(p, bool):
        raise TypeError(f"mvlgamma(): argument 'p' must be int, not {type(p).__name__}")
    if p < 1:
        raise RuntimeError(f"mvlgamma: p has to be greater than or equal to 1, but p={p}.")
    if x.dt <= INT64:
        x = to_dtype(x, default_dtype())
    if p > 1:
        terms = lgamma(x.unsqueeze(-1) - create.arange(0, 0.5 * p, 0.5, dtype=dtype_of(x.dt), device=x.device))
        return finish_out(terms.sum(-1) + p * (p - 1) / 4 * math.log(math.pi), out, "mvlgamma")
    return finish_out(lgamma(x), out, "mvlgamma")


cdef class Igamma(OfInputs):
    """Only the gradient by x is known in closed form: the density of the gamma distribution."""
    cdef str name
    cdef double sign

    def __cinit__(self):
        self.name = "igamma"
        self.sign = 1

    cdef int vjp(self, Variable g) except -1:
        if self.needs(0):
            raise RuntimeError(f"{self.name}: the derivative with respect to 'input' has no closed form; detach it, only 'other' has a gradient.")
        a, x = self.saved(0), self.saved(1)
        density = ((a - 1) * x.log() - x - lgamma(a)).exp()
        self.pass_grad(1, zero_mul(g, <Variable?>(density * self.sign)))


cdef class Igammac(Igamma):
    def __cinit__(self):
        self.name = "igammac"
        self.sign = -1


def igamma(input, other, *, out=None):
    """The regularised lower incomplete gamma function P(a, x), a being `input`, x `other`.

    1 / gamma(a) times the integral of t^(a-1) e^-t from 0 to x. DLMF 8.2.4. Gradient: of `other`.
    """
    checked(input, "igamma", "input")
    checked(other, "igamma", "other")
    return binary(IGAMMA, Igamma, input, other, "igamma", SAME, out)


def igammac(input, other, *, out=None):
    """The regularised upper incomplete gamma function, 1 - igamma(input, other)."""
    checked(input, "igammac", "input")
    checked(other, "igammac", "other")
    return binary(IGAMMAC, Igammac, input, other, "igammac", SAME, out)


cdef class Zeta(OfInputs):
    cdef int vjp(self, Variable g) except -1:
        if self.needs(0):
            raise RuntimeError("zeta: the derivative with respect to 'input' has no closed form; detach it, only 'other' has a gradient.")
        s, q = self.saved(0), self.saved(1)
        self.pass_grad(1, zero_mul(g, <Variable>(-s * zeta(s + 1, q))))


def zeta(input, other, *, out=None):
    """The Hurwitz zeta function: the sum over k from 0 on of (k + other)^-input. DLMF 25.11.1.

    Gradient: of `other`.
    """
    return binary(ZETA, Zeta, input, other, "zeta", FLOAT, out)


# -------------------------------------------------------------- logarithms, the error function

cdef int XLOG1PY = formula(b"xlog1py")
cdef int ENTR = formula(b"entr")
cdef int ERFINV = formula(b"erfinv")
cdef int ERFCX = formula(b"erfcx")
cdef int NDTR = formula(b"ndtr")
cdef int NDTRI = formula(b"ndtri")
cdef int LOG_NDTR = formula(b"log_ndtr")


cdef class Xlog1py(OfInputs):
    cdef int vjp(self, Variable g) except -1:
        a, b = self.saved(0), self.saved(1)
        if self.needs(0):
            skip = logical_and(a == 0, b <= -1)
            self.pass_grad(0, zero_mul(g, <Variable>where(skip, 0, b.log1p())))
        if self.needs(1):
            self.pass_grad(1, zero_mul(g, <Variable?>(a / (b + 1))))


cdef class Entr(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, <Variable>(-1 - self.saved(0).log())))


cdef class Erfinv(OfBoth):
    cdef int vjp(self, Variable g) except -1:
        y = self.saved(1)
        self.pass_grad(0, zero_mul(g, <Variable>((y * y).exp() / TWO_OVER_ROOT_PI)))


cdef class Erfcx(OfBoth):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, <Variable?>(self.saved(0) * self.saved(1) * 2 - TWO_OVER_ROOT_PI)))


cdef class Ndtr(OfInput):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, g * (x * x * -0.5).exp() / ROOT_TWO_PI)


cdef class Ndtri(OfBoth):
    cdef int vjp(self, Variable g) except -1:
        y = self.saved(1)
        self.pass_grad(0, zero_mul(g, <Variable>((y * y * 0.5).exp() * ROOT_TWO_PI)))


cdef class LogNdtr(OfInput):
    """density / distribution, both divided by exp(-x^2 / 2), which underflows"""
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_div(<Variable?>(g * (2 / ROOT_TWO_PI)), <Variable>erfcx(self.saved(0) * -ROOT_HALF)))


def xlog1py(input, other, *, out=None):
    """input * log1p(other), and 0 where input is 0 and other is not NaN."""
    return binary(XLOG1PY, Xlog1py, input, other, "xlog1py", FLOAT, out)


def entr(input, *, out=None):
    """Elementwise entropy: -x log(x); 0 at 0, -inf below."""
    return unary(ENTR, Entr, input, "entr", FLOAT, out)


def erfinv(input, *, out=None):
    """The inverse of erf, for elements from -1 to 1; NaN elsewhere."""
    return unary(ERFINV, Erfinv, input, "erfinv", FLOAT, out)


def erfcx(input, *, out=None):
    """exp(x^2) erfc(x), which does not underflow for large elements."""
    return unary(ERFCX, Erfcx, input, "erfcx", FLOAT, out)


def ndtr(input, *, out=None):
    """The cumulative distribution function of the standard normal distribution."""
    return unary(NDTR, Ndtr, input, "ndtr", FLOAT, out)


def ndtri(input, *, out=None):
    """The inverse of ndtr (the quantile function), for elements from 0 to 1; NaN elsewhere."""
    return unary(NDTRI, Ndtri, input, "ndtri", FLOAT, out)


def log_ndtr(input, *, out=None):
    """log(ndtr(input)), exact far below 0 too."""
    return unary(LOG_NDTR, LogNdtr, input, "log_ndtr", FLOAT, out)


# -------------------------------------------------------------------------- Bessel functions

cdef int I0 = formula(b"i0")
cdef int I0E = formula(b"i0e")
cdef int I1 = formula(b"i1")
cdef int I1E = formula(b"i1e")
cdef int J0 = formula(b"bessel_j0")
cdef int J1 = formula(b"bessel_j1")
cdef int Y0 = formula(b"bessel_y0")
cdef int Y1 = formula(b"bessel_y1")
cdef int K0 = formula(b"modified_bessel_k0")
cdef int K1 = formula(b"modified_bessel_k1")
cdef int K0E = formula(b"scaled_modified_bessel_k0")
cdef int K1E = formula(b"scaled_modified_bessel_k1")
cdef int SPHERICAL_J0 = formula(b"spherical_bessel_j0")
cdef int AIRY_AI = formula(b"airy_ai")

# Derivatives: DLMF 10.6.2, 10.6.3, 10.29.2, 10.29.3


cdef object at_zero(Variable x, double value, object otherwise):
    """`otherwise`, but `value` where x is 0."""
    return where_t(<Variable?>(x == 0), wrap_number(value, x.dt, x.dev, x.dev_index), <Variable>otherwise)


cdef class BesselI0(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, <Variable>i1(self.saved(0))))


cdef class BesselI0e(OfBoth):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, zero_mul(g, <Variable?>(i1e(x) - sign(x) * self.saved(1))))


cdef class BesselI1(OfBoth):
    cdef int vjp(self, Variable g) except -1:
        x, y = self.saved(0), self.saved(1)
        self.pass_grad(0, zero_mul(g, <Variable>at_zero(x, 0.5, i0(x) - zero_div(y, x))))


cdef class BesselI1e(OfBoth):
    cdef int vjp(self, Variable g) except -1:
        x, y = self.saved(0), self.saved(1)
        self.pass_grad(0, zero_mul(g, <Variable>at_zero(x, 0.5, i0e(x) - sign(x) * y - zero_div(y, x))))


cdef class BesselJ0(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, <Variable>(-bessel_j1(self.saved(0)))))


cdef class BesselJ1(OfBoth):
    cdef int vjp(self, Variable g) except -1:
        x, y = self.saved(0), self.saved(1)
        self.pass_grad(0, zero_mul(g, <Variable>at_zero(x, 0.5, bessel_j0(x) - zero_div(y, x))))


cdef class BesselY0(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, <Variable>(-bessel_y1(self.saved(0)))))


cdef class BesselY1(OfBoth):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, zero_mul(g, <Variable?>(bessel_y0(x) - self.saved(1) / x)))


cdef class BesselK0(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, <Variable>(-modified_bessel_k1(self.saved(0)))))


cdef class BesselK1(OfBoth):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, zero_mul(g, <Variable>(-modified_bessel_k0(x) - self.saved(1) / x)))


cdef class BesselK0e(OfBoth):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, <Variable?>(self.saved(1) - scaled_modified_bessel_k1(self.saved(0)))))


cdef class BesselK1e(OfBoth):
    cdef int vjp(self, Variable g) except -1:
        x, y = self.saved(0), self.saved(1)
        self.pass_grad(0, zero_mul(g, <Variable?>(y - scaled_modified_bessel_k0(x) - y / x)))


cdef class SphericalJ0(OfBoth):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, zero_mul(g, <Variable>at_zero(x, 0, (x.cos() - self.saved(1)) / x)))


def i0(input, *, out=None):
    """The modified Bessel function of the first kind, order 0."""
    return unary(I0, BesselI0, input, "i0", FLOAT, out)


def i0e(input, *, out=None):
    """exp(-|x|) i0(x)"""
    return unary(I0E, BesselI0e, input, "i0e", FLOAT, out)


def i1(input, *, out=None):
    """The modified Bessel function of the first kind, order 1."""
    return unary(I1, BesselI1, input, "i1", FLOAT, out)


def i1e(input, *, out=None):
    """exp(-|x|) i1(x)"""
    return unary(I1E, BesselI1e, input, "i1e", FLOAT, out)


def bessel_j0(input, *, out=None):
    """The Bessel function of the first kind, order 0."""
    return unary(J0, BesselJ0, input, "bessel_j0", FLOAT, out)


def bessel_j1(input, *, out=None):
    """The Bessel function of the first kind, order 1."""
    return unary(J1, BesselJ1, input, "bessel_j1", FLOAT, out)


def bessel_y0(input, *, out=None):
    """The Bessel function of the second kind, order 0; NaN below 0."""
    return unary(Y0, BesselY0, input, "bessel_y0", FLOAT, out)


def bessel_y1(input, *, out=None):
    """The Bessel function of the second kind, order 1; NaN below 0."""
    return unary(Y1, BesselY1, input, "bessel_y1", FLOAT, out)


def modified_bessel_k0(input, *, out=None):
    """The modified Bessel function of the second kind, order 0; NaN below 0."""
    return unary(K0, BesselK0, input, "modified_bessel_k0", FLOAT, out)


def modified_bessel_k1(input, *, out=None):
    """The modified Bessel function of the second kind, order 1; NaN below 0."""
    return unary(K1, BesselK1, input, "modified_bessel_k1", FLOAT, out)


def scaled_modified_bessel_k0(input, *, out=None):
    """exp(x) modified_bessel_k0(x)"""
    return unary(K0E, BesselK0e, input, "scaled_modified_bessel_k0", FLOAT, out)


def scaled_modified_bessel_k1(input, *, out=None):
    """exp(x) modified_bessel_k1(x)"""
    return unary(K1E, BesselK1e, input, "scaled_modified_bessel_k1", FLOAT, out)


def spherical_bessel_j0(input, *, out=None):
    """The spherical Bessel function of the first kind, order 0: sin(x) / x, and 1 at 0."""
    return unary(SPHERICAL_J0, SphericalJ0, input, "spherical_bessel_j0", FLOAT, out)


def airy_ai(input, *, out=None):
    """The Airy function Ai. The result carries no gradient."""
    return unary(AIRY_AI, None, input, "airy_ai", FLOAT, out)


# --------------------------------------------------------------------- orthogonal polynomials

POLYNOMIALS = {
    "chebyshev_polynomial_t": "Chebyshev polynomial of the first kind, T_n(x)",
    "chebyshev_polynomial_u": "Chebyshev polynomial of the second kind, U_n(x)",
    "chebyshev_polynomial_v": "Chebyshev polynomial of the third kind, V_n(x)",
    "chebyshev_polynomial_w": "Chebyshev polynomial of the fourth kind, W_n(x)",
    "shifted_chebyshev_polynomial_t": "shifted Chebyshev polynomial of the first kind, T_n(2 x - 1)",
    "shifted_chebyshev_polynomial_u": "shifted Chebyshev polynomial of the second kind, U_n(2 x - 1)",
    "shifted_chebyshev_polynomial_v": "shifted Chebyshev polynomial of the third kind, V_n(2 x - 1)",
    "shifted_chebyshev_polynomial_w": "shifted Chebyshev polynomial of the fourth kind, W_n(2 x - 1)",
    "hermite_polynomial_h": "Hermite polynomial, H_n(x) (the physicists')",
    "hermite_polynomial_he": "Hermite polynomial, He_n(x) (the probabilists')",
    "laguerre_polynomial_l": "Laguerre polynomial, L_n(x)",
    "legendre_polynomial_p": "Legendre polynomial, P_n(x)",
}


def _polynomial(name, title):
    cdef int f = formula(name.encode())

    def polynomial(input, n, *, out=None):
        return binary(f, None, input, n, name, FLOAT, out)

    polynomial.__name__ = polynomial.__qualname__ = name
    polynomial.__doc__ = (
        f"The {title}: x is `input`, the degree `n`; either may be a number.\n\n"
        "Degrees are rounded towards 0; a negative one gives 0. The result carries no gradient."
    )
    return polynomial


# ----------------------------------------------------------------------------------- the lists

special = {name: globals()[name] for name in (
    "digamma", "erfinv", "polygamma", "zeta", "xlog1py", "entr", "erfcx", "ndtr", "ndtri", "log_ndtr", "i0", "i0e", "i1", "i1e",
    "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1", "spherical_bessel_j0", "airy_ai",
)}
special.update({name: _polynomial(name, title) for name, title in POLYNOMIALS.items()})
special.update(psi=digamma, gammaln=lgamma, gammainc=igamma, gammaincc=igammac, multigammaln=mvlgamma, modified_bessel_i0=i0, modified_bessel_i1=i1)

__all__ = ["lgamma", "digamma", "polygamma", "mvlgamma", "igamma", "igammac", "erfinv", "i0"]


def _polygamma_method(self, n):
    """`polygamma(n, self)`"""
    return polygamma(n, self)


methods = {name: globals()[name] for name in __all__}
methods["polygamma"] = _polygamma_method
methods.update({name + "_": inplace(function, name + "_") for name, function in list(methods.items())})
