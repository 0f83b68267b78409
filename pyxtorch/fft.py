"""torch.fft: discrete Fourier transforms.

Written by tools/names.py from the tables of the families; do not edit.
"""
from pyxtorch import _gate
from pyxtorch.ops import fft as _fft
from pyxtorch.ops.fft import fftfreq, fftshift, ifftshift, rfftfreq

fft = _fft.transforms["fft"]
fft2 = _fft.transforms["fft2"]
fftn = _fft.transforms["fftn"]
hfft = _fft.transforms["hfft"]
hfft2 = _fft.transforms["hfft2"]
hfftn = _fft.transforms["hfftn"]
ifft = _fft.transforms["ifft"]
ifft2 = _fft.transforms["ifft2"]
ifftn = _fft.transforms["ifftn"]
ihfft = _fft.transforms["ihfft"]
ihfft2 = _fft.transforms["ihfft2"]
ihfftn = _fft.transforms["ihfftn"]
irfft = _fft.transforms["irfft"]
irfft2 = _fft.transforms["irfft2"]
irfftn = _fft.transforms["irfftn"]
rfft = _fft.transforms["rfft"]
rfft2 = _fft.transforms["rfft2"]
rfftn = _fft.transforms["rfftn"]

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft",
    "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]

_gate.operations("pyxtorch.fft", globals(), __all__)
