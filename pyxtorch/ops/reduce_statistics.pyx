"""Covariance and correlation."""
import warnings

from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable
from pyxtorch.ops._common cimport *

from pyxtorch.ops._precision import rounds_once


cdef Variable weights_of(object weights, object observations, str name, bint integral):
    cdef Variable w = checked(weights, "cov", name)
    if w.nd > 1:
        raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got {name} with {w.nd} dimensions")
    if integral and not is_integral(w.dt):
        raise RuntimeError(f"cov(): expected {name} to have integral dtype but got {name} with {dtype_of(w.dt).name} dtype")
    if not integral and not is_floating(w.dt):
        raise RuntimeError(f"cov(): expected {name} to have floating point dtype but got {name} with {dtype_of(w.dt).name} dtype")
    if w.n != observations:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input but got {w.n} != {observations}"
        )
    if w.n and any_true(w < 0):
        raise RuntimeError(f"cov(): {name} cannot be negative")
    return w


cdef object covariance(Variable input, object correction, object fweights, object aweights, str op):
    cdef Variable x = input
    if x.nd > 2:
        raise RuntimeError(f"{op}(): expected input to have two or fewer dimensions but got an input with {x.nd} dimensions")
    if x.dt == BOOL:
        raise RuntimeError(f"{op}(): bool dtype is not supported for input. Convert with .float().")
    if x.dt <= INT64:
        x = x.to(dtype_of(default_dtype()))
    if x.nd < 2:
        x = x.reshape(1, -1)
    n = x.sizes[1]
    weights = None
    if fweights is not None:
        weights = weights_of(fweights, n, "fweights", True)
    if aweights is not None:
        aweights = weights_of(aweights, n, "aweights", False)
        weights = aweights if weights is None else weights * aweights
    if weights is None:
        total = n
        centred = x - x.sum(1, True) / n
        weighted = centred
    else:
        total = weights.sum()
        if n and x.dev != META and total.item() == 0:
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
        centred = x - (x * weights).sum(1, True) / total
        weighted = centred * weights
    if aweights is not None and correction:
        freedom = total - correction * (weights * aweights).sum() / total
    else:
        freedom = total - correction
    if not (isinstance(freedom, Variable) and (<Variable>freedom).dev == META) and float(freedom) <= 0:
        warnings.warn(f"{op}(): degrees of freedom is <= 0: {n} observations, correction {correction}.", stacklevel=3)
        freedom = 0
    c = weighted @ centred.mH
    if isinstance(freedom, Variable):
        freedom = freedom.to(dtype_of(real_code((<Variable>c).dt)))
    return (c / (freedom if freedom is not 0 else x.new_zeros(()))).squeeze()


@rounds_once
def cov(Variable input not None, *, correction=1, fweights=None, aweights=None):
    """The covariance matrix of variables (rows) over observations (columns).

    Args:
        input: (variables, observations), or (observations,) of a single variable.
        correction: what the divisor leaves out: 1 gives the unbiased estimate, 0 the mean of squares.
        fweights: (observations,) integers: how often each was observed.
        aweights: (observations,) floating point: how much each counts.
    Returns: (variables, variables), or a 0-d tensor for one variable.
    Raises:
        RuntimeError: more than two dimensions, bool input, or weights that do not fit.
    Gradient: by input and aweights.
    """
    return covariance(input, as_index(correction, "cov"), fweights, aweights, "cov")


@rounds_once
def corrcoef(Variable input not None):
    """Pearson's correlation coefficients of variables (rows) over observations (columns), between -1 and 1."""
    c = covariance(input, 1, None, None, "corrcoef")
    if c.dim() == 0:
        return c / c
    deviation = c.diagonal().sqrt()
    c = c / deviation.unsqueeze(1) / deviation
    if not c.is_complex():
        return c.clamp(-1, 1)
    import pyxtorch
    return pyxtorch.complex(c.real.clamp(-1, 1), c.imag.clamp(-1, 1))


__all__ = ["cov", "corrcoef"]
methods = {"cov": cov, "corrcoef": corrcoef}
