"""Activations that are composed, and what draws at random in training."""
import math

import pyxtorch

functional = ["glu", "softmin", "softsign", "tanhshrink", "rrelu", "gumbel_softmax", "alpha_dropout", "feature_alpha_dropout"]


def glu(input, dim=-1):
    """a * sigmoid(b), a and b being the halves of `input` along `dim`."""
    if input.dim() == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    if input.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}")
    half = input.shape[dim] // 2
    return input.narrow(dim, 0, half) * input.narrow(dim, half, half).sigmoid()


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmax(-input) along `dim`."""
    from pyxtorch.nn import functional as F

    return F.softmax(-input, dim, dtype=dtype)


def softsign(input):
    """input / (1 + |input|)."""
    return input / (input.abs() + 1)


def tanhshrink(input):
    """input - tanh(input)."""
    return input - input.tanh()


def _into(input, result, inplace):
    return input.copy_(result) if inplace else result


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """leaky_relu with slopes drawn from U(lower, upper); their mean unless `training`."""
    if lower > upper:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound: lower={lower}, upper={upper}")
    slope = pyxtorch.empty_like(input.detach()).uniform_(lower, upper) if training else (lower + upper) / 2
    return _into(input, pyxtorch.where(input > 0, input, input * slope), inplace)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """Softmax of (logits + Gumbel noise) / tau: Jang et al. (2017).

    Args:
        logits: (*).
        tau: temperature.
        hard: return one-hot draws, whose gradient is that of the soft ones.
        dim: along which the result sums to 1.
    """
    noise = -pyxtorch.empty_like(logits.detach()).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    winner = soft.detach().argmax(dim, keepdim=True)
    one_hot = pyxtorch.zeros_like(logits.detach()).scatter_(dim, winner, 1.0)
    return one_hot - soft.detach() + soft


def _alpha(input, p, training, inplace, shape):
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0 or input.numel() == 0:
        return input
    if p == 1:
        return _into(input, input * 0, inplace)
    floor = -1.7580993408473766  # where SELU ends for large negative inputs
    scale = 1 / math.sqrt((floor * floor * p + 1) * (1 - p))
    keep = pyxtorch.empty(shape, dtype=input.dtype, device=input.device).bernoulli_(1 - p)
    # kept x and dropped `floor`, made to have mean 0 and variance 1 again
    return _into(input, input * (keep * scale) + ((1 - keep) * (floor * scale) - floor * p * scale), inplace)


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Dropout that keeps mean 0 and variance 1, for SELU: Klambauer et al. (2017)."""
    return _alpha(input, p, training, inplace, tuple(input.shape))


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """alpha_dropout of whole channels (dimensions 0 and 1 are drawn)."""
    if input.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return _alpha(input, p, training, inplace, (*input.shape[:2], *[1] * (input.dim() - 2)))
