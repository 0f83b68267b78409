"""The class Transform, and transforms made of others. The rest, and the public names: transforms.py."""
import math
import weakref

import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.utils import _sum_rightmost, lazy_property


class Transform:
    """A function of tensors with an inverse and a log determinant.

    Attributes:
        domain, codomain: constraints on what goes in and comes out.
        bijective: whether t(t.inv(y)) == y and t.inv(t(x)) == x.
        sign: 1 or -1, whether a bijective transform of numbers rises or falls.
        event_dim: how many of the last dimensions it takes together: the larger of domain.event_dim and codomain.event_dim.

    Subclasses give `_call` and `_inverse`, and `log_abs_det_jacobian` where bijective. A class that names in `_options` the
    attributes that its constructor takes, in their order, has `with_cache` and `==` of that.
    """

    bijective = False
    _options = None

    def __init__(self, cache_size=0):
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size = cache_size
        self._inv = None
        self._cached_x_y = None, None
        super().__init__()

    def __getstate__(self):
        return self.__dict__ | {"_inv": None, "_cached_x_y": (None, None)}

    @property
    def event_dim(self):
        if self.domain.event_dim == self.codomain.event_dim:
            return self.domain.event_dim
        raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")

    @property
    def inv(self):
        """The inverse transform; t.inv.inv is t."""
        inverse = None if self._inv is None else self._inv()
        if inverse is None:
            inverse = _InverseTransform(self)
            self._inv = weakref.ref(inverse)
        return inverse

    @property
    def sign(self):
        raise NotImplementedError

    def with_cache(self, cache_size=1):
        """The same transform with a cache of this size."""
        if self._cache_size == cache_size:
            return self
        owner = next(c for c in type(self).__mro__ if "__init__" in vars(c))
        if owner is Transform:
            return type(self)(cache_size=cache_size)
        if "_options" not in vars(owner):
            raise NotImplementedError(f"{type(self)}.with_cache is not implemented")
        return type(self)(*(getattr(self, name) for name in self._options), cache_size=cache_size)

    def __eq__(self, other):
        if self is other or type(other) is not type(self) or self._options is None:
            return self is other
        return all(_same(getattr(self, name), getattr(other, name)) for name in self._options)

    __hash__ = None

    def __call__(self, x):
        if self._cache_size == 0:
            return self._call(x)
        x_old, y_old = self._cached_x_y
        if x is x_old:
            return y_old
        y = self._call(x)
        self._cached_x_y = x, y
        return y

    def _inv_call(self, y):
        if self._cache_size == 0:
            return self._inverse(y)
        x_old, y_old = self._cached_x_y
        if y is y_old:
            return x_old
        x = self._inverse(y)
        self._cached_x_y = x, y
        return x

    def _call(self, x):
        raise NotImplementedError

    def _inverse(self, y):
        raise NotImplementedError

    def log_abs_det_jacobian(self, x, y):
        """log |det dy/dx| of each event, for y = self(x)."""
        raise NotImplementedError

    def __repr__(self):
        return type(self).__name__ + "()"

    def forward_shape(self, shape):
        """The shape of what comes out for a shape that goes in."""
        return shape

    def inverse_shape(self, shape):
        """The shape of what went in for a shape that comes out."""
        return shape


def _same(a, b):
    """Whether two options are equal, tensors by all elements."""
    if isinstance(a, torch.Tensor) or isinstance(b, torch.Tensor):
        return bool(torch.as_tensor(a == b).all())
    return a == b


class _InverseTransform(Transform):
    def __init__(self, transform):
        super().__init__(cache_size=transform._cache_size)
        self._inv = transform       # a strong reference: the inverse keeps its transform alive

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        return self._inv.codomain

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        return self._inv.domain

    def __getstate__(self):
        return self.__dict__ | {"_cached_x_y": (None, None)}

    @property
    def bijective(self):
        return self._inv.bijective

    @property
    def sign(self):
        return self._inv.sign

    @property
    def inv(self):
        return self._inv

    def with_cache(self, cache_size=1):
        return self.inv.with_cache(cache_size).inv

    def __eq__(self, other):
        return isinstance(other, _InverseTransform) and self._inv == other._inv

    __hash__ = None

    def __repr__(self):
        return f"{type(self).__name__}({self._inv!r})"

    def __call__(self, x):
        return self._inv._inv_call(x)

    def log_abs_det_jacobian(self, x, y):
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape):
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape):
        return self._inv.forward_shape(shape)


# -------------------------------------------------------------------------------------- made of transforms


class ComposeTransform(Transform):
    """Transforms one after the other, the first in the list first.

    Args:
        parts: list of transforms.
        cache_size: size of the cache, 0 or 1; with 1, of the parts.
    """

    def __init__(self, parts, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else list(parts)

    def __eq__(self, other):
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    __hash__ = None

    def _constraint(self, parts, ends):
        """The constraint at one end: that of the part there, of as many event dimensions as the whole chain takes together."""
        if not parts:
            return constraints.real
        first, _ = ends(parts[0])
        _, last = ends(parts[-1])
        event_dim = last.event_dim
        for part in reversed(parts):
            near, far = ends(part)
            event_dim = max(near.event_dim, event_dim + near.event_dim - far.event_dim)
        if event_dim > first.event_dim:
            return constraints.independent(first, event_dim - first.event_dim)
        return first

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        return self._constraint(self.parts, lambda part: (part.domain, part.codomain))

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        return self._constraint(self.parts[::-1], lambda part: (part.codomain, part.domain))

    @lazy_property
    def bijective(self):
        return all(part.bijective for part in self.parts)

    @lazy_property
    def sign(self):
        return math.prod(part.sign for part in self.parts)

    @property
    def inv(self):
        inverse = None if self._inv is None else self._inv()
        if inverse is None:
            inverse = ComposeTransform([part.inv for part in reversed(self.parts)])
            self._inv, inverse._inv = weakref.ref(inverse), weakref.ref(self)
        return inverse

    def with_cache(self, cache_size=1):
        return self if self._cache_size == cache_size else ComposeTransform(self.parts, cache_size)

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return x

    def log_abs_det_jacobian(self, x, y):
        if not self.parts:
            return torch.zeros_like(x)
        values = [x]
        for part in self.parts[:-1]:
            values.append(part(values[-1]))
        values.append(y)
        event_dim, terms = self.domain.event_dim, []
        for part, before, after in zip(self.parts, values, values[1:]):
            terms.append(_sum_rightmost(part.log_abs_det_jacobian(before, after), event_dim - part.domain.event_dim))
            event_dim += part.codomain.event_dim - part.domain.event_dim
        return sum(terms[1:], terms[0])

    def forward_shape(self, shape):
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape):
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self):
        return f"{type(self).__name__}(\n    " + ",\n    ".join(repr(part) for part in self.parts) + "\n)"


identity_transform = ComposeTransform([])


class IndependentTransform(Transform):
    """A transform of which the last batch dimensions belong to one event: the log determinant is summed over them.

    Args:
        base_transform: the transform.
        reinterpreted_batch_ndims: how many more dimensions an event has.
    """

    _options = "base_transform", "reinterpreted_batch_ndims"

    def __init__(self, base_transform, reinterpreted_batch_ndims, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.base_transform = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        return constraints.independent(self.base_transform.domain, self.reinterpreted_batch_ndims)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        return constraints.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims)

    @property
    def bijective(self):
        return self.base_transform.bijective

    @property
    def sign(self):
        return self.base_transform.sign

    def _call(self, x):
        enough(x.shape, self.domain.event_dim)
        return self.base_transform(x)

    def _inverse(self, y):
        enough(y.shape, self.codomain.event_dim)
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x, y):
        return _sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def __repr__(self):
        return f"{type(self).__name__}({self.base_transform!r}, {self.reinterpreted_batch_ndims})"

    def forward_shape(self, shape):
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape):
        return self.base_transform.inverse_shape(shape)


def enough(shape, event_dim):
    if len(shape) < event_dim:
        raise ValueError("Too few dimensions on input")


class _JoinedTransform(Transform):
    """Transforms for parts of a tensor along one dimension."""

    _options = "transforms", "dim"

    def __init__(self, tseq, dim=0, cache_size=0):
        assert all(isinstance(t, Transform) for t in tseq), "All elements of tseq must be Transform instances"
        super().__init__(cache_size=cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)
        self.dim = dim

    @property
    def bijective(self):
        return all(t.bijective for t in self.transforms)

    def _split(self, x):
        raise NotImplementedError

    def _join(self, parts):
        raise NotImplementedError

    def _checked_split(self, x):
        assert -x.dim() <= self.dim < x.dim(), f"dim {self.dim} is out of range for shape {tuple(x.shape)}"
        return self._split(x)

    def _call(self, x):
        return self._join([t(part) for t, part in zip(self.transforms, self._checked_split(x))])

    def _inverse(self, y):
        return self._join([t.inv(part) for t, part in zip(self.transforms, self._checked_split(y))])


class CatTransform(_JoinedTransform):
    """Transform i for the next `lengths[i]` elements along `dim`, as `cat` joins them.

    Example:
        >>> t = CatTransform([ExpTransform(), identity_transform], dim=0, lengths=[2, 3])
    """

    _options = "transforms", "dim", "lengths"

    def __init__(self, tseq, dim=0, lengths=None, cache_size=0):
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        assert len(self.lengths) == len(self.transforms), f"{len(self.lengths)} lengths for {len(self.transforms)} transforms"

    @lazy_property
    def event_dim(self):
        return max(t.event_dim for t in self.transforms)

    @lazy_property
    def length(self):
        return sum(self.lengths)

    def _split(self, x):
        assert x.size(self.dim) == self.length, f"{x.size(self.dim)} elements along dim {self.dim}, expected {self.length}"
        return x.split(self.lengths, self.dim)

    def _join(self, parts):
        return torch.cat(parts, self.dim)

    def log_abs_det_jacobian(self, x, y):
        terms = []
        for t, a, b in zip(self.transforms, self._checked_split(x), self._checked_split(y)):
            term = t.log_abs_det_jacobian(a, b)
            terms.append(_sum_rightmost(term, self.event_dim - t.event_dim) if t.event_dim < self.event_dim else term)
        dim = self.dim if self.dim < 0 else self.dim - x.dim()
        dim += self.event_dim
        return torch.cat(terms, dim) if dim < 0 else sum(terms[1:], terms[0])

    @constraints.dependent_property
    def domain(self):
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self):
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(_JoinedTransform):
    """Transform i for slice i along `dim`, as `stack` joins them."""

    def _split(self, x):
        assert x.size(self.dim) == len(self.transforms), f"{x.size(self.dim)} slices along dim {self.dim}, expected {len(self.transforms)}"
        return x.unbind(self.dim)

    def _join(self, parts):
        return torch.stack(parts, self.dim)

    def log_abs_det_jacobian(self, x, y):
        parts = zip(self.transforms, self._checked_split(x), self._checked_split(y))
        return torch.stack([t.log_abs_det_jacobian(a, b) for t, a, b in parts], self.dim)

    @constraints.dependent_property
    def domain(self):
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self):
        return constraints.stack([t.codomain for t in self.transforms], self.dim)


class ReshapeTransform(Transform):
    """The last dimensions of shape `in_shape` reshaped into `out_shape`."""

    bijective = True
    _options = "in_shape", "out_shape"

    def __init__(self, in_shape, out_shape, cache_size=0):
        self.in_shape, self.out_shape = torch.Size(in_shape), torch.Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ValueError("in_shape, out_shape have different numbers of elements")
        super().__init__(cache_size=cache_size)

    @constraints.dependent_property
    def domain(self):
        return constraints.independent(constraints.real, len(self.in_shape))

    @constraints.dependent_property
    def codomain(self):
        return constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x):
        return x.reshape(x.shape[:x.dim() - len(self.in_shape)] + self.out_shape)

    def _inverse(self, y):
        return y.reshape(y.shape[:y.dim() - len(self.out_shape)] + self.in_shape)

    def log_abs_det_jacobian(self, x, y):
        return x.new_zeros(x.shape[:x.dim() - len(self.in_shape)])

    @staticmethod
    def _exchanged(shape, old, new):
        enough(shape, len(old))
        cut = len(shape) - len(old)
        if tuple(shape[cut:]) != tuple(old):
            raise ValueError(f"Shape mismatch: expected {tuple(shape[cut:])} but got {tuple(old)}")
        return torch.Size(shape[:cut]) + new

    def forward_shape(self, shape):
        return self._exchanged(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape):
        return self._exchanged(shape, self.out_shape, self.in_shape)
