"""Elementwise operations: arithmetic, comparisons, logic, formulas."""
import math

import pyxtorch
from pyxtorch.onnx._graph import BOOL, INT, Value
from pyxtorch.onnx._rows import ROWS, row

# Operations of one argument that ONNX has as they are, of floating-point numbers.
UNARY = {
    "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sin": "Sin", "cos": "Cos", "tan": "Tan", "asin": "Asin", "acos": "Acos", "atan": "Atan",
    "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "tanh": "Tanh", "asinh": "Asinh", "acosh": "Acosh",
    "atanh": "Atanh", "arcsinh": "Asinh", "arccosh": "Acosh", "arctanh": "Atanh", "sigmoid": "Sigmoid", "expit": "Sigmoid", "erf": "Erf",
    "reciprocal": "Reciprocal",
}  # fmt: skip


def _unary(op):
    def of_one(g, input):
        return input.floating().unary(op)

    return of_one


for _name, _op in UNARY.items():
    ROWS[_name] = _unary(_op)


def whole_kept(op):
    """A row of an operation that leaves whole numbers as they are."""

    def of_one(g, input):
        return input.unary(op) if input.floats else input

    return of_one


ROWS["floor"], ROWS["ceil"] = whole_kept("Floor"), whole_kept("Ceil")


@row("abs absolute")
def absolute(g, input):
    return abs(input)


@row("neg negative")
def negative(g, input):
    return -input


@row("positive clone contiguous detach detach_copy alias alias_copy conj conj_physical resolve_conj resolve_neg real cpu cuda requires_grad data")
def same(g, input, *more, **named):
    return input


@row("sign sgn")
def sign(g, input):
    if input.dtype == BOOL:
        return input
    if not input.floats:
        return input.unary("Sign")
    return (input > 0).cast(input.dtype) - (input < 0).cast(input.dtype)  # 0 of NaN


@row("round")
def rounded(g, input, decimals=0):
    if not input.floats:
        return input
    if decimals == 0:
        return input.unary("Round")
    power = 10.0 ** abs(decimals)
    return (input * power).unary("Round") / power if decimals > 0 else (input / power).unary("Round") * power


@row("trunc fix")
def trunc(g, input):
    return input if not input.floats else abs(input).floor() * input.unary("Sign")


@row("frac")
def frac(g, input):
    return input - trunc(g, input)


@row("rsqrt")
def rsqrt(g, input):
    return input.floating().sqrt().unary("Reciprocal")


@row("square")
def square(g, input):
    return input * input


@row("exp2")
def exp2(g, input):
    return (input.floating() * math.log(2)).exp()


@row("expm1")
def expm1(g, input):
    # 2 exp(x/2) sinh(x/2): exact near 0, where exp(x) - 1 is not
    x = input.floating()
    half = x / 2
    return g.where(abs(x) < 1, half.exp() * half.unary("Sinh") * 2, x.exp() - 1)


@row("log1p")
def log1p(g, input):
    # log(u) x / (u - 1) for u = 1 + x as it was rounded: exact near 0 (Kahan)
    x = input.floating()
    u = x + 1
    return g.where((u == 1) | u.unary("IsInf", BOOL, detect_negative=0), x, u.log() * (x / (u - 1)))


@row("log2")
def log2(g, input):
    return input.floating().log() * (1 / math.log(2))


@row("log10")
def log10(g, input):
    return input.floating().log() * (1 / math.log(10))


@row("erfc")
def erfc(g, input):
    return 1 - input.floating().unary("Erf")


@row("logit")
def logit(g, input, eps=None):
    x = input.floating()
    x = x if eps is None else x.clip(eps, 1 - eps)
    return (x / (1 - x)).log()


@row("deg2rad")
def deg2rad(g, input):
    return input.floating() * (math.pi / 180)


@row("rad2deg")
def rad2deg(g, input):
    return input.floating() * (180 / math.pi)


@row("sinc")
def sinc(g, input):
    x = input.floating() * math.pi
    zero = x == 0
    safe = g.where(zero, 1, x)
    return g.where(zero, 1, safe.unary("Sin") / safe)


@row("isnan")
def isnan(g, input):
    return input.floating().unary("IsNaN", BOOL)


@row("isinf")
def isinf(g, input):
    return input.floating().unary("IsInf", BOOL)


@row("isposinf")
def isposinf(g, input):
    return input.floating().unary("IsInf", BOOL, detect_negative=0)


@row("isneginf")
def isneginf(g, input):
    return input.floating().unary("IsInf", BOOL, detect_positive=0)


@row("isfinite")
def isfinite(g, input):
    return ~(isnan(g, input) | isinf(g, input))


@row("signbit")
def signbit(g, input):
    if not input.floats:
        return input < 0
    return (input < 0) | ((input == 0) & (input.unary("Reciprocal") < 0))  # 1 / -0 is -inf


@row("nan_to_num")
def nan_to_num(g, input, nan=None, posinf=None, neginf=None):
    if not input.floats:
        return input
    info = pyxtorch.finfo(input.dtype)
    x = g.where(isnan(g, input), 0.0 if nan is None else nan, input)
    x = g.where(isposinf(g, x), info.max if posinf is None else posinf, x)
    return g.where(isneginf(g, x), info.min if neginf is None else neginf, x)


@row("logical_not")
def logical_not(g, input):
    return ~input


@row("bitwise_not")
def bitwise_not(g, input):
    return ~input if input.dtype == BOOL else input.unary("BitwiseNot")


# ---------------------------------------------------------------------------- two operands

@row("add")
def add(g, input, other, alpha=1):
    return input + (other if isinstance(alpha, (int, float)) and alpha == 1 else other * alpha) if isinstance(input, Value) else other + input


@row("sub subtract")
def sub(g, input, other, alpha=1):
    return input - (other if isinstance(alpha, (int, float)) and alpha == 1 else other * alpha)


@row("rsub")
def rsub(g, input, other, alpha=1):
    return sub(g, other, input, alpha) if isinstance(other, Value) else other - (input if alpha == 1 else input * alpha)


@row("mul multiply")
def mul(g, input, other):
    if g.dtype_of(input, other) == BOOL:
        return g.logical("And", input, other)
    return g.arithmetic("Mul", input, other)


@row("div divide true_divide")
def div(g, input, other, rounding_mode=None):
    if rounding_mode == "floor":
        return g.floor_divide(input, other)
    dtype = g.dtype_of(input, other)
    if rounding_mode == "trunc" and not dtype.is_floating_point:
        return g.arithmetic("Div", input, other)
    quotient = g.arithmetic("Div", *g.promoted(input, other, dtype=dtype if dtype.is_floating_point else pyxtorch.get_default_dtype()))
    return trunc(g, quotient) if rounding_mode == "trunc" else quotient


@row("rdiv")
def rdiv(g, input, other):
    return div(g, other, input)


@row("floor_divide")
def floor_divide(g, input, other):
    return g.floor_divide(input, other)


@row("rfloordiv")
def rfloordiv(g, input, other):
    return g.floor_divide(other, input)


@row("remainder")
def remainder(g, input, other):
    return g.remainder(input, other)


@row("rmod")
def rmod(g, input, other):
    return g.remainder(other, input)


@row("fmod")
def fmod(g, input, other):
    a, b = g.promoted(input, other)
    return g.add("Mod", [a, b], a.dtype, g.broadcast(a.shape, b.shape), fmod=1)


@row("pow")
def power(g, input, exponent):
    return g.arithmetic("Pow", input, exponent)


@row("rpow")
def rpow(g, input, other):
    return g.arithmetic("Pow", other, input)


@row("float_power")
def float_power(g, input, exponent):
    return g.arithmetic("Pow", *g.promoted(input, exponent, dtype=pyxtorch.float64))


@row("maximum")
def maximum(g, input, other):
    return g.arithmetic("Max", input, other)


@row("minimum")
def minimum(g, input, other):
    return g.arithmetic("Min", input, other)


@row("fmax")
def fmax(g, input, other):
    a, b = g.promoted(input, other)
    return g.where(isnan(g, a), b, g.where(isnan(g, b), a, g.arithmetic("Max", a, b)))


@row("fmin")
def fmin(g, input, other):
    a, b = g.promoted(input, other)
    return g.where(isnan(g, a), b, g.where(isnan(g, b), a, g.arithmetic("Min", a, b)))


@row("atan2 arctan2")
def atan2(g, input, other):
    y, x = g.promoted(input, other)
    y, x = y.floating(), x.floating()
    high, wide = abs(y), abs(x)
    slope = high / g.where((high == 0) & (wide == 0), 1, wide)
    slope = g.where(isinf(g, high) & isinf(g, wide), 1, slope)
    angle = slope.unary("Atan")
    angle = g.where(signbit(g, x), math.pi - angle, angle)
    return g.where(signbit(g, y), -angle, angle)


@row("hypot")
def hypot(g, input, other):
    a, b = g.promoted(input, other)
    a, b = abs(a), abs(b)
    big, small = g.arithmetic("Max", a, b), g.arithmetic("Min", a, b)
    ratio = small / g.where(big == 0, 1, big)
    return g.where(isinf(g, a) | isinf(g, b), math.inf, big * (ratio * ratio + 1).sqrt())


@row("copysign")
def copysign(g, input, other):
    a = abs(input).floating()
    return g.where(signbit(g, other), -a, a) if isinstance(other, Value) else -a if math.copysign(1, other) < 0 else a


@row("heaviside")
def heaviside(g, input, values):
    return g.where(input == 0, values, (input > 0).cast(input.dtype))


@row("xlogy")
def xlogy(g, input, other):
    a, b = g.promoted(input, other)
    a, b = a.floating(), b.floating()
    return g.where((a == 0) & ~isnan(g, b), 0, a * b.log())


@row("logaddexp")
def logaddexp(g, input, other):
    a, b = g.promoted(input, other)
    big = g.arithmetic("Max", a, b)
    return g.where(isinf(g, big), big, big + log1p(g, (-abs(a - b)).exp()))


@row("logaddexp2")
def logaddexp2(g, input, other):
    return logaddexp(g, input * math.log(2), other * math.log(2)) * (1 / math.log(2))


@row("ldexp")
def ldexp(g, input, other):
    return input.floating() * exp2(g, other)


@row("lerp")
def lerp(g, input, end, weight):
    return input + (end - input) * weight


@row("addcmul")
def addcmul(g, input, tensor1, tensor2, value=1):
    return input + tensor1 * tensor2 * value if value != 1 else input + tensor1 * tensor2


@row("addcdiv")
def addcdiv(g, input, tensor1, tensor2, value=1):
    return input + tensor1 / tensor2 * value if value != 1 else input + tensor1 / tensor2


@row("special_entr")
def entr(g, input):
    x = input.floating()
    inside = -(x * g.where(x > 0, x, 1).log())
    return g.where(x > 0, inside, g.where(x == 0, x, g.where(x < 0, -math.inf, x)))


@row("special_ndtr")
def ndtr(g, input):
    return ((input.floating() * math.sqrt(0.5)).unary("Erf") + 1) * 0.5


@row("special_xlog1py")
def xlog1py(g, input, other):
    a, b = g.promoted(input, other)
    a, b = a.floating(), b.floating()
    return g.where((a == 0) & ~isnan(g, b), 0, a * log1p(g, b))


@row("angle")
def angle(g, input):
    x = input.floating()
    return g.where(isnan(g, x), x, g.where(x < 0, math.pi, g.number(0.0, x.dtype)))


@row("isreal")
def isreal(g, input):
    return g.filled(input.sizes(), True, BOOL)


@row("dist")
def dist(g, input, other, p=2):
    from pyxtorch.onnx._rows.reduce import norm_over

    return norm_over(g, input - other, p, None, False)


# ---------------------------------------------------------------------------- comparisons and logic

def _comparison(op):
    def compared(g, input, other):
        if op == "NotEqual":
            return ~g.compare("Equal", input, other)
        return g.compare(op, input, other)

    return compared


for _names, _op in {"eq": "Equal", "ne not_equal": "NotEqual", "lt less": "Less", "le less_equal": "LessOrEqual", "gt greater": "Greater",
                    "ge greater_equal": "GreaterOrEqual"}.items():  # fmt: skip
    row(_names)(_comparison(_op))


def _logic(op):
    def combined(g, input, other):
        return g.logical(op, input, other)

    return combined


def _bitwise(op, logical):
    def combined(g, input, other):
        a, b = g.promoted(input, other)
        if a.dtype == BOOL:
            return g.logical(logical, a, b)
        return g.add(op, [a, b], a.dtype, g.broadcast(a.shape, b.shape))

    return combined


for _name in ("And", "Or", "Xor"):
    ROWS[f"logical_{_name.lower()}"] = _logic(_name)
    ROWS[f"bitwise_{_name.lower()}"] = _bitwise(f"Bitwise{_name}", _name)


@row("bitwise_left_shift")
def left_shift(g, input, other):
    a, b = g.promoted(input, other)
    return (a.cast(INT) * g.arithmetic("Pow", g.number(2, INT), b.cast(INT))).cast(a.dtype)


@row("bitwise_right_shift")
def right_shift(g, input, other):
    a, b = g.promoted(input, other)
    return g.floor_divide(a.cast(INT), g.arithmetic("Pow", g.number(2, INT), b.cast(INT))).cast(a.dtype)


@row("rlshift")
def rlshift(g, input, other):
    return left_shift(g, other, input)


@row("rrshift")
def rrshift(g, input, other):
    return right_shift(g, other, input)


@row("isclose")
def isclose(g, input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    close = (input == other) | (abs(input - other) <= abs(other) * rtol + atol) & isfinite(g, other)
    return close | isnan(g, input) & isnan(g, other) if equal_nan else close


@row("where")
def where(g, condition, input=None, other=None):
    if input is None:
        from pyxtorch.onnx._rows.index import nonzero

        return nonzero(g, condition, as_tuple=True)
    return g.where(condition, input, other, dtype=g.out[0][0])


@row("torch.Tensor.where")
def where_method(g, input, condition, other=0):
    return where(g, condition, input, other)


@row("masked_fill")
def masked_fill(g, input, mask, value):
    return g.where(mask, value.cast(input.dtype) if isinstance(value, Value) else g.number(value, input.dtype), input)


@row("clamp clip")
def clamp(g, input, min=None, max=None):
    return input.clip(min, max)


@row("clamp_min")
def clamp_min(g, input, min):
    return input.maximum(min)


@row("clamp_max")
def clamp_max(g, input, max):
    return input.minimum(max)


# ---------------------------------------------------------------------------- dtypes

@row("to")
def to(g, input, *args, **named):
    return input.cast(g.out[0][0])


@row("type_as float double half bfloat16 int long short char byte bool type")
def converted(g, input, *args, **named):
    return input.cast(g.out[0][0])


@row("copy")
def copy(g, input, src, non_blocking=False):
    return (src if isinstance(src, Value) else g.number(src, input.dtype)).cast(input.dtype).expand(input.sizes())


@row("fill")
def fill(g, input, value):
    return g.filled(input.sizes(), value, input.dtype)


@row("zero")
def zero(g, input):
    return g.filled(input.sizes(), 0, input.dtype)

