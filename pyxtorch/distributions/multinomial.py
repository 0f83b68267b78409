"""Multinomial: counts of several outcomes."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import held
from pyxtorch.distributions.binomial import Binomial
from pyxtorch.distributions.categorical import Categorical
from pyxtorch.distributions.distribution import Distribution, expand_parameters

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """How often each of K outcomes comes in n draws. `log_prob` takes counts of any sum where values are not checked.

    Args:
        total_count: n, an int for all of the batch.
        probs: weights, see Categorical; or
        logits: unnormalised log probabilities.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    probs, logits = held("_categorical.probs"), held("_categorical.logits")
    _param, param_shape = held("_categorical._param"), held("_categorical.param_shape")
    expand = expand_parameters

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits)
        self._binomial = Binomial(total_count, probs=self.probs)
        Distribution.__init__(self, self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args)

    def _inner_shape(self, name, batch_shape):
        return batch_shape + self._event_shape if name == "_binomial" else batch_shape

    def _new(self, *args, **kwargs):
        return self._categorical._new(*args, **kwargs)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        return constraints.multinomial(self.total_count)

    @property
    def mean(self):
        return self.probs * self.total_count

    @property
    def variance(self):
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape=torch.Size()):
        draws = self._categorical.sample((self.total_count,) + torch.Size(sample_shape)).movedim(0, -1)
        counts = torch.zeros(self._extended_shape(sample_shape), dtype=self.probs.dtype, device=self.probs.device)
        return counts.scatter_add_(-1, draws, torch.ones_like(draws, dtype=counts.dtype))

    def entropy(self):
        """n H(p) - log n! + the sums over outcomes of E[log k!], k binomial."""
        n = torch.tensor(self.total_count, dtype=self.probs.dtype, device=self.probs.device)
        counts = self._binomial.enumerate_support(expand=False)[1:]
        ways = (self._binomial.log_prob(counts).exp() * torch.lgamma(counts + 1)).sum((0, -1))
        return n * self._categorical.entropy() - torch.lgamma(n + 1) + ways

    def log_prob(self, value):
        value, logits = torch.broadcast_tensors(self._checked(value), self.logits)
        parts = torch.where((value == 0) & (logits == -torch.inf), 0.0, logits) * value
        return torch.lgamma(value.sum(-1) + 1) - torch.lgamma(value + 1).sum(-1) + parts.sum(-1)
