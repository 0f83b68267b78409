"""What distributions share: broadcasting of parameters, probabilities and logits, attributes that are computed when first read.

`_standard_normal` and `_sum_rightmost` have the names by which packages that build on PyTorch import them.
"""
import functools
from numbers import Number

import pyxtorch as torch
from pyxtorch.nn.functional import pad
from pyxtorch.overrides import is_tensor_like

__all__ = ["broadcast_all", "logits_to_probs", "clamp_probs", "probs_to_logits", "lazy_property", "tril_matrix_to_vec", "vec_to_tril_matrix"]

euler_constant = 0.57721566490153286060


def broadcast_all(*values):
    """The values as tensors of one shape; numbers take the dtype and device of the first tensor, or the defaults.

    A float beside tensors of whole numbers becomes a tensor of the default dtype, where PyTorch cuts off its digits.

    Raises:
        ValueError: a value is neither a number nor a tensor.
    """
    if not all(is_tensor_like(v) or isinstance(v, Number) for v in values):
        raise ValueError("Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__.")
    first = next((v for v in values if is_tensor_like(v)), None)

    def tensor(number):
        if first is None:
            return torch.tensor(number, dtype=torch.get_default_dtype())
        fits = first.dtype.is_floating_point or first.dtype.is_complex or not isinstance(number, float)
        return torch.tensor(number, dtype=first.dtype if fits else torch.get_default_dtype(), device=first.device)

    tensors = [v if is_tensor_like(v) else tensor(v) for v in values]
    shape = torch.broadcast_shapes(*(t.shape for t in tensors))
    return tuple(t if t.shape == shape else t.expand(shape) for t in tensors)


def _standard_normal(shape, dtype, device):
    return torch.randn(shape, dtype=dtype, device=device)


def uniform_inside(like, shape):
    """Uniform numbers strictly between 0 and 1, of the dtype and device of `like`."""
    return clamp_probs(torch.rand(shape, dtype=like.dtype, device=like.device))


def _sum_rightmost(value, dim):
    """The sum over the last `dim` dimensions."""
    return value if dim == 0 else value.reshape(value.shape[:-dim] + (-1,)).sum(-1)


def logits_to_probs(logits, is_binary=False):
    """Probabilities: sigmoid of log odds, or softmax of unnormalised logarithms along the last dimension."""
    return torch.sigmoid(logits) if is_binary else torch.softmax(logits, -1)


def clamp_probs(probs):
    """Probabilities brought into [eps, 1 - eps], eps the dtype's."""
    eps = torch.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs, is_binary=False):
    """Logarithms of clamped probabilities, or their log odds."""
    probs = clamp_probs(probs)
    return torch.log(probs) - torch.log1p(-probs) if is_binary else torch.log(probs)


class lazy_property:
    """An attribute that is computed, with gradients, when it is first read, and kept in the instance."""

    def __init__(self, wrapped):
        self.wrapped = wrapped
        functools.update_wrapper(self, wrapped)

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        with torch.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


def tril_matrix_to_vec(mat, diag=0):
    """The entries on and below the diagonal `diag` of (..., n, n) matrices, row by row."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = torch.tril_indices(n, n, diag, device=mat.device)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec, diag=0):
    """The (..., n, n) matrices whose entries on and below the diagonal `diag`, row by row, are `vec`; zeros elsewhere.

    Raises:
        ValueError: no n has as many entries.
    """
    size, n = vec.shape[-1], max(1, -diag)
    while (entries := sum(min(n, max(0, row + 1 + diag)) for row in range(n))) < size:
        n += 1
    if entries != size:
        raise ValueError(f"The size of last dimension is {size} which cannot be expressed as the lower triangular part of a square D x D matrix.")
    rows, columns = torch.tril_indices(n, n, diag, device=vec.device)
    at = torch.zeros(n, n, dtype=torch.int64, device=vec.device)
    at[rows, columns] = torch.arange(1, vec.shape[-1] + 1, device=vec.device)
    return pad(vec, (1, 0))[..., at]    # what lies above the diagonal takes the zero in front
