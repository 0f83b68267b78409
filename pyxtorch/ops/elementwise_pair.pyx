"""Mathematical functions of two operands, one result per element."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable
from pyxtorch.ops._common cimport *
from pyxtorch.ops._precision cimport is_low
from pyxtorch.ops.elementwise cimport FLOAT, SAME, Binary, binary, formula, tensors_only, zero_div, zero_mul
from pyxtorch.ops.shape cimport to_dtype

from pyxtorch.ops._common import strict_out
from pyxtorch.ops._inplace import inplace
from pyxtorch.ops._precision import slope_rounds_once
from pyxtorch.ops.elementwise import mul
from pyxtorch.ops.elementwise_arithmetic import pow, sign
from pyxtorch.ops.elementwise_compare import isnan, logical_and
from pyxtorch.ops.elementwise_math import exp, log, log1p, sigmoid
from pyxtorch.ops.elementwise_select import where

cdef double LN2 = 0.6931471805599453

cdef int ATAN2 = formula(b"atan2")
cdef int HYPOT = formula(b"hypot")
cdef int COPYSIGN = formula(b"copysign")
cdef int NEXTAFTER = formula(b"nextafter")
cdef int LOGADDEXP = formula(b"logaddexp")
cdef int LOGADDEXP2 = formula(b"logaddexp2")
cdef int XLOGY = formula(b"xlogy")
cdef int HEAVISIDE = formula(b"heaviside")
cdef int GCD = formula(b"gcd")
cdef int LCM = formula(b"lcm")
cdef int POLAR = formula(b"polar")
cdef int COMPLEX = formula(b"complex")
cdef int LDEXP = formula(b"ldexp")


cdef class OfInputs(Binary):
    """A function of two operands whose gradient is written over both."""
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)


cdef Variable or_infinity(object r):
    """A distance to divide by: infinity in place of 0, so that the quotient is 0 at the origin."""
    return <Variable>where(r == 0, float("inf"), r)


cdef class Atan2(OfInputs):
    cdef int vjp(self, Variable g) except -1:
        a, b = self.saved(0), self.saved(1)
        r = or_infinity(hypot(a, b))
        share = zero_div(g, r)
        self.pass_grad(0, zero_mul(share, zero_div(b, r)))
        if self.needs(1):
            self.pass_grad(1, zero_mul(share, zero_div(-a, r)))


cdef class Hypot(Binary):
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)
        self.save_output(y)

    cdef int vjp(self, Variable g) except -1:
        r = or_infinity(self.saved(2))
        self.pass_grad(0, zero_mul(g, zero_div(self.saved(0), r)))
        self.pass_grad(1, zero_mul(g, zero_div(self.saved(1), r)))


cdef class Copysign(OfInputs):
    cdef int vjp(self, Variable g) except -1:
        a, b = self.saved(0), self.saved(1)
        self.pass_grad(0, where(a == 0, 0, g * copysign(b.new_ones(()), b) * sign(a)))
        if self.needs(1):
            self.pass_grad(1, g.new_zeros(g.shape))


cdef class Nextafter(OfInputs):
    """A step of one unit in the last place from `a`; where a equals b, the result is neither's."""
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, where(self.saved(0) == self.saved(1), 0, g))
        if self.needs(1):
            self.pass_grad(1, g.new_zeros(g.shape))


cdef class Logaddexp(OfInputs):
    cdef int vjp(self, Variable g) except -1:
        gap = where(self.saved(0) == self.saved(1), 0, self.saved(0) - self.saved(1))     # of equal infinities too
        self.pass_grad(0, zero_mul(g, <Variable>sigmoid(gap)))
        self.pass_grad(1, zero_mul(g, <Variable>sigmoid(-gap)))


cdef class Logaddexp2(OfInputs):
    cdef int vjp(self, Variable g) except -1:
        gap = where(self.saved(0) == self.saved(1), 0, self.saved(0) - self.saved(1)) * LN2
        self.pass_grad(0, zero_mul(g, <Variable>sigmoid(gap)))
        self.pass_grad(1, zero_mul(g, <Variable>sigmoid(-gap)))


cdef class Xlogy(OfInputs):
    cdef int vjp(self, Variable g) except -1:
        a, b = self.saved(0), self.saved(1)
        if self.needs(0):
            skip = logical_and(a == 0, b <= 0)
            self.pass_grad(0, zero_mul(g, <Variable>where(skip, 0, log(b))))
        if self.needs(1):
            self.pass_grad(1, zero_mul(g, zero_div(a, b)))       # 0 log(b) is 0 for every b


@slope_rounds_once
def atan2(input, other, *, out=None):
    """The angle (radians) of the point (other, input), from -pi to pi."""
    tensors_only(input, other, "atan2")
    return binary(ATAN2, Atan2, input, other, "atan2", FLOAT, out)


@slope_rounds_once
def hypot(input, other, *, out=None):
    """sqrt(input^2 + other^2) without overflow on the way."""
    tensors_only(input, other, "hypot")
    return binary(HYPOT, Hypot, input, other, "hypot", SAME, out)


def copysign(input, other, *, out=None):
    """The magnitude of `input` with the sign of `other`."""
    checked(input, "copysign", "input")
    return binary(COPYSIGN, Copysign, input, other, "copysign", FLOAT, out)


def nextafter(input, other, *, out=None):
    """The next number of the dtype after `input` towards `other`."""
    tensors_only(input, other, "nextafter")
    return binary(NEXTAFTER, Nextafter, input, other, "nextafter", SAME, out)


@slope_rounds_once
def logaddexp(input, other, *, out=None):
    """log(exp(input) + exp(other)) without overflow."""
    tensors_only(input, other, "logaddexp")
    if is_complex_code((<Variable>input).dt) or is_complex_code((<Variable>other).dt):
        dt = dtype_of(result_type_of(<Variable>input, <Variable>other))
        input, other = input.to(dt), other.to(dt)
        high = where(input.real >= other.real, input, other)
        low = where(input.real >= other.real, other, input)
        y = where(high.real == float("-inf"), low, high + log1p(exp(low - high)))     # of two zeros: zero, of no angle
        return finish_out(where(isnan(input), input, where(isnan(other), other, y)), out, "logaddexp")
    return binary(LOGADDEXP, Logaddexp, input, other, "logaddexp", SAME, out)


@slope_rounds_once
def logaddexp2(input, other, *, out=None):
    """log2(2 ** input + 2 ** other) without overflow."""
    tensors_only(input, other, "logaddexp2")
    return binary(LOGADDEXP2, Logaddexp2, input, other, "logaddexp2", SAME, out)


@slope_rounds_once
def xlogy(input, other, *, out=None):
    """input * log(other), and 0 where input is 0."""
    return binary(XLOGY, Xlogy, input, other, "xlogy", FLOAT, out)


def heaviside(input, values, *, out=None):
    """0 for negative, 1 for positive elements, `values` at 0."""
    tensors_only(input, values, "heaviside", "values")
    if (<Variable>input).dt != (<Variable>values).dt:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return binary(HEAVISIDE, Step, input, values, "heaviside", SAME, out)


cdef class Step(Binary):
    cdef int vjp(self, Variable g) except -1:
        return 0


def gcd(input, other, *, out=None):
    """The greatest common divisor of integers."""
    tensors_only(input, other, "gcd")
    return binary(GCD, None, input, other, "gcd", SAME, out)


def lcm(input, other, *, out=None):
    """The least common multiple of integers."""
    tensors_only(input, other, "lcm")
    return binary(LCM, None, input, other, "lcm", SAME, out)


cdef class Ldexp(Binary):
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(b)
        self.save_output(y)

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, ldexp(g, self.saved(0)))
        if self.needs(1):
            self.pass_grad(1, zero_mul(g, self.saved(1) * LN2))


@slope_rounds_once
def ldexp(input, other, *, out=None):
    """input * 2 ** other, rounded once: the power alone may be out of range.

    The dtype is that of a floating-point input where `other` is integral; else that of input * 2.0 ** other: integers give the default one.
    """
    cdef Variable x = checked(input, "ldexp", "input"), n = checked(other, "ldexp", "other")
    cdef int dt
    if n.dt <= INT64 and is_low(x.dt):
        return finish_out(to_dtype(<Variable>ldexp(to_dtype(x, FLOAT32), n), x.dt), out, "ldexp")
    if n.dt <= INT64 and is_floating(x.dt):
        n = to_dtype(n, x.dt)
    elif n.dt <= INT64:
        n = to_dtype(n, default_dtype())
    dt = result_type_of(x, n)
    if is_complex_code(dt):
        return mul(x, pow(2.0, n), out=out)
    return binary(LDEXP, Ldexp, to_dtype(x, dt), to_dtype(n, dt), "ldexp", SAME, out)


cdef class Polar(OfInputs):
    """r * (cos t + i sin t)"""
    cdef int vjp(self, Variable g) except -1:
        r, t = self.saved(0), self.saved(1)
        turned = g.conj() * polar(r.new_ones(r.shape), t)
        self.pass_grad(0, turned.real)
        if self.needs(1):
            self.pass_grad(1, (turned * r * 1j).real)


cdef class MakeComplex(Binary):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g.real)
        self.pass_grad(1, g.imag)


cdef object two_parts(int f, type node, object a, object b, object out, str op, str name_a, str name_b):
    """A complex tensor of two real ones of one dtype."""
    cdef int dt = checked(a, op, name_a).dt
    cdef int other = checked(b, op, name_b).dt
    for code in (dt, other):
        if code != FLOAT16 and code != FLOAT32 and code != FLOAT64:
            raise RuntimeError(f"{op}: Expected both inputs to be Half, Float or Double tensors but got {dtype_of(dt).name} and {dtype_of(other).name}")
    if dt != other:
        raise RuntimeError(f"{op}: Expected object of scalar type {dtype_of(dt).name} but got scalar type {dtype_of(other).name} for second argument")
    strict_out(out, (), op, (complex_code(dt),))
    return binary(f, node, a, b, op, SAME, out)


def polar(abs, angle, *, out=None):
    """Complex numbers of given absolute values and angles (radians)."""
    return two_parts(POLAR, Polar, abs, angle, out, "polar", "abs", "angle")


def complex(real, imag, *, out=None):
    """Complex numbers of given real and imaginary parts."""
    return two_parts(COMPLEX, MakeComplex, real, imag, out, "complex", "real", "imag")


__all__ = [
    "atan2", "hypot", "copysign", "nextafter", "logaddexp", "logaddexp2", "xlogy", "heaviside", "gcd", "lcm", "ldexp", "polar", "complex",
    "arctan2",
]
arctan2 = atan2
methods = {name: globals()[name] for name in __all__ if name not in ("polar", "complex")}
methods.update({name + "_": inplace(globals()[name], name + "_") for name in methods if name not in ("logaddexp", "logaddexp2")})
