"""Ways to fill a Parameter before training. All work in place, unrecorded, and return the tensor."""
import functools
import math
import warnings

import pyxtorch
from pyxtorch import no_grad

_GAINS = {
    "linear": 1, "conv1d": 1, "conv2d": 1, "conv3d": 1,
    "conv_transpose1d": 1, "conv_transpose2d": 1, "conv_transpose3d": 1,
    "sigmoid": 1, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4,
}  # fmt: skip


def calculate_gain(nonlinearity, param=None):
    """The factor that keeps the variance through a nonlinearity.

    Args:
        nonlinearity: "linear", "relu", "leaky_relu", "tanh", "sigmoid", "selu", "conv2d" ...
        param: negative slope of leaky_relu, 0.01 by default.
    Raises:
        ValueError: unknown name, or a `param` that is no number.
    """
    if nonlinearity in _GAINS:
        return _GAINS[nonlinearity]
    if nonlinearity != "leaky_relu":
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    if param is None:
        param = 0.01
    elif isinstance(param, bool) or not isinstance(param, (int, float)):
        raise ValueError(f"negative_slope {param} not a valid number")
    return math.sqrt(2 / (1 + param**2))


def _random(tensor, generator):
    """Keyword arguments of a random method."""
    return {} if generator is None else {"generator": generator}


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Fill with draws from U(a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, **_random(tensor, generator))


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Fill with draws from N(mean, std**2)."""
    with no_grad():
        return tensor.normal_(mean, std, **_random(tensor, generator))


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Fill with draws from N(mean, std**2) restricted to [a, b].

    By the inverse of the distribution function, applied to uniform draws between its values at
    `a` and `b`.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn("mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect.", stacklevel=2)
    low, high = (math.erf((edge - mean) / (std * math.sqrt(2))) for edge in (a, b))
    with no_grad():
        tensor.uniform_(low, high, **_random(tensor, generator))
        tensor.erfinv_()
        return tensor.mul_(std * math.sqrt(2)).add_(mean).clamp_(min=a, max=b)


def constant_(tensor, val):
    """Fill with `val`."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor):
    """Fill with 1."""
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """Fill with 0."""
    return constant_(tensor, 0.0)


def eye_(tensor):
    """Make a matrix the identity, as far as its shape allows."""
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with no_grad():
        tensor.zero_()
        tensor.diagonal().fill_(1)
    return tensor


def dirac_(tensor, groups=1):
    """Make a convolution's weight (out, in / groups, *kernel) pass its channels through unchanged."""
    shape = tuple(tensor.shape)
    if not 3 <= len(shape) <= 5:
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if shape[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    per_group = shape[0] // groups
    middle = tuple([k // 2 for k in shape[2:]])
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            for i in range(min(per_group, shape[1])):
                tensor[(group * per_group + i, i, *middle)] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor):
    shape = tuple(tensor.shape)
    if len(shape) < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def _calculate_correct_fan(tensor, mode):
    modes = "fan_in", "fan_out"
    if str(mode).lower() not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {list(modes)}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(str(mode).lower())]


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """U(-a, a) with a = gain * sqrt(6 / (fan_in + fan_out)): Glorot and Bengio (2010)."""
    bound = gain * math.sqrt(6.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """N(0, std**2) with std = gain * sqrt(2 / (fan_in + fan_out)): Glorot and Bengio (2010)."""
    std = gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return normal_(tensor, 0.0, std, generator)


def _kaiming_std(tensor, a, mode, nonlinearity):
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))


def _is_empty(tensor):
    if 0 in tuple(tensor.shape):
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return True
    return False


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """U(-b, b) with b = gain * sqrt(3 / fan): He et al. (2015).

    Args:
        tensor: weight of at least 2 dimensions.
        a: negative slope of the leaky_relu that follows.
        mode: "fan_in" keeps the variance forward, "fan_out" backward.
        nonlinearity: name for calculate_gain.
        generator: source of random numbers.
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """N(0, std**2) with std = gain / sqrt(fan): He et al. (2015). Arguments of kaiming_uniform_."""
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor, gain=1, generator=None):
    """Make the matrix (first dimension by all others) semi-orthogonal times `gain`: Saxe et al. (2013)."""
    if tensor.ndimension() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    with no_grad():
        rows = tensor.shape[0]
        columns = tensor.numel() // rows
        draws = pyxtorch.empty(rows, columns, dtype=tensor.dtype, device=tensor.device)
        normal_(draws, 0, 1, generator)
        q, r = pyxtorch.linalg.qr(draws.t() if rows < columns else draws)
        q = q * r.diagonal().sign()  # makes the distribution uniform
        if rows < columns:
            q = q.t()
        return tensor.copy_(q.reshape(tuple(tensor.shape))).mul_(gain)


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """A matrix of N(0, std**2) with the fraction `sparsity` of each column zero: Martens (2010)."""
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tuple(tensor.shape)
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, **_random(tensor, generator))
        for column in range(columns):
            tensor[pyxtorch.randperm(rows, device=tensor.device)[:zeros], column] = 0
    return tensor


def _old_name(function):
    @functools.wraps(function)
    def renamed(*args, **kwargs):
        name = function.__name__
        warnings.warn(f"`nn.init.{name[:-1]}` is now deprecated in favor of `nn.init.{name}`.", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    renamed.__name__ = function.__name__[:-1]
    return renamed


for _function in (
    uniform_, normal_, constant_, eye_, dirac_, xavier_uniform_, xavier_normal_,
    kaiming_uniform_, kaiming_normal_, orthogonal_, sparse_,
):  # fmt: skip
    globals()[_function.__name__[:-1]] = _old_name(_function)
