"""InverseGamma: one over a gamma number."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import held
from pyxtorch.distributions.distribution import expand_parameters
from pyxtorch.distributions.gamma import Gamma
from pyxtorch.distributions.transformed_distribution import TransformedDistribution
from pyxtorch.distributions.transforms import PowerTransform

__all__ = ["InverseGamma"]


class InverseGamma(TransformedDistribution):
    """1 / X, X of Gamma(concentration, rate).

    Args:
        concentration, rate: of X.
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True
    concentration, rate = held("base_dist.concentration"), held("base_dist.rate")
    expand = expand_parameters

    def __init__(self, concentration, rate, validate_args=None):
        base = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(base, PowerTransform(base.rate.new_tensor(-1)), validate_args=validate_args)

    @property
    def mean(self):
        c = self.concentration
        return torch.where(c > 1, self.rate / (c - 1), torch.inf)

    @property
    def mode(self):
        return self.rate / (self.concentration + 1)

    @property
    def variance(self):
        c = self.concentration
        return torch.where(c > 2, self.rate.square() / ((c - 1).square() * (c - 2)), torch.inf)

    def entropy(self):
        c = self.concentration
        return c + self.rate.log() + c.lgamma() - (1 + c) * c.digamma()
