"""RelaxedBernoulli: a differentiable Bernoulli."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import Odds, held
from pyxtorch.distributions.distribution import expand_parameters
from pyxtorch.distributions.transformed_distribution import TransformedDistribution
from pyxtorch.distributions.transforms import SigmoidTransform
from pyxtorch.distributions.utils import uniform_inside
from pyxtorch.nn.functional import logsigmoid

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(Odds):
    """The logit of RelaxedBernoulli: (logits + a logistic number) / temperature.

    Args:
        temperature: how soft; near 0 it is Bernoulli.
        probs: the probability of 1; or
        logits: its log odds.
    Source: Maddison, Mnih and Teh, "The concrete distribution" (2017).
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    has_rsample = True
    expand = expand_parameters

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self.temperature = temperature
        self._take_odds(probs, logits, validate_args)

    def rsample(self, sample_shape=torch.Size()):
        u = uniform_inside(self.logits, self._extended_shape(sample_shape))
        return (u.log() - (-u).log1p() + self.logits) / self.temperature

    def log_prob(self, value):
        value, logits = torch.broadcast_tensors(self._checked(value), self.logits)
        diff = logits - value * self.temperature
        return torch.as_tensor(self.temperature).log() + diff + 2 * logsigmoid(-diff)


class RelaxedBernoulli(TransformedDistribution):
    """Numbers in (0, 1) near 0 or 1, with gradients by the probability.

    Args:
        temperature: how soft; near 0 it is Bernoulli.
        probs: the probability of 1; or
        logits: its log odds.
    Source: Maddison, Mnih and Teh, "The concrete distribution" (2017); Jang, Gu and Poole (2017).
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    temperature, probs, logits = held("base_dist.temperature"), held("base_dist.probs"), held("base_dist.logits")
    expand = expand_parameters

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        super().__init__(LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform(), validate_args=validate_args)
