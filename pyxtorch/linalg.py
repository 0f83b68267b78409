"""torch.linalg: linear algebra.

Written by tools/names.py from the tables of the families; do not edit.
"""
from pyxtorch import _gate
from pyxtorch.ops.linalg import LinAlgError, cholesky, cholesky_ex, inv, inv_ex, solve, solve_ex, solve_triangular
from pyxtorch.ops.linalg_eigen import det, eig, eigh, eigvals, eigvalsh, lstsq, matrix_exp, matrix_rank, pinv, slogdet, svd, svdvals
from pyxtorch.ops.linalg_factor import (
    householder_product, ldl_factor, ldl_factor_ex, ldl_solve, lu, lu_factor, lu_factor_ex, lu_solve, qr,
)
from pyxtorch.ops.linalg_norm import (
    cond, cross, diagonal, matmul, matrix_norm, matrix_power, multi_dot, norm, tensorinv, tensorsolve, vander, vecdot,
)
from pyxtorch.ops.reduce_norm import vector_norm

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
    "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lstsq", "lu", "lu_factor", "lu_factor_ex",
    "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet",
    "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander", "vecdot", "vector_norm",
]

_gate.operations("pyxtorch.linalg", globals(), __all__)
