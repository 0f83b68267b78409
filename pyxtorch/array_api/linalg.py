"""Linear algebra of the Array API standard: PyTorch's, under the standard's names and with its arguments. Matrices are (..., m, n)."""
import pyxtorch as torch
from pyxtorch import linalg as _linalg
from pyxtorch.array_api._dtypes import need_tensor, operands
from pyxtorch.array_api._manipulation import matrix_transpose
from pyxtorch.array_api._reductions import axes_of, sum_dtype


def matmul(x1, x2, /):
    """The matrix product, of vectors too; dtypes are promoted, leading dimensions broadcast."""
    need_tensor("matmul", x1, x2)
    return torch.matmul(*operands("matmul", x1, x2))


def tensordot(x1, x2, /, *, axes=2):
    """The products summed over the last `axes` dimensions of `x1` and the first of `x2`, or over those that two sequences name."""
    need_tensor("tensordot", x1, x2)
    x1, x2 = operands("tensordot", x1, x2)
    return torch.tensordot(x1, x2, axes if isinstance(axes, int) else tuple(tuple(a) for a in axes))


def vecdot(x1, x2, /, *, axis=-1):
    """The products of the conjugate of `x1` and `x2`, summed along `axis`, which has one size in both.

    Raises:
        ValueError: the sizes differ.
    """
    need_tensor("vecdot", x1, x2)
    if x1.shape[axis] != x2.shape[axis]:
        raise ValueError(f"vecdot: axis {axis} has size {x1.shape[axis]} in x1 but {x2.shape[axis]} in x2.")
    x1, x2 = operands("vecdot", torch.movedim(x1, axis, -1), torch.movedim(x2, axis, -1))
    return torch.sum(torch.conj(x1) * x2, -1, dtype=x1.dtype)


def cholesky(x, /, *, upper=False):
    """The lower triangular L with x = L @ L^H, or its adjoint."""
    return _linalg.cholesky(x, upper=upper)


def cross(x1, x2, /, *, axis=-1):
    """The cross product of vectors of size 3 along `axis`."""
    need_tensor("cross", x1, x2)
    x1, x2 = torch.broadcast_tensors(*operands("cross", x1, x2)) if x1.shape[axis] == x2.shape[axis] == 3 else (x1, x2)
    return _linalg.cross(x1, x2, dim=axis)


def det(x, /):
    """The determinants."""
    return _linalg.det(x)


def diagonal(x, /, *, offset=0):
    """The diagonals of matrices, `offset` above the main one, as the last dimension."""
    return _linalg.diagonal(x, offset=offset)


def eigh(x, /):
    """A named tuple of the eigenvalues, ascending, and eigenvectors of Hermitian matrices."""
    return _linalg.eigh(x)


def eigvalsh(x, /):
    """The eigenvalues of Hermitian matrices, ascending."""
    return _linalg.eigvalsh(x)


def inv(x, /):
    """The inverses."""
    return _linalg.inv(x)


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """The norms of matrices: "fro", "nuc", 1, 2, inf or the negative of one of these numbers."""
    return _linalg.matrix_norm(x, ord, keepdim=keepdims)


def matrix_power(x, n, /):
    """The matrices to a whole power."""
    return _linalg.matrix_power(x, n)


def _tolerance(x, rtol):
    return rtol.to(x.real.dtype) if isinstance(rtol, torch.Tensor) else rtol


def matrix_rank(x, /, *, rtol=None):
    """How many singular values are greater than the greatest times `rtol`; if None, max(m, n) times eps. int64."""
    return _linalg.matrix_rank(x, rtol=_tolerance(x, rtol))


def outer(x1, x2, /):
    """The products of each element of a vector and each of another."""
    need_tensor("outer", x1, x2)
    return torch.outer(*operands("outer", x1, x2))


def pinv(x, /, *, rtol=None):
    """The pseudo-inverses; singular values up to the greatest times `rtol` count as 0."""
    return _linalg.pinv(x, rtol=_tolerance(x, rtol))


def qr(x, /, *, mode="reduced"):
    """A named tuple of Q with orthonormal columns and R upper triangular, x = Q @ R; mode "complete" makes Q square."""
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode={mode!r} is neither 'reduced' nor 'complete'.")
    return _linalg.qr(x, mode)


def slogdet(x, /):
    """A named tuple of the sign of the determinants and the logarithm of their size."""
    return _linalg.slogdet(x)


def solve(x1, x2, /):
    """The solution y of x1 @ y = x2, which is a vector if it has one dimension, else matrices."""
    need_tensor("solve", x1, x2)
    x1, x2 = operands("solve", x1, x2)
    return _solve_matrices(x1, x2[:, None])[..., 0] if x2.ndim == 1 else _solve_matrices(x1, x2)


def _solve_matrices(x1, x2):
    """PyTorch takes x2 for vectors where it has the shape of x1 without the last dimension: broadcast, it has not."""
    batch = torch.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    return _linalg.solve(x1.expand(*batch, *x1.shape[-2:]), x2.expand(*batch, *x2.shape[-2:]))


def svd(x, /, *, full_matrices=True):
    """A named tuple of U, S and Vh with x = U @ diag(S) @ Vh, S descending."""
    return _linalg.svd(x, full_matrices=full_matrices)


def svdvals(x, /):
    """The singular values, descending."""
    return _linalg.svdvals(x)


def trace(x, /, *, offset=0, dtype=None):
    """The sums of the diagonals `offset` above the main one, in `dtype`: if None, that of `x`, or the widest integer one."""
    need_tensor("trace", x)
    return torch.sum(_linalg.diagonal(x, offset=offset), -1, dtype=sum_dtype(x, dtype))


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """The norms of the vectors along one axis, several, or all."""
    axes = axes_of(x, axis, "vector_norm")
    if axes:
        return _linalg.vector_norm(x, ord, axes, keepdims)
    return torch.abs(x) if ord else (x != 0).to(x.real.dtype)  # each element is a vector


__all__ = [
    "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power", "matrix_rank",
    "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "trace", "vecdot", "vector_norm",
]  # fmt: skip
