"""Kumaraswamy: like Beta, with a distribution function in closed form."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.distribution import expand_parameters
from pyxtorch.distributions.transformed_distribution import TransformedDistribution
from pyxtorch.distributions.transforms import AffineTransform, PowerTransform
from pyxtorch.distributions.uniform import Uniform
from pyxtorch.distributions.utils import broadcast_all, euler_constant

__all__ = ["Kumaraswamy"]


class Kumaraswamy(TransformedDistribution):
    """P(X <= x) = 1 - (1 - x^a)^b on [0, 1].

    Args:
        concentration1: a.
        concentration0: b.
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    expand = expand_parameters

    def __init__(self, concentration1, concentration0, validate_args=None):
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        base = Uniform(torch.zeros_like(self.concentration0), torch.ones_like(self.concentration0), validate_args=validate_args)
        transforms = [PowerTransform(self.concentration0.reciprocal()), AffineTransform(loc=1.0, scale=-1.0),
                      PowerTransform(self.concentration1.reciprocal())]
        super().__init__(base, transforms, validate_args=validate_args)

    def _moment(self, n):
        """b B(1 + n / a, b)"""
        a, b = 1 + n / self.concentration1, self.concentration0
        return torch.exp(torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)) * b

    @property
    def mean(self):
        return self._moment(1)

    @property
    def mode(self):
        a, b = self.concentration1, self.concentration0
        inside = (a >= 1) & (b >= 1)
        return torch.where(inside, ((a - 1) / (a * b - 1)) ** a.reciprocal(), torch.nan)

    @property
    def variance(self):
        return self._moment(2) - self._moment(1).pow(2)

    def entropy(self):
        a, b = self.concentration1, self.concentration0
        harmonic = torch.digamma(b + 1) + euler_constant
        return 1 - b.reciprocal() + (1 - a.reciprocal()) * harmonic - torch.log(a) - torch.log(b)
