"""Elementwise functions: PyTorch's, with the standard's promotion, which looks at dtypes alone."""
import math
import numbers

import pyxtorch as torch
from pyxtorch.array_api._dtypes import is_integral, need_tensor, operands


def _unary(name, function, what):
    def f(x, /):
        need_tensor(name, x)
        return function(x)

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"{what}, for each element of `x`; a tensor of the shape of `x`."
    return f


def _binary(name, function, what):
    def f(x1, x2, /):
        return function(*operands(name, x1, x2))

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"{what}, for each pair of elements. One of the two may be a number; shapes are broadcast, dtypes promoted."
    return f


def _sign(x):
    """PyTorch's is 0 at NaN."""
    return torch.sgn(x) if is_integral(x.dtype) else torch.where(x != x, x, torch.sgn(x))


def _round(x):
    """Halves go to even numbers; complex numbers by their parts."""
    return torch.complex(torch.round(x.real), torch.round(x.imag)) if x.dtype.is_complex else torch.round(x)


abs = _unary("abs", torch.abs, "The distance from zero")
acos = _unary("acos", torch.acos, "The angle in radians whose cosine it is")
acosh = _unary("acosh", torch.acosh, "The inverse hyperbolic cosine")
asin = _unary("asin", torch.asin, "The angle in radians whose sine it is")
asinh = _unary("asinh", torch.asinh, "The inverse hyperbolic sine")
atan = _unary("atan", torch.atan, "The angle in radians whose tangent it is")
atanh = _unary("atanh", torch.atanh, "The inverse hyperbolic tangent")
bitwise_invert = _unary("bitwise_invert", torch.bitwise_not, "All bits turned over")
ceil = _unary("ceil", torch.ceil, "The least whole number that is not less")
conj = _unary("conj", lambda x: torch.conj(x).resolve_conj(), "The complex conjugate")
cos = _unary("cos", torch.cos, "The cosine of an angle in radians")
cosh = _unary("cosh", torch.cosh, "The hyperbolic cosine")
exp = _unary("exp", torch.exp, "The exponential function")
expm1 = _unary("expm1", torch.expm1, "exp(x) - 1, exact near 0")
floor = _unary("floor", torch.floor, "The greatest whole number that is not more")
imag = _unary("imag", lambda x: torch.imag(x) if x.dtype.is_complex else torch.zeros_like(x), "The imaginary part")
isfinite = _unary("isfinite", torch.isfinite, "Whether it is neither infinite nor NaN")
isinf = _unary("isinf", torch.isinf, "Whether it is infinite")
isnan = _unary("isnan", torch.isnan, "Whether it is NaN")
log = _unary("log", torch.log, "The natural logarithm")
log10 = _unary("log10", torch.log10, "The logarithm to base 10")
log1p = _unary("log1p", torch.log1p, "log(1 + x), exact near 0")
log2 = _unary("log2", torch.log2, "The logarithm to base 2")
logical_not = _unary("logical_not", torch.logical_not, "Whether it is not true")
negative = _unary("negative", torch.neg, "The negative")
positive = _unary("positive", lambda x: +x, "The number itself")
real = _unary("real", torch.real, "The real part")
reciprocal = _unary("reciprocal", torch.reciprocal, "1 / x")
round = _unary("round", _round, "The nearest whole number, the even one of two that are equally near")
sign = _unary("sign", _sign, "-1, 0 or 1 by the sign; of a complex number, x / |x|")
signbit = _unary("signbit", torch.signbit, "Whether the sign is minus, that of -0 included")
sin = _unary("sin", torch.sin, "The sine of an angle in radians")
sinh = _unary("sinh", torch.sinh, "The hyperbolic sine")
sqrt = _unary("sqrt", torch.sqrt, "The square root")
square = _unary("square", torch.square, "x * x")
tan = _unary("tan", torch.tan, "The tangent of an angle in radians")
tanh = _unary("tanh", torch.tanh, "The hyperbolic tangent")
trunc = _unary("trunc", torch.trunc, "The whole number next to it on the side of zero")

add = _binary("add", torch.add, "x1 + x2")
atan2 = _binary("atan2", torch.atan2, "The angle in radians of the point (x2, x1)")
bitwise_and = _binary("bitwise_and", torch.bitwise_and, "The bits that both have")
bitwise_left_shift = _binary("bitwise_left_shift", torch.bitwise_left_shift, "x1 with its bits moved up by x2 places")
bitwise_or = _binary("bitwise_or", torch.bitwise_or, "The bits that one of them has")
bitwise_right_shift = _binary("bitwise_right_shift", torch.bitwise_right_shift, "x1 with its bits moved down by x2 places, its sign kept")
bitwise_xor = _binary("bitwise_xor", torch.bitwise_xor, "The bits that only one of them has")
copysign = _binary("copysign", torch.copysign, "x1 with the sign of x2")
divide = _binary("divide", torch.div, "x1 / x2")
equal = _binary("equal", torch.eq, "Whether both are equal")
floor_divide = _binary("floor_divide", torch.floor_divide, "x1 / x2 rounded down")
greater = _binary("greater", torch.gt, "Whether x1 > x2")
greater_equal = _binary("greater_equal", torch.ge, "Whether x1 >= x2")
hypot = _binary("hypot", torch.hypot, "The distance of the point (x1, x2) from the origin")
less = _binary("less", torch.lt, "Whether x1 < x2")
less_equal = _binary("less_equal", torch.le, "Whether x1 <= x2")
logaddexp = _binary("logaddexp", torch.logaddexp, "log(exp(x1) + exp(x2))")
logical_and = _binary("logical_and", torch.logical_and, "Whether both are true")
logical_or = _binary("logical_or", torch.logical_or, "Whether one of them is true")
logical_xor = _binary("logical_xor", torch.logical_xor, "Whether only one of them is true")
maximum = _binary("maximum", torch.maximum, "The greater one; NaN where one is NaN")
minimum = _binary("minimum", torch.minimum, "The lesser one; NaN where one is NaN")
multiply = _binary("multiply", torch.mul, "x1 * x2")
nextafter = _binary("nextafter", torch.nextafter, "The number next to x1 in the direction of x2")
not_equal = _binary("not_equal", torch.ne, "Whether they differ")
pow = _binary("pow", torch.pow, "x1 to the power of x2")
remainder = _binary("remainder", torch.remainder, "What floor_divide leaves, of the sign of x2")
subtract = _binary("subtract", torch.sub, "x1 - x2")


def clip(x, /, min=None, max=None):
    """Each element, or the limit that it is beyond.

    Args:
        x: tensor of real numbers.
        min, max: numbers or tensors that broadcast with `x`; None for no limit.
    Returns:
        Tensor of the dtype of `x`, of the shape that all three broadcast to.
    """
    need_tensor("clip", x)
    result = x
    for limit, function, whole, beyond in (
        (min, torch.maximum, math.ceil, lambda n, of: n <= of.min),
        (max, torch.minimum, math.floor, lambda n, of: n >= of.max),
    ):
        if limit is None:
            continue
        if is_integral(x.dtype) and isinstance(limit, numbers.Real):
            if math.isinf(limit) or beyond(limit, torch.iinfo(x.dtype)):
                continue  # a limit that no integer of the dtype is beyond
            limit = whole(limit)
        result = function(*operands("clip", result, limit))
    return result.to(x.dtype) if result is not x else x.clone()


__all__ = [name for name, value in list(globals().items()) if callable(value) and getattr(value, "__module__", None) == __name__ and not name.startswith("_")]
