"""MultivariateNormal: normal vectors by their covariance."""
import math

import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.distribution import Distribution, expand_parameters
from pyxtorch.distributions.utils import _standard_normal, lazy_property

__all__ = ["MultivariateNormal"]


def _batch_mv(bmat, bvec):
    """Matrices (..., n, m) times vectors (..., m); the batches broadcast."""
    return torch.matmul(bmat, bvec.unsqueeze(-1)).squeeze(-1)


def _batch_mahalanobis(bL, bx):
    """|L^-1 x|^2 for lower triangular L (..., n, n) and vectors x (..., n), whose batch L's broadcasts to.

    What x has more of batch dimensions become columns of one right side, so that no factor is copied for them.
    """
    more = bx.shape[:max(bx.dim() - 1 - (bL.dim() - 2), 0)]
    columns = bx.reshape((more.numel(),) + bx.shape[len(more):]).movedim(0, -1)      # (..., n, more)
    squares = torch.linalg.solve_triangular(bL, columns, upper=False).pow(2).sum(-2)
    return squares.movedim(-1, 0).reshape(more + squares.shape[:-1])


def _precision_to_scale_tril(P):
    """The lower triangular L with L L^T = P^-1: P turned by half a turn has a factor that, turned back, is L^-T."""
    factor = torch.linalg.cholesky(torch.flip(P, (-2, -1)))
    inverse = torch.flip(factor, (-2, -1)).mT
    eye = torch.eye(P.shape[-1], dtype=P.dtype, device=P.device)
    return torch.linalg.solve_triangular(inverse, eye.expand_as(P), upper=False)


def _half_log_det(L):
    """The sum of the logarithms of a factor's diagonal."""
    return L.diagonal(dim1=-2, dim2=-1).log().sum(-1)


_MATRICES = {
    "covariance_matrix": "covariance_matrix must be at least two-dimensional, with optional leading batch dimensions",
    "precision_matrix": "precision_matrix must be at least two-dimensional, with optional leading batch dimensions",
    "scale_tril": "scale_tril matrix must be at least two-dimensional, with optional leading batch dimensions",
}


class ByCovariance(Distribution):
    """A covariance matrix, its inverse, or its Cholesky factor: one is given, the others follow when they are read.

    `_unbroadcasted_scale_tril` is the factor in the batch shape in which it was given.
    """

    @staticmethod
    def _given_matrix(**matrices):
        given = {name: value for name, value in matrices.items() if value is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        (name, value), = given.items()
        if value.dim() < 2:
            raise ValueError(_MATRICES[name])
        return name, value

    def _factorise(self, name, matrix):
        factor = {"scale_tril": lambda x: x, "covariance_matrix": torch.linalg.cholesky, "precision_matrix": _precision_to_scale_tril}[name]
        self._unbroadcasted_scale_tril = factor(matrix)

    def _broadcast_matrix(self, matrix):
        n = matrix.shape[-1]
        return matrix.expand(self._batch_shape + (n, n))

    @lazy_property
    def scale_tril(self):
        return self._broadcast_matrix(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self):
        factor = self._unbroadcasted_scale_tril
        return self._broadcast_matrix(torch.matmul(factor, factor.mT))

    @lazy_property
    def precision_matrix(self):
        return self._broadcast_matrix(torch.cholesky_inverse(self._unbroadcasted_scale_tril))


class MultivariateNormal(ByCovariance):
    """Vectors with density exp(-(x - loc)^T C^-1 (x - loc) / 2) / sqrt(det(2 pi C)).

    Args:
        loc: the mean, (..., n).
        covariance_matrix: C, positive definite (..., n, n); or
        precision_matrix: C^-1; or
        scale_tril: the lower triangular factor L of C = L L^T, the fastest to use.
    """

    arg_constraints = {
        "loc": constraints.real_vector, "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite, "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True
    expand = expand_parameters

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        name, matrix = self._given_matrix(covariance_matrix=covariance_matrix, scale_tril=scale_tril, precision_matrix=precision_matrix)
        batch = torch.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand(batch + matrix.shape[-2:]))
        self.loc = loc.expand(batch + loc.shape[-1:])
        Distribution.__init__(self, batch, self.loc.shape[-1:], validate_args)
        self._factorise(name, matrix)

    @property
    def mean(self):
        return self.loc

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape=torch.Size()):
        shape = self._extended_shape(sample_shape)
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, _standard_normal(shape, self.loc.dtype, self.loc.device))

    def log_prob(self, value):
        squares = _batch_mahalanobis(self._unbroadcasted_scale_tril, self._checked(value) - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + squares) - _half_log_det(self._unbroadcasted_scale_tril)

    def entropy(self):
        entropy = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + _half_log_det(self._unbroadcasted_scale_tril)
        return entropy.expand(self._batch_shape)
