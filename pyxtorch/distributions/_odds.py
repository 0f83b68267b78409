"""Distributions given by probabilities or by logits: one is kept, the other follows when it is read."""
import operator

import pyxtorch as torch
from pyxtorch.distributions.distribution import Distribution
from pyxtorch.distributions.utils import lazy_property, logits_to_probs, probs_to_logits


def given(probs, logits):
    """The name and value of what was given: exactly one of the two."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
    return ("logits", logits) if probs is None else ("probs", probs)


class Odds(Distribution):
    """`probs` and `logits`: for one event its log odds, or (`_binary` False) for several the logarithms of their probabilities."""

    _binary = True
    _given = "probs"    # an object unpickled from PyTorch does not say

    def _take_odds(self, probs, logits, validate_args, **others):
        """`_take` of what was given, with other parameters that broadcast."""
        self._given, value = given(probs, logits)
        self._take(validate_args, **others, **{self._given: value})

    @lazy_property
    def probs(self):
        return logits_to_probs(self.logits, is_binary=self._binary)

    @lazy_property
    def logits(self):
        return probs_to_logits(self.probs, is_binary=self._binary)

    @property
    def _param(self):
        """What was given."""
        return getattr(self, self._given)

    @property
    def param_shape(self):
        """The shape of what was given."""
        return self._param.size()

    def _new(self, *args, **kwargs):
        return self._param.new(*args, **kwargs)


def held(path):
    """A property that reads an attribute of another distribution: held("base_dist.loc")."""
    return property(operator.attrgetter(path))


def arange_along(like, count, batch_shape, expand):
    """0, 1, ..., count - 1 along a new first dimension, for `enumerate_support`."""
    values = torch.arange(count, dtype=like.dtype, device=like.device).reshape((-1,) + (1,) * len(batch_shape))
    return values.expand((-1,) + batch_shape) if expand else values
