"""The operations that are methods of Tensor; tensor.pyx attaches them.

Written by tools/names.py from the tables of the families; do not edit.
"""
from pyxtorch.ops import elementwise as _elementwise
from pyxtorch.ops import elementwise_arithmetic as _elementwise_arithmetic
from pyxtorch.ops import elementwise_compare as _elementwise_compare
from pyxtorch.ops import elementwise_math as _elementwise_math
from pyxtorch.ops import elementwise_pair as _elementwise_pair
from pyxtorch.ops import elementwise_select as _elementwise_select
from pyxtorch.ops import index_gather as _index_gather
from pyxtorch.ops import index_masked as _index_masked
from pyxtorch.ops import index_slices as _index_slices
from pyxtorch.ops import linalg_norm as _linalg_norm
from pyxtorch.ops import matmul as _matmul
from pyxtorch.ops import scan as _scan
from pyxtorch.ops import shape_copy as _shape_copy
from pyxtorch.ops import shape_inplace as _shape_inplace
from pyxtorch.ops import sparse as _sparse
from pyxtorch.ops import special as _special
from pyxtorch.ops.create import new_empty_ as new_empty, new_empty_strided, new_full, new_ones, new_tensor, new_zeros
from pyxtorch.ops.create_exchange import (
    array as __array__, array_wrap as __array_wrap__, deepcopy as __deepcopy__, dlpack as __dlpack__, dlpack_device as
    __dlpack_device__, reduce_ex as __reduce_ex__, item, numpy_ as numpy, tolist,
)
from pyxtorch.ops.create_legacy import storage as _typed_storage, new, storage, storage_type, type_ as type
from pyxtorch.ops.create_neighbours import array_function as __array_function__, array_namespace as __array_namespace__, to_device
from pyxtorch.ops.elementwise import (
    add, add_, mul, mul_, multiply, mul_ as multiply_, neg, negative, sub, sub_, subtract, sub_ as subtract_, true_divide,
)
from pyxtorch.ops.elementwise_activation import hardshrink, prelu, relu, relu_
from pyxtorch.ops.elementwise_arithmetic import (
    abs, abs_, absolute, abs_ as absolute_, addcdiv, addcmul, div, div_, divide, div_ as divide_, float_power, float_power_,
    floor_divide, fmod, lerp, positive, pow, remainder, sgn, sign, square,
)
from pyxtorch.ops.elementwise_compare import (
    allclose, bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor, eq, equal, ge, greater,
    greater_equal, gt, isclose, isnan, le, less, less_equal, logical_and, logical_not, logical_or, logical_xor, lt, ne, not_equal,
)
from pyxtorch.ops.elementwise_math import (
    acos, acosh, angle, arccos, arccosh, arcsin, arcsinh, arctan, arctanh, asin, asinh, atan, atanh, ceil, cos, cosh, deg2rad, erf,
    erfc, exp, exp2, expm1, fix, floor, frac, frexp, isfinite, isinf, isneginf, isposinf, isreal, log, log10, log1p, log2, logit,
    nan_to_num, rad2deg, reciprocal, round, rsqrt, sigmoid, signbit, sin, sinc, sinh, sqrt, tan, tanh, trunc,
)
from pyxtorch.ops.elementwise_pair import (
    arctan2, atan2, copysign, gcd, heaviside, hypot, lcm, ldexp, logaddexp, logaddexp2, nextafter, xlogy,
)
from pyxtorch.ops.elementwise_select import (
    clamp, clamp_, clamp_max, clamp_min, clip, clamp_ as clip_, fill_, fmax, fmin, maximum, minimum, where_method as where, zero_,
)
from pyxtorch.ops.fft_short import istft, stft
from pyxtorch.ops.index import index_put, index_put_
from pyxtorch.ops.index_gather import (
    gather, index_reduce, scatter, scatter_, scatter_add, scatter_add_, scatter_reduce, take_along_dim,
)
from pyxtorch.ops.index_masked import (
    argwhere, as_strided_scatter, diagonal_scatter, masked_fill, masked_fill_, masked_scatter, masked_select, nonzero,
    nonzero_static, repeat_interleave, select_scatter, slice_scatter, tril, triu,
)
from pyxtorch.ops.index_slices import (
    index_add, index_add_, index_copy, index_copy_, index_fill, index_fill_, index_select, put, take,
)
from pyxtorch.ops.linalg import cholesky_old as cholesky, cholesky_inverse, cholesky_solve, inv as inverse, triangular_solve
from pyxtorch.ops.linalg_eigen import det, logdet, matrix_exp, pinverse, slogdet_old as slogdet, svd_old as svd
from pyxtorch.ops.linalg_factor import (
    geqrf, lu_old as lu, lu_solve_old as lu_solve, householder_product as orgqr, ormqr, qr_old as qr,
)
from pyxtorch.ops.linalg_legacy import (
    btrifact, cinv, cinv_, cmax, cmax_, cmin, cmin_, eig, gels, gesv, masked_copy_, nnz, potrf, potri, potrs, pstrf, reinforce,
    spadd, symeig, trtrs,
)
from pyxtorch.ops.linalg_norm import cross_old as cross, matrix_power, renorm
from pyxtorch.ops.matmul import addbmm, addmm, addmv, addr, baddbmm, bmm, dot, ger, matmul, mm, mv, outer, vdot
from pyxtorch.ops.matmul_contract import inner, kron
from pyxtorch.ops.random import (
    bernoulli, bernoulli_, cauchy_, exponential_, geometric_, log_normal_, multinomial, normal_, random_, uniform_,
)
from pyxtorch.ops.reduce import (
    all, amax, amin, aminmax, any, argmax, argmin, count_nonzero, max, mean, min, nanmean, nansum, prod, sum,
)
from pyxtorch.ops.reduce_composed import hash_tensor
from pyxtorch.ops.reduce_norm import dist, logsumexp, norm, std, var
from pyxtorch.ops.reduce_statistics import corrcoef, cov
from pyxtorch.ops.scan import cummax, cummin, cumprod, cumsum, diff, logcumsumexp
from pyxtorch.ops.shape import (
    adjoint, broadcast_to, expand, expand_as, flatten, moveaxis, movedim, permute, ravel, reshape, reshape_as_ as reshape_as,
    squeeze, sum_to_size, swapaxes, swapdims, t, transpose, unflatten, unsqueeze, view, view_as,
)
from pyxtorch.ops.shape_copy import (
    clone, conj, conj_physical, contiguous_ as contiguous, copy_, cpu, cuda, detach, resolve_conj, resolve_neg, to, type_as,
)
from pyxtorch.ops.shape_diagonal import diag, diag_embed, diagflat, fill_diagonal_, fliplr, flipud, rot90, trace
from pyxtorch.ops.shape_facts import const_data_ptr, dim_order, index, module_load
from pyxtorch.ops.shape_join import (
    chunk, flip, repeat, roll, split, split_with_sizes, tensor_split, tile, unbind, chunk as unsafe_chunk, split as unsafe_split,
    split_with_sizes as unsafe_split_with_sizes,
)
from pyxtorch.ops.shape_memory import (
    apply_, data_ptr, detach_, element_size, get_device, is_complex, is_conj, is_floating_point, is_inference, is_neg, is_nonzero,
    is_pinned, is_same_size, is_set_to, is_shared, is_signed, map_, pin_memory, resize_, resize_as_, set_, share_memory_,
    storage_offset, stride, untyped_storage,
)
from pyxtorch.ops.shape_part import as_strided, as_strided_gather_like, as_strided_scatter_like, diagonal, narrow, select, unfold
from pyxtorch.ops.shape_stack import dsplit, hsplit, vsplit
from pyxtorch.ops.softmax import log_softmax, softmax
from pyxtorch.ops.sort import (
    argsort, bincount, histc, histogram, isin, kthvalue, median, mode, msort, nanmedian, nanquantile, quantile, sort, topk, unique,
    unique_consecutive,
)
from pyxtorch.ops.sparse import (
    sparse_dim as _dimI, dense_dim as _dimV, dense_dim, resize_as_sparse_, smm, sparse_dim, sparse_mask, sspaddmm, to_dense,
    to_padded_tensor, to_sparse, to_sparse_coo, to_sparse_csc, to_sparse_csr,
)
from pyxtorch.ops.special import digamma, erfinv, i0, igamma, igammac, lgamma, mvlgamma, _polygamma_method as polygamma

neg_ = _elementwise.methods["neg_"]
negative_ = _elementwise.methods["negative_"]
true_divide_ = _elementwise.methods["true_divide_"]
addcdiv_ = _elementwise_arithmetic.methods["addcdiv_"]
addcmul_ = _elementwise_arithmetic.methods["addcmul_"]
floor_divide_ = _elementwise_arithmetic.methods["floor_divide_"]
fmod_ = _elementwise_arithmetic.methods["fmod_"]
lerp_ = _elementwise_arithmetic.methods["lerp_"]
pow_ = _elementwise_arithmetic.methods["pow_"]
remainder_ = _elementwise_arithmetic.methods["remainder_"]
sgn_ = _elementwise_arithmetic.methods["sgn_"]
sign_ = _elementwise_arithmetic.methods["sign_"]
square_ = _elementwise_arithmetic.methods["square_"]
bitwise_and_ = _elementwise_compare.methods["bitwise_and_"]
bitwise_left_shift_ = _elementwise_compare.methods["bitwise_left_shift_"]
bitwise_not_ = _elementwise_compare.methods["bitwise_not_"]
bitwise_or_ = _elementwise_compare.methods["bitwise_or_"]
bitwise_right_shift_ = _elementwise_compare.methods["bitwise_right_shift_"]
bitwise_xor_ = _elementwise_compare.methods["bitwise_xor_"]
eq_ = _elementwise_compare.methods["eq_"]
ge_ = _elementwise_compare.methods["ge_"]
greater_ = _elementwise_compare.methods["greater_"]
greater_equal_ = _elementwise_compare.methods["greater_equal_"]
gt_ = _elementwise_compare.methods["gt_"]
le_ = _elementwise_compare.methods["le_"]
less_ = _elementwise_compare.methods["less_"]
less_equal_ = _elementwise_compare.methods["less_equal_"]
logical_and_ = _elementwise_compare.methods["logical_and_"]
logical_not_ = _elementwise_compare.methods["logical_not_"]
logical_or_ = _elementwise_compare.methods["logical_or_"]
logical_xor_ = _elementwise_compare.methods["logical_xor_"]
lt_ = _elementwise_compare.methods["lt_"]
ne_ = _elementwise_compare.methods["ne_"]
not_equal_ = _elementwise_compare.methods["not_equal_"]
acos_ = _elementwise_math.methods["acos_"]
acosh_ = _elementwise_math.methods["acosh_"]
arccos_ = _elementwise_math.methods["arccos_"]
arccosh_ = _elementwise_math.methods["arccosh_"]
arcsin_ = _elementwise_math.methods["arcsin_"]
arcsinh_ = _elementwise_math.methods["arcsinh_"]
arctan_ = _elementwise_math.methods["arctan_"]
arctanh_ = _elementwise_math.methods["arctanh_"]
asin_ = _elementwise_math.methods["asin_"]
asinh_ = _elementwise_math.methods["asinh_"]
atan_ = _elementwise_math.methods["atan_"]
atanh_ = _elementwise_math.methods["atanh_"]
ceil_ = _elementwise_math.methods["ceil_"]
cos_ = _elementwise_math.methods["cos_"]
cosh_ = _elementwise_math.methods["cosh_"]
deg2rad_ = _elementwise_math.methods["deg2rad_"]
erf_ = _elementwise_math.methods["erf_"]
erfc_ = _elementwise_math.methods["erfc_"]
exp2_ = _elementwise_math.methods["exp2_"]
exp_ = _elementwise_math.methods["exp_"]
expm1_ = _elementwise_math.methods["expm1_"]
fix_ = _elementwise_math.methods["fix_"]
floor_ = _elementwise_math.methods["floor_"]
frac_ = _elementwise_math.methods["frac_"]
log10_ = _elementwise_math.methods["log10_"]
log1p_ = _elementwise_math.methods["log1p_"]
log2_ = _elementwise_math.methods["log2_"]
log_ = _elementwise_math.methods["log_"]
logit_ = _elementwise_math.methods["logit_"]
nan_to_num_ = _elementwise_math.methods["nan_to_num_"]
rad2deg_ = _elementwise_math.methods["rad2deg_"]
reciprocal_ = _elementwise_math.methods["reciprocal_"]
round_ = _elementwise_math.methods["round_"]
rsqrt_ = _elementwise_math.methods["rsqrt_"]
sigmoid_ = _elementwise_math.methods["sigmoid_"]
sin_ = _elementwise_math.methods["sin_"]
sinc_ = _elementwise_math.methods["sinc_"]
sinh_ = _elementwise_math.methods["sinh_"]
sqrt_ = _elementwise_math.methods["sqrt_"]
tan_ = _elementwise_math.methods["tan_"]
tanh_ = _elementwise_math.methods["tanh_"]
trunc_ = _elementwise_math.methods["trunc_"]
arctan2_ = _elementwise_pair.methods["arctan2_"]
atan2_ = _elementwise_pair.methods["atan2_"]
copysign_ = _elementwise_pair.methods["copysign_"]
gcd_ = _elementwise_pair.methods["gcd_"]
heaviside_ = _elementwise_pair.methods["heaviside_"]
hypot_ = _elementwise_pair.methods["hypot_"]
lcm_ = _elementwise_pair.methods["lcm_"]
ldexp_ = _elementwise_pair.methods["ldexp_"]
nextafter_ = _elementwise_pair.methods["nextafter_"]
xlogy_ = _elementwise_pair.methods["xlogy_"]
clamp_max_ = _elementwise_select.methods["clamp_max_"]
clamp_min_ = _elementwise_select.methods["clamp_min_"]
index_reduce_ = _index_gather.methods["index_reduce_"]
scatter_reduce_ = _index_gather.methods["scatter_reduce_"]
masked_scatter_ = _index_masked.methods["masked_scatter_"]
tril_ = _index_masked.methods["tril_"]
triu_ = _index_masked.methods["triu_"]
put_ = _index_slices.methods["put_"]
renorm_ = _linalg_norm.methods["renorm_"]
addbmm_ = _matmul.methods["addbmm_"]
addmm_ = _matmul.methods["addmm_"]
addmv_ = _matmul.methods["addmv_"]
addr_ = _matmul.methods["addr_"]
baddbmm_ = _matmul.methods["baddbmm_"]
cumprod_ = _scan.methods["cumprod_"]
cumsum_ = _scan.methods["cumsum_"]
bfloat16 = _shape_copy.methods["bfloat16"]
bool = _shape_copy.methods["bool"]
byte = _shape_copy.methods["byte"]
cdouble = _shape_copy.methods["cdouble"]
cfloat = _shape_copy.methods["cfloat"]
chalf = _shape_copy.methods["chalf"]
char = _shape_copy.methods["char"]
conj_physical_ = _shape_copy.methods["conj_physical_"]
double = _shape_copy.methods["double"]
float = _shape_copy.methods["float"]
half = _shape_copy.methods["half"]
int = _shape_copy.methods["int"]
long = _shape_copy.methods["long"]
narrow_copy = _shape_copy.methods["narrow_copy"]
short = _shape_copy.methods["short"]
as_strided_ = _shape_inplace.methods["as_strided_"]
squeeze_ = _shape_inplace.methods["squeeze_"]
swapaxes_ = _shape_inplace.methods["swapaxes_"]
swapdims_ = _shape_inplace.methods["swapdims_"]
t_ = _shape_inplace.methods["t_"]
transpose_ = _shape_inplace.methods["transpose_"]
unsqueeze_ = _shape_inplace.methods["unsqueeze_"]
_coalesced_ = _sparse.methods["_coalesced_"]
_indices = _sparse.methods["_indices"]
_nnz = _sparse.methods["_nnz"]
_values = _sparse.methods["_values"]
ccol_indices = _sparse.methods["ccol_indices"]
coalesce = _sparse.methods["coalesce"]
col_indices = _sparse.methods["col_indices"]
crow_indices = _sparse.methods["crow_indices"]
indices = _sparse.methods["indices"]
is_coalesced = _sparse.methods["is_coalesced"]
row_indices = _sparse.methods["row_indices"]
sparse_resize_ = _sparse.methods["sparse_resize_"]
sparse_resize_and_clear_ = _sparse.methods["sparse_resize_and_clear_"]
values = _sparse.methods["values"]
digamma_ = _special.methods["digamma_"]
erfinv_ = _special.methods["erfinv_"]
i0_ = _special.methods["i0_"]
igamma_ = _special.methods["igamma_"]
igammac_ = _special.methods["igammac_"]
lgamma_ = _special.methods["lgamma_"]
mvlgamma_ = _special.methods["mvlgamma_"]
polygamma_ = _special.methods["polygamma_"]

__all__ = [
    "__array__", "__array_function__", "__array_namespace__", "__array_wrap__", "__deepcopy__", "__dlpack__", "__dlpack_device__",
    "__reduce_ex__", "_coalesced_", "_dimI", "_dimV", "_indices", "_nnz", "_typed_storage", "_values", "abs", "abs_", "absolute",
    "absolute_", "acos", "acos_", "acosh", "acosh_", "add", "add_", "addbmm", "addbmm_", "addcdiv", "addcdiv_", "addcmul",
    "addcmul_", "addmm", "addmm_", "addmv", "addmv_", "addr", "addr_", "adjoint", "all", "allclose", "amax", "amin", "aminmax",
    "angle", "any", "apply_", "arccos", "arccos_", "arccosh", "arccosh_", "arcsin", "arcsin_", "arcsinh", "arcsinh_", "arctan",
    "arctan2", "arctan2_", "arctan_", "arctanh", "arctanh_", "argmax", "argmin", "argsort", "argwhere", "as_strided", "as_strided_",
    "as_strided_gather_like", "as_strided_scatter", "as_strided_scatter_like", "asin", "asin_", "asinh", "asinh_", "atan", "atan2",
    "atan2_", "atan_", "atanh", "atanh_", "baddbmm", "baddbmm_", "bernoulli", "bernoulli_", "bfloat16", "bincount", "bitwise_and",
    "bitwise_and_", "bitwise_left_shift", "bitwise_left_shift_", "bitwise_not", "bitwise_not_", "bitwise_or", "bitwise_or_",
    "bitwise_right_shift", "bitwise_right_shift_", "bitwise_xor", "bitwise_xor_", "bmm", "bool", "broadcast_to", "btrifact", "byte",
    "cauchy_", "ccol_indices", "cdouble", "ceil", "ceil_", "cfloat", "chalf", "char", "cholesky", "cholesky_inverse",
    "cholesky_solve", "chunk", "cinv", "cinv_", "clamp", "clamp_", "clamp_max", "clamp_max_", "clamp_min", "clamp_min_", "clip",
    "clip_", "clone", "cmax", "cmax_", "cmin", "cmin_", "coalesce", "col_indices", "conj", "conj_physical", "conj_physical_",
    "const_data_ptr", "contiguous", "copy_", "copysign", "copysign_", "corrcoef", "cos", "cos_", "cosh", "cosh_", "count_nonzero",
    "cov", "cpu", "cross", "crow_indices", "cuda", "cummax", "cummin", "cumprod", "cumprod_", "cumsum", "cumsum_", "data_ptr",
    "deg2rad", "deg2rad_", "dense_dim", "det", "detach", "detach_", "diag", "diag_embed", "diagflat", "diagonal",
    "diagonal_scatter", "diff", "digamma", "digamma_", "dim_order", "dist", "div", "div_", "divide", "divide_", "dot", "double",
    "dsplit", "eig", "element_size", "eq", "eq_", "equal", "erf", "erf_", "erfc", "erfc_", "erfinv", "erfinv_", "exp", "exp2",
    "exp2_", "exp_", "expand", "expand_as", "expm1", "expm1_", "exponential_", "fill_", "fill_diagonal_", "fix", "fix_", "flatten",
    "flip", "fliplr", "flipud", "float", "float_power", "float_power_", "floor", "floor_", "floor_divide", "floor_divide_", "fmax",
    "fmin", "fmod", "fmod_", "frac", "frac_", "frexp", "gather", "gcd", "gcd_", "ge", "ge_", "gels", "geometric_", "geqrf", "ger",
    "gesv", "get_device", "greater", "greater_", "greater_equal", "greater_equal_", "gt", "gt_", "half", "hardshrink",
    "hash_tensor", "heaviside", "heaviside_", "histc", "histogram", "hsplit", "hypot", "hypot_", "i0", "i0_", "igamma", "igamma_",
    "igammac", "igammac_", "index", "index_add", "index_add_", "index_copy", "index_copy_", "index_fill", "index_fill_",
    "index_put", "index_put_", "index_reduce", "index_reduce_", "index_select", "indices", "inner", "int", "inverse",
    "is_coalesced", "is_complex", "is_conj", "is_floating_point", "is_inference", "is_neg", "is_nonzero", "is_pinned",
    "is_same_size", "is_set_to", "is_shared", "is_signed", "isclose", "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf",
    "isreal", "istft", "item", "kron", "kthvalue", "lcm", "lcm_", "ldexp", "ldexp_", "le", "le_", "lerp", "lerp_", "less", "less_",
    "less_equal", "less_equal_", "lgamma", "lgamma_", "log", "log10", "log10_", "log1p", "log1p_", "log2", "log2_", "log_",
    "log_normal_", "log_softmax", "logaddexp", "logaddexp2", "logcumsumexp", "logdet", "logical_and", "logical_and_", "logical_not",
    "logical_not_", "logical_or", "logical_or_", "logical_xor", "logical_xor_", "logit", "logit_", "logsumexp", "long", "lt", "lt_",
    "lu", "lu_solve", "map_", "masked_copy_", "masked_fill", "masked_fill_", "masked_scatter", "masked_scatter_", "masked_select",
    "matmul", "matrix_exp", "matrix_power", "max", "maximum", "mean", "median", "min", "minimum", "mm", "mode", "module_load",
    "moveaxis", "movedim", "msort", "mul", "mul_", "multinomial", "multiply", "multiply_", "mv", "mvlgamma", "mvlgamma_",
    "nan_to_num", "nan_to_num_", "nanmean", "nanmedian", "nanquantile", "nansum", "narrow", "narrow_copy", "ne", "ne_", "neg",
    "neg_", "negative", "negative_", "new", "new_empty", "new_empty_strided", "new_full", "new_ones", "new_tensor", "new_zeros",
    "nextafter", "nextafter_", "nnz", "nonzero", "nonzero_static", "norm", "normal_", "not_equal", "not_equal_", "numpy", "orgqr",
    "ormqr", "outer", "permute", "pin_memory", "pinverse", "polygamma", "polygamma_", "positive", "potrf", "potri", "potrs", "pow",
    "pow_", "prelu", "prod", "pstrf", "put", "put_", "qr", "quantile", "rad2deg", "rad2deg_", "random_", "ravel", "reciprocal",
    "reciprocal_", "reinforce", "relu", "relu_", "remainder", "remainder_", "renorm", "renorm_", "repeat", "repeat_interleave",
    "reshape", "reshape_as", "resize_", "resize_as_", "resize_as_sparse_", "resolve_conj", "resolve_neg", "roll", "rot90", "round",
    "round_", "row_indices", "rsqrt", "rsqrt_", "scatter", "scatter_", "scatter_add", "scatter_add_", "scatter_reduce",
    "scatter_reduce_", "select", "select_scatter", "set_", "sgn", "sgn_", "share_memory_", "short", "sigmoid", "sigmoid_", "sign",
    "sign_", "signbit", "sin", "sin_", "sinc", "sinc_", "sinh", "sinh_", "slice_scatter", "slogdet", "smm", "softmax", "sort",
    "spadd", "sparse_dim", "sparse_mask", "sparse_resize_", "sparse_resize_and_clear_", "split", "split_with_sizes", "sqrt",
    "sqrt_", "square", "square_", "squeeze", "squeeze_", "sspaddmm", "std", "stft", "storage", "storage_offset", "storage_type",
    "stride", "sub", "sub_", "subtract", "subtract_", "sum", "sum_to_size", "svd", "swapaxes", "swapaxes_", "swapdims", "swapdims_",
    "symeig", "t", "t_", "take", "take_along_dim", "tan", "tan_", "tanh", "tanh_", "tensor_split", "tile", "to", "to_dense",
    "to_device", "to_padded_tensor", "to_sparse", "to_sparse_coo", "to_sparse_csc", "to_sparse_csr", "tolist", "topk", "trace",
    "transpose", "transpose_", "triangular_solve", "tril", "tril_", "triu", "triu_", "trtrs", "true_divide", "true_divide_",
    "trunc", "trunc_", "type", "type_as", "unbind", "unflatten", "unfold", "uniform_", "unique", "unique_consecutive",
    "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes", "unsqueeze", "unsqueeze_", "untyped_storage", "values", "var",
    "vdot", "view", "view_as", "vsplit", "where", "xlogy", "xlogy_", "zero_",
]
