"""torch.special: special functions.

Written by tools/names.py from the tables of the families; do not edit.
"""
from pyxtorch import _gate
from pyxtorch.ops import special as _special
from pyxtorch.ops.elementwise_math import erf, erfc, exp2, sigmoid as expit, expm1, log1p, logit, round, sinc
from pyxtorch.ops.elementwise_pair import xlogy
from pyxtorch.ops.reduce_norm import logsumexp
from pyxtorch.ops.softmax import log_softmax, softmax
from pyxtorch.ops.special import (
    airy_ai, bessel_j0, bessel_j1, bessel_y0, bessel_y1, digamma, entr, erfcx, erfinv, igamma as gammainc, igammac as gammaincc,
    lgamma as gammaln, i0, i0e, i1, i1e, log_ndtr, i0 as modified_bessel_i0, i1 as modified_bessel_i1, modified_bessel_k0,
    modified_bessel_k1, mvlgamma as multigammaln, ndtr, ndtri, polygamma, digamma as psi, scaled_modified_bessel_k0,
    scaled_modified_bessel_k1, spherical_bessel_j0, xlog1py, zeta,
)

chebyshev_polynomial_t = _special.special["chebyshev_polynomial_t"]
chebyshev_polynomial_u = _special.special["chebyshev_polynomial_u"]
chebyshev_polynomial_v = _special.special["chebyshev_polynomial_v"]
chebyshev_polynomial_w = _special.special["chebyshev_polynomial_w"]
hermite_polynomial_h = _special.special["hermite_polynomial_h"]
hermite_polynomial_he = _special.special["hermite_polynomial_he"]
laguerre_polynomial_l = _special.special["laguerre_polynomial_l"]
legendre_polynomial_p = _special.special["legendre_polynomial_p"]
shifted_chebyshev_polynomial_t = _special.special["shifted_chebyshev_polynomial_t"]
shifted_chebyshev_polynomial_u = _special.special["shifted_chebyshev_polynomial_u"]
shifted_chebyshev_polynomial_v = _special.special["shifted_chebyshev_polynomial_v"]
shifted_chebyshev_polynomial_w = _special.special["shifted_chebyshev_polynomial_w"]

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "chebyshev_polynomial_t", "chebyshev_polynomial_u",
    "chebyshev_polynomial_v", "chebyshev_polynomial_w", "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit",
    "expm1", "gammainc", "gammaincc", "gammaln", "hermite_polynomial_h", "hermite_polynomial_he", "i0", "i0e", "i1", "i1e",
    "laguerre_polynomial_l", "legendre_polynomial_p", "log1p", "log_ndtr", "log_softmax", "logit", "logsumexp",
    "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1", "multigammaln", "ndtr", "ndtri",
    "polygamma", "psi", "round", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w", "sinc", "softmax",
    "spherical_bessel_j0", "xlog1py", "xlogy", "zeta",
]

_gate.operations("pyxtorch.special", globals(), __all__)
