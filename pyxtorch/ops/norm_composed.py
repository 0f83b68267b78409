"""Distances, similarities and normalisation by them."""
from pyxtorch._core import promote_types
from pyxtorch.ops._precision import rounds_once
from pyxtorch.ops.index_masked import triu_indices
from pyxtorch.ops.pool import avg_pool2d
from pyxtorch.ops.reduce_norm import vector_norm
from pyxtorch.ops.shape import broadcast_tensors
from pyxtorch.ops.shape_pad import pad

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]
functional = ["cosine_similarity", "pairwise_distance", "pdist", "normalize", "local_response_norm"]


@rounds_once
def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """x1 . x2 / (max(|x1|, eps) * max(|x2|, eps)) along `dim`; shapes broadcast.

    Raises:
        RuntimeError: the dtype is not floating-point, or shapes do not broadcast.
    Returns: the broadcast shape without `dim`.
    """
    x1, x2 = broadcast_tensors(x1, x2)
    dtype = promote_types(x1.dtype, x2.dtype)
    if not dtype.is_floating_point:
        raise RuntimeError(f"cosine_similarity: expected common dtype to be floating point, yet common dtype is {dtype}")
    x1, x2 = x1.to(dtype), x2.to(dtype)
    a = vector_norm(x1, 2, dim, keepdim=True).clamp(min=eps)
    b = vector_norm(x2, 2, dim, keepdim=True).clamp(min=eps)
    return ((x1 / a) * (x2 / b)).sum(dim)


@rounds_once
def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """The p-norm of x1 - x2 + eps along the last dimension; shapes broadcast.

    Args:
        x1, x2: (*, D); p: any number, infinity too; keepdim: keep the last dimension as 1.
    Gradient: 0 where the difference is.
    """
    difference = x1 - x2 + eps
    return vector_norm(difference, p, -1, keepdim=keepdim)


@rounds_once
def pdist(input, p=2.0):
    """Distances between all pairs of rows i < j of (N, M), in the p-norm: shape (N * (N - 1) / 2).

    Raises:
        RuntimeError: input is not 2-dimensional, or p negative.
    Gradient: 0 for equal rows.
    """
    if input.dim() != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.dim()}D")
    if not p >= 0:
        raise RuntimeError("pdist only supports non-negative p values")
    rows, columns = triu_indices(input.shape[0], input.shape[0], 1, device=input.device)
    if not input.shape[1]:
        return input.new_zeros(rows.shape[0])
    return vector_norm(input[rows] - input[columns], p, 1)


@rounds_once
def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """input / max(p-norm along `dim`, eps).

    Args:
        dim: one dimension or several; out: tensor for the result.
    Gradient: through the norm too, where it is larger than eps.
    """
    result = input / vector_norm(input, p, dim, keepdim=True).clamp(min=eps).expand_as(input)
    return result if out is None else out.copy_(result)


@rounds_once
def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    """x / (k + alpha * m) ** beta, m being the mean of x**2 over `size` channels around (zeros outside).

    Args:
        input: (N, C, *) with at least 3 dimensions.
    """
    if input.dim() < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.dim()} dimensions)")
    if input.numel() == 0:
        return input
    square = (input * input).reshape(input.shape[0], 1, input.shape[1], -1)
    mean = avg_pool2d(pad(square, (0, 0, size // 2, (size - 1) // 2)), (size, 1), 1).reshape(input.shape)
    return input / (mean * alpha + k) ** beta
