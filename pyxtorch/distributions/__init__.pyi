# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Ints as _Ints, Tensor as _Tensor

from pyxtorch.distributions.transforms import AbsTransform as AbsTransform
from pyxtorch.distributions.transforms import AffineTransform as AffineTransform
from pyxtorch.distributions.bernoulli import Bernoulli as Bernoulli
from pyxtorch.distributions.beta import Beta as Beta
from pyxtorch.distributions.binomial import Binomial as Binomial
class CatTransform:
    def __init__(self, tseq: _t.Any, dim: _b.int = 0, lengths: _t.Any = None, cache_size: _b.float = 0) -> None: ...
    @property
    def bijective(self) -> _t.Any: ...
    def codomain(self) -> _t.Any: ...
    def domain(self) -> _t.Any: ...
    event_dim: _t.Any
    length: _t.Any
    def log_abs_det_jacobian(self, x: _t.Any, y: _t.Any) -> _Tensor: ...
    dim: _b.int
    lengths: _t.Any
    transforms: _t.Any
from pyxtorch.distributions.categorical import Categorical as Categorical
from pyxtorch.distributions.cauchy import Cauchy as Cauchy
from pyxtorch.distributions.chi2 import Chi2 as Chi2
class ComposeTransform:
    def __call__(self, x: _t.Any) -> _t.Any: ...
    def __init__(self, parts: _t.Any, cache_size: _b.float = 0) -> None: ...
    bijective: _t.Any
    def codomain(self) -> _t.Any: ...
    def domain(self) -> _t.Any: ...
    @property
    def event_dim(self) -> _t.Any: ...
    def forward_shape(self, shape: _Ints) -> _t.Any: ...
    @property
    def inv(self) -> _t.Any: ...
    def inverse_shape(self, shape: _Ints) -> _t.Any: ...
    def log_abs_det_jacobian(self, x: _t.Any, y: _t.Any) -> _Tensor: ...
    sign: _t.Any
    def with_cache(self, cache_size: _b.float = 1) -> _t.Self: ...
    parts: _t.Any
from pyxtorch.distributions.continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
from pyxtorch.distributions.transforms import CorrCholeskyTransform as CorrCholeskyTransform
from pyxtorch.distributions.transforms import CumulativeDistributionTransform as CumulativeDistributionTransform
from pyxtorch.distributions.dirichlet import Dirichlet as Dirichlet
from pyxtorch.distributions.distribution import Distribution as Distribution
from pyxtorch.distributions.transforms import ExpTransform as ExpTransform
from pyxtorch.distributions.exponential import Exponential as Exponential
from pyxtorch.distributions.exp_family import ExponentialFamily as ExponentialFamily
from pyxtorch.distributions.fishersnedecor import FisherSnedecor as FisherSnedecor
from pyxtorch.distributions.gamma import Gamma as Gamma
from pyxtorch.distributions.generalized_pareto import GeneralizedPareto as GeneralizedPareto
from pyxtorch.distributions.geometric import Geometric as Geometric
from pyxtorch.distributions.gumbel import Gumbel as Gumbel
from pyxtorch.distributions.half_cauchy import HalfCauchy as HalfCauchy
from pyxtorch.distributions.half_normal import HalfNormal as HalfNormal
from pyxtorch.distributions.independent import Independent as Independent
class IndependentTransform:
    def __call__(self, x: _t.Any) -> _t.Any: ...
    def __init__(self, base_transform: _t.Any, reinterpreted_batch_ndims: _t.Any, cache_size: _b.float = 0) -> None: ...
    @property
    def bijective(self) -> _t.Any: ...
    def codomain(self) -> _t.Any: ...
    def domain(self) -> _t.Any: ...
    @property
    def event_dim(self) -> _t.Any: ...
    def forward_shape(self, shape: _Ints) -> _t.Any: ...
    @property
    def inv(self) -> _t.Any: ...
    def inverse_shape(self, shape: _Ints) -> _t.Any: ...
    def log_abs_det_jacobian(self, x: _t.Any, y: _t.Any) -> _Tensor: ...
    @property
    def sign(self) -> _t.Any: ...
    def with_cache(self, cache_size: _b.float = 1) -> _t.Self: ...
    base_transform: _t.Any
    reinterpreted_batch_ndims: _t.Any
from pyxtorch.distributions.inverse_gamma import InverseGamma as InverseGamma
from pyxtorch.distributions.kumaraswamy import Kumaraswamy as Kumaraswamy
from pyxtorch.distributions.lkj_cholesky import LKJCholesky as LKJCholesky
from pyxtorch.distributions.laplace import Laplace as Laplace
from pyxtorch.distributions.log_normal import LogNormal as LogNormal
from pyxtorch.distributions.logistic_normal import LogisticNormal as LogisticNormal
from pyxtorch.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal as LowRankMultivariateNormal
from pyxtorch.distributions.transforms import LowerCholeskyTransform as LowerCholeskyTransform
from pyxtorch.distributions.mixture_same_family import MixtureSameFamily as MixtureSameFamily
from pyxtorch.distributions.multinomial import Multinomial as Multinomial
from pyxtorch.distributions.multivariate_normal import MultivariateNormal as MultivariateNormal
from pyxtorch.distributions.negative_binomial import NegativeBinomial as NegativeBinomial
from pyxtorch.distributions.normal import Normal as Normal
from pyxtorch.distributions.one_hot_categorical import OneHotCategorical as OneHotCategorical
from pyxtorch.distributions.one_hot_categorical import OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough
from pyxtorch.distributions.pareto import Pareto as Pareto
from pyxtorch.distributions.poisson import Poisson as Poisson
from pyxtorch.distributions.transforms import PositiveDefiniteTransform as PositiveDefiniteTransform
from pyxtorch.distributions.transforms import PowerTransform as PowerTransform
from pyxtorch.distributions.relaxed_bernoulli import RelaxedBernoulli as RelaxedBernoulli
from pyxtorch.distributions.relaxed_categorical import RelaxedOneHotCategorical as RelaxedOneHotCategorical
class ReshapeTransform:
    def __call__(self, x: _t.Any) -> _t.Any: ...
    def __init__(self, in_shape: _t.Any, out_shape: _t.Any, cache_size: _b.float = 0) -> None: ...
    bijective: _t.Any
    def codomain(self) -> _t.Any: ...
    def domain(self) -> _t.Any: ...
    @property
    def event_dim(self) -> _t.Any: ...
    def forward_shape(self, shape: _Ints) -> _t.Any: ...
    @property
    def inv(self) -> _t.Any: ...
    def inverse_shape(self, shape: _Ints) -> _t.Any: ...
    def log_abs_det_jacobian(self, x: _t.Any, y: _t.Any) -> _Tensor: ...
    @property
    def sign(self) -> _t.Any: ...
    def with_cache(self, cache_size: _b.float = 1) -> _t.Self: ...
    in_shape: _t.Any
    out_shape: _t.Any
from pyxtorch.distributions.transforms import SigmoidTransform as SigmoidTransform
from pyxtorch.distributions.transforms import SoftmaxTransform as SoftmaxTransform
from pyxtorch.distributions.transforms import SoftplusTransform as SoftplusTransform
class StackTransform:
    def __init__(self, tseq: _t.Any, dim: _b.int = 0, cache_size: _b.float = 0) -> None: ...
    @property
    def bijective(self) -> _t.Any: ...
    def codomain(self) -> _t.Any: ...
    def domain(self) -> _t.Any: ...
    def log_abs_det_jacobian(self, x: _t.Any, y: _t.Any) -> _Tensor: ...
    dim: _b.int
    transforms: _t.Any
from pyxtorch.distributions.transforms import StickBreakingTransform as StickBreakingTransform
from pyxtorch.distributions.studentT import StudentT as StudentT
from pyxtorch.distributions.transforms import TanhTransform as TanhTransform
class Transform:
    def __call__(self, x: _t.Any) -> _t.Any: ...
    def __init__(self, cache_size: _b.float = 0) -> None: ...
    bijective: _t.Any
    @property
    def event_dim(self) -> _t.Any: ...
    def forward_shape(self, shape: _Ints) -> _t.Any: ...
    @property
    def inv(self) -> _t.Any: ...
    def inverse_shape(self, shape: _Ints) -> _t.Any: ...
    def log_abs_det_jacobian(self, x: _t.Any, y: _t.Any) -> _Tensor: ...
    @property
    def sign(self) -> _t.Any: ...
    def with_cache(self, cache_size: _b.float = 1) -> _t.Self: ...
from pyxtorch.distributions.transformed_distribution import TransformedDistribution as TransformedDistribution
from pyxtorch.distributions.uniform import Uniform as Uniform
from pyxtorch.distributions.von_mises import VonMises as VonMises
from pyxtorch.distributions.weibull import Weibull as Weibull
from pyxtorch.distributions.wishart import Wishart as Wishart
from pyxtorch.distributions import bernoulli as bernoulli
from pyxtorch.distributions import beta as beta
from pyxtorch.distributions.constraint_registry import biject_to as biject_to
from pyxtorch.distributions import binomial as binomial
from pyxtorch.distributions import categorical as categorical
from pyxtorch.distributions import cauchy as cauchy
from pyxtorch.distributions import chi2 as chi2
from pyxtorch.distributions import constraint_registry as constraint_registry
from pyxtorch.distributions import constraints as constraints
from pyxtorch.distributions import continuous_bernoulli as continuous_bernoulli
from pyxtorch.distributions import dirichlet as dirichlet
from pyxtorch.distributions import distribution as distribution
from pyxtorch.distributions import exp_family as exp_family
from pyxtorch.distributions import exponential as exponential
from pyxtorch.distributions import fishersnedecor as fishersnedecor
from pyxtorch.distributions import gamma as gamma
from pyxtorch.distributions import generalized_pareto as generalized_pareto
from pyxtorch.distributions import geometric as geometric
from pyxtorch.distributions import gumbel as gumbel
from pyxtorch.distributions import half_cauchy as half_cauchy
from pyxtorch.distributions import half_normal as half_normal
def identity_transform(x: _t.Any) -> _t.Any: ...
from pyxtorch.distributions import independent as independent
from pyxtorch.distributions import inverse_gamma as inverse_gamma
from pyxtorch.distributions import kl as kl
from pyxtorch.distributions.kl import kl_divergence as kl_divergence
from pyxtorch.distributions import kumaraswamy as kumaraswamy
from pyxtorch.distributions import laplace as laplace
from pyxtorch.distributions import lkj_cholesky as lkj_cholesky
from pyxtorch.distributions import log_normal as log_normal
from pyxtorch.distributions import logistic_normal as logistic_normal
from pyxtorch.distributions import lowrank_multivariate_normal as lowrank_multivariate_normal
from pyxtorch.distributions import mixture_same_family as mixture_same_family
from pyxtorch.distributions import multinomial as multinomial
from pyxtorch.distributions import multivariate_normal as multivariate_normal
from pyxtorch.distributions import negative_binomial as negative_binomial
from pyxtorch.distributions import normal as normal
from pyxtorch.distributions import one_hot_categorical as one_hot_categorical
from pyxtorch.distributions import pareto as pareto
from pyxtorch.distributions import poisson as poisson
from pyxtorch.distributions.kl import register_kl as register_kl
from pyxtorch.distributions import relaxed_bernoulli as relaxed_bernoulli
from pyxtorch.distributions import relaxed_categorical as relaxed_categorical
from pyxtorch.distributions import studentT as studentT
from pyxtorch.distributions.constraint_registry import transform_to as transform_to
from pyxtorch.distributions import transformed_distribution as transformed_distribution
from pyxtorch.distributions import transforms as transforms
from pyxtorch.distributions import uniform as uniform
from pyxtorch.distributions import utils as utils
from pyxtorch.distributions import von_mises as von_mises
from pyxtorch.distributions import weibull as weibull
from pyxtorch.distributions import wishart as wishart
