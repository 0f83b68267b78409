"""Activations and softmax."""
import math

from pyxtorch.onnx._graph import Value
from pyxtorch.onnx._rows import row
from pyxtorch.onnx._rows.elementwise import log1p
from pyxtorch.onnx.errors import UnsupportedOperatorError


@row("relu")
def relu(g, input, inplace=False):
    return input.unary("Relu") if input.floats else input.maximum(0)


@row("relu6")
def relu6(g, input, inplace=False):
    return input.clip(0, 6)


@row("hardtanh")
def hardtanh(g, input, min_val=-1.0, max_val=1.0, inplace=False):
    return input.clip(min_val, max_val)


@row("hardsigmoid")
def hardsigmoid(g, input, inplace=False):
    return input.unary("HardSigmoid", alpha=1 / 6, beta=0.5)


@row("hardswish")
def hardswish(g, input, inplace=False):
    return input.unary("HardSwish")


@row("leaky_relu")
def leaky_relu(g, input, negative_slope=0.01, inplace=False):
    return input.unary("LeakyRelu", alpha=float(negative_slope))


@row("rrelu")
def rrelu(g, input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    if training:
        raise UnsupportedOperatorError(f"export: {g.at}: rrelu in training draws its slopes by chance; export in eval mode.")
    return leaky_relu(g, input, (lower + upper) / 2)


@row("prelu")
def prelu(g, input, weight):
    if weight.shape != (1,):
        weight = weight.reshape([-1 if weight.shape[0] is None else weight.shape[0], *[1] * (input.ndim - 2)])
    return g.add("PRelu", [input, weight], input.dtype, input.shape)


@row("elu")
def elu(g, input, alpha=1.0, inplace=False):
    return input.unary("Elu", alpha=float(alpha))


@row("selu")
def selu(g, input, inplace=False):
    return input.unary("Selu")


@row("celu")
def celu(g, input, alpha=1.0, inplace=False):
    return g.where(input > 0, input, ((input / alpha).minimum(0).exp() - 1) * alpha)


@row("gelu")
def gelu(g, input, approximate="none"):
    if approximate == "tanh":
        return input * ((input + input * input * input * 0.044715) * math.sqrt(2 / math.pi)).unary("Tanh") * 0.5 + input * 0.5
    return input * ((input * math.sqrt(0.5)).unary("Erf") + 1) * 0.5


@row("silu")
def silu(g, input, inplace=False):
    return input * input.unary("Sigmoid")


@row("mish")
def mish(g, input, inplace=False):
    return input * input.unary("Softplus").unary("Tanh")


@row("softplus")
def softplus(g, input, beta=1, threshold=20):
    x = input * beta if beta != 1 else input
    soft = x.maximum(0) + log1p(g, (-abs(x)).exp())
    return g.where(x > threshold, input, soft / beta if beta != 1 else soft)


@row("logsigmoid log_sigmoid")
def logsigmoid(g, input):
    return input.minimum(0) - log1p(g, (-abs(input)).exp())


@row("softsign")
def softsign(g, input):
    return input / (abs(input) + 1)


@row("tanhshrink")
def tanhshrink(g, input):
    return input - input.unary("Tanh")


@row("hardshrink")
def hardshrink(g, input, lambd=0.5):
    return g.where((input >= -lambd) & (input <= lambd), 0, input)


@row("softshrink")
def softshrink(g, input, lambd=0.5):
    return input - input.clip(-lambd, lambd)


@row("threshold")
def threshold(g, input, threshold, value, inplace=False):
    return g.where(input > threshold, input, g.number(value, input.dtype))


@row("glu")
def glu(g, input, dim=-1):
    from pyxtorch.onnx._rows.shape import chunk

    a, b = chunk(g, input, 2, dim)
    return a * b.unary("Sigmoid")


def _axis(input, dim):
    """The dimension that PyTorch takes where none is given."""
    return dim if dim is not None else (0 if input.ndim in (0, 1, 3) else 1)


def _along(op, x, dim):
    if x.ndim == 0:
        return x.unsqueeze(0).unary(op, axis=0).squeeze(0)
    return x.unary(op, axis=x.axis(dim))


@row("softmax special_softmax")
def softmax(g, input, dim=None, _stacklevel=3, dtype=None):
    dtype = dtype if isinstance(_stacklevel, int) else _stacklevel  # the method's third argument
    x = input if dtype is None else input.cast(dtype)
    return _along("Softmax", x.floating(), _axis(input, dim))


@row("log_softmax special_log_softmax")
def log_softmax(g, input, dim=None, _stacklevel=3, dtype=None):
    dtype = dtype if isinstance(_stacklevel, int) else _stacklevel  # the method's third argument
    x = input if dtype is None else input.cast(dtype)
    return _along("LogSoftmax", x.floating(), _axis(input, dim))


@row("softmin")
def softmin(g, input, dim=None, _stacklevel=3, dtype=None):
    return softmax(g, -input, _axis(input, dim), dtype=dtype)


@row("dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout feature_dropout")
def dropout(g, input, p=0.5, training=True, inplace=False, train=None):
    if (training if train is None else train) and not isinstance(p, Value) and p > 0:
        raise UnsupportedOperatorError(f"export: {g.at}: dropout in training draws by chance; export in eval mode.")
    return input
