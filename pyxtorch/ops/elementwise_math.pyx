"""Mathematical functions, one result per element: roundings, powers, exponentials, trigonometry.

Gradients are written over the saved input x or output y; `conj` matters for complex tensors only.
"""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable, record1, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport (
    FLOAT, SAME, Unary, formula, formula1, unary, zero_div, zero_mul,
)
from pyxtorch.ops.elementwise_slope cimport sloped
from pyxtorch.ops.shape cimport conj_of, to_dtype

from pyxtorch.ops._common import return_type, strict_out
from pyxtorch.ops._inplace import inplace
from pyxtorch.ops.elementwise_compare import logical_and, logical_or
from pyxtorch.ops.elementwise_select import where


cdef class OfInput(Unary):
    """A function whose gradient is written over its input."""
    cdef int keep(self, Variable x, Variable y) except -1:
        self.save(x)


cdef class OfOutput(Unary):
    """A function whose gradient is written over its output."""
    cdef int keep(self, Variable x, Variable y) except -1:
        self.save_output(y)


cdef class Flat(Unary):
    """A piecewise constant function: its gradient is zero."""
    cdef int vjp(self, Variable g) except -1:
        return 0


# -------------------------------------------------------------------------------- rounding

cdef int FLOOR = formula(b"floor")
cdef int CEIL = formula(b"ceil")
cdef int ROUND = formula(b"round")
cdef int TRUNC = formula(b"trunc")
cdef int FRAC = formula(b"frac")
cdef int ROUND_DECIMALS = formula(b"round_decimals")


cdef class Frac(Unary):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)


def floor(input, *, out=None):
    """The largest integer not above each element."""
    return unary(FLOOR, Flat, input, "floor", SAME, out)


def ceil(input, *, out=None):
    """The smallest integer not below each element."""
    return unary(CEIL, Flat, input, "ceil", SAME, out)


def round(input, *, decimals=0, out=None):
    """The nearest integer, halves to the even one; or so many decimals."""
    cdef double s[1]
    if decimals == 0:
        return unary(ROUND, Flat, input, "round", SAME, out)
    if isinstance(input, Variable) and (<Variable>input).dt <= INT64:
        raise RuntimeError(f"round: decimals={decimals} is not implemented for integer tensors.")
    s[0] = decimals
    return unary(ROUND_DECIMALS, Flat, input, "round", SAME, out, s)


def trunc(input, *, out=None):
    """The integer part, towards zero."""
    return unary(TRUNC, Flat, input, "trunc", SAME, out)


def frac(input, *, out=None):
    """The fractional part: input - trunc(input)."""
    return unary(FRAC, Frac, input, "frac", SAME, out)


# -------------------------------------------------------------------------- roots and powers

cdef int RECIPROCAL = formula(b"reciprocal")
cdef int SQRT = formula(b"sqrt")
cdef int RSQRT = formula(b"rsqrt")
cdef int RECIPROCAL_BACKWARD = formula(b"reciprocal_backward")
cdef int SQRT_BACKWARD = formula(b"sqrt_backward")
cdef int RSQRT_BACKWARD = formula(b"rsqrt_backward")


cdef class Reciprocal(OfOutput):
    """g * -y^2"""
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, sloped(RECIPROCAL_BACKWARD, lambda y, s: y * -2, g, self.saved(0), NULL, "reciprocal"))


cdef class Sqrt(OfOutput):
    """g / (2 y)"""
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, sloped(SQRT_BACKWARD, lambda y, s: -0.5 / (y * y), g, self.saved(0), NULL, "sqrt"))


cdef class Rsqrt(OfOutput):
    """g * -y^3 / 2"""
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, sloped(RSQRT_BACKWARD, lambda y, s: y * y * -1.5, g, self.saved(0), NULL, "rsqrt"))


def reciprocal(input, *, out=None):
    """1 / input"""
    return unary(RECIPROCAL, Reciprocal, input, "reciprocal", FLOAT, out)


def sqrt(input, *, out=None):
    """The square root; NaN for negative real numbers."""
    return unary(SQRT, Sqrt, input, "sqrt", FLOAT, out)


def rsqrt(input, *, out=None):
    """1 / sqrt(input)"""
    return unary(RSQRT, Rsqrt, input, "rsqrt", FLOAT, out)


# ------------------------------------------------------------------- exponentials, logarithms

cdef int EXP = formula(b"exp")
cdef int EXP2 = formula(b"exp2")
cdef int EXPM1 = formula(b"expm1")
cdef int LOG = formula(b"log")
cdef int LOG2 = formula(b"log2")
cdef int LOG10 = formula(b"log10")
cdef int LOG1P = formula(b"log1p")
cdef double LN2 = 0.6931471805599453
cdef double LN10 = 2.302585092994046


cdef class Exp(OfOutput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, conj_of(self.saved(0))))


cdef class Exp2(OfOutput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, conj_of(self.saved(0) * LN2)))


cdef class Expm1(OfOutput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, conj_of(self.saved(0) + 1)))


cdef class Log(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_div(g, conj_of(self.saved(0))))


cdef class Log2(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_div(g, conj_of(self.saved(0) * LN2)))


cdef class Log10(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_div(g, conj_of(self.saved(0) * LN10)))


cdef class Log1p(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_div(g, conj_of(self.saved(0) + 1)))


def exp(input, *, out=None):
    """e ** input"""
    return unary(EXP, Exp, input, "exp", FLOAT, out)


def exp2(input, *, out=None):
    """2 ** input"""
    return unary(EXP2, Exp2, input, "exp2", FLOAT, out)


def expm1(input, *, out=None):
    """e ** input - 1, exact near 0."""
    return unary(EXPM1, Expm1, input, "expm1", FLOAT, out)


def log(input, *, out=None):
    """The natural logarithm."""
    return unary(LOG, Log, input, "log", FLOAT, out)


def log2(input, *, out=None):
    """The logarithm to base 2."""
    return unary(LOG2, Log2, input, "log2", FLOAT, out)


def log10(input, *, out=None):
    """The logarithm to base 10."""
    return unary(LOG10, Log10, input, "log10", FLOAT, out)


def log1p(input, *, out=None):
    """log(1 + input), exact near 0."""
    return unary(LOG1P, Log1p, input, "log1p", FLOAT, out)


# ----------------------------------------------------------------------------- trigonometry

cdef int SIN = formula(b"sin")
cdef int COS = formula(b"cos")
cdef int TAN = formula(b"tan")
cdef int ASIN = formula(b"asin")
cdef int ACOS = formula(b"acos")
cdef int ATAN = formula(b"atan")
cdef int SINC = formula(b"sinc"), SINC_DERIVATIVE = formula(b"sinc_derivative")
cdef int ANGLE = formula(b"angle")


cdef class Sin(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, conj_of(cos(self.saved(0)))))


cdef class Cos(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, conj_of(-sin(self.saved(0)))))


cdef class Tan(OfOutput):
    cdef int vjp(self, Variable g) except -1:
        y = self.saved(0)
        self.pass_grad(0, zero_mul(g, conj_of(y * y + 1)))


cdef class Asin(OfInput):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, zero_mul(g, conj_of(rsqrt(1 - x * x))))


cdef class Acos(OfInput):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, zero_mul(g, conj_of(-rsqrt(1 - x * x))))


cdef class Atan(OfInput):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, zero_div(g, conj_of(x * x + 1)))


cdef class Sinc(OfInput):
    """By the formula of all derivatives."""
    cdef int order

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, conj_of(sinc_derivative(self.saved(0), self.order + 1))))


cdef Variable sinc_derivative(Variable x, int order):
    """The derivative of sinc of this order, from 1 on."""
    cdef double s[1]
    cdef Variable y
    cdef Sinc node
    s[0] = order
    y = formula1(SINC_DERIVATIVE, x, s, "sinc")
    if recording(x):
        node = <Sinc>Sinc.__new__(Sinc)
        node.order = order
        node.save(x)
        record1(node, y, x)
    return y


cdef class Angle(OfInput):
    """Piecewise constant for real tensors; of a complex z it turns with i z / |z|^2."""
    cdef int vjp(self, Variable g) except -1:
        z = self.saved(0)
        if not is_complex_code((<Variable>z).dt):
            return 0
        square = z.real * z.real + z.imag * z.imag
        self.pass_grad(0, where(z == 0, 0, z * 1j / square) * g)


def sin(input, *, out=None):
    """The sine; radians."""
    return unary(SIN, Sin, input, "sin", FLOAT, out)


def cos(input, *, out=None):
    """The cosine; radians."""
    return unary(COS, Cos, input, "cos", FLOAT, out)


def tan(input, *, out=None):
    """The tangent; radians."""
    return unary(TAN, Tan, input, "tan", FLOAT, out)


def asin(input, *, out=None):
    """The angle (radians) with this sine."""
    return unary(ASIN, Asin, input, "asin", FLOAT, out)


def acos(input, *, out=None):
    """The angle (radians) with this cosine."""
    return unary(ACOS, Acos, input, "acos", FLOAT, out)


def atan(input, *, out=None):
    """The angle (radians) with this tangent."""
    return unary(ATAN, Atan, input, "atan", FLOAT, out)


def sinc(input, *, out=None):
    """sin(pi x) / (pi x), and 1 at 0."""
    return unary(SINC, Sinc, input, "sinc", FLOAT, out)


def angle(input, *, out=None):
    """The angle (radians) of complex numbers; 0 or pi for real ones, by their sign."""
    return unary(ANGLE, Angle, input, "angle", FLOAT, out)


# -------------------------------------------------------------------------------- hyperbolic

cdef int SINH = formula(b"sinh")
cdef int COSH = formula(b"cosh")
cdef int TANH = formula(b"tanh")
cdef int ASINH = formula(b"asinh")
cdef int ACOSH = formula(b"acosh")
cdef int ATANH = formula(b"atanh")
cdef int SIGMOID = formula(b"sigmoid")
cdef int TANH_BACKWARD = formula(b"tanh_backward")
cdef int SIGMOID_BACKWARD = formula(b"sigmoid_backward")


cdef class Sinh(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, conj_of(cosh(self.saved(0)))))


cdef class Cosh(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, conj_of(sinh(self.saved(0)))))


cdef class Tanh(OfOutput):
    """g * (1 - y^2)"""
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, sloped(TANH_BACKWARD, lambda y, s: y * -2, g, self.saved(0), NULL, "tanh"))


cdef class Sigmoid(OfOutput):
    """g * y * (1 - y)"""
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, sloped(SIGMOID_BACKWARD, lambda y, s: 1 - y * 2, g, self.saved(0), NULL, "sigmoid"))


cdef class Asinh(OfInput):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, zero_mul(g, conj_of(rsqrt(x * x + 1))))


cdef class Acosh(OfInput):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, zero_mul(g, conj_of(rsqrt(x - 1) * rsqrt(x + 1))))


cdef class Atanh(OfInput):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, zero_div(g, conj_of(1 - x * x)))


def sinh(input, *, out=None):
    """The hyperbolic sine."""
    return unary(SINH, Sinh, input, "sinh", FLOAT, out)


def cosh(input, *, out=None):
    """The hyperbolic cosine."""
    return unary(COSH, Cosh, input, "cosh", FLOAT, out)


def tanh(input, *, out=None):
    """The hyperbolic tangent."""
    return unary(TANH, Tanh, input, "tanh", FLOAT, out)


def sigmoid(input, *, out=None):
    """1 / (1 + exp(-input))"""
    return unary(SIGMOID, Sigmoid, input, "sigmoid", FLOAT, out)


def asinh(input, *, out=None):
    """The inverse of sinh."""
    return unary(ASINH, Asinh, input, "asinh", FLOAT, out)


def acosh(input, *, out=None):
    """The inverse of cosh, for elements from 1 on."""
    return unary(ACOSH, Acosh, input, "acosh", FLOAT, out)


def atanh(input, *, out=None):
    """The inverse of tanh, for elements from -1 to 1."""
    return unary(ATANH, Atanh, input, "atanh", FLOAT, out)


# --------------------------------------------------------------------------- error function

cdef int ERF = formula(b"erf")
cdef int ERFC = formula(b"erfc")
cdef int LOGIT = formula(b"logit")
cdef double TWO_OVER_SQRT_PI = 1.1283791670955126


cdef class Erf(OfInput):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, g * exp(-(x * x)) * TWO_OVER_SQRT_PI)


cdef class Erfc(OfInput):
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        self.pass_grad(0, g * exp(-(x * x)) * -TWO_OVER_SQRT_PI)


cdef class Logit(OfInput):
    """log(x / (1 - x)), x being clamped to eps..1 - eps where eps is given."""
    cdef object eps

    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        slope = zero_div(g, x * (1 - x))
        if self.eps is not None:
            inside = logical_and(x >= self.eps, x <= 1 - self.eps)
            self.pass_grad(0, where(inside, slope, 0))
        else:
            outside = logical_and(logical_or(x < 0, x > 1), g != 0)
            self.pass_grad(0, where(outside, float("nan"), slope))


def erf(input, *, out=None):
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to input."""
    return unary(ERF, Erf, input, "erf", FLOAT, out)


def erfc(input, *, out=None):
    """1 - erf(input), exact for large elements."""
    return unary(ERFC, Erfc, input, "erfc", FLOAT, out)


def logit(input, eps=None, *, out=None):
    """log(x / (1 - x)), the inverse of sigmoid; x is clamped to eps..1 - eps where eps is given."""
    cdef double s[1]
    cdef Variable x = checked(input, "logit", "input")
    cdef Variable y
    cdef Logit node
    if x.dt <= INT64:
        x = to_dtype(x, default_dtype())
    s[0] = -1.0 if eps is None else eps
    y = formula1(LOGIT, x, s, "logit")
    if recording(x):
        node = <Logit>Logit.__new__(Logit)
        node.eps = eps
        node.save(x)
        record1(node, y, x)
    return finish_out(y, out, "logit")


# --------------------------------------------------------------------------------- degrees

cdef int DEG2RAD = formula(b"deg2rad")
cdef int RAD2DEG = formula(b"rad2deg")


cdef class Deg2rad(Unary):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, deg2rad(g))


cdef class Rad2deg(Unary):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, rad2deg(g))


def deg2rad(input, *, out=None):
    """Degrees to radians."""
    if isinstance(input, Variable) and is_complex_code((<Variable>input).dt):
        raise RuntimeError("deg2rad is not supported for complex tensors.")
    return unary(DEG2RAD, Deg2rad, input, "deg2rad", FLOAT, out)


def rad2deg(input, *, out=None):
    """Radians to degrees."""
    if isinstance(input, Variable) and is_complex_code((<Variable>input).dt):
        raise RuntimeError("rad2deg is not supported for complex tensors.")
    return unary(RAD2DEG, Rad2deg, input, "rad2deg", FLOAT, out)


# ------------------------------------------------------------------------------------ tests

cdef int ISINF = formula(b"isinf")
cdef int ISFINITE = formula(b"isfinite")
cdef int ISPOSINF = formula(b"isposinf")
cdef int ISNEGINF = formula(b"isneginf")
cdef int SIGNBIT = formula(b"signbit")
cdef int NAN_TO_NUM = formula(b"nan_to_num")


cdef class NanToNum(OfInput):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, where(isfinite(self.saved(0)), g, 0))


def isinf(input):
    """Whether each element is infinite."""
    return unary(ISINF, None, input, "isinf", SAME, None)


def isfinite(input):
    """Whether each element is neither infinite nor NaN."""
    return unary(ISFINITE, None, input, "isfinite", SAME, None)


def isposinf(input, *, out=None):
    """Whether each element is positive infinity."""
    if isinstance(input, Variable) and is_complex_code((<Variable>input).dt):
        raise RuntimeError("isposinf does not support complex inputs.")
    return unary(ISPOSINF, None, input, "isposinf", SAME, out)


def isneginf(input, *, out=None):
    """Whether each element is negative infinity."""
    if isinstance(input, Variable) and is_complex_code((<Variable>input).dt):
        raise RuntimeError("isneginf does not support complex inputs.")
    return unary(ISNEGINF, None, input, "isneginf", SAME, out)


def isreal(input):
    """Whether each element has an imaginary part of zero."""
    if not is_complex_code((<Variable>checked(input, "isreal", "input")).dt):
        return input.new_ones(input.shape, dtype=dtype_of(BOOL))
    return input.imag == 0


def signbit(input, *, out=None):
    """Whether the sign bit of each element is set."""
    if isinstance(input, Variable) and is_complex_code((<Variable>input).dt):
        raise RuntimeError("signbit is not implemented for complex tensors.")
    return unary(SIGNBIT, None, input, "signbit", SAME, out)


def nan_to_num(input, nan=None, posinf=None, neginf=None, *, out=None):
    """NaN and infinities replaced: by 0 and the dtype's largest and smallest numbers unless given."""
    cdef Variable x = checked(input, "nan_to_num", "input")
    cdef double s[3]
    if x.dt <= INT64:
        return finish_out(x.clone(), out, "nan_to_num")
    if is_complex_code(x.dt):
        from pyxtorch.ops import shape_copy
        return finish_out(shape_copy.view_as_complex(nan_to_num(shape_copy.view_as_real(x), nan, posinf, neginf)), out, "nan_to_num")
    from pyxtorch._numbers import finfo
    largest = finfo(dtype_of(x.dt)).max
    s[0] = 0.0 if nan is None else nan
    s[1] = largest if posinf is None else posinf
    s[2] = -largest if neginf is None else neginf
    return unary(NAN_TO_NUM, NanToNum, x, "nan_to_num", SAME, out, s)


cdef int FREXP_MANTISSA = formula(b"frexp_mantissa")
cdef int FREXP_EXPONENT = formula(b"frexp_exponent")


cdef class FrexpMantissa(OfInput):
    cdef int vjp(self, Variable g) except -1:
        exponent = <Variable>unary(FREXP_EXPONENT, None, self.saved(0), "frexp", SAME, None)
        self.pass_grad(0, zero_div(g, <Variable>exp2(exponent.detach())))


def frexp(input, *, out=None):
    """Mantissa (0.5 <= |m| < 1) and int32 exponent: input = mantissa * 2 ** exponent."""
    cdef Variable x = checked(input, "frexp", "input")
    if not is_floating(x.dt):
        raise RuntimeError(f"torch.frexp() only supports floating-point dtypes, not {dtype_of(x.dt)!r}")
    strict_out(out, (), "frexp", (x.dt, INT32))
    mantissa = unary(FREXP_MANTISSA, FrexpMantissa, x, "frexp", SAME, None)
    exponent = to_dtype(<Variable>unary(FREXP_EXPONENT, None, x, "frexp", SAME, None), INT32)
    return Frexp(*finish_out((mantissa, exponent), out, "frexp"))


Frexp = return_type("frexp", ["mantissa", "exponent"])


__all__ = [
    "floor", "ceil", "round", "trunc", "frac", "reciprocal", "sqrt", "rsqrt", "exp", "exp2", "expm1", "log", "log2", "log10",
    "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinc", "angle", "sinh", "cosh", "tanh", "sigmoid", "asinh", "acosh",
    "atanh", "erf", "erfc", "logit", "deg2rad", "rad2deg", "isinf", "isfinite", "isposinf", "isneginf", "isreal", "signbit",
    "nan_to_num", "frexp", "fix", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh",
]
fix = trunc
arcsin, arccos, arctan, arcsinh, arccosh, arctanh = asin, acos, atan, asinh, acosh, atanh
_NOT_INPLACE = ("isinf", "isfinite", "isposinf", "isneginf", "isreal", "signbit", "angle", "frexp")
methods = {name: globals()[name] for name in __all__}
methods.update({name + "_": inplace(globals()[name], name + "_") for name in __all__ if name not in _NOT_INPLACE})
functional = ["sigmoid", "tanh"]
