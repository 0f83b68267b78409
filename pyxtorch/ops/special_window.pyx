"""Window functions: weights that fade a piece of a signal in and out.

All are functions of the place in the window, computed in double precision: from 0 at its first
element to 1 at its last, or, in a periodic window, at the one that would follow.
"""
from pyxtorch._core cimport *
from pyxtorch.ops._factory cimport only_plain

import math

from pyxtorch._core import get_default_device
from pyxtorch.ops import create, special


# ------------------------------------------------------------------------------------- formulas

def places(M, periodic):
    """0, 1, ... M - 1 over the window's extent, float64; 1/2, the middle, if there is only one."""
    if M == 1:
        return create.full((1,), 0.5, dtype=dtype_of(FLOAT64), device="cpu")
    return create.arange(M, dtype=dtype_of(FLOAT64), device="cpu") / max(M if periodic else M - 1, 1)


def cosines(t, a):
    """a[0] - a[1] cos(2 pi t) + a[2] cos(4 pi t) - ..."""
    y = create.full_like(t, a[0])
    for k in range(1, len(a)):
        y = y + (t * (2 * math.pi * k)).cos() * (a[k] if k % 2 == 0 else -a[k])
    return y


def triangle(t):
    return 1 - (t * 2 - 1).abs()


def bessel(t, beta):
    """Kaiser's window: I0(beta sqrt(1 - u^2)) / I0(beta), u from -1 to 1. The scaled I0 does not overflow."""
    root = (1 - (t * 2 - 1) ** 2).clamp(min=0).sqrt() * beta
    scale = special.special["i0e"](create.full((), beta, dtype=dtype_of(FLOAT64), device="cpu"))
    return special.special["i0e"](root) / scale * (root - beta).exp()


HANN = (0.5, 0.5)
HAMMING = (0.54, 0.46)
BLACKMAN = (0.42, 0.5, 0.08)
NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)


def finished(window, dtype, device, requires_grad):
    """The window in its dtype, on its device, as a leaf."""
    return window.to(device=get_default_device() if device is None else device, dtype=dtype).requires_grad_(requires_grad)


# ----------------------------------------------------------------------------- public functions

cdef object made(str op, object window_length, object periodic, object dtype, object device, object requires_grad, object formula):
    if not isinstance(window_length, int) or isinstance(window_length, bool):
        raise TypeError(f"{op}(): argument 'window_length' must be int, not {type(window_length).__name__}")
    if window_length < 0:
        raise RuntimeError(f"{op} requires non-negative window_length, got window_length={window_length}")
    if dtype is None:
        dtype = dtype_of(default_dtype())
    if not is_floating(dtype_code(dtype)):
        raise RuntimeError(f"{op} expects floating point dtypes, got: {dtype}")
    y = formula(places(window_length, periodic)) if window_length != 1 else create.ones(1, device="cpu")
    return finished(y, dtype, device, bool(requires_grad))


def hann_window(window_length, periodic=True, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """sin^2(pi n / N), N being window_length, or window_length - 1 of a symmetric (not periodic) window.

    Raises:
        RuntimeError: window_length is negative, or dtype not floating point.
    """
    only_plain(layout, pin_memory, "hann_window")
    return made("hann_window", window_length, periodic, dtype, device, requires_grad, lambda t: cosines(t, HANN))


def hamming_window(window_length, periodic=True, alpha=0.54, beta=0.46, *, dtype=None, layout=None, device=None, requires_grad=False,
                   pin_memory=False):
    """alpha - beta cos(2 pi n / N); N and errors as of `hann_window`."""
    only_plain(layout, pin_memory, "hamming_window")
    return made("hamming_window", window_length, periodic, dtype, device, requires_grad, lambda t: cosines(t, (alpha, beta)))


def blackman_window(window_length, periodic=True, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N); N and errors as of `hann_window`."""
    only_plain(layout, pin_memory, "blackman_window")
    return made("blackman_window", window_length, periodic, dtype, device, requires_grad, lambda t: cosines(t, BLACKMAN))


def bartlett_window(window_length, periodic=True, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """A triangle, 1 - |2 n / N - 1|; N and errors as of `hann_window`."""
    only_plain(layout, pin_memory, "bartlett_window")
    return made("bartlett_window", window_length, periodic, dtype, device, requires_grad, triangle)


def kaiser_window(window_length, periodic=True, beta=12.0, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """I0(beta sqrt(1 - (2 n / N - 1)^2)) / I0(beta); N and errors as of `hann_window`."""
    only_plain(layout, pin_memory, "kaiser_window")
    return made("kaiser_window", window_length, periodic, dtype, device, requires_grad, lambda t: bessel(t, beta))


__all__ = ["hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window"]
