"""What operations return: their named tuples, and which of them convert into `out`."""
from collections import namedtuple

return_types = {}       # name to class: the module pyxtorch.return_types
# Those that PyTorch has another class for where `out` is given, of the same fields: here it is the same class.
WITH_OUT = frozenset("""
aminmax cummax cummin frexp geqrf histogram kthvalue linalg_cholesky_ex linalg_eig linalg_eigh linalg_inv_ex linalg_ldl_factor
linalg_ldl_factor_ex linalg_lstsq linalg_lu linalg_lu_factor linalg_lu_factor_ex linalg_qr linalg_slogdet linalg_solve_ex linalg_svd
lu_unpack max median min mode nanmedian qr slogdet sort svd topk triangular_solve
""".split())


def _shown(self):
    fields = ",\n".join([f"{name}={value!r}" for name, value in zip(self._fields, self)])
    return f"torch.return_types.{type(self).__name__}(\n{fields})"


def return_type(name, fields):
    """A named tuple that an operation returns, printed as PyTorch prints it."""
    made = return_types[name] = namedtuple(name, fields, module="pyxtorch.return_types")
    made.__repr__ = _shown
    if name in WITH_OUT:
        return_types[f"{name}_out"] = made
    return made


# Operations that write only into an `out` of the result's dtype, as PyTorch's do; the others convert.
EXACT_OUT = frozenset("""
abs addbmm addmm addmv alias_copy amax amin arange argmax argmin as_strided_copy baddbmm bitwise_not bmm bucketize ceil conj_physical
cross cummax cummin cumprod cumsum diag diagonal_copy diff dot expand_copy eye floor frac frexp heaviside histc histogram index_add
index_copy index_reduce inner isin isneginf isposinf lerp linalg.lu_solve linear linspace log_softmax logcumsumexp logsigmoid logspace
matmul max min mm mode msort mv nan_to_num nanquantile narrow_copy native_batch_norm neg nonzero norm ormqr permute_copy qr quantile
renorm round scatter scatter_add searchsorted select_copy sgn sign signbit slice_scatter softmax softplus softshrink hardshrink gelu sort
split_copy split_with_sizes_copy squeeze_copy svd t_copy tensordot topk transpose_copy triangular_solve tril triu trunc unbind_copy
unfold_copy unsqueeze_copy vdot view_copy where avg_pool2d avg_pool3d
""".split())
