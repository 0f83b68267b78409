"""FisherSnedecor: the ratio of two estimates of a variance."""
import pyxtorch as torch
from pyxtorch.distributions import constraints
from pyxtorch.distributions.distribution import Distribution, expand_parameters
from pyxtorch.distributions.gamma import Gamma

__all__ = ["FisherSnedecor"]


class FisherSnedecor(Distribution):
    """(X1 / df1) / (X2 / df2), X1 and X2 of Chi2(df1) and Chi2(df2).

    Args:
        df1, df2: degrees of freedom.
    """

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True
    expand = expand_parameters

    def __init__(self, df1, df2, validate_args=None):
        self._take(validate_args, df1=df1, df2=df2)
        # Gamma(df / 2, df / 2) is Chi2(df) / df.
        self._gamma1, self._gamma2 = (Gamma(df * 0.5, df * 0.5, validate_args=validate_args) for df in (self.df1, self.df2))

    @property
    def mean(self):
        return torch.where(self.df2 > 2, self.df2 / (self.df2 - 2), torch.nan)

    @property
    def mode(self):
        return torch.where(self.df1 > 2, (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2), torch.nan)

    @property
    def variance(self):
        n, m = self.df1, self.df2
        return torch.where(m > 4, 2 * m.pow(2) * (n + m - 2) / (n * (m - 2).pow(2) * (m - 4)), torch.nan)

    def rsample(self, sample_shape=torch.Size()):
        shape = torch.Size(sample_shape)
        above, below = self._gamma1.rsample(shape), self._gamma2.rsample(shape)
        return (above / below).clamp(min=torch.finfo(above.dtype).tiny)

    def log_prob(self, value):
        value = self._checked(value)
        half1, half2, ratio = self.df1 * 0.5, self.df2 * 0.5, self.df1 / self.df2
        return ((half1 + half2).lgamma() - half1.lgamma() - half2.lgamma() + half1 * ratio.log() + (half1 - 1) * value.log()
                - (half1 + half2) * torch.log1p(ratio * value))
