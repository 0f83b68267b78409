"""torch.return_types: the named tuples that operations return.

Written by tools/names.py from the tables of the families; do not edit.
"""
from pyxtorch.ops import _common

aminmax = _common.return_types["aminmax"]
aminmax_out = _common.return_types["aminmax_out"]
cummax = _common.return_types["cummax"]
cummax_out = _common.return_types["cummax_out"]
cummin = _common.return_types["cummin"]
cummin_out = _common.return_types["cummin_out"]
eig = _common.return_types["eig"]
frexp = _common.return_types["frexp"]
frexp_out = _common.return_types["frexp_out"]
gels = _common.return_types["gels"]
geqrf = _common.return_types["geqrf"]
geqrf_out = _common.return_types["geqrf_out"]
gesv = _common.return_types["gesv"]
histogram = _common.return_types["histogram"]
histogram_out = _common.return_types["histogram_out"]
histogramdd = _common.return_types["histogramdd"]
kthvalue = _common.return_types["kthvalue"]
kthvalue_out = _common.return_types["kthvalue_out"]
linalg_cholesky_ex = _common.return_types["linalg_cholesky_ex"]
linalg_cholesky_ex_out = _common.return_types["linalg_cholesky_ex_out"]
linalg_eig = _common.return_types["linalg_eig"]
linalg_eig_out = _common.return_types["linalg_eig_out"]
linalg_eigh = _common.return_types["linalg_eigh"]
linalg_eigh_out = _common.return_types["linalg_eigh_out"]
linalg_inv_ex = _common.return_types["linalg_inv_ex"]
linalg_inv_ex_out = _common.return_types["linalg_inv_ex_out"]
linalg_ldl_factor = _common.return_types["linalg_ldl_factor"]
linalg_ldl_factor_ex = _common.return_types["linalg_ldl_factor_ex"]
linalg_ldl_factor_ex_out = _common.return_types["linalg_ldl_factor_ex_out"]
linalg_ldl_factor_out = _common.return_types["linalg_ldl_factor_out"]
linalg_lstsq = _common.return_types["linalg_lstsq"]
linalg_lstsq_out = _common.return_types["linalg_lstsq_out"]
linalg_lu = _common.return_types["linalg_lu"]
linalg_lu_factor = _common.return_types["linalg_lu_factor"]
linalg_lu_factor_ex = _common.return_types["linalg_lu_factor_ex"]
linalg_lu_factor_ex_out = _common.return_types["linalg_lu_factor_ex_out"]
linalg_lu_factor_out = _common.return_types["linalg_lu_factor_out"]
linalg_lu_out = _common.return_types["linalg_lu_out"]
linalg_qr = _common.return_types["linalg_qr"]
linalg_qr_out = _common.return_types["linalg_qr_out"]
linalg_slogdet = _common.return_types["linalg_slogdet"]
linalg_slogdet_out = _common.return_types["linalg_slogdet_out"]
linalg_solve_ex = _common.return_types["linalg_solve_ex"]
linalg_solve_ex_out = _common.return_types["linalg_solve_ex_out"]
linalg_svd = _common.return_types["linalg_svd"]
linalg_svd_out = _common.return_types["linalg_svd_out"]
lu_unpack = _common.return_types["lu_unpack"]
lu_unpack_out = _common.return_types["lu_unpack_out"]
max = _common.return_types["max"]
max_out = _common.return_types["max_out"]
median = _common.return_types["median"]
median_out = _common.return_types["median_out"]
min = _common.return_types["min"]
min_out = _common.return_types["min_out"]
mode = _common.return_types["mode"]
mode_out = _common.return_types["mode_out"]
nanmedian = _common.return_types["nanmedian"]
nanmedian_out = _common.return_types["nanmedian_out"]
pstrf = _common.return_types["pstrf"]
qr = _common.return_types["qr"]
qr_out = _common.return_types["qr_out"]
slogdet = _common.return_types["slogdet"]
slogdet_out = _common.return_types["slogdet_out"]
sort = _common.return_types["sort"]
sort_out = _common.return_types["sort_out"]
svd = _common.return_types["svd"]
svd_out = _common.return_types["svd_out"]
symeig = _common.return_types["symeig"]
topk = _common.return_types["topk"]
topk_out = _common.return_types["topk_out"]
triangular_solve = _common.return_types["triangular_solve"]
triangular_solve_out = _common.return_types["triangular_solve_out"]

__all__ = [
    "aminmax", "aminmax_out", "cummax", "cummax_out", "cummin", "cummin_out", "eig", "frexp", "frexp_out", "gels", "geqrf",
    "geqrf_out", "gesv", "histogram", "histogram_out", "histogramdd", "kthvalue", "kthvalue_out", "linalg_cholesky_ex",
    "linalg_cholesky_ex_out", "linalg_eig", "linalg_eig_out", "linalg_eigh", "linalg_eigh_out", "linalg_inv_ex",
    "linalg_inv_ex_out", "linalg_ldl_factor", "linalg_ldl_factor_ex", "linalg_ldl_factor_ex_out", "linalg_ldl_factor_out",
    "linalg_lstsq", "linalg_lstsq_out", "linalg_lu", "linalg_lu_factor", "linalg_lu_factor_ex", "linalg_lu_factor_ex_out",
    "linalg_lu_factor_out", "linalg_lu_out", "linalg_qr", "linalg_qr_out", "linalg_slogdet", "linalg_slogdet_out",
    "linalg_solve_ex", "linalg_solve_ex_out", "linalg_svd", "linalg_svd_out", "lu_unpack", "lu_unpack_out", "max", "max_out",
    "median", "median_out", "min", "min_out", "mode", "mode_out", "nanmedian", "nanmedian_out", "pstrf", "qr", "qr_out", "slogdet",
    "slogdet_out", "sort", "sort_out", "svd", "svd_out", "symeig", "topk", "topk_out", "triangular_solve", "triangular_solve_out",
]

all_return_types = [value for name, value in _common.return_types.items() if not name.endswith("_out")]


def pytree_register_structseq(cls):
    """Let `utils._pytree` look into a class of named tuples: it does so by itself."""
    if not issubclass(cls, tuple) or not hasattr(cls, "_fields"):
        raise TypeError(f"pytree_register_structseq: expected a class of named tuples, got {cls.__name__}.")
