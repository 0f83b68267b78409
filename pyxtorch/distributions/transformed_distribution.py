"""TransformedDistribution: what becomes of random numbers in a chain of transforms."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import held
from pyxtorch.distributions.distribution import Distribution, expand_parameters
from pyxtorch.distributions.independent import Independent
from pyxtorch.distributions.transforms import ComposeTransform, Transform
from pyxtorch.distributions.utils import _sum_rightmost

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """Y = f(X): log p(y) = log p(x) - log |det dy/dx|, x the number that f leads to y.

    Args:
        base_distribution: of X.
        transforms: a transform, or a list of them, the first applied first.
    Raises:
        ValueError: an event of the base distribution and the transforms do not fit, or one is no transform.
    Example, the logistic distribution:
        >>> y = TransformedDistribution(Uniform(0.0, 1.0), [SigmoidTransform().inv, AffineTransform(loc=1.0, scale=2.0)])
    """

    arg_constraints = {}
    has_rsample = held("base_dist.has_rsample")
    expand = expand_parameters

    def __init__(self, base_distribution, transforms, validate_args=None):
        if isinstance(transforms, Transform):
            self.transforms = [transforms]
        elif isinstance(transforms, list):
            if not all(isinstance(t, Transform) for t in transforms):
                raise ValueError("transforms must be a Transform or a list of Transforms")
            self.transforms = transforms
        else:
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        shape, event = base_distribution.batch_shape + base_distribution.event_shape, len(base_distribution.event_shape)
        chain = ComposeTransform(self.transforms)
        if len(shape) < chain.domain.event_dim:
            raise ValueError(f"base_distribution needs to have shape with size at least {chain.domain.event_dim}, but got {shape}.")
        forward = chain.forward_shape(shape)
        # Parameters of the transforms may ask for a larger batch, their event for more dimensions in one event.
        wanted = chain.inverse_shape(forward)
        if tuple(shape) != tuple(wanted):
            base_distribution = base_distribution.expand(wanted[:len(wanted) - event])
        if chain.domain.event_dim > event:
            base_distribution = Independent(base_distribution, chain.domain.event_dim - event)
        self.base_dist = base_distribution
        event_dim = chain.codomain.event_dim + max(event - chain.domain.event_dim, 0)
        cut = len(forward) - event_dim
        Distribution.__init__(self, torch.Size(forward[:cut]), torch.Size(forward[cut:]), validate_args)

    def _inner_shape(self, name, batch_shape):
        if name != "base_dist":
            return batch_shape
        shape = ComposeTransform(self.transforms).inverse_shape(batch_shape + self.event_shape)
        return torch.Size(shape[:len(shape) - len(self.base_dist.event_shape)])

    @constraints.dependent_property(is_discrete=False)
    def support(self):
        if not self.transforms:
            return self.base_dist.support
        codomain = self.transforms[-1].codomain
        missing = len(self.event_shape) - codomain.event_dim
        return constraints.independent(codomain, missing) if missing > 0 else codomain

    def _forward(self, x):
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape=torch.Size()):
        with torch.no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape=torch.Size()):
        return self._forward(self.base_dist.rsample(sample_shape))

    def log_prob(self, value):
        y, event_dim, log_prob = self._checked(value), len(self.event_shape), 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            log_prob = log_prob - _sum_rightmost(transform.log_abs_det_jacobian(x, y), event_dim - transform.domain.event_dim)
            y = x
        return log_prob + _sum_rightmost(self.base_dist.log_prob(y), event_dim - len(self.base_dist.event_shape))

    def _monotonize_cdf(self, value):
        """A probability of numbers below, or where the transforms fall, one less it."""
        sign = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        if isinstance(sign, int) and sign == 1:
            return value
        return sign * (value - 0.5) + 0.5

    def cdf(self, value):
        value = self._checked(value)
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        return self._monotonize_cdf(self.base_dist.cdf(value))

    def icdf(self, value):
        return self._forward(self.base_dist.icdf(self._monotonize_cdf(value)))
