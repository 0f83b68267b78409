"""NegativeBinomial: successes before a number of failures."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import Odds
from pyxtorch.distributions.distribution import expand_parameters
from pyxtorch.distributions.gamma import Gamma
from pyxtorch.distributions.utils import lazy_property
from pyxtorch.nn.functional import logsigmoid

__all__ = ["NegativeBinomial"]


class NegativeBinomial(Odds):
    """How many trials succeed, each with probability p, before r of them fail.

    Args:
        total_count: r, any number from 0 on.
        probs: p, in [0, 1); or
        logits: log(p / (1 - p)).
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0), "probs": constraints.half_open_interval(0.0, 1.0), "logits": constraints.real,
    }
    support = constraints.nonnegative_integer
    expand = expand_parameters

    def __init__(self, total_count, probs=None, logits=None, validate_args=None):
        self._take_odds(probs, logits, validate_args, total_count=total_count)
        self.total_count = self.total_count.type_as(self._param)

    @property
    def mean(self):
        return self.total_count * self.logits.exp()

    @property
    def mode(self):
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self):
        return self.mean / torch.sigmoid(-self.logits)

    @lazy_property
    def _gamma(self):
        return Gamma(self.total_count, (-self.logits).exp(), validate_args=False)

    def sample(self, sample_shape=torch.Size()):
        """A Poisson number whose rate is gamma distributed."""
        with torch.no_grad():
            return torch.poisson(self._gamma.sample(sample_shape))

    def log_prob(self, value):
        value, r = self._checked(value), self.total_count
        ways = torch.lgamma(r + value) - torch.lgamma(1 + value) - torch.lgamma(r)
        ways = torch.where(r + value == 0, 0.0, ways)       # no failure to wait for: 0 for sure
        return ways + r * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
