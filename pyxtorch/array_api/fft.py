"""Fourier transforms of the Array API standard: PyTorch's, with the standard's arguments."""
from pyxtorch import fft as _fft


def _one(name, what):
    function = getattr(_fft, name)

    def f(x, /, *, n=None, axis=-1, norm="backward"):
        return function(x, n, axis, norm)

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"{what} along `axis`, cut or padded with zeros to `n` elements; `norm` says which way is divided by their number."
    return f


def _many(name, what):
    function = getattr(_fft, name)

    def f(x, /, *, s=None, axes=None, norm="backward"):
        return function(x, s, axes, norm)

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"{what} along several dimensions, all if None, cut or padded with zeros to the sizes `s`; `norm` as in `fft`."
    return f


fft = _one("fft", "The discrete Fourier transform")
ifft = _one("ifft", "The inverse of `fft`")
rfft = _one("rfft", "The half of `fft` that real numbers need")
irfft = _one("irfft", "The inverse of `rfft`, real numbers")
hfft = _one("hfft", "The transform, real numbers, of the half of a Hermitian signal")
ihfft = _one("ihfft", "The inverse of `hfft`")
fftn = _many("fftn", "The discrete Fourier transform")
ifftn = _many("ifftn", "The inverse of `fftn`")
rfftn = _many("rfftn", "The half of `fftn` that real numbers need")
irfftn = _many("irfftn", "The inverse of `rfftn`, real numbers")


def fftfreq(n, /, *, d=1.0, dtype=None, device=None):
    """The frequencies of `fft`'s results for samples at a distance of `d`, cycles per unit of `d`."""
    return _fft.fftfreq(n, d, dtype=dtype, device=device)


def rfftfreq(n, /, *, d=1.0, dtype=None, device=None):
    """The frequencies of `rfft`'s results."""
    return _fft.rfftfreq(n, d, dtype=dtype, device=device)


def fftshift(x, /, *, axes=None):
    """The frequency 0 moved to the middle, along some dimensions or all."""
    return _fft.fftshift(x, axes)


def ifftshift(x, /, *, axes=None):
    """The inverse of `fftshift`."""
    return _fft.ifftshift(x, axes)


__all__ = [
    "fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft", "irfftn", "rfft", "rfftfreq", "rfftn",
]  # fmt: skip
