"""The operations that are properties of Tensor; tensor.pyx attaches them.

Written by tools/names.py from the tables of the families; do not edit.
"""
from pyxtorch.ops.shape import H, T, adjoint as mH, mT
from pyxtorch.ops.shape_copy import imag, real
from pyxtorch.ops.sparse import is_sparse_csr

__all__ = [
    "H", "T", "imag", "is_sparse_csr", "mH", "mT", "real",
]
