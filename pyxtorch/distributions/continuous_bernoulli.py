"""ContinuousBernoulli: Bernoulli's density on the unit interval."""
import math

import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import Odds
from pyxtorch.distributions.distribution import expand_parameters
from pyxtorch.distributions.exp_family import ExponentialFamily
from pyxtorch.distributions.utils import clamp_probs, uniform_inside
from pyxtorch.nn.functional import binary_cross_entropy_with_logits

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(Odds, ExponentialFamily):
    """Numbers in [0, 1] of density C(p) p^x (1 - p)^(1 - x).

    Near p = 1/2, where formulas cancel, series are used.

    Args:
        probs: p; or
        logits: log(p / (1 - p)).
        lims: between which p the series are used.
    Source: Loaiza-Ganem and Cunningham, "The continuous Bernoulli: fixing a pervasive error in variational autoencoders" (2019).
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0
    expand = expand_parameters

    def __init__(self, probs=None, logits=None, lims=(0.499, 0.501), validate_args=None):
        self._lims = lims
        if probs is not None and not isinstance(probs, torch.Tensor):
            probs = torch.tensor(float(probs))
        outside = probs is not None and not ((probs >= 0) & (probs <= 1)).all()
        if outside and (self._validate_args if validate_args is None else validate_args):
            raise ValueError("The parameter probs has invalid values")
        self._take_odds(None if probs is None else clamp_probs(probs), logits, validate_args)

    def _outside_unstable_region(self):
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut_probs(self):
        """Probabilities, but the lower limit in place of those between the limits."""
        return torch.where(self._outside_unstable_region(), self.probs, self._lims[0])

    def _stable(self, formula, series):
        """`formula` of the probabilities, but near 1/2 `series` of the distance from 1/2."""
        return torch.where(self._outside_unstable_region(), formula(self._cut_probs()), series(self.probs - 0.5))

    def _cont_bern_log_norm(self):
        """log C(p) = log(|2 artanh(1 - 2p)| / |1 - 2p|)"""
        return self._stable(lambda p: ((-p).log1p() - p.log()).abs().log() - (1 - 2 * p).abs().log(),
                            lambda x: math.log(2.0) + (4 / 3 + 104 / 45 * x * x) * x * x)

    @property
    def mean(self):
        return self._stable(lambda p: p / (2 * p - 1) + 1 / ((-p).log1p() - p.log()), lambda x: 0.5 + (1 / 3 + 16 / 45 * x * x) * x)

    @property
    def variance(self):
        return self._stable(lambda p: p * (p - 1) / (1 - 2 * p) ** 2 + 1 / ((-p).log1p() - p.log()) ** 2,
                            lambda x: 1 / 12 - (1 / 15 - 128 / 945 * x * x) * x * x)

    def sample(self, sample_shape=torch.Size()):
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=torch.Size()):
        return self.icdf(uniform_inside(self.probs, self._extended_shape(sample_shape)))

    def log_prob(self, value):
        value, logits = torch.broadcast_tensors(self._checked(value), self.logits)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none") + self._cont_bern_log_norm()

    def _by_logits(self, formula, series):
        """`formula` of the logits, but `series` where they are next to 0."""
        small = self.logits.abs() < 1e-3
        return torch.where(small, series(self.logits), formula(torch.where(small, 1.0, self.logits)))

    def cdf(self, value):
        v = self._checked(value)
        inside = self._by_logits(lambda t: torch.expm1(t * v) / torch.expm1(t), lambda t: v - t * v * (1 - v) * (1 / 2 + t * (2 * v - 1) / 12))
        return torch.where(v <= 0, 0.0, torch.where(v >= 1, 1.0, inside))

    def icdf(self, value):
        u = value
        return self._by_logits(lambda t: torch.log1p(u * torch.expm1(t)) / t, lambda t: u + t * u * (1 - u) * (1 / 2 + t * (1 - 2 * u) / 6))

    def entropy(self):
        log_q, log_p = torch.log1p(-self.probs), torch.log(self.probs)
        return self.mean * (log_q - log_p) - self._cont_bern_log_norm() - log_q

    @property
    def _natural_params(self):
        return (self.logits,)

    def _log_normalizer(self, x):
        """log((e^x - 1) / x), and its series near 0."""
        outside = self._outside_unstable_region()
        far = torch.where(outside, x, 1.0)
        return torch.where(outside, (torch.expm1(far) / far).log(), 0.5 * x + x * x / 24 - x ** 4 / 2880)
