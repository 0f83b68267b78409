"""The operations in the namespace pyxtorch.

Written by tools/names.py from the tables of the families; do not edit.
"""
from pyxtorch import _gate
from pyxtorch.ops import elementwise as _elementwise
from pyxtorch.ops import elementwise_arithmetic as _elementwise_arithmetic
from pyxtorch.ops import elementwise_math as _elementwise_math
from pyxtorch.ops import elementwise_pair as _elementwise_pair
from pyxtorch.ops import elementwise_select as _elementwise_select
from pyxtorch.ops import matmul as _matmul
from pyxtorch.ops import random_dropout as _random_dropout
from pyxtorch.ops import shape_copy as _shape_copy
from pyxtorch.ops import shape_inplace as _shape_inplace
from pyxtorch.ops import special as _special
from pyxtorch.ops.conv import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d, convolution
from pyxtorch.ops.conv_composed import conv_tbc
from pyxtorch.ops.create import (
    arange, as_tensor_ as as_tensor, asarray, empty, empty_like, empty_permuted, empty_strided, eye, from_numpy, frombuffer, full,
    full_like, linspace, logspace, ones, ones_like, range_ as range, scalar_tensor, tensor, zeros, zeros_like,
)
from pyxtorch.ops.create_legacy import from_file
from pyxtorch.ops.elementwise import add, mul, multiply, neg, negative, sub, subtract, true_divide
from pyxtorch.ops.elementwise_activation import celu, celu_, hardshrink, prelu, relu, relu_, selu, selu_, threshold, threshold_
from pyxtorch.ops.elementwise_arithmetic import (
    abs, abs_, absolute, addcdiv, addcmul, div, divide, float_power, floor_divide, fmod, lerp, positive, pow, remainder, rsub, sgn,
    sign, square,
)
from pyxtorch.ops.elementwise_compare import (
    allclose, bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor, eq, equal, ge, greater,
    greater_equal, gt, isclose, isnan, le, less, less_equal, logical_and, logical_not, logical_or, logical_xor, lt, ne, not_equal,
)
from pyxtorch.ops.elementwise_composed import rrelu, rrelu_
from pyxtorch.ops.elementwise_math import (
    acos, acosh, angle, arccos, arccosh, arcsin, arcsinh, arctan, arctanh, asin, asinh, atan, atanh, ceil, cos, cosh, deg2rad, erf,
    erfc, exp, exp2, expm1, fix, floor, frac, frexp, isfinite, isinf, isneginf, isposinf, isreal, log, log10, log1p, log2, logit,
    nan_to_num, rad2deg, reciprocal, round, rsqrt, sigmoid, signbit, sin, sinc, sinh, sqrt, tan, tanh, trunc,
)
from pyxtorch.ops.elementwise_pair import (
    arctan2, atan2, complex, copysign, gcd, heaviside, hypot, lcm, ldexp, logaddexp, logaddexp2, nextafter, polar, xlogy,
)
from pyxtorch.ops.elementwise_select import (
    clamp, clamp_, clamp_max, clamp_min, clip, clamp_ as clip_, fill, fill_, fmax, fmin, maximum, minimum, where, zero_,
)
from pyxtorch.ops.embedding import torch_embedding as embedding, embedding_bag, embedding_renorm_
from pyxtorch.ops.fft_short import istft, stft
from pyxtorch.ops.index import index_put, index_put_
from pyxtorch.ops.index_gather import gather, index_reduce, scatter, scatter_add, scatter_reduce, take_along_dim
from pyxtorch.ops.index_masked import (
    argwhere, as_strided_scatter, diagonal_scatter, masked_fill, masked_scatter, masked_select, nonzero, nonzero_static,
    repeat_interleave, select_scatter, slice_scatter, tril, tril_indices, triu, triu_indices, unravel_index,
)
from pyxtorch.ops.index_slices import index_add, index_copy, index_fill, index_select, put, take
from pyxtorch.ops.linalg import cholesky_old as cholesky, cholesky_inverse, cholesky_solve, inv as inverse, triangular_solve
from pyxtorch.ops.linalg_distance import cdist
from pyxtorch.ops.linalg_eigen import (
    det, logdet, matrix_exp, pca_lowrank, pinverse, slogdet_old as slogdet, svd_old as svd, svd_lowrank,
)
from pyxtorch.ops.linalg_factor import (
    geqrf, lu_old as lu, lu_solve_old as lu_solve, lu_unpack, householder_product as orgqr, ormqr, qr_old as qr,
)
from pyxtorch.ops.linalg_legacy import (
    btrifact, btrisolve, cinv, cmax, cmin, eig, gels, gesv, potrf, potri, potrs, pstrf, symeig, trtrs, unfold,
)
from pyxtorch.ops.linalg_norm import cross_old as cross, frobenius_norm, matrix_power, nuclear_norm, renorm, vander_old as vander
from pyxtorch.ops.loss import binary_cross_entropy_with_logits, kl_div
from pyxtorch.ops.loss_composed import (
    cosine_embedding_loss, ctc_loss, hinge_embedding_loss, margin_ranking_loss, poisson_nll_loss, triplet_margin_loss,
)
from pyxtorch.ops.matmul import (
    addbmm, addmm, addmv, addr, baddbmm, bmm, dot, mm as dsmm, ger, matmul, mm, mv, outer, addmm as saddmm, mm as spmm, vdot,
)
from pyxtorch.ops.matmul_contract import bilinear, chain_matmul, einsum, inner, kron, tensordot
from pyxtorch.ops.norm import (
    batch_norm, group_norm, instance_norm, layer_norm, native_batch_norm, native_group_norm, native_layer_norm, rms_norm,
)
from pyxtorch.ops.norm_composed import cosine_similarity, pairwise_distance, pdist
from pyxtorch.ops.pool import (
    adaptive_avg_pool1d, adaptive_max_pool1d, avg_pool1d, max_pool1d, max_pool1d_with_indices, max_pool2d, max_pool3d,
)
from pyxtorch.ops.random import (
    Generator, bernoulli, binomial, default_generator, get_rng_state, initial_seed, manual_seed, multinomial, normal, poisson, rand,
    rand_like, randint, randint_like, randn, randn_like, randperm, seed, set_rng_state,
)
from pyxtorch.ops.random_dropout import (
    torch_alpha_dropout as alpha_dropout, torch_dropout as dropout, torch_feature_alpha_dropout as feature_alpha_dropout,
    feature_dropout, native_dropout, native_dropout_backward,
)
from pyxtorch.ops.random_gamma import _dirichlet_grad, _sample_dirichlet, _standard_gamma, _standard_gamma_grad
from pyxtorch.ops.reduce import (
    all, amax, amin, aminmax, any, argmax, argmin, count_nonzero, max, mean, min, nanmean, nansum, prod, sum,
)
from pyxtorch.ops.reduce_composed import hash_tensor
from pyxtorch.ops.reduce_norm import dist, logsumexp, norm, std, std_mean, var, var_mean
from pyxtorch.ops.reduce_statistics import corrcoef, cov
from pyxtorch.ops.resample import grid_sampler, grid_sampler_2d, grid_sampler_3d
from pyxtorch.ops.rnn import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
from pyxtorch.ops.rnn_layers import gru, lstm, rnn_relu, rnn_tanh
from pyxtorch.ops.scan import cummax, cummin, cumprod, cumsum, cumulative_trapezoid, diff, gradient, logcumsumexp, trapezoid, trapz
from pyxtorch.ops.shape import (
    adjoint, broadcast_shapes, broadcast_tensors, broadcast_to, flatten, moveaxis, movedim, permute, ravel, reshape, squeeze,
    swapaxes, swapdims, t, transpose, unflatten, unsqueeze,
)
from pyxtorch.ops.shape_copied import col_indices_copy, crow_indices_copy, indices_copy, slice_copy, values_copy
from pyxtorch.ops.shape_copy import (
    clone, conj, conj_physical, detach, imag, real, resolve_conj, resolve_neg, view_as_complex, view_as_real,
)
from pyxtorch.ops.shape_diagonal import diag, diag_embed, diagflat, fliplr, flipud, rot90, trace
from pyxtorch.ops.shape_join import (
    cat, chunk, concat, concatenate, flip, roll, split, split_with_sizes, stack, tensor_split, tile, unbind, chunk as unsafe_chunk,
    split as unsafe_split, split_with_sizes as unsafe_split_with_sizes,
)
from pyxtorch.ops.shape_memory import (
    detach_, get_device, is_conj, is_inference, is_neg, is_nonzero, is_same_size, is_signed, resize_as_,
)
from pyxtorch.ops.shape_pad import constant_pad_nd
from pyxtorch.ops.shape_part import as_strided, diagonal, narrow, select
from pyxtorch.ops.shape_rearrange import channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle
from pyxtorch.ops.shape_stack import (
    atleast_1d, atleast_2d, atleast_3d, block_diag, cartesian_prod, column_stack, combinations, dsplit, dstack, hsplit, hstack,
    meshgrid, row_stack, vsplit, vstack,
)
from pyxtorch.ops.softmax import log_softmax, softmax
from pyxtorch.ops.sort import (
    argsort, bincount, bucketize, histc, histogram, histogramdd, isin, kthvalue, median, mode, msort, nanmedian, nanquantile,
    quantile, searchsorted, sort, topk, unique, unique_consecutive,
)
from pyxtorch.ops.sparse import (
    hspmm as hsmm, hspmm, resize_as_sparse_, smm, sparse_compressed_tensor, sparse_coo_tensor, sparse_csc_tensor, sparse_csr_tensor,
    sspaddmm,
)
from pyxtorch.ops.special import digamma, erfinv, i0, igamma, igammac, lgamma, mvlgamma, polygamma
from pyxtorch.ops.special_window import bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window

neg_ = _elementwise.methods["neg_"]
negative_ = _elementwise.methods["negative_"]
square_ = _elementwise_arithmetic.methods["square_"]
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
gcd_ = _elementwise_pair.methods["gcd_"]
lcm_ = _elementwise_pair.methods["lcm_"]
ldexp_ = _elementwise_pair.methods["ldexp_"]
xlogy_ = _elementwise_pair.methods["xlogy_"]
clamp_max_ = _elementwise_select.methods["clamp_max_"]
clamp_min_ = _elementwise_select.methods["clamp_min_"]
addmv_ = _matmul.methods["addmv_"]
alpha_dropout_ = _random_dropout.exports["alpha_dropout_"]
dropout_ = _random_dropout.exports["dropout_"]
feature_alpha_dropout_ = _random_dropout.exports["feature_alpha_dropout_"]
feature_dropout_ = _random_dropout.exports["feature_dropout_"]
alias_copy = _shape_copy.exports["alias_copy"]
as_strided_copy = _shape_copy.exports["as_strided_copy"]
detach_copy = _shape_copy.exports["detach_copy"]
diagonal_copy = _shape_copy.exports["diagonal_copy"]
expand_copy = _shape_copy.exports["expand_copy"]
narrow_copy = _shape_copy.exports["narrow_copy"]
permute_copy = _shape_copy.exports["permute_copy"]
select_copy = _shape_copy.exports["select_copy"]
split_copy = _shape_copy.exports["split_copy"]
split_with_sizes_copy = _shape_copy.exports["split_with_sizes_copy"]
squeeze_copy = _shape_copy.exports["squeeze_copy"]
t_copy = _shape_copy.exports["t_copy"]
transpose_copy = _shape_copy.exports["transpose_copy"]
unbind_copy = _shape_copy.exports["unbind_copy"]
unfold_copy = _shape_copy.exports["unfold_copy"]
unsqueeze_copy = _shape_copy.exports["unsqueeze_copy"]
view_as_complex_copy = _shape_copy.exports["view_as_complex_copy"]
view_as_real_copy = _shape_copy.exports["view_as_real_copy"]
view_copy = _shape_copy.exports["view_copy"]
conj_physical_ = _shape_copy.methods["conj_physical_"]
as_strided_ = _shape_inplace.methods["as_strided_"]
i0_ = _special.methods["i0_"]

__all__ = [
    "Generator", "_dirichlet_grad", "_sample_dirichlet", "_standard_gamma", "_standard_gamma_grad", "abs", "abs_", "absolute",
    "acos", "acos_", "acosh", "acosh_", "adaptive_avg_pool1d", "adaptive_max_pool1d", "add", "addbmm", "addcdiv", "addcmul",
    "addmm", "addmv", "addmv_", "addr", "adjoint", "alias_copy", "all", "allclose", "alpha_dropout", "alpha_dropout_", "amax",
    "amin", "aminmax", "angle", "any", "arange", "arccos", "arccos_", "arccosh", "arccosh_", "arcsin", "arcsin_", "arcsinh",
    "arcsinh_", "arctan", "arctan2", "arctan_", "arctanh", "arctanh_", "argmax", "argmin", "argsort", "argwhere", "as_strided",
    "as_strided_", "as_strided_copy", "as_strided_scatter", "as_tensor", "asarray", "asin", "asin_", "asinh", "asinh_", "atan",
    "atan2", "atan_", "atanh", "atanh_", "atleast_1d", "atleast_2d", "atleast_3d", "avg_pool1d", "baddbmm", "bartlett_window",
    "batch_norm", "bernoulli", "bilinear", "binary_cross_entropy_with_logits", "bincount", "binomial", "bitwise_and",
    "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "blackman_window", "block_diag", "bmm",
    "broadcast_shapes", "broadcast_tensors", "broadcast_to", "btrifact", "btrisolve", "bucketize", "cartesian_prod", "cat", "cdist",
    "ceil", "ceil_", "celu", "celu_", "chain_matmul", "channel_shuffle", "cholesky", "cholesky_inverse", "cholesky_solve", "chunk",
    "cinv", "clamp", "clamp_", "clamp_max", "clamp_max_", "clamp_min", "clamp_min_", "clip", "clip_", "clone", "cmax", "cmin",
    "col_indices_copy", "column_stack", "combinations", "complex", "concat", "concatenate", "conj", "conj_physical",
    "conj_physical_", "constant_pad_nd", "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "convolution", "copysign", "corrcoef", "cos", "cos_", "cosh", "cosh_", "cosine_embedding_loss",
    "cosine_similarity", "count_nonzero", "cov", "cross", "crow_indices_copy", "ctc_loss", "cummax", "cummin", "cumprod", "cumsum",
    "cumulative_trapezoid", "default_generator", "deg2rad", "deg2rad_", "det", "detach", "detach_", "detach_copy", "diag",
    "diag_embed", "diagflat", "diagonal", "diagonal_copy", "diagonal_scatter", "diff", "digamma", "dist", "div", "divide", "dot",
    "dropout", "dropout_", "dsmm", "dsplit", "dstack", "eig", "einsum", "embedding", "embedding_bag", "embedding_renorm_", "empty",
    "empty_like", "empty_permuted", "empty_strided", "eq", "equal", "erf", "erf_", "erfc", "erfc_", "erfinv", "exp", "exp2",
    "exp2_", "exp_", "expand_copy", "expm1", "expm1_", "eye", "feature_alpha_dropout", "feature_alpha_dropout_", "feature_dropout",
    "feature_dropout_", "fill", "fill_", "fix", "fix_", "flatten", "flip", "fliplr", "flipud", "float_power", "floor", "floor_",
    "floor_divide", "fmax", "fmin", "fmod", "frac", "frac_", "frexp", "frobenius_norm", "from_file", "from_numpy", "frombuffer",
    "full", "full_like", "gather", "gcd", "gcd_", "ge", "gels", "geqrf", "ger", "gesv", "get_device", "get_rng_state", "gradient",
    "greater", "greater_equal", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d", "group_norm", "gru", "gru_cell", "gt",
    "hamming_window", "hann_window", "hardshrink", "hash_tensor", "heaviside", "hinge_embedding_loss", "histc", "histogram",
    "histogramdd", "hsmm", "hsplit", "hspmm", "hstack", "hypot", "i0", "i0_", "igamma", "igammac", "imag", "index_add",
    "index_copy", "index_fill", "index_put", "index_put_", "index_reduce", "index_select", "indices_copy", "initial_seed", "inner",
    "instance_norm", "inverse", "is_conj", "is_inference", "is_neg", "is_nonzero", "is_same_size", "is_signed", "isclose",
    "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal", "istft", "kaiser_window", "kl_div", "kron", "kthvalue",
    "layer_norm", "lcm", "lcm_", "ldexp", "ldexp_", "le", "lerp", "less", "less_equal", "lgamma", "linspace", "log", "log10",
    "log10_", "log1p", "log1p_", "log2", "log2_", "log_", "log_softmax", "logaddexp", "logaddexp2", "logcumsumexp", "logdet",
    "logical_and", "logical_not", "logical_or", "logical_xor", "logit", "logit_", "logspace", "logsumexp", "lstm", "lstm_cell",
    "lt", "lu", "lu_solve", "lu_unpack", "manual_seed", "margin_ranking_loss", "masked_fill", "masked_scatter", "masked_select",
    "matmul", "matrix_exp", "matrix_power", "max", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool3d", "maximum",
    "mean", "median", "meshgrid", "min", "minimum", "mm", "mode", "moveaxis", "movedim", "msort", "mul", "multinomial", "multiply",
    "mv", "mvlgamma", "nan_to_num", "nan_to_num_", "nanmean", "nanmedian", "nanquantile", "nansum", "narrow", "narrow_copy",
    "native_batch_norm", "native_channel_shuffle", "native_dropout", "native_dropout_backward", "native_group_norm",
    "native_layer_norm", "ne", "neg", "neg_", "negative", "negative_", "nextafter", "nonzero", "nonzero_static", "norm", "normal",
    "not_equal", "nuclear_norm", "ones", "ones_like", "orgqr", "ormqr", "outer", "pairwise_distance", "pca_lowrank", "pdist",
    "permute", "permute_copy", "pinverse", "pixel_shuffle", "pixel_unshuffle", "poisson", "poisson_nll_loss", "polar", "polygamma",
    "positive", "potrf", "potri", "potrs", "pow", "prelu", "prod", "pstrf", "put", "qr", "quantile", "rad2deg", "rad2deg_", "rand",
    "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "range", "ravel", "real", "reciprocal",
    "reciprocal_", "relu", "relu_", "remainder", "renorm", "repeat_interleave", "reshape", "resize_as_", "resize_as_sparse_",
    "resolve_conj", "resolve_neg", "rms_norm", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell", "roll", "rot90", "round",
    "round_", "row_stack", "rrelu", "rrelu_", "rsqrt", "rsqrt_", "rsub", "saddmm", "scalar_tensor", "scatter", "scatter_add",
    "scatter_reduce", "searchsorted", "seed", "select", "select_copy", "select_scatter", "selu", "selu_", "set_rng_state", "sgn",
    "sigmoid", "sigmoid_", "sign", "signbit", "sin", "sin_", "sinc", "sinc_", "sinh", "sinh_", "slice_copy", "slice_scatter",
    "slogdet", "smm", "softmax", "sort", "sparse_compressed_tensor", "sparse_coo_tensor", "sparse_csc_tensor", "sparse_csr_tensor",
    "split", "split_copy", "split_with_sizes", "split_with_sizes_copy", "spmm", "sqrt", "sqrt_", "square", "square_", "squeeze",
    "squeeze_copy", "sspaddmm", "stack", "std", "std_mean", "stft", "sub", "subtract", "sum", "svd", "svd_lowrank", "swapaxes",
    "swapdims", "symeig", "t", "t_copy", "take", "take_along_dim", "tan", "tan_", "tanh", "tanh_", "tensor", "tensor_split",
    "tensordot", "threshold", "threshold_", "tile", "topk", "trace", "transpose", "transpose_copy", "trapezoid", "trapz",
    "triangular_solve", "tril", "tril_indices", "triplet_margin_loss", "triu", "triu_indices", "trtrs", "true_divide", "trunc",
    "trunc_", "unbind", "unbind_copy", "unflatten", "unfold", "unfold_copy", "unique", "unique_consecutive", "unravel_index",
    "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes", "unsqueeze", "unsqueeze_copy", "values_copy", "vander", "var",
    "var_mean", "vdot", "view_as_complex", "view_as_complex_copy", "view_as_real", "view_as_real_copy", "view_copy", "vsplit",
    "vstack", "where", "xlogy", "xlogy_", "zero_", "zeros", "zeros_like",
]

_gate.operations("pyxtorch", globals(), __all__)
