"""Dirichlet: shares of several."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.distribution import Distribution, expand_parameters
from pyxtorch.distributions.exp_family import ExponentialFamily

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """Density prod x[i]^(c[i] - 1) Gamma(sum c) / prod Gamma(c[i]) on the simplex. Samples have gradients.

    Args:
        concentration: c, along the last dimension.
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True
    expand = expand_parameters

    def __init__(self, concentration, validate_args=None):
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        Distribution.__init__(self, concentration.shape[:-1], concentration.shape[-1:], validate_args)

    @property
    def mean(self):
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self):
        """A corner, that of the largest concentration, where all are below 1."""
        above = (self.concentration - 1).clamp(min=0.0)
        corner = torch.nn.functional.one_hot(self.concentration.argmax(-1), self._event_shape[-1]).to(above)
        return torch.where((self.concentration < 1).all(-1, keepdim=True), corner, above / above.sum(-1, True))

    @property
    def variance(self):
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape=()):
        return torch._sample_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        c = self.concentration
        return torch.xlogy(c - 1.0, self._checked(value)).sum(-1) + torch.lgamma(c.sum(-1)) - torch.lgamma(c).sum(-1)

    def entropy(self):
        c, total, k = self.concentration, self.concentration.sum(-1), self._event_shape[-1]
        return torch.lgamma(c).sum(-1) - torch.lgamma(total) - (k - total) * torch.digamma(total) - ((c - 1.0) * torch.digamma(c)).sum(-1)

    @property
    def _natural_params(self):
        return (self.concentration,)

    def _log_normalizer(self, x):
        return x.lgamma().sum(-1) - torch.lgamma(x.sum(-1))
