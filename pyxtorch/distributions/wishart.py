"""Wishart: estimates of a covariance matrix."""
import math
import warnings

import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.distribution import Distribution, expand_parameters
from pyxtorch.distributions.exp_family import ExponentialFamily
from pyxtorch.distributions.multivariate_normal import ByCovariance, _half_log_det
from pyxtorch.distributions.utils import _standard_normal
from pyxtorch.special import multigammaln

__all__ = ["Wishart"]


def _mvdigamma(x, p):
    """The derivative of multigammaln: the sum over i < p of digamma(x - i / 2)."""
    return torch.digamma(x.unsqueeze(-1) - torch.arange(p, dtype=x.dtype, device=x.device) / 2).sum(-1)


class Wishart(ByCovariance, ExponentialFamily):
    """X = the sum of df products v v^T, v normal vectors of covariance C.

    Args:
        df: degrees of freedom, above n - 1; any number.
        covariance_matrix: C, positive definite (..., n, n); or
        precision_matrix: C^-1; or
        scale_tril: the lower triangular factor L of C = L L^T.
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0
    expand = expand_parameters

    @property
    def arg_constraints(self):
        return {"covariance_matrix": constraints.positive_definite, "precision_matrix": constraints.positive_definite,
                "scale_tril": constraints.lower_cholesky, "df": constraints.greater_than(self._event_shape[-1] - 1)}

    def __init__(self, df, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        name, matrix = self._given_matrix(covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril)
        if not isinstance(df, torch.Tensor):
            df = torch.tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch, event = torch.broadcast_shapes(matrix.shape[:-2], df.shape), matrix.shape[-2:]
        if not (df > event[-1] - 1).all():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {event[-1] - 1}.")
        setattr(self, name, matrix.expand(batch + event))
        self.df = df.expand(batch)
        Distribution.__init__(self, batch, event, validate_args)
        if self.df.lt(event[-1]).any():
            warnings.warn("Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.", stacklevel=2)
        self._factorise(name, matrix)

    @property
    def mean(self):
        return self.df.reshape(self._batch_shape + (1, 1)) * self.covariance_matrix

    @property
    def mode(self):
        factor = self.df - self.covariance_matrix.shape[-1] - 1
        return torch.where(factor > 0, factor, torch.nan).reshape(self._batch_shape + (1, 1)) * self.covariance_matrix

    @property
    def variance(self):
        V = self.covariance_matrix
        diagonal = V.diagonal(dim1=-2, dim2=-1)
        return self.df.reshape(self._batch_shape + (1, 1)) * (V.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _bartlett_sampling(self, sample_shape=torch.Size()):
        """L A A^T L^T: below A's diagonal normal numbers, on it roots of chi-square numbers of df, df - 1, ... degrees."""
        p = self._event_shape[-1]
        shape = self._extended_shape(sample_shape)
        freedom = (self.df.unsqueeze(-1) - torch.arange(p, dtype=self.df.dtype, device=self.df.device)).expand(shape[:-1])
        diagonal = (2 * torch._standard_gamma(freedom / 2)).clamp(min=torch.finfo(self.df.dtype).tiny).sqrt()
        A = _standard_normal(shape, self.df.dtype, self.df.device).tril(-1) + diagonal.diag_embed()
        product = self._unbroadcasted_scale_tril @ A
        return product @ product.mT

    def rsample(self, sample_shape=torch.Size(), max_try_correction=None):
        """Samples by Bartlett's decomposition; those that rounding made singular are drawn again, up to `max_try_correction` times.

        max_try_correction: None for 3 times up to dimension 10, else 10 times.
        """
        if max_try_correction is None:
            max_try_correction = 3 if self._event_shape[-1] <= 10 else 10
        sample = self._bartlett_sampling(sample_shape)
        singular = ~self.support.check(sample)
        for _ in range(max_try_correction):
            if not singular.any():
                return sample
            again = self._bartlett_sampling(sample_shape)
            sample = torch.where(singular[..., None, None], again, sample)
            singular = ~self.support.check(sample)
        if singular.any():
            warnings.warn("Singular sample detected.", stacklevel=2)
        return sample

    def log_prob(self, value):
        value, nu, p = self._checked(value), self.df, self._event_shape[-1]
        trace = torch.cholesky_solve(value, self._unbroadcasted_scale_tril).diagonal(dim1=-2, dim2=-1).sum(-1)
        return (-nu * (p * math.log(2) / 2 + _half_log_det(self._unbroadcasted_scale_tril)) - multigammaln(nu / 2, p)
                + (nu - p - 1) / 2 * torch.linalg.slogdet(value).logabsdet - trace / 2)

    def entropy(self):
        nu, p = self.df, self._event_shape[-1]
        return ((p + 1) * (p * math.log(2) / 2 + _half_log_det(self._unbroadcasted_scale_tril)) + multigammaln(nu / 2, p)
                - (nu - p - 1) / 2 * _mvdigamma(nu / 2, p) + nu * p / 2)

    @property
    def _natural_params(self):
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x, y):
        p = self._event_shape[-1]
        return (y + (p + 1) / 2) * (-torch.linalg.slogdet(-2 * x).logabsdet + math.log(2) * p) + multigammaln(y + (p + 1) / 2, p)
