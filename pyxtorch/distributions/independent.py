"""Independent: dimensions of a batch taken as dimensions of one event."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import held
from pyxtorch.distributions.distribution import Distribution, expand_parameters
from pyxtorch.distributions.utils import _sum_rightmost

__all__ = ["Independent"]


class Independent(Distribution):
    """A distribution whose last batch dimensions belong to one event: log_prob and entropy are summed over them.

    Args:
        base_distribution: the distribution.
        reinterpreted_batch_ndims: how many dimensions.
    Example:
        >>> Independent(Normal(torch.zeros(3), 1.0), 1).log_prob(torch.zeros(3)).shape
        torch.Size([])
    """

    arg_constraints = {}
    has_rsample, has_enumerate_support = held("base_dist.has_rsample"), held("base_dist.has_enumerate_support")
    mean, mode, variance = held("base_dist.mean"), held("base_dist.mode"), held("base_dist.variance")
    expand = expand_parameters

    def __init__(self, base_distribution, reinterpreted_batch_ndims, validate_args=None):
        batch = base_distribution.batch_shape
        if reinterpreted_batch_ndims > len(batch):
            raise ValueError("Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), "
                             f"actual {reinterpreted_batch_ndims} vs {len(batch)}")
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        cut = len(batch) - reinterpreted_batch_ndims
        Distribution.__init__(self, batch[:cut], batch[cut:] + base_distribution.event_shape, validate_args)

    def _inner_shape(self, name, batch_shape):
        return batch_shape + self.event_shape[:self.reinterpreted_batch_ndims]

    @constraints.dependent_property
    def support(self):
        inner = self.base_dist.support
        return constraints.independent(inner, self.reinterpreted_batch_ndims) if self.reinterpreted_batch_ndims else inner

    def sample(self, sample_shape=torch.Size()):
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape=torch.Size()):
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value):
        return _sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self):
        return _sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand=True):
        if self.reinterpreted_batch_ndims > 0:
            raise NotImplementedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand=expand)

    def __repr__(self):
        return f"{type(self).__name__}({self.base_dist}, {self.reinterpreted_batch_ndims})"
