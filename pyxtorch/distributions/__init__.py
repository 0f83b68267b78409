"""torch.distributions: probability distributions, transforms between them, and constraints on their parameters.

Example, a policy gradient step:

    m = Categorical(logits=policy(state))
    action = m.sample()
    loss = -m.log_prob(action) * reward(action)

and one through a sample (`rsample`, where `has_rsample`):

    m = Normal(*encoder(x))
    loss = cost(m.rsample()) + kl_divergence(m, Normal(0.0, 1.0)).sum()
"""
from pyxtorch.distributions import constraints, transforms
from pyxtorch.distributions.bernoulli import Bernoulli
from pyxtorch.distributions.beta import Beta
from pyxtorch.distributions.binomial import Binomial
from pyxtorch.distributions.categorical import Categorical
from pyxtorch.distributions.cauchy import Cauchy
from pyxtorch.distributions.chi2 import Chi2
from pyxtorch.distributions.constraint_registry import biject_to, transform_to
from pyxtorch.distributions.continuous_bernoulli import ContinuousBernoulli
from pyxtorch.distributions.dirichlet import Dirichlet
from pyxtorch.distributions.distribution import Distribution
from pyxtorch.distributions.exp_family import ExponentialFamily
from pyxtorch.distributions.exponential import Exponential
from pyxtorch.distributions.fishersnedecor import FisherSnedecor
from pyxtorch.distributions.gamma import Gamma
from pyxtorch.distributions.generalized_pareto import GeneralizedPareto
from pyxtorch.distributions.geometric import Geometric
from pyxtorch.distributions.gumbel import Gumbel
from pyxtorch.distributions.half_cauchy import HalfCauchy
from pyxtorch.distributions.half_normal import HalfNormal
from pyxtorch.distributions.independent import Independent
from pyxtorch.distributions.inverse_gamma import InverseGamma
from pyxtorch.distributions.kl import kl_divergence, register_kl
from pyxtorch.distributions.kumaraswamy import Kumaraswamy
from pyxtorch.distributions.laplace import Laplace
from pyxtorch.distributions.lkj_cholesky import LKJCholesky
from pyxtorch.distributions.log_normal import LogNormal
from pyxtorch.distributions.logistic_normal import LogisticNormal
from pyxtorch.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from pyxtorch.distributions.mixture_same_family import MixtureSameFamily
from pyxtorch.distributions.multinomial import Multinomial
from pyxtorch.distributions.multivariate_normal import MultivariateNormal
from pyxtorch.distributions.negative_binomial import NegativeBinomial
from pyxtorch.distributions.normal import Normal
from pyxtorch.distributions.one_hot_categorical import OneHotCategorical, OneHotCategoricalStraightThrough
from pyxtorch.distributions.pareto import Pareto
from pyxtorch.distributions.poisson import Poisson
from pyxtorch.distributions.relaxed_bernoulli import RelaxedBernoulli
from pyxtorch.distributions.relaxed_categorical import RelaxedOneHotCategorical
from pyxtorch.distributions.studentT import StudentT
from pyxtorch.distributions.transformed_distribution import TransformedDistribution
from pyxtorch.distributions.uniform import Uniform
from pyxtorch.distributions.von_mises import VonMises
from pyxtorch.distributions.weibull import Weibull
from pyxtorch.distributions.wishart import Wishart
from pyxtorch.distributions.transforms import (
    AbsTransform, AffineTransform, CatTransform, ComposeTransform, CorrCholeskyTransform, CumulativeDistributionTransform,
    ExpTransform, IndependentTransform, LowerCholeskyTransform, PositiveDefiniteTransform, PowerTransform, ReshapeTransform,
    SigmoidTransform, SoftplusTransform, TanhTransform, SoftmaxTransform, StackTransform, StickBreakingTransform, Transform,
    identity_transform,
)

__all__ = [
    "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "biject_to", "transform_to", "ContinuousBernoulli",
    "Dirichlet", "Distribution", "ExponentialFamily", "Exponential", "FisherSnedecor", "Gamma", "GeneralizedPareto", "Geometric",
    "Gumbel", "HalfCauchy", "HalfNormal", "Independent", "InverseGamma", "kl_divergence", "register_kl", "Kumaraswamy", "Laplace",
    "LKJCholesky", "LogNormal", "LogisticNormal", "LowRankMultivariateNormal", "MixtureSameFamily", "Multinomial",
    "MultivariateNormal", "NegativeBinomial", "Normal", "OneHotCategorical", "OneHotCategoricalStraightThrough", "Pareto",
    "Poisson", "RelaxedBernoulli", "RelaxedOneHotCategorical", "StudentT", "TransformedDistribution", "Uniform", "VonMises",
    "Weibull", "Wishart",
    "AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform", "CorrCholeskyTransform",
    "CumulativeDistributionTransform", "ExpTransform", "IndependentTransform", "LowerCholeskyTransform",
    "PositiveDefiniteTransform", "PowerTransform", "ReshapeTransform", "SigmoidTransform", "SoftplusTransform", "TanhTransform",
    "SoftmaxTransform", "StackTransform", "StickBreakingTransform", "Transform", "identity_transform",
]
