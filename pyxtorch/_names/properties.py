"""The operations that are properties of Tensor; tensor.pyx attaches them.

Written by tools/names.py from the tables of the families; do not edit.
"""
from pyxtorch.ops import linalg_legacy as _linalg_legacy
from pyxtorch.ops import shape_facts as _shape_facts
from pyxtorch.ops.create_exchange import cuda_array_interface as __cuda_array_interface__
from pyxtorch.ops.shape import H, T, adjoint as mH, mT
from pyxtorch.ops.shape_copy import imag, real
from pyxtorch.ops.sparse import is_sparse_csr

creator = _linalg_legacy.properties["creator"]
volatile = _linalg_legacy.properties["volatile"]
is_hpu = _shape_facts.properties["is_hpu"]
is_ipu = _shape_facts.properties["is_ipu"]
is_maia = _shape_facts.properties["is_maia"]
is_mkldnn = _shape_facts.properties["is_mkldnn"]
is_mps = _shape_facts.properties["is_mps"]
is_mtia = _shape_facts.properties["is_mtia"]
is_vulkan = _shape_facts.properties["is_vulkan"]
is_xla = _shape_facts.properties["is_xla"]
is_xpu = _shape_facts.properties["is_xpu"]

__all__ = [
    "H", "T", "__cuda_array_interface__", "creator", "imag", "is_hpu", "is_ipu", "is_maia", "is_mkldnn", "is_mps", "is_mtia",
    "is_sparse_csr", "is_vulkan", "is_xla", "is_xpu", "mH", "mT", "real", "volatile",
]
