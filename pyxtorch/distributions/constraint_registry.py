"""Transforms by constraints: from unconstrained numbers into a region.

`biject_to(constraint)` is one to one and knows its log determinant (for sampling by gradients); `transform_to(constraint)`
may have more coordinates than the region and is made for optimisation, one coordinate at a time. New constraints are added
by `register`.
"""
from pyxtorch.distributions import constraints, transforms
from pyxtorch.distributions.transforms import AffineTransform, ComposeTransform, ExpTransform

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """Factories of transforms by the class of a constraint."""

    def __init__(self):
        self._registry = {}
        super().__init__()

    def register(self, constraint, factory=None):
        """register(constraint class or instance, factory), or as a decorator of the factory: constraint -> Transform."""
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        if isinstance(constraint, constraints.Constraint):
            constraint = type(constraint)
        if not isinstance(constraint, type) or not issubclass(constraint, constraints.Constraint):
            raise TypeError(f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}")
        self._registry[constraint] = factory
        return factory

    def __call__(self, constraint):
        """The transform into `constraint`; NotImplementedError where there is none."""
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def _in_both(*kinds):
    def register(factory):
        for kind in kinds:
            biject_to.register(kind, factory)
            transform_to.register(kind, factory)
        return factory

    return register


@_in_both(constraints.real)
def to_real(constraint):
    return transforms.identity_transform


@_in_both(constraints.positive, constraints.nonnegative)
def to_greater_than(constraint):
    return ComposeTransform([ExpTransform(), AffineTransform(constraint.lower_bound, 1)])


@_in_both(constraints.less_than)
def to_less_than(constraint):
    return ComposeTransform([ExpTransform(), AffineTransform(constraint.upper_bound, -1)])


@_in_both(constraints.interval, constraints.half_open_interval)
def to_interval(constraint):
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, int | float) and isinstance(high, int | float) and low == 0 and high == 1:
        return transforms.SigmoidTransform()
    return ComposeTransform([transforms.SigmoidTransform(), AffineTransform(low, high - low)])


@_in_both(constraints.corr_cholesky)
def to_corr_cholesky(constraint):
    return transforms.CorrCholeskyTransform()


def _of_parts(registry):
    """Transforms into what is made of constraints, from this registry's transforms into these."""
    registry.register(
        constraints.independent, lambda c: transforms.IndependentTransform(registry(c.base_constraint), c.reinterpreted_batch_ndims)
    )
    registry.register(constraints.cat, lambda c: transforms.CatTransform([registry(part) for part in c.cseq], c.dim, c.lengths))
    registry.register(constraints.stack, lambda c: transforms.StackTransform([registry(part) for part in c.cseq], c.dim))


_of_parts(biject_to)
_of_parts(transform_to)
biject_to.register(constraints.simplex, lambda c: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda c: transforms.SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda c: transforms.LowerCholeskyTransform())
for _kind in (constraints.positive_definite, constraints.positive_semidefinite):
    transform_to.register(_kind, lambda c: transforms.PositiveDefiniteTransform())
