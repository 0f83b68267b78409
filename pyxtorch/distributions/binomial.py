"""Binomial: successes in a number of trials."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import Odds, arange_along
from pyxtorch.distributions.distribution import expand_parameters
from pyxtorch.nn.functional import logsigmoid

__all__ = ["Binomial"]


class Binomial(Odds):
    """How many of n trials succeed, each with probability p.

    Args:
        total_count: n.
        probs: p; or
        logits: log(p / (1 - p)).
    """

    arg_constraints = {"total_count": constraints.nonnegative_integer, "probs": constraints.unit_interval, "logits": constraints.real}
    has_enumerate_support = True
    expand = expand_parameters

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        self._take_odds(probs, logits, validate_args, total_count=total_count)
        self.total_count = self.total_count.type_as(self._param)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self):
        return self.total_count * self.probs

    @property
    def mode(self):
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self):
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape=torch.Size()):
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return torch.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value):
        value, n = self._checked(value), self.total_count
        ways = torch.lgamma(n + 1) - torch.lgamma(value + 1) - torch.lgamma(n - value + 1)
        return ways + value * self.logits + n * logsigmoid(-self.logits)    # k log p + (n - k) log(1 - p)

    def _common_count(self, what):
        count = int(self.total_count.max())
        if not self.total_count.min() == count:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{what}`.")
        return count

    def entropy(self):
        self._common_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand=True):
        return arange_along(self._param, 1 + self._common_count("enumerate_support"), self._batch_shape, expand)
