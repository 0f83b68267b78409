"""OneHotCategorical: one of several, as a vector."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import held
from pyxtorch.distributions.categorical import Categorical
from pyxtorch.distributions.distribution import Distribution, expand_parameters
from pyxtorch.nn.functional import one_hot

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(Distribution):
    """A vector of K numbers, one of them 1 and the others 0.

    Args:
        probs: weights, see Categorical; or
        logits: unnormalised log probabilities.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.one_hot
    has_enumerate_support = True
    probs, logits = held("_categorical.probs"), held("_categorical.logits")
    _param, param_shape = held("_categorical._param"), held("_categorical.param_shape")
    expand = expand_parameters

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._categorical = Categorical(probs, logits)
        Distribution.__init__(self, self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args)

    def _new(self, *args, **kwargs):
        return self._categorical._new(*args, **kwargs)

    @property
    def mean(self):
        return self.probs

    @property
    def mode(self):
        return one_hot(self._categorical.mode, self._event_shape[-1]).to(self.probs)

    @property
    def variance(self):
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape=torch.Size()):
        return one_hot(self._categorical.sample(sample_shape), self._event_shape[-1]).to(self.probs.dtype)

    def log_prob(self, value):
        return self._categorical.log_prob(self._checked(value).argmax(-1))

    def entropy(self):
        return self._categorical.entropy()

    def enumerate_support(self, expand=True):
        n = self._event_shape[-1]
        values = torch.eye(n, dtype=self._param.dtype, device=self._param.device).reshape((n,) + (1,) * len(self._batch_shape) + (n,))
        return values.expand((n,) + self._batch_shape + (n,)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """OneHotCategorical whose samples pass gradients on to the probabilities as if they were these.

    Source: Bengio, Leonard and Courville, "Estimating or propagating gradients through stochastic neurons" (2013).
    """

    has_rsample = True

    def rsample(self, sample_shape=torch.Size()):
        sample, probs = self.sample(sample_shape), self._categorical.probs
        return sample + (probs - probs.detach())
