"""torch.return_types: the named tuples that operations return.

Written by tools/names.py from the tables of the families; do not edit.
"""
from pyxtorch.ops import _common

aminmax = _common.return_types["aminmax"]
cummax = _common.return_types["cummax"]
cummin = _common.return_types["cummin"]
frexp = _common.return_types["frexp"]
geqrf = _common.return_types["geqrf"]
histogram = _common.return_types["histogram"]
histogramdd = _common.return_types["histogramdd"]
kthvalue = _common.return_types["kthvalue"]
linalg_cholesky_ex = _common.return_types["linalg_cholesky_ex"]
linalg_eig = _common.return_types["linalg_eig"]
linalg_eigh = _common.return_types["linalg_eigh"]
linalg_inv_ex = _common.return_types["linalg_inv_ex"]
linalg_ldl_factor = _common.return_types["linalg_ldl_factor"]
linalg_ldl_factor_ex = _common.return_types["linalg_ldl_factor_ex"]
linalg_lstsq = _common.return_types["linalg_lstsq"]
linalg_lu = _common.return_types["linalg_lu"]
linalg_lu_factor = _common.return_types["linalg_lu_factor"]
linalg_lu_factor_ex = _common.return_types["linalg_lu_factor_ex"]
linalg_qr = _common.return_types["linalg_qr"]
linalg_slogdet = _common.return_types["linalg_slogdet"]
linalg_solve_ex = _common.return_types["linalg_solve_ex"]
linalg_svd = _common.return_types["linalg_svd"]
lu_unpack = _common.return_types["lu_unpack"]
max = _common.return_types["max"]
median = _common.return_types["median"]
min = _common.return_types["min"]
mode = _common.return_types["mode"]
nanmedian = _common.return_types["nanmedian"]
qr = _common.return_types["qr"]
slogdet = _common.return_types["slogdet"]
sort = _common.return_types["sort"]
svd = _common.return_types["svd"]
topk = _common.return_types["topk"]
triangular_solve = _common.return_types["triangular_solve"]

__all__ = [
    "aminmax", "cummax", "cummin", "frexp", "geqrf", "histogram", "histogramdd", "kthvalue", "linalg_cholesky_ex", "linalg_eig",
    "linalg_eigh", "linalg_inv_ex", "linalg_ldl_factor", "linalg_ldl_factor_ex", "linalg_lstsq", "linalg_lu", "linalg_lu_factor",
    "linalg_lu_factor_ex", "linalg_qr", "linalg_slogdet", "linalg_solve_ex", "linalg_svd", "lu_unpack", "max", "median", "min",
    "mode", "nanmedian", "qr", "slogdet", "sort", "svd", "topk", "triangular_solve",
]
