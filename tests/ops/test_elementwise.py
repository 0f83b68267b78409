"""Operations on each element."""
import numpy as np
import pytest
import scipy.special as sp

import pyxtorch as torch
from pyxtorch.testing.operations import BOOL, COMPLEX, FLOAT, INT, WIDE, Error, Op, S, given, mask, tensor

LARGE = (131, 1009)
SHAPES = (S((2, 3, 4)), S(()), S((0,)), S((2, 0, 3)))
PAIRS = (S((2, 3), (2, 3)), S((3, 1, 2), (4, 1)), S((), (2, 3)), S((3,), ()), S((2, 0), (1,)), S((2, 3), 2), S((), ()))
NUMBERS = FLOAT + COMPLEX + INT
inf, nan = np.inf, np.nan


def has(name):
    return name if hasattr(torch.Tensor, name) else False


def unary(name, reference, *more, **named):
    named = {"large": S(LARGE), "inplace": has(name + "_"), "out": True, **named}
    return Op(name, *SHAPES, *more, reference=reference, **named)


def binary(name, reference, *more, **named):
    named = {"large": S(LARGE, LARGE), "inplace": has(name + "_"), "out": True, **named}
    return Op(name, *named.pop("pairs", PAIRS), *more, reference=reference, **named)


def activation(name, reference, *more, **named):
    named = {"large": S(LARGE), "inplace": has(name + "_"), **named}
    return Op("nn.functional." + name, *SHAPES, *more, reference=reference, **named)


def compares(name, reference, alias):
    """Comparisons: results are bool, nothing to differentiate."""
    errors = [Error(RuntimeError, "broadcast|match", (2, 3), (4,))]
    return binary(name, reference, dtypes=FLOAT + INT + BOOL, gives=torch.bool, grad=False, errors=errors, aliases=[alias] if alias else [],
                  inplace=False, large=S(LARGE, LARGE))


def int_bits(name, reference, **named):
    return binary(name, reference, dtypes=INT + BOOL, grad=False, **named)


def logical(name, reference):
    return binary(name, reference, pairs=PAIRS[:5], dtypes=FLOAT + INT + BOOL, gives=torch.bool, grad=False, inplace=False)


def floor_div(a, b):
    return np.floor(np.divide(a, b)) if np.issubdtype(np.result_type(a), np.inexact) else np.floor_divide(a, b)


def div(a, b, rounding_mode=None):
    q = np.divide(a, b)
    return q if rounding_mode is None else np.floor(q) if rounding_mode == "floor" else np.trunc(q)


def clamp(x, low=None, high=None):
    low, high = -inf if low is None else low, inf if high is None else high
    return np.minimum(np.maximum(x, low), high).astype(np.result_type(x, low if isinstance(low, np.ndarray) else x))


def softplus(x, beta=1.0, threshold=20.0):
    return np.where(x * beta > threshold, x, np.logaddexp(0, x * beta) / beta)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def selu(x):
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)


def gelu(x, approximate="none"):
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))
    return x * sp.ndtr(x)


def frexp(x):
    m, e = np.frexp(x)
    return m, e.astype(np.int32)


def heaviside(x, values):
    return np.where(x == 0, values, (x > 0).astype(x.dtype))


def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


def sgn(x):
    return np.where(x == 0, 0, x / np.where(x == 0, 1, np.abs(x))) if np.iscomplexobj(x) else np.sign(x)


def logit(x, eps=None):
    return sp.logit(x if eps is None else np.clip(x, eps, 1 - eps))


# A float result of integers is compared as float32.
ROUNDED = FLOAT + INT + BOOL
BROADCAST_ERROR = [Error(RuntimeError, "broadcast|match", (2, 3), (4,)), Error(TypeError, "", (2, 3), "text"), Error(TypeError, "", (2, 3))]

OPS = [
    # arithmetic
    binary("add", lambda a, b, alpha=1: a + alpha * b, S((2, 3), (3,), alpha=2), dtypes=NUMBERS, errors=BROADCAST_ERROR),
    binary("sub", lambda a, b, alpha=1: a - alpha * b, S((2, 3), (3,), alpha=2), dtypes=NUMBERS, errors=BROADCAST_ERROR, aliases=["subtract"]),
    binary("rsub", lambda a, b, alpha=1: b - alpha * a, S((2, 3), (3,), alpha=2), dtypes=NUMBERS, out=False),
    binary("mul", lambda a, b: a * b, dtypes=NUMBERS + BOOL, pairs=PAIRS[:5] + PAIRS[6:], errors=BROADCAST_ERROR, aliases=["multiply"]),
    binary("div", div, dtypes=ROUNDED + COMPLEX, gives="float", avoid=[0], aliases=["divide", "true_divide"],
           pairs=PAIRS[:5], errors=BROADCAST_ERROR + [Error(RuntimeError, "rounding_mode", (2,), (2,), rounding_mode="up")],
           tol={torch.complex64: (2e-5, 2e-5)}),
    Op("div", S((2, 3), (3,), rounding_mode="floor"), S((2, 3), (2, 3), rounding_mode="trunc"), S((3,), 2, rounding_mode="trunc"),
       reference=lambda a, b, rounding_mode: div(a, b, rounding_mode).astype(np.result_type(a)), dtypes=WIDE + INT, avoid=[0], large=S(LARGE, LARGE, rounding_mode="floor")),
    binary("floor_divide", floor_div, dtypes=WIDE + INT, avoid=[0]),
    binary("remainder", np.mod, dtypes=WIDE + INT, avoid=[0], domain=[(-5.0, 5.0), (0.6, 1.9)], singular=()),
    binary("fmod", np.fmod, dtypes=WIDE + INT, avoid=[0], domain=[(-5.0, 5.0), (0.6, 1.9)], singular=()),
    binary("pow", np.power, S((2, 3), 3), S((2, 3), 0.5), S(2.5, (2, 3)), S((3,), -1), S((3,), 0), dtypes=FLOAT, domain=(0.3, 2.0),
           singular=(0.0, 1.0), tol={torch.float32: (1e-5, 1e-5)}),
    Op("pow", S((2, 3), 2), S((2, 3), (3,)), S((3,), 0), reference=np.power, dtypes=INT, domain=(0, 3)),
    Op("pow", S((2, 3), (3,)), S((2, 3), 2), S((2,), 1.5), reference=np.power, dtypes=COMPLEX, avoid=[0], tol={torch.complex64: (2e-5, 2e-5)}),
    binary("float_power", lambda a, b: np.float_power(a, b), gives=torch.float64, domain=(0.3, 2.0), singular=(0.0, 1.0), dtypes=WIDE + INT, large=None, inplace=False),
    unary("neg", np.negative, dtypes=NUMBERS, aliases=["negative"]),
    unary("positive", lambda x: +x, dtypes=NUMBERS, out=False),
    unary("abs", np.abs, dtypes=FLOAT + INT, avoid=[0], aliases=["absolute"]),
    Op("abs", S((2, 3)), reference=np.abs, dtypes=COMPLEX, gives="real", avoid=[0]),
    unary("square", np.square, dtypes=NUMBERS),
    unary("sign", np.sign, dtypes=FLOAT + INT),
    unary("sgn", sgn, dtypes=NUMBERS, avoid=[0]),
    unary("reciprocal", lambda x: 1 / x, dtypes=FLOAT + COMPLEX, avoid=[0]),
    Op("addcmul", S((2, 3), (3,), (2, 1)), S((2, 3), (2, 3), (2, 3), value=0.5), reference=lambda x, a, b, value=1: x + value * a * b,
       dtypes=FLOAT + COMPLEX, large=S(LARGE, LARGE, LARGE), inplace="addcmul_", out=True),
    Op("addcdiv", S((2, 3), (3,), (2, 1)), S((2, 3), (2, 3), (2, 3), value=0.5), reference=lambda x, a, b, value=1: x + value * a / b,
       dtypes=FLOAT + COMPLEX, large=S(LARGE, LARGE, LARGE), inplace="addcdiv_", out=True, avoid=[0], tol={torch.float16: (2e-3, 2e-3), torch.complex64: (2e-5, 2e-5)}),
    Op("lerp", S((2, 3), (3,), 0.3), S((2, 3), (2, 3), (2, 3)), S((), (), ()), reference=lambda a, b, w: a + w * (b - a), dtypes=FLOAT + COMPLEX,
       domain=[(-2, 2), (-2, 2), (0, 1)], large=S(LARGE, LARGE, 0.3), inplace="lerp_", out=True),
    # bounds and choices
    Op("clamp", S((2, 3), -0.5, 0.7), S((2, 3), -0.5), S((2, 3), (3,), (3,)), S((0,), 0, 1), reference=clamp, avoid=[-0.5, 0.7],
       domain=[(-2, 2), (-1, 0), (0.1, 1)], large=S(LARGE, -0.5, 0.7), inplace="clamp_", out=True, aliases=["clip"],
       errors=[Error(RuntimeError, "min.*max|At least one", (2,))]),
    Op("clamp", S((2, 3), -1, 1), S((2, 3), (3,), (3,)), reference=clamp, dtypes=INT[:4]),
    binary("clamp_min", np.maximum, dtypes=WIDE + INT), binary("clamp_max", np.minimum, dtypes=WIDE + INT),
    binary("maximum", np.maximum, S(given([nan, 1.0, nan], torch.float64), given([0.0, nan, nan], torch.float64)), dtypes=FLOAT + INT + BOOL, pairs=PAIRS[:5], gives=None),
    binary("minimum", np.minimum, S(given([nan, 1.0, nan], torch.float64), given([0.0, nan, nan], torch.float64)), dtypes=FLOAT + INT + BOOL, pairs=PAIRS[:5], gives=None),
    binary("fmax", np.fmax, S(given([nan, 1.0, nan], torch.float64), given([0.0, nan, nan], torch.float64)), dtypes=FLOAT + INT, pairs=PAIRS[:5], gives=None),
    binary("fmin", np.fmin, S(given([nan, 1.0, nan], torch.float64), given([0.0, nan, nan], torch.float64)), dtypes=FLOAT + INT, pairs=PAIRS[:5], gives=None),
    Op("where", S(mask(2, 3), (2, 3), (3,)), S(mask(3), (2, 3), (2, 1)), S(mask(0), (0,), ()), reference=np.where, dtypes=NUMBERS + BOOL,
       large=S(mask(*LARGE), LARGE, LARGE), out=True, errors=[Error(RuntimeError, "bool", (2, 3), (2, 3), (2, 3))]),
    Op("fill", S((2, 3), 2.5), S((0,), 1), S((), 3), reference=lambda x, v: np.full_like(x, v), inplace="fill_"),
    # comparisons and bits
    compares("eq", np.equal, None), compares("ne", np.not_equal, "not_equal"),
    compares("lt", np.less, "less"), compares("le", np.less_equal, "less_equal"),
    compares("gt", np.greater, "greater"), compares("ge", np.greater_equal, "greater_equal"),
    logical("logical_and", np.logical_and), logical("logical_or", np.logical_or), logical("logical_xor", np.logical_xor),
    unary("logical_not", np.logical_not, dtypes=FLOAT + INT + BOOL, gives=torch.bool, grad=False, inplace=False),
    int_bits("bitwise_and", np.bitwise_and, pairs=PAIRS[:5]), int_bits("bitwise_or", np.bitwise_or, pairs=PAIRS[:5]),
    int_bits("bitwise_xor", np.bitwise_xor, pairs=PAIRS[:5]),
    unary("bitwise_not", np.invert, dtypes=INT + BOOL, grad=False),
    binary("bitwise_left_shift", np.left_shift, dtypes=INT, grad=False, domain=(0, 3)),
    binary("bitwise_right_shift", np.right_shift, dtypes=INT, grad=False, domain=(0, 3)),
    binary("gcd", np.gcd, dtypes=INT, grad=False, domain=(0, 20), pairs=PAIRS[:5]),
    binary("lcm", np.lcm, dtypes=INT, grad=False, domain=(1, 9), pairs=PAIRS[:5]),
    Op("isclose", S((2, 3), (2, 3)), S((2, 3), (3,), rtol=0.5), S(given([nan, inf, 1.0]), given([nan, inf, 1.0 + 1e-9])),
       S(given([nan, -inf]), given([nan, inf]), equal_nan=True), reference=np.isclose, dtypes=WIDE + INT, gives=torch.bool, grad=False),
    Op("allclose", S((2, 3), (2, 3)), S(given([1.0]), given([1.0 + 1e-9])), reference=np.allclose, gives=None, dtypes=WIDE, grad=False, layouts=False),
    Op("equal", S((2, 3), (2, 3)), S((2, 3), (3,)), S(given([1.0, 2.0]), given([1.0, 2.0])), reference=np.array_equal, gives=None, grad=False, layouts=False),
    *[unary(name, getattr(np, name), S(given([nan, inf, -inf, 0.0, -0.0])), dtypes=FLOAT, gives=torch.bool, grad=False, inplace=False, out=out)
      for name, out in (("isnan", False), ("isinf", False), ("isfinite", False), ("isposinf", True), ("isneginf", True), ("signbit", True))],
    unary("isreal", np.isreal, dtypes=FLOAT + COMPLEX, gives=torch.bool, grad=False, out=False),
    # rounding
    *[unary(name, getattr(np, name), dtypes=FLOAT, domain=(-3.3, 3.4), avoid=[-3, -2, -1, 0, 1, 2, 3]) for name in ("floor", "ceil", "trunc")],
    unary("fix", np.trunc, dtypes=FLOAT, domain=(-3.3, 3.4), avoid=[-3, -2, -1, 0, 1, 2, 3], inplace="fix_"),
    unary("round", np.round, S(given([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])), domain=(-3.2, 3.3), avoid=[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], gives=None),
    Op("round", S((2, 3), decimals=2), S((2, 3), decimals=-1), reference=np.round, domain=(-31, 31), dtypes=WIDE),
    unary("frac", lambda x: x - np.trunc(x), domain=(-3.3, 3.4), avoid=[-3, -2, -1, 0, 1, 2, 3]),
    # exponentials, logarithms, powers
    *[unary(name, getattr(np, name), dtypes=ROUNDED + COMPLEX, gives="float") for name in ("exp", "expm1")],
    unary("exp2", np.exp2, dtypes=ROUNDED, gives="float"),
    *[unary(name, getattr(np, name), dtypes=ROUNDED + COMPLEX, gives="float", domain=(0.1, 3.0), singular=(0.0, 1.0)) for name in ("log", "log2", "log10")],
    unary("log1p", np.log1p, dtypes=ROUNDED, gives="float", domain=(-0.9, 3.0), tol={torch.uint8: (3e-6, 3e-6)}),
    unary("sqrt", np.sqrt, dtypes=ROUNDED + COMPLEX, gives="float", domain=(0.1, 3.0), singular=(0.0, 1.0)),
    unary("rsqrt", lambda x: 1 / np.sqrt(x), dtypes=ROUNDED, gives="float", domain=(0.1, 3.0), singular=(0.0, 1.0)),
    binary("logaddexp", np.logaddexp, pairs=PAIRS[:5]), binary("logaddexp2", np.logaddexp2, pairs=PAIRS[:5]),
    binary("xlogy", sp.xlogy, S(given([0.0, 0.0, 1.0]), given([nan, 0.0, 0.0])), domain=(0.2, 2.0), singular=(0.0, 1.0), gives=None),
    binary("hypot", np.hypot, pairs=PAIRS[:5]), binary("ldexp", lambda a, b: a * np.exp2(b), pairs=PAIRS[:5], gives=None, dtypes=WIDE),
    unary("frexp", frexp, dtypes=FLOAT, gives=("same", torch.int32), large=None, avoid=[-2, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 2], out=False),
    # trigonometric and hyperbolic
    *[unary(name, getattr(np, name), dtypes=ROUNDED + COMPLEX, gives="float", domain=(-1.2, 1.2)) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")],
    *[unary(name, getattr(np, reference), dtypes=FLOAT + COMPLEX, domain=(-0.9, 0.9), aliases=[reference])
      for name, reference in (("asin", "arcsin"), ("acos", "arccos"), ("atan", "arctan"), ("asinh", "arcsinh"), ("atanh", "arctanh"))],
    unary("acosh", np.arccosh, dtypes=FLOAT + COMPLEX, domain=(1.1, 3.0), singular=(1.0, 2.0), aliases=["arccosh"]),
    binary("atan2", np.arctan2, pairs=PAIRS[:5], aliases=["arctan2"], avoid=[0]),
    unary("sinc", np.sinc, S(given([0.0, 1.0])), gives=None),
    unary("deg2rad", np.deg2rad, dtypes=ROUNDED, gives="float", domain=(-180, 180)), unary("rad2deg", np.rad2deg, dtypes=ROUNDED, gives="float"),
    # special shapes
    unary("sigmoid", sp.expit, dtypes=ROUNDED, gives="float"),
    unary("logit", logit, S((2, 3), eps=0.1), domain=(0.15, 0.85), singular=(0.0, 1.0)),
    *[unary(name, getattr(sp, name), dtypes=ROUNDED, gives="float") for name in ("erf", "erfc")],
    binary("copysign", np.copysign, avoid=[0], pairs=PAIRS[:5], dtypes=FLOAT),
    binary("nextafter", np.nextafter, dtypes=(torch.float64,), grad=False, pairs=PAIRS[:5]),
    binary("heaviside", heaviside, S(given([-1.0, 0.0, 2.0]), given([5.0, 6.0, 7.0])), pairs=PAIRS[:5], grad=False, gives=None, dtypes=WIDE + INT),
    Op("nan_to_num", S((2, 3)), S(given([nan, inf, -inf, 1.0], torch.float64)), S(given([nan, inf, -inf, 1.0], torch.float64), nan=7.0, posinf=8.0, neginf=9.0),
       reference=nan_to_num, gives=None, dtypes=(torch.float64,), inplace="nan_to_num_", out=True),
    Op("angle", S((2, 3)), S(()), reference=np.angle, dtypes=WIDE + COMPLEX, gives="real", avoid=[0]),
    Op("complex", S((2, 3), (2, 3)), S((3,), (2, 1)), S((), ()), reference=lambda a, b: a + 1j * b, dtypes=(torch.float64,), gives=torch.complex128, out=True),
    Op("polar", S((2, 3), (2, 3)), S((3,), (2, 1)), reference=lambda r, a: r * np.exp(1j * a), dtypes=(torch.float64,), gives=torch.complex128),
    # activations
    activation("relu", lambda x: np.maximum(x, 0), avoid=[0], dtypes=FLOAT + INT),
    activation("relu6", lambda x: np.clip(x, 0, 6), domain=(-3, 9), avoid=[0, 6]),
    activation("leaky_relu", lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x), S((2, 3), 0.2), avoid=[0]),
    activation("elu", elu, S((2, 3), 0.7), avoid=[0]), activation("selu", selu, avoid=[0]),
    activation("celu", lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha)), S((2, 3), 0.7), avoid=[0]),
    activation("gelu", gelu, S((2, 3), approximate="tanh"), errors=[Error(RuntimeError, "approximate", (2,), approximate="sin")]),
    activation("silu", lambda x: x * sp.expit(x)), activation("mish", lambda x: x * np.tanh(np.logaddexp(0, x))),
    activation("softplus", softplus, S((2, 3), 2.0, 3.0)), activation("logsigmoid", lambda x: -np.logaddexp(0, -x)),
    activation("softsign", lambda x: x / (1 + np.abs(x)), avoid=[0]),
    activation("hardtanh", lambda x, low=-1.0, high=1.0: np.clip(x, low, high), S((2, 3), -0.5, 0.5), avoid=[-1, -0.5, 0.5, 1]),
    activation("hardswish", lambda x: x * np.clip(x + 3, 0, 6) / 6, domain=(-5, 5), avoid=[-3, 3]),
    activation("hardsigmoid", lambda x: np.clip(x + 3, 0, 6) / 6, domain=(-5, 5), avoid=[-3, 3]),
    activation("hardshrink", lambda x, lambd=0.5: np.where(np.abs(x) > lambd, x, 0), avoid=[-0.5, 0.5]),
    activation("softshrink", lambda x, lambd=0.5: np.sign(x) * np.maximum(np.abs(x) - lambd, 0), avoid=[-0.5, 0.5],
               errors=[Error(RuntimeError, "lambd", (2,), -1.0)]),
    activation("tanhshrink", lambda x: x - np.tanh(x)),
    activation("threshold", lambda x, threshold, value: np.where(x > threshold, x, value), large=S(LARGE, 0.1, -3.0), avoid=[0.1]),
    Op("prelu", S((2, 3), (3,)), S((2, 3, 2), tensor(1)), S((4,), tensor(1)), avoid=[0],
       reference=lambda x, w: np.where(x > 0, x, x * (w if w.size == 1 else w.reshape(-1, *[1] * (x.ndim - 2)))),
       errors=[Error(RuntimeError, "channel", (2, 3), (4,))]),
]
for op in OPS:
    if op.name == "nn.functional.threshold":
        op.samples = tuple(S(*call.args, 0.1, -3.0) for call in op.samples)


@pytest.mark.parametrize("name", ["tanh", "erf"])
def test_what_goes_to_one_never_passes_it(name):
    x = np.linspace(-12, 12, 100_001, dtype=np.float32)
    y = getattr(torch, name)(torch.tensor(np.append(x, np.float32([np.inf, 3e38, 1e12])))).numpy()
    assert np.abs(y).max() == 1 and (y[x.size:] == 1).all()


def test_one_pass_of_three_operands():
    a, b, c = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in ([1.0, -2.0], [0.5, 3.0], [2.0, 4.0]))
    for function in (lambda a, b, c: torch.addcmul(a, b, c, value=0.5), lambda a, b, c: torch.addcdiv(a, b, c, value=0.5), torch.lerp):
        assert function(a, b, c).grad_fn.name().rstrip("0") in ("AddcmulBackward", "AddcdivBackward", "LerpBackward")
        assert torch.autograd.gradcheck(function, (a, b, c)) and torch.autograd.gradgradcheck(function, (a, b, c))
    broadcast = torch.addcmul(a, b[:1], c.reshape(2, 1))
    broadcast.sum().backward()
    assert a.grad.tolist() == [2.0, 2.0] and c.grad.tolist() == [1.0, 1.0] and b.grad.tolist() == [12.0, 0.0]
    # Where dtypes differ they are promoted, as by add and mul.
    mixed = torch.addcmul(torch.ones(2, dtype=torch.float32), torch.tensor([1, 2]), torch.tensor([3.0, 4.0]))
    assert mixed.dtype == torch.float32 and mixed.tolist() == [4.0, 9.0]
    assert torch.lerp(torch.zeros(2), torch.ones(2), -0.25).tolist() == [-0.25, -0.25]
    assert torch.lerp(torch.zeros(2), torch.ones(2), torch.tensor([0.25, 0.75])).tolist() == [0.25, 0.75]
