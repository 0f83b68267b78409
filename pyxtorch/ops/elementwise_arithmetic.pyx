"""Quotients that are rounded, remainders, absolute values, powers, and sums of products."""
from cpython.complex cimport PyComplex_Check
from cpython.long cimport PyLong_Check
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, adjoint, record1, record3, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops._inplace cimport write_inplace
from pyxtorch.ops._precision cimport is_low
from pyxtorch.ops.elementwise cimport (
    SAME, Binary, Unary, binary, formula, formula1, formula3, idiv_op, mul_number, mul_t, neg_t, operand_error, quotient, unary, zero_div,
    zero_mul,
)
from pyxtorch.ops.elementwise_slope cimport sloped
from pyxtorch.ops.shape cimport conj_of, expand_to, to_dtype

from pyxtorch.ops._inplace import inplace
from pyxtorch.ops._precision import rounds_once, slope_rounds_once
from pyxtorch.ops.elementwise import add, mul, sub
from pyxtorch.ops.elementwise_select import where

cdef int DIV_TRUNC = formula(b"div_trunc")
cdef int DIV_FLOOR = formula(b"div_floor")
cdef int REMAINDER = formula(b"remainder")
cdef int FMOD = formula(b"fmod")


cdef class DivTrunc(Binary):
    """Piecewise constant: its gradient is zero."""
    cdef int vjp(self, Variable g) except -1:
        return 0


cdef class Remainder(Binary):
    """a - b * round(a / b), round being floor or trunc."""
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)
        if self.needs(1):
            self.pass_grad(1, neg_t(zero_mul(g, <Variable>div(self.saved(0), self.saved(1), rounding_mode="floor"))))


cdef class Fmod(Remainder):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)
        if self.needs(1):
            self.pass_grad(1, neg_t(zero_mul(g, <Variable>div(self.saved(0), self.saved(1), rounding_mode="trunc"))))


cdef int zero_divisor(object input, object other, str op) except -1:
    """Integer division by zero is an error, found before the kernel would meet it."""
    cdef Variable b
    if isinstance(input, Variable) and (<Variable>input).dt > INT64:
        return 0
    if isinstance(other, Variable):
        b = other
        if b.dt == BOOL and isinstance(input, Variable) and (<Variable>input).dt == BOOL:
            return 0        # not defined, which the formula says
        if b.dt <= INT64 and b.n and b.dev != META and not b.all():
            raise RuntimeError(f"{op}: ZeroDivisionError: integer division by zero")
    elif isinstance(other, int) and (modulo(other, (<Variable>input).dt) if isinstance(input, Variable) else other) == 0:
        raise RuntimeError(f"{op}: ZeroDivisionError: integer division by zero")
    return 0


def div(input, other, *, rounding_mode=None, out=None):
    """input / other: true division, or rounded towards zero ("trunc") or down ("floor")."""
    if rounding_mode is None:
        return quotient(input, other, out)
    if rounding_mode == "trunc":
        zero_divisor(input, other, "div")
        return binary(DIV_TRUNC, DivTrunc, input, other, "div", SAME, out)
    if rounding_mode == "floor":
        zero_divisor(input, other, "div")
        return binary(DIV_FLOOR, DivTrunc, input, other, "div", SAME, out)
    if not isinstance(rounding_mode, str):
        raise TypeError(f"div(): argument 'rounding_mode' must be str, not {type(rounding_mode).__name__}")
    raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")


def floor_divide(input, other, *, out=None):
    """input // other, rounded down."""
    return div(input, other, rounding_mode="floor", out=out)


def remainder(input, other, *, out=None):
    """input - other * floor(input / other): the sign of `other`."""
    zero_divisor(input, other, "remainder")
    return binary(REMAINDER, Remainder, input, other, "remainder", SAME, out)


def fmod(input, other, *, out=None):
    """input - other * trunc(input / other): the sign of `input`."""
    checked(input, "fmod", "input")
    zero_divisor(input, other, "fmod")
    return binary(FMOD, Fmod, input, other, "fmod", SAME, out)


cdef int ABS = formula(b"abs")
cdef int SIGN = formula(b"sign")
cdef int SGN = formula(b"sgn")
cdef int SQUARE = formula(b"square")
cdef int POW = formula(b"pow")
cdef int POW_SCALAR = formula(b"pow_scalar")
cdef int CUBE = formula(b"cube")
cdef int ABS_BACKWARD = formula(b"abs_backward")


cdef class Abs(Unary):
    cdef int keep(self, Variable x, Variable y) except -1:
        self.save(x)

    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        if is_complex_code((<Variable>x).dt):
            self.pass_grad(0, mul_t(g, <Variable>sgn(x)))
        else:
            self.pass_grad(0, sloped(ABS_BACKWARD, None, g, x, NULL, "abs"))


def abs(input, *, out=None):
    """Absolute value; of a complex tensor a real one."""
    return unary(ABS, Abs, input, "abs", SAME, out)


cdef class Zero(Unary):
    """Piecewise constant: its gradient is zero."""
    cdef int vjp(self, Variable g) except -1:
        return 0


def sign(input, *, out=None):
    """-1, 0 or 1 by the sign."""
    if isinstance(input, Variable) and is_complex_code((<Variable>input).dt):
        raise RuntimeError("Unlike NumPy, torch.sign doesn't support complex tensors; use sgn.")
    return unary(SIGN, Zero, input, "sign", SAME, out)


cdef class Sgn(Unary):
    """x / |x|; the gradient of a complex input turns within the unit circle."""
    cdef int keep(self, Variable x, Variable y) except -1:
        if is_complex_code(x.dt):
            self.save(x)

    cdef int vjp(self, Variable g) except -1:
        if self.n_saved == 0:
            return 0
        x = self.saved(0)
        s = sgn(x)
        size = abs(x)
        turn = where(size == 0, 0, g - (g * s.conj()).real * s)         # 0 has no direction that could turn
        self.pass_grad(0, zero_div(<Variable>turn, <Variable>size))


def sgn(input, *, out=None):
    """x / |x|, and 0 for 0: `sign` that knows complex numbers."""
    return unary(SGN, Sgn, input, "sgn", SAME, out)


cdef class Square(Unary):
    cdef int keep(self, Variable x, Variable y) except -1:
        self.save(x)

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, mul_t(g, conj_of(mul_number(self.saved(0), 2))))


def square(input, *, out=None):
    """input * input; of bools in int64."""
    if isinstance(input, Variable) and (<Variable>input).dt == BOOL:
        input = to_dtype(<Variable>input, INT64)
    return unary(SQUARE, Square, input, "square", SAME, out)


cdef class PowScalar(Unary):
    """x ** n, n a number."""
    cdef object n

    cdef int keep(self, Variable x, Variable y) except -1:
        self.save(x)

    cdef int vjp(self, Variable g) except -1:
        if self.n == 0:
            return 0
        self.pass_grad(0, zero_mul(g, conj_of(mul_number(<Variable>pow(self.saved(0), self.n - 1), self.n))))


cdef class Pow(Binary):
    """a ** b"""
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)
        self.save_output(y)

    cdef int vjp(self, Variable g) except -1:
        a, b = self.saved(0), self.saved(1)
        if self.needs(0):
            slope = where(b == 0, 0, b * pow(a, b - 1))
            self.pass_grad(0, zero_mul(g, conj_of(slope)))
        if self.needs(1):
            y = self.saved(2)
            flat = (a == 0) if is_complex_code((<Variable>b).dt) else (a == 0) & (b >= 0)
            self.pass_grad(1, zero_mul(g, conj_of(<Variable>where(flat, 0, y * a.log()))))


def pow(input, exponent, *, out=None):
    """input ** exponent, elementwise; either may be a number.

    Raises:
        RuntimeError: integers to a negative integer power.
    """
    if half(input) or half(exponent):
        return pow_of_half(input, exponent, out=out)
    return power(input, exponent, out)


cdef inline bint half(object x) noexcept:
    return isinstance(x, Variable) and is_low((<Variable>x).dt)


def _pow(input, exponent, *, out=None):
    return power(input, exponent, out)


_pow.__name__ = "pow"
pow_of_half = slope_rounds_once(_pow)


cdef object power(object input, object exponent, object out):
    cdef Variable x, y
    cdef double s[1]
    cdef PowScalar node
    if isinstance(input, Variable) and not isinstance(exponent, Variable):
        x = input
        if not is_number(exponent):
            raise operand_error("pow", exponent)
        if isinstance(exponent, bool):
            exponent = int(exponent)
        if PyLong_Check(exponent) and exponent < 0 and x.dt <= INT64:
            raise RuntimeError("pow: Integers to negative integer powers are not allowed.")
        if modulo(exponent, x.dt) != exponent:
            raise RuntimeError(f"pow: value cannot be converted to type {dtype_of(x.dt).name} without overflow: {exponent}")
        if not PyComplex_Check(exponent) and x.dt > INT64:
            if exponent == 2:
                return square(x, out=out)
            if exponent == 3 or is_floating(x.dt) and exponent != 0:
                s[0] = exponent
                y = formula1(CUBE if exponent == 3 else POW_SCALAR, x, s, "pow")
                if recording(x):
                    node = <PowScalar>PowScalar.__new__(PowScalar)
                    node.n = exponent
                    node.save(x)
                    record1(node, y, x)
                return y if out is None else finish_out(y, out, "pow")
        if exponent == 0 and x.dt > INT64 and recording(x):
            return finish_out(x * 0 + 1, out, "pow")
    return binary(POW, Pow, input, exponent, "pow", SAME, out)


def float_power(input, exponent, *, out=None):
    """input ** exponent in double precision (complex128 for complex)."""
    cdef bint z = False
    for v in (input, exponent):
        z = z or PyComplex_Check(v) or (isinstance(v, Variable) and is_complex_code((<Variable>v).dt))
    cdef int dt = COMPLEX128 if z else FLOAT64
    a = to_dtype(<Variable>input, dt) if isinstance(input, Variable) else input
    b = to_dtype(<Variable>exponent, dt) if isinstance(exponent, Variable) else exponent
    if not isinstance(a, Variable):
        checked(exponent, "float_power", "exponent")
        if not is_number(a):
            raise operand_error("float_power", a)
        a = wrap_number(a, dt, (<Variable>b).dev, (<Variable>b).dev_index)
    if out is not None and checked(out, "float_power", "out").dt != dt:
        raise RuntimeError(f"float_power: the base given to float_power_ has dtype {dtype_of((<Variable>out).dt).name} but the operation's result requires dtype {dtype_of(dt).name}")
    return pow(a, b, out=out)


# ------------------------------------------------------------------- three and more operands

cdef int ADDCMUL = formula(b"addcmul")
cdef int ADDCDIV = formula(b"addcdiv")
cdef int LERP = formula(b"lerp")
cdef int LERP_SCALAR = formula(b"lerp_scalar")


cdef class Ternary(Function):
    """y = f(a, b, c; value): one pass over three tensors of one dtype, all saved."""
    cdef double value

    cdef list pushforward(self, list tangents, list outs):
        return adjoint(self, tangents, outs)


cdef class Addcmul(Ternary):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)
        scaled = mul_number(g, self.value)
        if self.needs(1):
            self.pass_grad(1, mul_t(scaled, conj_of(self.saved(2))))
        if self.needs(2):
            self.pass_grad(2, mul_t(scaled, conj_of(self.saved(1))))


cdef class Addcdiv(Ternary):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)
        b = self.saved(2)
        share = zero_div(mul_number(g, self.value), conj_of(b))
        self.pass_grad(1, share)
        if self.needs(2):
            self.pass_grad(2, neg_t(zero_mul(share, conj_of(<Variable>div(self.saved(1), b)))))


cdef class Lerp(Ternary):
    cdef int vjp(self, Variable g) except -1:
        weight = self.saved(2)
        if self.needs(0):
            self.pass_grad(0, g * (1 - weight))
        if self.needs(1):
            self.pass_grad(1, g * weight)
        if self.needs(2):
            self.pass_grad(2, g * (self.saved(1) - self.saved(0)))


cdef class LerpScalar(Binary):
    """`lerp` by a number, the factor"""
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, mul_number(g, 1 - self.factor))
        if self.needs(1):
            self.pass_grad(1, mul_number(g, self.factor))


cdef bint one_pass(Variable a, Variable b, Variable c, object value) noexcept:
    """Whether the kernel can do these as they are: one device, one inexact dtype, a real factor."""
    return (a.dt == b.dt and a.dt == c.dt and a.dt > INT64 and a.dev == b.dev and a.dev == c.dev and a.dev_index == b.dev_index
            and a.dev_index == c.dev_index and is_number(value) and not PyComplex_Check(value))


cdef Variable ternary(int f, object cls, Variable a, Variable b, Variable c, double value, str op):
    cdef Variable y = formula3(f, a, b, c, &value, op)
    cdef Ternary node
    if recording(a) or recording(b) or recording(c):
        a, b, c = [expand_to(v, y.nd, y.sizes, op) if recording(v) else v for v in (a, b, c)]
        node = <Ternary>cls.__new__(cls)
        node.value = value
        node.save(a)
        node.save(b)
        node.save(c)
        record3(node, y, a, b, c)
    return y


@rounds_once
def addcmul(input, tensor1, tensor2, *, value=1, out=None):
    """input + value * tensor1 * tensor2, in one pass where the dtypes are equal and inexact."""
    cdef Variable x = checked(input, "addcmul", "input")
    cdef Variable a = checked(tensor1, "addcmul", "tensor1")
    cdef Variable b = checked(tensor2, "addcmul", "tensor2")
    if one_pass(x, a, b, value):
        return finish_out(ternary(ADDCMUL, Addcmul, x, a, b, value, "addcmul"), out, "addcmul")
    if PyComplex_Check(value) and not (is_complex_code(x.dt) or is_complex_code(a.dt) or is_complex_code(b.dt)):
        raise RuntimeError(f"addcmul: value cannot be converted to a real number without overflow: {value}")
    product = mul(a, b)
    return finish_out(add(x, product if value == 1 else mul(product, value)), out, "addcmul")


@rounds_once
def addcdiv(input, tensor1, tensor2, *, value=1, out=None):
    """input + value * tensor1 / tensor2, for floating-point tensors; in one pass where the dtypes are equal."""
    cdef Variable a = checked(tensor1, "addcdiv", "tensor1")
    cdef Variable b = checked(tensor2, "addcdiv", "tensor2")
    cdef Variable x = checked(input, "addcdiv", "input")
    if a.dt <= INT64 and b.dt <= INT64:
        raise RuntimeError(
            "addcdiv: Integer division with addcdiv is no longer supported; use (input + value * trunc(tensor1 / tensor2)) for the old behaviour."
        )
    if one_pass(x, a, b, value):
        return finish_out(ternary(ADDCDIV, Addcdiv, x, a, b, value, "addcdiv"), out, "addcdiv")
    ratio = div(a, b)
    return finish_out(add(x, ratio if value == 1 else mul(ratio, value)), out, "addcdiv")


@rounds_once
def lerp(input, end, weight, *, out=None):
    """input + weight * (end - input); from a weight of 0.5 on, counted back from `end`."""
    cdef Variable a = checked(input, "lerp", "input")
    cdef Variable b = checked(end, "lerp", "end")
    cdef Variable w = None, y
    cdef double s[1]
    if a.dt != b.dt:
        raise RuntimeError(f"lerp: expected dtype {dtype_of(a.dt).name} for `end` but got dtype {dtype_of(b.dt).name}")
    if isinstance(weight, Variable):
        w = <Variable>weight
        if w.dt != a.dt and w.nd:
            raise RuntimeError(f"lerp: expected dtype {dtype_of(a.dt).name} for `weight` but got dtype {dtype_of(w.dt).name}")
    elif is_number(weight) and not PyComplex_Check(weight) and is_floating(a.dt):
        s[0] = weight
        y = <Variable>binary(LERP_SCALAR, LerpScalar, a, b, "lerp", SAME, None, s)
        return finish_out(y, out, "lerp")
    if w is not None and is_floating(a.dt) and one_pass(a, b, w, 1):
        return finish_out(ternary(LERP, Lerp, a, b, w, 1, "lerp"), out, "lerp")
    gap = b - a
    if w is not None:
        return finish_out(where(abs(w) < 0.5, a + w * gap, b - gap * (1 - w)), out, "lerp")
    near = (weight.real * weight.real + weight.imag * weight.imag if isinstance(weight, complex) else weight * weight) < 0.25
    return finish_out(a + gap * weight if near else b - gap * (1 - weight), out, "lerp")


# ------------------------------------------------------------------------------ in-place forms

def div_(Variable self not None, other, *, rounding_mode=None):
    """self /= other"""
    if rounding_mode is None:
        return idiv_op(self, other)
    return write_inplace(self, div(self, other, rounding_mode=rounding_mode), "div_")


def abs_(Variable self not None):
    """`abs` in place; not for complex tensors, whose absolute values are real."""
    if is_complex_code(self.dt):
        raise RuntimeError("In-place abs is not supported for complex tensors. Use abs.")
    return recorded_abs_(self)


def float_power_(Variable self not None, exponent):
    """`float_power` in place; self must be float64 or complex128 already."""
    cdef Variable y = <Variable>float_power(self, exponent)
    if y.dt != self.dt:
        raise RuntimeError(f"float_power_: the base has dtype {dtype_of(self.dt).name} but the operation's result requires dtype {dtype_of(y.dt).name}. Use float_power.")
    return write_inplace(self, y, "float_power_")


def rsub(input, other, *, alpha=1):
    """other - alpha * input"""
    checked(input, "rsub", "input")
    if not isinstance(other, Variable) and not is_number(other):
        raise operand_error("rsub", other)
    return sub(other, input, alpha=alpha)


def positive(Variable input not None):
    """+input: the tensor itself; not for bool tensors."""
    if input.dt == BOOL:
        raise RuntimeError("positive: The `+` operator, on a bool tensor is not supported.")
    return input


__all__ = [
    "div", "floor_divide", "remainder", "fmod", "abs", "sign", "sgn", "square", "pow", "float_power", "addcmul", "addcdiv", "lerp",
    "divide", "absolute", "positive", "rsub",
]
divide, absolute = div, abs
recorded_abs_ = inplace(abs, "abs_")
methods = {name: globals()[name] for name in __all__ if name != "rsub"}
methods.update(div_=div_, divide_=div_, abs_=abs_, absolute_=abs_, float_power_=float_power_)
methods.update({name + "_": inplace(globals()[name], name + "_") for name in __all__ if name not in ("positive", "rsub") and name + "_" not in methods})
