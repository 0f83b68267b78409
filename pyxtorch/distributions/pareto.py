"""Pareto: a power law."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.distribution import expand_parameters
from pyxtorch.distributions.exponential import Exponential
from pyxtorch.distributions.transformed_distribution import TransformedDistribution
from pyxtorch.distributions.transforms import AffineTransform, ExpTransform
from pyxtorch.distributions.utils import broadcast_all

__all__ = ["Pareto"]


class Pareto(TransformedDistribution):
    """P(X > x) = (scale / x)^alpha, from scale on.

    Args:
        scale: the smallest number.
        alpha: the exponent.
    """

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}
    expand = expand_parameters

    def __init__(self, scale, alpha, validate_args=None):
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=validate_args)
        super().__init__(base, [ExpTransform(), AffineTransform(loc=0, scale=self.scale)], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self):
        return torch.where(self.alpha > 1, self.alpha * self.scale / (self.alpha - 1), torch.inf)

    @property
    def mode(self):
        return self.scale

    @property
    def variance(self):
        a = self.alpha
        return torch.where(a > 2, self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2)), torch.inf)

    def entropy(self):
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())
