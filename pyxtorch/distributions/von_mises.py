"""VonMises: the normal distribution on a circle."""
import math

import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.distribution import Distribution, expand_parameters
from pyxtorch.distributions.utils import lazy_property

__all__ = ["VonMises"]


class VonMises(Distribution):
    """Angles of density exp(concentration cos(x - loc)) / (2 pi I0(concentration)), sampled in [-pi, pi).

    Args:
        loc: the mean angle, in radians.
        concentration: 1 / variance where it is large.
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False
    expand = expand_parameters

    def __init__(self, loc, concentration, validate_args=None):
        self._take(validate_args, loc=loc, concentration=concentration)

    def log_prob(self, value):
        k = self.concentration
        # I0(k) = i0e(k) e^k would overflow; cos - 1 = -2 sin^2(x / 2) does not cancel.
        return -2 * k * torch.sin((self._checked(value) - self.loc) / 2) ** 2 - math.log(2 * math.pi) - torch.special.i0e(k).log()

    @lazy_property
    def _proposal_r(self):
        """The parameter of the wrapped Cauchy proposal, in float64; its limit for small concentrations."""
        k = self.concentration.double()
        tau = 1 + (1 + 4 * k * k).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * k)
        return torch.where(k < 1e-5, 1 / k + k, (1 + rho * rho) / (2 * rho))

    def sample(self, sample_shape=torch.Size()):
        """By rejection, all numbers at once, until none is left.

        Source: Best and Fisher, "Efficient simulation of the von Mises distribution" (1979).
        """
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            k, r = (p.double().expand(shape).reshape(-1) for p in (self.concentration, self._proposal_r))
            angle, left = torch.zeros_like(k), torch.arange(k.numel(), device=k.device)
            while left.numel():
                u1, u2, u3 = 1 - torch.rand((3, left.numel()), dtype=k.dtype, device=k.device)
                z = torch.cos(math.pi * u1)
                f = (1 + r[left] * z) / (r[left] + z)
                c = k[left] * (r[left] - f)
                accepted = (c * (2 - c) > u2) | ((c / u2).log() + 1 - c >= 0)
                angle[left[accepted]] = ((u3 - 0.5).sign() * f.clamp(-1, 1).acos())[accepted]
                left = left[~accepted]
            angle = angle.reshape(shape).to(self.loc.dtype) + self.loc
            return (angle + math.pi) % (2 * math.pi) - math.pi

    @property
    def mean(self):
        """The mean angle."""
        return self.loc

    @property
    def mode(self):
        return self.loc

    @lazy_property
    def variance(self):
        """The circular variance, 1 - I1 / I0."""
        return 1 - torch.special.i1e(self.concentration) / torch.special.i0e(self.concentration)
