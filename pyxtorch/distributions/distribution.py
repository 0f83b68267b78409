"""What every distribution has: shapes, checks, and `expand` by its table of parameters."""
import warnings

import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.utils import broadcast_all, lazy_property

__all__ = ["Distribution"]


def _all_inside(constraint, value):
    """Whether all of a value satisfies a constraint. While a program is exported its elements stand for others, and are not looked at."""
    return torch.compiler.is_exporting() or bool(constraint.check(value).all())


class Distribution:
    """A batch of distributions over events.

    A sample has the shape sample_shape + batch_shape + event_shape: independent draws, distributions with parameters of their own,
    and the dimensions of one event, over which `log_prob` gives one number.

    A subclass says in `arg_constraints` what its parameters are called and must satisfy, in `support` where its values lie; it calls
    `_take` (or this class's `__init__`) with the parameters, and gives `rsample` or `sample`, `log_prob` and what else it knows.
    One that keeps nothing else than parameters and other distributions takes `expand = expand_parameters`.

    Args:
        batch_shape, event_shape: shapes.
        validate_args: whether parameters and values are checked; None: as `set_default_validate_args` says.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value):
        """Whether distributions check their parameters and values from now on; at first they do, unless Python runs with -O."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: expected True or False, got {value!r}")
        Distribution._validate_args = value

    def __init__(self, batch_shape=torch.Size(), event_shape=torch.Size(), validate_args=None):
        self._batch_shape = batch_shape
        self._event_shape = event_shape
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters()
        super().__init__()

    def _take(self, validate_args, **parameters):
        """Keep parameters for single numbers, broadcast against each other, as attributes; the batch has their shape."""
        values = broadcast_all(*parameters.values())
        for name, value in zip(parameters, values):
            setattr(self, name, value)
        Distribution.__init__(self, values[0].shape, validate_args=validate_args)

    def _validate_parameters(self):
        try:
            declared = self.arg_constraints
        except NotImplementedError:
            declared = {}
            warnings.warn(f"{type(self)} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize the "
                          "distribution with `validate_args=False` to turn off validation.", stacklevel=3)
        for name, constraint in declared.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property):
                continue    # follows from the others
            value = getattr(self, name)
            if not _all_inside(constraint, value):
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution {self!r} "
                    f"to satisfy the constraint {constraint!r}, but found invalid values:\n{value}")

    # ------------------------------------------------------------------------------------------ shapes

    @property
    def batch_shape(self):
        """The shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self):
        """The shape of one event."""
        return self._event_shape

    def expand(self, batch_shape, _instance=None):
        """The same distribution for a batch of a larger shape; no memory is copied.

        Args:
            batch_shape: the new shape, to which the old one broadcasts.
            _instance: an object made by a subclass that redefines `expand`, to be filled.
        """
        raise NotImplementedError

    def _get_checked_instance(self, cls, _instance=None):
        """`_instance`, or a new object whose constructor is not run; `cls` is the class whose `expand` asks."""
        if _instance is None and type(self).__init__ != cls.__init__:
            raise NotImplementedError(f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ method "
                                      "must also define a custom .expand() method.")
        return self.__new__(type(self)) if _instance is None else _instance

    def _inner_shape(self, name, batch_shape):
        """The batch shape of the distribution kept as attribute `name`, where this one's is `batch_shape`."""
        return batch_shape

    def _extended_shape(self, sample_shape=torch.Size()):
        """The shape of samples."""
        return torch.Size(sample_shape) + self._batch_shape + self._event_shape

    # ----------------------------------------------------------------------------------------- of a law

    @property
    def arg_constraints(self):
        """The constraints of the parameters, by name."""
        raise NotImplementedError

    @property
    def support(self):
        """The constraint that values satisfy."""
        raise NotImplementedError

    @property
    def mean(self):
        """The expected value."""
        raise NotImplementedError

    @property
    def mode(self):
        """The value of the highest density or probability."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self):
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self):
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape=torch.Size()):
        """Draws of shape sample_shape + batch_shape + event_shape, without gradients."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=torch.Size()):
        """Draws that are differentiable functions of the parameters."""
        raise NotImplementedError

    def sample_n(self, n):
        """sample((n,))."""
        warnings.warn("`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning, stacklevel=2)
        return self.sample(torch.Size((n,)))

    def log_prob(self, value):
        """The logarithm of the density or probability of values of shape (..., *batch_shape, *event_shape)."""
        raise NotImplementedError

    def cdf(self, value):
        """The probability of numbers up to the value."""
        raise NotImplementedError

    def icdf(self, value):
        """The number up to which the probability is `value`."""
        raise NotImplementedError

    def enumerate_support(self, expand=True):
        """All values of a discrete distribution, along a new first dimension; with expand=False, of batch shape (1, ..., 1)."""
        raise NotImplementedError

    def entropy(self):
        """The entropy, of the batch's shape."""
        raise NotImplementedError

    def perplexity(self):
        """exp(entropy)."""
        return torch.exp(self.entropy())

    def _validate_sample(self, value):
        """ValueError unless `value` is a tensor of a shape that fits, inside the support."""
        if not isinstance(value, torch.Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        if value.dim() < len(self.event_shape) or value.shape[value.dim() - len(self.event_shape):] != self.event_shape:
            raise ValueError(f"The right-most size of value must match event_shape: {value.shape} vs {self.event_shape}.")
        for given, own in zip(reversed(value.shape), reversed(self.batch_shape + self.event_shape)):
            if given != 1 and own != 1 and given != own:
                raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {value.shape} vs {self.batch_shape + self.event_shape}.")
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(f"{self.__class__} does not define `support` to enable sample validation. Please initialize the distribution "
                          "with `validate_args=False` to turn off validation.", stacklevel=3)
            return
        if not _all_inside(support, value):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the support ({support!r}) "
                f"of the distribution {self!r}, but found invalid values:\n{value}")

    def _checked(self, value):
        """`value`, looked at where that is asked for."""
        if self._validate_args:
            self._validate_sample(value)
        return value

    def _constant(self, value):
        """A tensor of the batch's and event's shape, of the first parameter's dtype, filled with a number."""
        like = next(v for v in self.__dict__.values() if isinstance(v, torch.Tensor))
        return like.new_full(self._extended_shape(), value)

    def __repr__(self):
        names = [name for name in self.arg_constraints if name in self.__dict__]
        shown = (self.__dict__[name] for name in names)
        return f"{type(self).__name__}({', '.join(f'{n}: {v if v.numel() == 1 else v.size()}' for n, v in zip(names, shown))})"


def expand_parameters(self, batch_shape, _instance=None):
    """`Distribution.expand` of classes that keep parameters, other distributions, and what does not depend on the batch.

    Parameters, named in `arg_constraints`, keep as many last dimensions as their constraint has for one event; what was computed when
    it was first read is left out, to be computed anew.
    """
    owner = next(c for c in type(self).__mro__ if vars(c).get("expand") is expand_parameters)
    new, batch_shape = self._get_checked_instance(owner, _instance), torch.Size(batch_shape)
    declared = owner.arg_constraints
    declared = declared.fget(self) if isinstance(declared, property) else declared
    for name, value in self.__dict__.items():
        if name in declared and isinstance(value, torch.Tensor):
            event = value.dim() - declared[name].event_dim
            new.__dict__[name] = value.expand(batch_shape + value.shape[event:])
        elif isinstance(value, Distribution):
            new.__dict__[name] = value.expand(self._inner_shape(name, batch_shape))
        elif not isinstance(getattr(type(self), name, None), lazy_property):
            new.__dict__.setdefault(name, value)
    Distribution.__init__(new, batch_shape, self.event_shape, validate_args=False)
    new._validate_args = self._validate_args
    return new
