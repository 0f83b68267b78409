"""RelaxedOneHotCategorical: a differentiable OneHotCategorical."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import held
from pyxtorch.distributions.categorical import Categorical
from pyxtorch.distributions.distribution import Distribution, expand_parameters
from pyxtorch.distributions.transformed_distribution import TransformedDistribution
from pyxtorch.distributions.transforms import ExpTransform
from pyxtorch.distributions.utils import uniform_inside

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(Distribution):
    """The logarithm of RelaxedOneHotCategorical: log_softmax((logits + Gumbel numbers) / temperature).

    Args:
        temperature: how soft; near 0 it is OneHotCategorical.
        probs: weights, see Categorical; or
        logits: unnormalised log probabilities.
    Source: Maddison, Mnih and Teh, "The concrete distribution" (2017).
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector       # whose exponentials sum to 1
    has_rsample = True
    probs, logits = held("_categorical.probs"), held("_categorical.logits")
    _param, param_shape = held("_categorical._param"), held("_categorical.param_shape")
    expand = expand_parameters

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        Distribution.__init__(self, self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args)

    def _new(self, *args, **kwargs):
        return self._categorical._new(*args, **kwargs)

    def rsample(self, sample_shape=torch.Size()):
        u = uniform_inside(self.logits, self._extended_shape(sample_shape))
        return torch.log_softmax((self.logits - (-u.log()).log()) / self.temperature, -1)

    def log_prob(self, value):
        k = self._event_shape[0]
        value, logits = torch.broadcast_tensors(self._checked(value), self.logits)
        temperature = torch.as_tensor(self.temperature, dtype=logits.dtype, device=logits.device)
        log_scale = torch.lgamma(temperature.new_tensor(float(k))) + (k - 1) * temperature.log()
        return torch.log_softmax(logits - value * temperature, -1).sum(-1) + log_scale


class RelaxedOneHotCategorical(TransformedDistribution):
    """Points of the simplex near a corner, with gradients by the probabilities.

    Args:
        temperature: how soft; near 0 it is OneHotCategorical.
        probs: weights, see Categorical; or
        logits: unnormalised log probabilities.
    Source: Maddison, Mnih and Teh, "The concrete distribution" (2017); Jang, Gu and Poole (2017).
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    has_rsample = True
    temperature, probs, logits = held("base_dist.temperature"), held("base_dist.probs"), held("base_dist.logits")
    expand = expand_parameters

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)
