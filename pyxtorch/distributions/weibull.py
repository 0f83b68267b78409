"""Weibull: a power of an exponential number."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.distribution import expand_parameters
from pyxtorch.distributions.exponential import Exponential
from pyxtorch.distributions.transformed_distribution import TransformedDistribution
from pyxtorch.distributions.transforms import AffineTransform, PowerTransform
from pyxtorch.distributions.utils import broadcast_all, euler_constant

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """P(X > x) = exp(-(x / scale)^concentration).

    Args:
        scale: the scale, often called lambda.
        concentration: the shape, often called k.
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive
    expand = expand_parameters

    def __init__(self, scale, concentration, validate_args=None):
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self.concentration_reciprocal = self.concentration.reciprocal()
        base = Exponential(torch.ones_like(self.scale), validate_args=validate_args)
        transforms = [PowerTransform(self.concentration_reciprocal), AffineTransform(loc=0, scale=self.scale)]
        super().__init__(base, transforms, validate_args=validate_args)

    def _power_mean(self, n):
        """E[(X / scale)^n]"""
        return torch.exp(torch.lgamma(1 + n / self.concentration))

    @property
    def mean(self):
        return self.scale * self._power_mean(1)

    @property
    def mode(self):
        inside = (self.concentration - 1).clamp(min=0) / self.concentration     # 0 where the density falls from 0 on
        return self.scale * inside ** self.concentration.reciprocal()

    @property
    def variance(self):
        return self.scale.pow(2) * (self._power_mean(2) - self._power_mean(1).pow(2))

    def entropy(self):
        return euler_constant * (1 - self.concentration.reciprocal()) + torch.log(self.scale / self.concentration) + 1
