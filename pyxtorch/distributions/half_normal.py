"""HalfNormal: the size of a normal number."""
import math

import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import held
from pyxtorch.distributions.distribution import expand_parameters
from pyxtorch.distributions.normal import Normal
from pyxtorch.distributions.transformed_distribution import TransformedDistribution
from pyxtorch.distributions.transforms import AbsTransform

__all__ = ["HalfNormal"]


class HalfNormal(TransformedDistribution):
    """|X|, X of Normal(0, scale).

    Args:
        scale: the scale of X.
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    scale = held("base_dist.scale")
    expand = expand_parameters

    def __init__(self, scale, validate_args=None):
        super().__init__(Normal(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    @property
    def mean(self):
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def mode(self):
        return torch.zeros_like(self.scale)

    @property
    def variance(self):
        return self.scale.pow(2) * (1 - 2 / math.pi)

    def log_prob(self, value):
        value = self._checked(value)
        return torch.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -torch.inf)

    def cdf(self, value):
        return torch.erf(self._checked(value) / (self.scale * math.sqrt(2)))

    def icdf(self, value):
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self):
        return self.base_dist.entropy() - math.log(2)
