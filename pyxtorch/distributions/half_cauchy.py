"""HalfCauchy: the size of a Cauchy number."""
import math

import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import held
from pyxtorch.distributions.cauchy import Cauchy
from pyxtorch.distributions.distribution import expand_parameters
from pyxtorch.distributions.transformed_distribution import TransformedDistribution
from pyxtorch.distributions.transforms import AbsTransform

__all__ = ["HalfCauchy"]


class HalfCauchy(TransformedDistribution):
    """|X|, X of Cauchy(0, scale).

    Args:
        scale: the median.
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    scale, variance = held("base_dist.scale"), held("base_dist.variance")
    expand = expand_parameters

    def __init__(self, scale, validate_args=None):
        super().__init__(Cauchy(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    @property
    def mean(self):
        return torch.full_like(self.scale, torch.inf)

    @property
    def mode(self):
        return torch.zeros_like(self.scale)

    def log_prob(self, value):
        value = torch.as_tensor(value, dtype=self.scale.dtype, device=self.scale.device)
        return torch.where(self._checked(value) >= 0, self.base_dist.log_prob(value) + math.log(2), -torch.inf)

    def cdf(self, value):
        return torch.atan(self._checked(value) / self.scale) * (2 / math.pi)

    def icdf(self, value):
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self):
        return self.base_dist.entropy() - math.log(2)
