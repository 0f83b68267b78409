"""Windows of M elements. Each takes, by name:

sym: symmetric (for filters); False gives a periodic one (for spectra), the first M of M + 1.
dtype: float32 or float64, default the default dtype. device, requires_grad: as elsewhere.

Raises:
    ValueError: M is negative, another dtype or layout, or a parameter out of its range.
"""
import math

import pyxtorch as torch
from pyxtorch import _gate
from pyxtorch.ops import special_window as _formulas

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann", "kaiser", "nuttall",
]


def _window(name, M, dtype, layout, device, requires_grad, formula):
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout not in (None, torch.strided):
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    dtype = torch.get_default_dtype() if dtype is None else dtype
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    window = formula() if M > 1 else torch.ones(M, dtype=torch.float64)
    return _formulas.finished(window, dtype, device, requires_grad)


def _from_center(M, sym, center=None):
    """Distances of the elements from the middle, or from element `center`."""
    if center is None:
        center = (M - 1 if sym else M) / 2
    return torch.arange(M, dtype=torch.float64) - center


def general_cosine(M, *, a, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """a[0] - a[1] cos(2 pi n / N) + a[2] cos(4 pi n / N) - ..., N being M - 1, or M if periodic."""
    a = tuple(a)
    if not a:
        raise ValueError("general_cosine: Coefficients cannot be empty")
    return _window("general_cosine", M, dtype, layout, device, requires_grad, lambda: _formulas.cosines(_formulas.places(M, not sym), a))


def general_hamming(M, *, alpha=0.54, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """alpha - (1 - alpha) cos(2 pi n / N)"""
    return general_cosine(M, a=(alpha, 1 - alpha), sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hamming(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """0.54 - 0.46 cos(2 pi n / N)"""
    return general_cosine(M, a=_formulas.HAMMING, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """(1 - cos(2 pi n / N)) / 2"""
    return general_cosine(M, a=_formulas.HANN, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def blackman(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)"""
    return general_cosine(M, a=_formulas.BLACKMAN, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def nuttall(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """The minimum 4-term Blackman-Harris window according to Nuttall (1981)."""
    return general_cosine(M, a=_formulas.NUTTALL, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def bartlett(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """A triangle, 1 - |2 n / N - 1|"""
    return _window("bartlett", M, dtype, layout, device, requires_grad, lambda: _formulas.triangle(_formulas.places(M, not sym)))


def kaiser(M, *, beta=12.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """I0(beta sqrt(1 - (2 n / N - 1)^2)) / I0(beta)"""
    if beta < 0:
        raise ValueError(f"kaiser: beta must be non-negative, got: {beta} instead.")
    return _window("kaiser", M, dtype, layout, device, requires_grad, lambda: _formulas.bessel(_formulas.places(M, not sym), beta))


def gaussian(M, *, std=1.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """exp(-d^2 / (2 std^2)), d being the distance from the middle"""
    if std <= 0:
        raise ValueError(f"gaussian: Standard deviation must be positive, got: {std} instead.")
    return _window("gaussian", M, dtype, layout, device, requires_grad, lambda: (-0.5 * (_from_center(M, sym) / std) ** 2).exp())


def exponential(M, *, center=None, tau=1.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """exp(-d / tau), d being the distance from `center` (default the middle; only of periodic windows)"""
    if tau <= 0:
        raise ValueError(f"exponential: Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("exponential: Center must be None for symmetric windows")
    if M == 1 and center is not None:
        return _window("exponential", 1, dtype, layout, device, requires_grad, None) * math.exp(-abs(center) / tau)
    return _window("exponential", M, dtype, layout, device, requires_grad, lambda: (-_from_center(M, sym, center).abs() / tau).exp())


def cosine(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """sin(pi (n + 1/2) / M)"""
    steps = M if sym else M + 1
    return _window("cosine", M, dtype, layout, device, requires_grad, lambda: ((torch.arange(M, dtype=torch.float64) + 0.5) * (math.pi / steps)).sin())


_gate.operations(__name__, globals(), __all__)
