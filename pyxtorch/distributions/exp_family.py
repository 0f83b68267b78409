"""Exponential families: the entropy follows from the normaliser."""
import pyxtorch as torch
from pyxtorch.distributions.distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """Distributions with density exp(<t(x), theta> - F(theta) + k(x)).

    `_natural_params` are theta, `_log_normalizer` is F, `_mean_carrier_measure` the mean of k. Other distributions of the family
    can be compared by them: `kl_divergence` is a Bregman divergence of F.
    """

    @property
    def _natural_params(self):
        raise NotImplementedError

    def _log_normalizer(self, *natural_params):
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self):
        raise NotImplementedError

    def entropy(self):
        """F(theta) - <theta, grad F(theta)> - the mean of k. Source: Nielsen and Nock (2010), "Entropies and cross-entropies"."""
        with torch.enable_grad():
            theta = [p if p.requires_grad else p.detach().requires_grad_() for p in self._natural_params]
            normalizer = self._log_normalizer(*theta)
            slopes = torch.autograd.grad(normalizer.sum(), theta, create_graph=True)
        result = normalizer - self._mean_carrier_measure
        for p, slope in zip(theta, slopes):
            result = result - (p * slope).reshape(self._batch_shape + (-1,)).sum(-1)
        return result
