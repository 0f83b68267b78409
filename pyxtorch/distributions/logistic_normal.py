"""LogisticNormal: shares of several whose log ratios are normal."""
from pyxtorch.distributions import constraints
from pyxtorch.distributions._odds import held
from pyxtorch.distributions.distribution import expand_parameters
from pyxtorch.distributions.normal import Normal
from pyxtorch.distributions.transformed_distribution import TransformedDistribution
from pyxtorch.distributions.transforms import StickBreakingTransform

__all__ = ["LogisticNormal"]


class LogisticNormal(TransformedDistribution):
    """StickBreakingTransform of K numbers of Normal(loc, scale), on the simplex of K + 1.

    Args:
        loc, scale: of shape (..., K).
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True
    loc, scale = held("base_dist.base_dist.loc"), held("base_dist.base_dist.scale")
    expand = expand_parameters

    def __init__(self, loc, scale, validate_args=None):
        base = Normal(loc, scale, validate_args=validate_args)
        if not base.batch_shape:
            base = base.expand([1])
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)
