"""Kullback-Leibler divergences, by the types of both distributions.

Most are -entropy(p) - E_p[log q]: what log q asks of p, its mean and variance, E[log X] or E[exp(t X)], is one function
for all p (`_LOG_MEAN`, `_MOMENT_GENERATING`), and one rule serves every p that has it. Equal kinds have closed forms, which are 0
for equal parameters. `register_kl` adds rules.
"""
import warnings

import pyxtorch as torch
from pyxtorch.distributions.bernoulli import Bernoulli
from pyxtorch.distributions.beta import Beta
from pyxtorch.distributions.binomial import Binomial
from pyxtorch.distributions.categorical import Categorical
from pyxtorch.distributions.cauchy import Cauchy
from pyxtorch.distributions.continuous_bernoulli import ContinuousBernoulli
from pyxtorch.distributions.dirichlet import Dirichlet
from pyxtorch.distributions.exp_family import ExponentialFamily
from pyxtorch.distributions.exponential import Exponential
from pyxtorch.distributions.gamma import Gamma
from pyxtorch.distributions.geometric import Geometric
from pyxtorch.distributions.gumbel import Gumbel
from pyxtorch.distributions.half_cauchy import HalfCauchy
from pyxtorch.distributions.half_normal import HalfNormal
from pyxtorch.distributions.independent import Independent
from pyxtorch.distributions.laplace import Laplace
from pyxtorch.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal, _batch_lowrank_mahalanobis
from pyxtorch.distributions.multivariate_normal import MultivariateNormal, _batch_mahalanobis, _half_log_det
from pyxtorch.distributions.normal import Normal
from pyxtorch.distributions.one_hot_categorical import OneHotCategorical
from pyxtorch.distributions.pareto import Pareto
from pyxtorch.distributions.poisson import Poisson
from pyxtorch.distributions.transformed_distribution import TransformedDistribution
from pyxtorch.distributions.uniform import Uniform
from pyxtorch.distributions.utils import _sum_rightmost, euler_constant
from pyxtorch.nn.functional import logsigmoid

__all__ = ["register_kl", "kl_divergence"]

_KL_REGISTRY = {}   # (type of p, type of q): rule
_KL_MEMOIZE = {}    # the same for types that were asked for, subclasses among them


def register_kl(type_p, type_q):
    """A decorator that registers a function (p, q) as `kl_divergence` of these types and their subclasses.

    The rule of the most special type of p is taken, then of q; where looking at q first would give another one, a
    RuntimeWarning says which pair to register.

    Example:
        >>> @register_kl(Normal, Normal)
        ... def kl_normal_normal(p, q): ...
    """
    for name, value in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(value, type):     # a class of another package, of which distributions are made, will do
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {value}")

    def decorator(rule):
        _KL_REGISTRY[type_p, type_q] = rule
        _KL_MEMOIZE.clear()
        return rule

    return decorator


def _dispatch_kl(type_p, type_q):
    """The rule for two types, or NotImplemented."""
    matches = [(p, q) for p, q in _KL_REGISTRY if issubclass(type_p, p) and issubclass(type_q, q)]
    if not matches:
        return NotImplemented

    def far(cls, base):
        return cls.__mro__.index(base) if base in cls.__mro__ else len(cls.__mro__)

    by_p = min(matches, key=lambda m: (far(type_p, m[0]), far(type_q, m[1])))
    by_q = min(matches, key=lambda m: (far(type_q, m[1]), far(type_p, m[0])))
    if _KL_REGISTRY[by_p] is not _KL_REGISTRY[by_q]:
        warnings.warn(f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). "
                      f"Please register_kl({by_p[0].__name__}, {by_q[1].__name__})", RuntimeWarning, stacklevel=3)
    return _KL_REGISTRY[by_p]


def kl_divergence(p, q):
    """The Kullback-Leibler divergence of q from p, E_p[log p - log q], of the batch's shape.

    Raises:
        NotImplementedError: no rule is registered for these types.
    """
    key = type(p), type(q)
    if key not in _KL_MEMOIZE:
        _KL_MEMOIZE[key] = _dispatch_kl(*key)
    rule = _KL_MEMOIZE[key]
    if rule is NotImplemented:
        raise NotImplementedError(f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}")
    return rule(p, q)


def _register(types_p, types_q):
    """register_kl for all pairs of these types."""
    def decorator(rule):
        for type_p in types_p:
            for type_q in types_q:
                register_kl(type_p, type_q)(rule)
        return rule

    return decorator


# ------------------------------------------------------------------------------------------ equal kinds


def _certain(p_probs, q_probs, term):
    """A term p log(p / q): 0 where p is 0, infinite where only q is."""
    return torch.where(p_probs == 0, 0.0, torch.where(q_probs == 0, torch.inf, term))


@register_kl(Bernoulli, Bernoulli)
def kl_bernoulli(p, q):
    one = p.probs * (logsigmoid(p.logits) - logsigmoid(q.logits))
    zero = (1 - p.probs) * (logsigmoid(-p.logits) - logsigmoid(-q.logits))
    return _certain(p.probs, q.probs, one) + _certain(1 - p.probs, 1 - q.probs, zero)


@register_kl(Binomial, Binomial)
def kl_binomial(p, q):
    n, m = torch.broadcast_tensors(p.total_count, q.total_count)
    if (n == m).all():
        trial = kl_bernoulli(Bernoulli(p.probs, validate_args=False), Bernoulli(q.probs, validate_args=False))
        return torch.where(n == 0, 0.0, n * trial)
    # Of unequal counts: the sum over all values. Those that p has and q has not make it infinite.
    count = torch.arange(1 + int(n.max()), dtype=n.dtype, device=n.device).reshape((-1,) + (1,) * n.dim())
    quiet_p, quiet_q = (Binomial(d.total_count, logits=d.logits, validate_args=False) for d in (p, q))
    log_p, log_q = quiet_p.log_prob(count), quiet_q.log_prob(count)
    terms = torch.where(count > n, 0.0, log_p.exp() * (log_p - torch.where(count > n, 0.0, log_q)))
    return torch.where(n > m, torch.inf, terms.sum(0))


@register_kl(Categorical, Categorical)
def kl_categorical(p, q):
    return _certain(p.probs, q.probs, p.probs * (p.logits - q.logits)).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def kl_one_hot(p, q):
    return kl_categorical(p._categorical, q._categorical)


@register_kl(Geometric, Geometric)
def kl_geometric(p, q):
    return -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits


@register_kl(Poisson, Poisson)
def kl_poisson(p, q):
    return torch.xlogy(p.rate, p.rate / q.rate) - (p.rate - q.rate)


@register_kl(Dirichlet, Dirichlet)
def kl_dirichlet(p, q):
    a, b = p.concentration, q.concentration
    total_a, total_b = a.sum(-1), b.sum(-1)
    slopes = a.digamma() - total_a.digamma().unsqueeze(-1)
    return total_a.lgamma() - total_b.lgamma() - (a.lgamma() - b.lgamma()).sum(-1) + ((a - b) * slopes).sum(-1)


@register_kl(Beta, Beta)
def kl_beta(p, q):
    return kl_dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Gamma, Gamma)
def kl_gamma(p, q):
    a, b = p.concentration, q.concentration
    return b * (p.rate / q.rate).log() + torch.lgamma(b) - torch.lgamma(a) + (a - b) * torch.digamma(a) + (q.rate - p.rate) * (a / p.rate)


@register_kl(Exponential, Exponential)
def kl_exponential(p, q):
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Normal, Normal)
def kl_normal(p, q):
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@_register([HalfNormal], [HalfNormal])
@_register([HalfCauchy], [HalfCauchy])
def kl_symmetric_halves(p, q):
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Cauchy, Cauchy)
def kl_cauchy(p, q):
    """Chyzak and Nielsen, "A closed-form formula for the Kullback-Leibler divergence between Cauchy distributions" (2019)."""
    return (((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)) / (4 * p.scale * q.scale)).log()


@register_kl(Laplace, Laplace)
def kl_laplace(p, q):
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * torch.exp(-distance / p.scale) - 1


@register_kl(Gumbel, Gumbel)
def kl_gumbel(p, q):
    ratio, shift = p.scale / q.scale, (p.loc - q.loc) / q.scale
    return -ratio.log() + shift + ratio * euler_constant + torch.exp(torch.lgamma(1 + ratio) - shift) - (1 + euler_constant)


@register_kl(Pareto, Pareto)
def kl_pareto(p, q):
    ratio = q.alpha / p.alpha
    inside = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return torch.where(p.scale < q.scale, torch.inf, inside)


@register_kl(Uniform, Uniform)
def kl_uniform(p, q):
    inside = ((q.high - q.low) / (p.high - p.low)).log()
    return torch.where((q.low > p.low) | (q.high < p.high), torch.inf, inside)


def _log_det(normal):
    return normal._log_det() if isinstance(normal, LowRankMultivariateNormal) else 2 * _half_log_det(normal._unbroadcasted_scale_tril)


def _root(normal):
    """R with R R^T the covariance."""
    if isinstance(normal, LowRankMultivariateNormal):
        return torch.cat([normal.cov_factor, normal.cov_diag.sqrt().diag_embed()], -1)
    return normal._unbroadcasted_scale_tril


def _squares(normal, vectors):
    """x^T C^-1 x of vectors (..., n), C the covariance."""
    if isinstance(normal, LowRankMultivariateNormal):
        return _batch_lowrank_mahalanobis(normal._unbroadcasted_cov_factor, normal._unbroadcasted_cov_diag, vectors, normal._capacitance_tril)
    return _batch_mahalanobis(normal._unbroadcasted_scale_tril, vectors)


@_register([MultivariateNormal, LowRankMultivariateNormal], [MultivariateNormal, LowRankMultivariateNormal])
def kl_multivariate_normal(p, q):
    if p.event_shape != q.event_shape:
        raise ValueError("KL-divergence between two Multivariate Normals with different event shapes cannot be computed: "
                         f"{tuple(p.event_shape)} and {tuple(q.event_shape)}.")
    batch = torch.broadcast_shapes(p.batch_shape, q.batch_shape)
    columns = _root(p).movedim(-1, 0)
    columns = columns.reshape(columns.shape[:1] + (1,) * (len(batch) + 2 - columns.dim()) + columns.shape[1:])
    trace = _squares(q, columns.expand(columns.shape[:1] + batch + columns.shape[-1:])).sum(0)
    return 0.5 * (_log_det(q) - _log_det(p) + trace + _squares(q, q.loc - p.loc) - p.event_shape[0])


@register_kl(Independent, Independent)
def kl_independent(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(f"kl_divergence: Independent of {p.reinterpreted_batch_ndims} and of {q.reinterpreted_batch_ndims} dimensions.")
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def kl_transformed(p, q):
    """What one bijective transform does to both changes nothing."""
    if p.transforms != q.transforms or p.event_shape != q.event_shape or not all(t.bijective for t in p.transforms):
        raise NotImplementedError("kl_divergence: transformed distributions are compared where both have the same bijective transforms, "
                                  f"got {p.transforms} and {q.transforms}.")
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), len(p.event_shape) - len(p.base_dist.event_shape))


@register_kl(ExponentialFamily, ExponentialFamily)
def kl_exponential_family(p, q):
    """The Bregman divergence of the normaliser: Nielsen and Nock (2010), "Entropies and cross-entropies of exponential families"."""
    if type(p) is not type(q):
        raise NotImplementedError(f"The cross KL-divergence between different exponential families cannot be computed: {type(p).__name__} "
                                  f"and {type(q).__name__}.")
    with torch.enable_grad():
        of_p = [x if x.requires_grad else x.detach().requires_grad_() for x in p._natural_params]
        normalizer = p._log_normalizer(*of_p)
        slopes = torch.autograd.grad(normalizer.sum(), of_p, create_graph=True)
    result = q._log_normalizer(*q._natural_params) - normalizer
    for a, b, slope in zip(of_p, q._natural_params, slopes):
        result = result - _sum_rightmost((b - a) * slope, a.dim() - len(p.batch_shape))
    return result


# ------------------------------------------------------------------------ unequal kinds: -H(p) - E_p[log q]


def _uniform_log_mean(low, high):
    return (torch.xlogy(high, high) - torch.xlogy(low, low)) / (high - low) - 1


_LOG_MEAN = {   # E[log X]
    Beta: lambda p: p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma(),
    Exponential: lambda p: -euler_constant - p.rate.log(),
    Gamma: lambda p: p.concentration.digamma() - p.rate.log(),
    Pareto: lambda p: p.scale.log() + p.alpha.reciprocal(),
    Uniform: lambda p: _uniform_log_mean(p.low, p.high),
}
_MOMENT_GENERATING = {  # E[exp(t X)], t < 0
    Exponential: lambda p, t: p.rate / (p.rate - t),
    Gamma: lambda p, t: torch.exp(-p.concentration * torch.log1p(-t / p.rate)),
    Normal: lambda p, t: torch.exp(p.loc * t + 0.5 * (p.scale * t).pow(2)),
    Uniform: lambda p, t: torch.exp(t * p.low) * torch.expm1(t * (p.high - p.low)) / (t * (p.high - p.low)),
}


def _of(table, p):
    return next(table[cls] for cls in type(p).__mro__ if cls in table)


def _less(p, cross, outside=None):
    """-entropy(p) - cross, and infinity where `outside`."""
    result = -p.entropy() - cross
    return result if outside is None else torch.where(outside, torch.inf, result)


def _below(p, bound):
    """Where a Uniform p reaches below a bound; no other p does."""
    return p.low < bound if isinstance(p, Uniform) else None


@_register([Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform], [Normal])
def kl_to_normal(p, q):
    return _less(p, -0.5 * (p.variance + (p.mean - q.loc).pow(2)) / q.scale.pow(2) + q.entropy().neg() + 0.5)


@_register([Beta, ContinuousBernoulli, Gamma, Pareto, Uniform], [Exponential])
def kl_to_exponential(p, q):
    return _less(p, q.rate.log() - q.rate * p.mean, _below(p, 0))


@_register([Beta, Exponential, Pareto, Uniform], [Gamma])
def kl_to_gamma(p, q):
    c = q.concentration
    cross = c * q.rate.log() - c.lgamma() + (c - 1) * _of(_LOG_MEAN, p)(p) - q.rate * p.mean
    return _less(p, cross, _below(p, 0))


@_register(_MOMENT_GENERATING, [Gumbel])
def kl_to_gumbel(p, q):
    shift = (p.mean - q.loc) / q.scale
    return _less(p, -q.scale.log() - shift - torch.exp(q.loc / q.scale) * _of(_MOMENT_GENERATING, p)(p, -1 / q.scale))


@_register([Beta, ContinuousBernoulli], [Uniform])
def kl_unit_to_uniform(p, q):
    return _less(p, -(q.high - q.low).log(), (q.low > 0) | (q.high < 1))


@register_kl(Uniform, Pareto)
def kl_uniform_to_pareto(p, q):
    return _less(p, q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _of(_LOG_MEAN, p)(p), p.low < q.scale)


@register_kl(Uniform, Beta)
def kl_uniform_to_beta(p, q):
    a, b = q.concentration1, q.concentration0
    cross = (a - 1) * _uniform_log_mean(p.low, p.high) + (b - 1) * _uniform_log_mean(1 - p.high, 1 - p.low)
    return _less(p, cross - a.lgamma() - b.lgamma() + (a + b).lgamma(), (p.low < 0) | (p.high > 1))


def _to_continuous_bernoulli(p, q):
    return p.mean * q.logits + torch.log1p(-q.probs) + q._cont_bern_log_norm()


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
@register_kl(Beta, ContinuousBernoulli)
def kl_unit_to_continuous_bernoulli(p, q):
    return _less(p, _to_continuous_bernoulli(p, q))


@register_kl(Uniform, ContinuousBernoulli)
def kl_uniform_to_continuous_bernoulli(p, q):
    return _less(p, _to_continuous_bernoulli(p, q), (p.low < 0) | (p.high > 1))


@register_kl(Normal, Laplace)
def kl_normal_to_laplace(p, q):
    z = (p.loc - q.loc) / p.scale
    distance = p.scale * ((2 / torch.pi) ** 0.5 * torch.exp(-0.5 * z.pow(2)) + z * torch.erf(z / 2 ** 0.5))
    return _less(p, -(2 * q.scale).log() - distance / q.scale)


@register_kl(Bernoulli, Poisson)
def kl_bernoulli_to_poisson(p, q):
    return _less(p, torch.xlogy(p.probs, q.rate) - q.rate)


# ------------------------------------------------------------------------- where p goes on and q does not

_REACHES_BEYOND = {
    ContinuousBernoulli: [Pareto],
    Beta: [Pareto],
    Exponential: [Beta, ContinuousBernoulli, Pareto, Uniform],
    Gamma: [Beta, ContinuousBernoulli, Pareto, Uniform],
    Gumbel: [Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform],
    Laplace: [Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform],
    Normal: [Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform],
    Pareto: [Beta, ContinuousBernoulli, Uniform],
    Poisson: [Bernoulli, Binomial],
}


def _infinite(p, q):
    return torch.full(torch.broadcast_shapes(p.batch_shape, q.batch_shape), torch.inf, dtype=p.mean.dtype, device=p.mean.device)


for _type_p, _types_q in _REACHES_BEYOND.items():
    _register([_type_p], _types_q)(_infinite)
