"""The operations that are properties of Tensor; tensor.pyx attaches them.

Written by tools/names.py from the tables of the families; do not edit.
"""
from pyxtorch.ops.shape import H, T, adjoint as mH, mT
from pyxtorch.ops.shape_copy import imag, real

__all__ = [
    "H", "T", "imag", "mH", "mT", "real",
]
