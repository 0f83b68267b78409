"""GeneralizedPareto: what exceeds a high threshold."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.distribution import Distribution, expand_parameters

__all__ = ["GeneralizedPareto"]


def _away_from_zero(x):
    """Where x is so small that a series of three terms is exact, and x with 1 there, to divide by."""
    small = x.abs() < 1e-4
    return small, torch.where(small, 1.0, x)


def _log1p_ratio(c, z):
    """log(1 + c z) / c, which at c = 0 is z; with its gradients."""
    x = c * z
    small, far = _away_from_zero(x)
    return z * torch.where(small, 1 - x * (1 / 2 - x * (1 / 3 - x / 4)), torch.log1p(far.clamp(min=-1)) / far)


def _expm1_ratio(c, s):
    """(exp(c s) - 1) / c, which at c = 0 is s; with its gradients."""
    x = c * s
    small, far = _away_from_zero(x)
    return s * torch.where(small, 1 + x * (1 / 2 + x * (1 / 6 + x / 24)), torch.expm1(far) / far)


class GeneralizedPareto(Distribution):
    """P(X > x) = (1 + c (x - loc) / scale)^(-1 / c), c the concentration; exponential at c = 0, bounded above below it.

    Args:
        loc: the lower end.
        scale: the scale.
        concentration: c.
    Source: Coles, "An introduction to statistical modeling of extreme values" (2001), chapter 4.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True
    expand = expand_parameters

    def __init__(self, loc, scale, concentration, validate_args=None):
        self._take(validate_args, loc=loc, scale=scale, concentration=concentration)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        c = self.concentration
        upper = torch.where(c < 0, self.loc - self.scale / c, torch.inf)
        return constraints.interval(self.loc, upper)

    def _z(self, x):
        return (x - self.loc) / self.scale

    def rsample(self, sample_shape=torch.Size()):
        u = torch.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.icdf(u)

    def log_prob(self, value):
        z, c = self._z(self._checked(value)), self.concentration
        return torch.where((z >= 0) & (c * z > -1), -(1 + c) * _log1p_ratio(c, z) - self.scale.log(), -torch.inf)

    def log_survival_function(self, value):
        """log P(X > value)."""
        return -_log1p_ratio(self.concentration, self._z(self._checked(value)))

    def log_cdf(self, value):
        """log P(X <= value)."""
        return torch.log(self.cdf(value))

    def cdf(self, value):
        return -torch.expm1(self.log_survival_function(value))

    def icdf(self, value):
        return self.loc + self.scale * _expm1_ratio(self.concentration, -torch.log1p(-value))

    @property
    def mean(self):
        c = self.concentration
        return torch.where(c < 1, self.loc + self.scale / (1 - c), torch.inf)

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        c = self.concentration
        return torch.where(c < 0.5, self.scale.pow(2) / ((1 - c).pow(2) * (1 - 2 * c)), torch.inf)

    def entropy(self):
        return self.scale.log() + self.concentration + 1
