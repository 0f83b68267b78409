"""Activations that are composed, and what draws at random in training."""
from pyxtorch.ops._precision import rounds_once
from pyxtorch.ops.create import empty_like, zeros_like
from pyxtorch.ops.elementwise_select import where

__all__ = ["rrelu", "rrelu_"]
functional = ["glu", "rrelu", "rrelu_", "gumbel_softmax"]


@rounds_once
def glu(input, dim=-1):
    """a * sigmoid(b), a and b being the halves of `input` along `dim`."""
    if input.dim() == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    if input.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}")
    half = input.shape[dim] // 2
    return input.narrow(dim, 0, half) * input.narrow(dim, half, half).sigmoid()


def _into(input, result, inplace):
    return input.copy_(result) if inplace else result


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """leaky_relu with slopes drawn from U(lower, upper); their mean unless `training`."""
    if lower > upper:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound: lower={lower}, upper={upper}")
    slope = empty_like(input.detach()).uniform_(lower, upper) if training else (lower + upper) / 2
    return _into(input, where(input > 0, input, input * slope), inplace)


def rrelu_(input, lower=1.0 / 8, upper=1.0 / 3, training=False):
    """rrelu in place."""
    return rrelu(input, lower, upper, training, True)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """Softmax of (logits + Gumbel noise) / tau: Jang et al. (2017).

    Args:
        logits: (*).
        tau: temperature.
        hard: return one-hot draws, whose gradient is that of the soft ones.
        dim: along which the result sums to 1.
    """
    noise = -empty_like(logits.detach()).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    winner = soft.detach().argmax(dim, keepdim=True)
    one_hot = zeros_like(logits.detach()).scatter_(dim, winner, 1.0)
    return one_hot - soft.detach() + soft
