"""LKJCholesky: correlation matrices, by their factors."""
import math

import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.beta import Beta
from pyxtorch.distributions.distribution import Distribution, expand_parameters
from pyxtorch.distributions.utils import _standard_normal, broadcast_all
from pyxtorch.special import multigammaln

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """The lower Cholesky factor L of correlation matrices C with density proportional to det(C)^(concentration - 1).

    Args:
        dim: the number of rows, from 2 on.
        concentration: 1 is uniform over correlation matrices; larger ones prefer small correlations.
    Source: Lewandowski, Kurowicka and Joe, "Generating random correlation matrices based on vines and extended onion method" (2009).
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    expand = expand_parameters

    def __init__(self, dim, concentration=1.0, validate_args=None):
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        Distribution.__init__(self, self.concentration.shape, torch.Size((dim, dim)), validate_args)
        rows = torch.arange(1, dim, dtype=self.concentration.dtype, device=self.concentration.device)
        self._beta = Beta((rows / 2).expand(self._batch_shape + (dim - 1,)), self.concentration.unsqueeze(-1) + (dim - 1 - rows) / 2)

    def _inner_shape(self, name, batch_shape):
        return batch_shape + (self.dim - 1,)

    def sample(self, sample_shape=torch.Size()):
        """By the onion method: row i is a point on a sphere, of a length whose square is a beta number, and what is left."""
        with torch.no_grad():
            length = torch.nn.functional.pad(self._beta.sample(sample_shape).sqrt(), (1, 0))
            point = _standard_normal(self._extended_shape(sample_shape), length.dtype, length.device).tril(-1)
            size = torch.linalg.vector_norm(point, dim=-1, keepdim=True).clamp(min=torch.finfo(length.dtype).tiny)
            rows = point / size * length.unsqueeze(-1)
            left = (1 - rows.pow(2).sum(-1)).clamp(min=torch.finfo(rows.dtype).tiny).sqrt()
            return rows + left.diag_embed()

    def log_prob(self, value):
        """Row i's diagonal element to the power of n - i + 2 (concentration - 1), i counted from 1, normalised."""
        value, n = self._checked(value), self.dim
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        order = torch.arange(2, n + 1, device=self.concentration.device)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + n - order
        a = self.concentration + 0.5 * (n - 1)
        normalizer = 0.5 * (n - 1) * math.log(math.pi) + multigammaln(a - 0.5, n - 1) - torch.lgamma(a) * (n - 1)
        return (order * diagonal.log()).sum(-1) - normalizer
