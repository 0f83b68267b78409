"""Transforms of tensors: invertible where they can be, with the logarithm of their Jacobian's determinant.

A transform gives `_call`, `_inverse` and `log_abs_det_jacobian`; `domain` and `codomain` say by constraints where it leads from
and to, and how many of the last dimensions belong to one event. With a cache of one, `t.inv(t(x))` is x itself, which is
exact where the inverse would round, and cheap.
"""
import math

import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions._transform import (
    CatTransform,
    ComposeTransform,
    IndependentTransform,
    ReshapeTransform,
    StackTransform,
    Transform,
    _InverseTransform,  # noqa: F401  (other packages look for it here)
    enough,
    identity_transform,
)
from pyxtorch.distributions.utils import _sum_rightmost, broadcast_all, lazy_property, tril_matrix_to_vec, vec_to_tril_matrix
from pyxtorch.nn.functional import logsigmoid, pad, softplus

__all__ = [
    "AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform", "CorrCholeskyTransform", "CumulativeDistributionTransform",
    "ExpTransform", "IndependentTransform", "LowerCholeskyTransform", "PositiveDefiniteTransform", "PowerTransform", "ReshapeTransform",
    "SigmoidTransform", "SoftplusTransform", "TanhTransform", "SoftmaxTransform", "StackTransform", "StickBreakingTransform", "Transform",
    "identity_transform",
]


# ---------------------------------------------------------------------------------------- number by number


class _Fixed(Transform):
    """A transform without options."""

    _options = ()


class ExpTransform(_Fixed):
    """y = exp(x)."""

    domain, codomain = constraints.real, constraints.positive
    bijective, sign = True, 1

    def _call(self, x):
        return x.exp()

    def _inverse(self, y):
        return y.log()

    def log_abs_det_jacobian(self, x, y):
        return x


class PowerTransform(Transform):
    """y = x ** exponent, for x > 0."""

    domain, codomain = constraints.positive, constraints.positive
    bijective = True
    _options = ("exponent",)

    def __init__(self, exponent, cache_size=0):
        super().__init__(cache_size=cache_size)
        (self.exponent,) = broadcast_all(exponent)

    @lazy_property
    def sign(self):
        return self.exponent.sign()

    def _call(self, x):
        return x.pow(self.exponent)

    def _inverse(self, y):
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x, y):
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape):
        return torch.broadcast_shapes(shape, self.exponent.shape)

    inverse_shape = forward_shape


class SigmoidTransform(_Fixed):
    """y = 1 / (1 + exp(-x)), kept off 0 and 1; the inverse is the logit."""

    domain, codomain = constraints.real, constraints.unit_interval
    bijective, sign = True, 1

    def _call(self, x):
        return _clipped_sigmoid(x)

    def _inverse(self, y):
        y = _inside_unit(y)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x, y):
        return logsigmoid(x) + logsigmoid(-x)


def _clipped_sigmoid(x):
    return _inside_unit(torch.sigmoid(x))


def _inside_unit(y):
    """Clamped between the dtype's smallest normal number and the largest below 1."""
    limits = torch.finfo(y.dtype)
    return y.clamp(min=limits.tiny, max=1 - limits.eps)


class SoftplusTransform(_Fixed):
    """y = log(1 + exp(x)); x itself above 20, as `nn.functional.softplus`."""

    domain, codomain = constraints.real, constraints.positive
    bijective, sign = True, 1

    def _call(self, x):
        return softplus(x)

    def _inverse(self, y):
        return y + (-(-y).expm1()).log()

    def log_abs_det_jacobian(self, x, y):
        return logsigmoid(x)


class TanhTransform(_Fixed):
    """y = tanh(x). Near 1 and -1 the inverse loses digits: a cache, or SigmoidTransform scaled by 2, keeps them."""

    domain, codomain = constraints.real, constraints.interval(-1.0, 1.0)
    bijective, sign = True, 1

    def _call(self, x):
        return x.tanh()

    def _inverse(self, y):
        return torch.atanh(y)

    def log_abs_det_jacobian(self, x, y):
        return 2 * (math.log(2) - x + logsigmoid(2 * x))     # log(1 - tanh(x)^2), which does not cancel


class AbsTransform(_Fixed):
    """y = |x|. Not one to one; the inverse gives the positive number."""

    domain, codomain = constraints.real, constraints.positive

    def _call(self, x):
        return x.abs()

    def _inverse(self, y):
        return y


class AffineTransform(Transform):
    """y = loc + scale * x.

    Args:
        loc, scale: tensors or numbers.
        event_dim: how many of the last dimensions belong to one event.
    """

    bijective = True
    _options = "loc", "scale", "event_dim"

    def __init__(self, loc, scale, event_dim=0, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    @property
    def event_dim(self):
        return self._event_dim

    def _everywhere(self):
        return constraints.independent(constraints.real, self.event_dim) if self.event_dim else constraints.real

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        return self._everywhere()

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        return self._everywhere()

    @property
    def sign(self):
        if isinstance(self.scale, int | float):
            return (self.scale > 0) - (self.scale < 0)
        return self.scale.sign()

    def _call(self, x):
        return self.loc + self.scale * x

    def _inverse(self, y):
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x, y):
        scale = self.scale
        each = torch.full_like(x, math.log(abs(scale))) if isinstance(scale, int | float) else scale.abs().log().expand(
            torch.broadcast_shapes(x.shape, scale.shape))
        return _sum_rightmost(each, self.event_dim)

    def forward_shape(self, shape):
        return torch.broadcast_shapes(shape, getattr(self.loc, "shape", ()), getattr(self.scale, "shape", ()))

    inverse_shape = forward_shape


class CumulativeDistributionTransform(Transform):
    """y = distribution.cdf(x), into the unit interval; the inverse is icdf.

    Example, a copula:
        >>> t = CumulativeDistributionTransform(Normal(0, 1))
    """

    bijective, sign = True, 1
    codomain = constraints.unit_interval
    _options = ("distribution",)

    def __init__(self, distribution, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.distribution = distribution

    @property
    def domain(self):
        return self.distribution.support

    def _call(self, x):
        return self.distribution.cdf(x)

    def _inverse(self, y):
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x, y):
        return self.distribution.log_prob(x)


# ---------------------------------------------------------------------------------- vectors and matrices


class SoftmaxTransform(_Fixed):
    """Vectors onto the simplex, y = softmax(x): not one to one, but coordinate by coordinate, for optimisation. The inverse is log."""

    domain, codomain = constraints.real_vector, constraints.simplex

    def _call(self, x):
        return x.softmax(-1)

    def _inverse(self, y):
        return y.log()

    def forward_shape(self, shape):
        enough(shape, 1)
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(_Fixed):
    """K numbers onto the simplex of K + 1 by breaking pieces off a stick, one to one.

    z[i] = sigmoid(x[i] - log(K - i)), y[i] = z[i] times what is left; x = 0 gives equal parts.
    Source: Stan reference manual, "Unit simplex".
    """

    domain, codomain = constraints.real_vector, constraints.simplex
    bijective = True

    @staticmethod
    def _log_left(like, count):
        """log(K), log(K - 1), ..., log(1) for K = count."""
        return torch.arange(count, 0, -1, dtype=like.dtype, device=like.device).log()

    def _call(self, x):
        z = _inside_unit(torch.sigmoid(x - self._log_left(x, x.shape[-1])))
        return pad(z, (0, 1), value=1) * pad((1 - z).cumprod(-1), (1, 0), value=1)

    def _inverse(self, y):
        pieces = y[..., :-1]
        # What is left after each piece, the sum of the later ones, which does not cancel as 1 - cumsum would.
        left = y.flip(-1).cumsum(-1).flip(-1)[..., 1:].clamp(min=torch.finfo(y.dtype).tiny)
        return pieces.log() - left.log() + self._log_left(y, pieces.shape[-1])

    def log_abs_det_jacobian(self, x, y):
        x = x - self._log_left(x, x.shape[-1])
        return (logsigmoid(-x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape):
        enough(shape, 1)
        return shape[:-1] + (shape[-1] + 1,)

    def inverse_shape(self, shape):
        enough(shape, 1)
        return shape[:-1] + (shape[-1] - 1,)


class CorrCholeskyTransform(_Fixed):
    """n (n - 1) / 2 numbers into the Cholesky factor of an n x n correlation matrix.

    z = tanh(x) are partial correlations, put below the diagonal row by row; each row is then broken off a stick of length 1:
    y[i, j] = z[i, j] sqrt(1 - the squares of the row so far). Source: Stan reference manual, "Cholesky factors of correlation
    matrices"; Lewandowski, Kurowicka and Joe (2009).
    """

    domain, codomain = constraints.real_vector, constraints.corr_cholesky
    bijective = True

    def _call(self, x):
        x = torch.tanh(x)
        eps = torch.finfo(x.dtype).eps
        r = vec_to_tril_matrix(x.clamp(-1 + eps, 1 - eps), diag=-1)
        left = (1 - r * r).sqrt().cumprod(-1)       # of the row, after each element
        r = r + torch.eye(r.shape[-1], dtype=r.dtype, device=r.device)
        return r * pad(left[..., :-1], (1, 0), value=1)

    def _inverse(self, y):
        left = 1 - (y * y).cumsum(-1)
        y = tril_matrix_to_vec(y, diag=-1)
        left = tril_matrix_to_vec(pad(left[..., :-1], (1, 0), value=1), diag=-1)
        t = y / left.clamp(min=torch.finfo(y.dtype).tiny).sqrt()
        return (t.log1p() - t.neg().log1p()) / 2

    def log_abs_det_jacobian(self, x, y, intermediates=None):
        # Each element's factor, the root of what was left of its row, enters once; and the slope of tanh.
        left = 1 - (y * y).cumsum(-1)
        stick = 0.5 * tril_matrix_to_vec(left, diag=-2).log().sum(-1)
        tanh = TanhTransform().log_abs_det_jacobian(x, None).sum(-1)
        return stick + tanh

    def forward_shape(self, shape):
        enough(shape, 1)
        n = round((0.25 + 2 * shape[-1]) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != shape[-1]:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return shape[:-1] + (n, n)

    def inverse_shape(self, shape):
        enough(shape, 2)
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        return shape[:-2] + (shape[-1] * (shape[-1] - 1) // 2,)


class LowerCholeskyTransform(_Fixed):
    """Square matrices into lower triangular ones with a positive diagonal: its exponential. Not one to one."""

    domain, codomain = constraints.independent(constraints.real, 2), constraints.lower_cholesky

    def _call(self, x):
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y):
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(_Fixed):
    """Square matrices into positive definite ones, L L^T with L from LowerCholeskyTransform. Not one to one."""

    domain, codomain = constraints.independent(constraints.real, 2), constraints.positive_definite

    def _call(self, x):
        x = LowerCholeskyTransform()(x)
        return x @ x.mT

    def _inverse(self, y):
        return LowerCholeskyTransform().inv(torch.linalg.cholesky(y))
