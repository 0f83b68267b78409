"""Categorical: one of several."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import Odds, arange_along, given
from pyxtorch.distributions.distribution import Distribution, expand_parameters

__all__ = ["Categorical"]


class Categorical(Odds):
    """A number from 0 to K - 1, by K probabilities along the last dimension.

    Args:
        probs: weights from 0 on with a positive sum, normalised here; or
        logits: any numbers; less the logarithm of the sum of their exponentials they are log probabilities.
    Example:
        >>> m = Categorical(torch.tensor([0.25, 0.25, 0.25, 0.25]))
        >>> m.sample().shape
        torch.Size([])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    _binary = False
    expand = expand_parameters

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._given, value = given(probs, logits)
        if value.dim() < 1:
            raise ValueError(f"`{self._given}` parameter must be at least one-dimensional.")
        if probs is None:
            self.logits = value - value.logsumexp(-1, keepdim=True)
        else:
            self.probs = value / value.sum(-1, keepdim=True)
        self._num_events = value.shape[-1]
        Distribution.__init__(self, value.shape[:-1], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self._num_events - 1)

    def _no_number(self):
        return torch.full(self._batch_shape, torch.nan, dtype=self.probs.dtype, device=self.probs.device)

    @property
    def mean(self):
        """NaN: categories are names."""
        return self._no_number()

    @property
    def mode(self):
        return self.probs.argmax(-1)

    @property
    def variance(self):
        """NaN."""
        return self._no_number()

    def sample(self, sample_shape=torch.Size()):
        sample_shape = torch.Size(sample_shape)
        rows = self.probs.detach().reshape(-1, self._num_events)
        if sample_shape.numel() == 0 or rows.shape[0] == 0:
            return torch.empty(self._extended_shape(sample_shape), dtype=torch.int64, device=rows.device)
        return torch.multinomial(rows, sample_shape.numel(), True).T.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value):
        value = self._checked(value).long().unsqueeze(-1)
        value, logits = torch.broadcast_tensors(value, self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self):
        logits = self.logits.clamp(min=torch.finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand=True):
        return arange_along(torch.empty(0, dtype=torch.int64, device=self._param.device), self._num_events, self._batch_shape, expand)
