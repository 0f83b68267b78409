"""Discrete Fourier transforms: `pyxtorch.fft`, the table of ops/fft.pyx."""
from pyxtorch.ops.fft import transforms as _transforms

globals().update(_transforms)
__all__ = list(_transforms)
