"""MixtureSameFamily: one of several distributions of a kind, by weights."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import held
from pyxtorch.distributions.categorical import Categorical
from pyxtorch.distributions.constraints import MixtureSameFamilyConstraint
from pyxtorch.distributions.distribution import Distribution, expand_parameters

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """Component k of K with the probability that the mixture gives it; the components are along the last batch dimension.

    Args:
        mixture_distribution: a Categorical over K, of the batch's shape or one that broadcasts to it.
        component_distribution: of batch shape (..., K).
    Example, a mixture of five normal distributions:
        >>> m = MixtureSameFamily(Categorical(torch.ones(5)), Normal(torch.randn(5), torch.rand(5)))
    """

    arg_constraints = {}
    has_rsample = False
    mixture_distribution, component_distribution = held("_mixture_distribution"), held("_component_distribution")
    expand = expand_parameters

    def __init__(self, mixture_distribution, component_distribution, validate_args=None):
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of torch.distributions.Distribution")
        batch, mixed = component_distribution.batch_shape[:-1], mixture_distribution.batch_shape
        for own, other in zip(reversed(mixed), reversed(batch)):
            if own != 1 and other != 1 and own != other:
                raise ValueError(f"`mixture_distribution.batch_shape` ({mixed}) is not compatible with "
                                 f"`component_distribution.batch_shape`({component_distribution.batch_shape})")
        components, parts = mixture_distribution._num_events, component_distribution.batch_shape[-1]
        if components != parts:
            raise ValueError(f"`mixture_distribution component` ({components}) does not equal `component_distribution.batch_shape[-1]` ({parts})")
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        self._num_component = components
        self._event_ndims = len(component_distribution.event_shape)
        Distribution.__init__(self, batch, component_distribution.event_shape, validate_args)

    def _inner_shape(self, name, batch_shape):
        return batch_shape + (self._num_component,) if name == "_component_distribution" else batch_shape

    @constraints.dependent_property
    def support(self):
        return MixtureSameFamilyConstraint(self._component_distribution.support)

    def _pad(self, x):
        """With a dimension for the components."""
        return x.unsqueeze(-1 - self._event_ndims)

    def _pad_mixture_dimensions(self, x):
        """(..., K) of the mixture with dimensions for the batch and the event."""
        batch = len(self.batch_shape) - len(self._mixture_distribution.batch_shape)
        shape = x.shape
        return x.reshape(shape[:-1] + (1,) * batch + shape[-1:] + (1,) * self._event_ndims)

    def _weighted(self, values):
        probs = self._pad_mixture_dimensions(self.mixture_distribution.probs)
        return (probs * values).sum(-1 - self._event_ndims)

    @property
    def mean(self):
        return self._weighted(self.component_distribution.mean)

    @property
    def variance(self):
        """The mean of the variances and the variance of the means."""
        between = (self.component_distribution.mean - self._pad(self.mean)).pow(2)
        return self._weighted(self.component_distribution.variance) + self._weighted(between)

    def cdf(self, x):
        return (self.component_distribution.cdf(self._pad(x)) * self.mixture_distribution.probs).sum(-1)

    def log_prob(self, x):
        x = self._pad(self._checked(x))
        return torch.logsumexp(self.component_distribution.log_prob(x) + torch.log_softmax(self.mixture_distribution.logits, -1), -1)

    def sample(self, sample_shape=torch.Size()):
        with torch.no_grad():
            shape, at = self._extended_shape(sample_shape), -1 - self._event_ndims
            which = self.mixture_distribution.expand(self.batch_shape).sample(sample_shape)
            which = which.reshape(which.shape + (1,) * (self._event_ndims + 1))
            which = which.expand(which.shape[:len(which.shape) - self._event_ndims] + self.event_shape)
            return self.component_distribution.sample(sample_shape).gather(at, which).squeeze(at).reshape(shape)

    def __repr__(self):
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
