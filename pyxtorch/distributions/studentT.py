"""StudentT: a mean by an estimate of its deviation."""
import math

import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.chi2 import Chi2
from pyxtorch.distributions.distribution import Distribution, expand_parameters
from pyxtorch.distributions.utils import _standard_normal

__all__ = ["StudentT"]


class StudentT(Distribution):
    """loc + scale Z / sqrt(X / df), Z normal and X of Chi2(df).

    Args:
        df: degrees of freedom.
        loc, scale: location and scale; the deviation is scale sqrt(df / (df - 2)).
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    expand = expand_parameters

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        self._take(validate_args, df=df, loc=loc, scale=scale)
        self._chi2 = Chi2(self.df)

    @property
    def mean(self):
        return torch.where(self.df <= 1, torch.nan, self.loc)

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        finite = self.scale.pow(2) * self.df / (self.df - 2)
        return torch.where(self.df > 2, finite, torch.where(self.df > 1, torch.inf, torch.nan).to(finite.dtype))

    def rsample(self, sample_shape=torch.Size()):
        shape = self._extended_shape(sample_shape)
        z = _standard_normal(shape, self.df.dtype, self.df.device)
        return self.loc + self.scale * (z * torch.rsqrt(self._chi2.rsample(sample_shape) / self.df))

    def log_prob(self, value):
        z = (self._checked(value) - self.loc) / self.scale
        half = 0.5 * (self.df + 1.0)
        return (torch.lgamma(half) - torch.lgamma(0.5 * self.df) - half * torch.log1p(z ** 2 / self.df)
                - self.scale.log() - 0.5 * self.df.log() - 0.5 * math.log(math.pi))

    def entropy(self):
        half = 0.5 * (self.df + 1)
        log_beta = torch.lgamma(0.5 * self.df) + math.lgamma(0.5) - torch.lgamma(half)
        return self.scale.log() + half * (torch.digamma(half) - torch.digamma(0.5 * self.df)) + 0.5 * self.df.log() + log_beta
