"""torch.nn.functional: the operations of networks as functions.

Written by tools/names.py from the tables of the families; do not edit.
"""
from pyxtorch import _gate
from pyxtorch._names.torch import (
    adaptive_avg_pool1d, avg_pool1d, bilinear, celu_, channel_shuffle, conv1d, conv2d, conv3d, conv_tbc, conv_transpose1d,
    conv_transpose2d, conv_transpose3d, cosine_similarity, hardshrink, native_channel_shuffle, pairwise_distance, pdist,
    pixel_shuffle, pixel_unshuffle, prelu, relu_, rrelu_, selu_, threshold_,
)
from pyxtorch.ops.attention import scaled_dot_product_attention
from pyxtorch.ops.attention_multihead import multi_head_attention_forward
from pyxtorch.ops.elementwise_activation import (
    celu, elu, elu_, gelu, hardsigmoid, hardswish, hardtanh, hardtanh_, leaky_relu, leaky_relu_, logsigmoid, mish, relu, relu6,
    selu, silu, softplus, softshrink, softsign, tanhshrink, threshold,
)
from pyxtorch.ops.elementwise_composed import glu, gumbel_softmax, rrelu
from pyxtorch.ops.elementwise_math import sigmoid, tanh
from pyxtorch.ops.embedding import embedding, embedding_bag, one_hot
from pyxtorch.ops.loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, huber_loss, kl_div, l1_loss, mse_loss, nll_loss,
    smooth_l1_loss,
)
from pyxtorch.ops.loss_composed import (
    cosine_embedding_loss, ctc_loss, gaussian_nll_loss, hinge_embedding_loss, linear_cross_entropy, margin_ranking_loss,
    multi_margin_loss, multilabel_margin_loss, multilabel_soft_margin_loss, poisson_nll_loss, soft_margin_loss, triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from pyxtorch.ops.matmul import linear
from pyxtorch.ops.matmul_grouped import grouped_mm
from pyxtorch.ops.norm import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from pyxtorch.ops.norm_composed import local_response_norm, normalize
from pyxtorch.ops.pool import (
    adaptive_avg_pool2d, adaptive_avg_pool3d, adaptive_max_pool1d, adaptive_max_pool1d_with_indices, adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices, adaptive_max_pool3d, adaptive_max_pool3d_with_indices, avg_pool2d, avg_pool3d,
    fractional_max_pool2d, fractional_max_pool2d_with_indices, fractional_max_pool3d, fractional_max_pool3d_with_indices, lp_pool1d,
    lp_pool2d, lp_pool3d, max_pool1d, max_pool1d_with_indices, max_pool2d, max_pool2d_with_indices, max_pool3d,
    max_pool3d_with_indices, max_unpool1d, max_unpool2d, max_unpool3d,
)
from pyxtorch.ops.random_dropout import alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout
from pyxtorch.ops.resample import (
    affine_grid, grid_sample, grid_sampler, grid_sampler_2d, grid_sampler_3d, interpolate, upsample, upsample_bilinear,
    upsample_nearest,
)
from pyxtorch.ops.shape_pad import pad
from pyxtorch.ops.shape_rearrange import fold, unfold
from pyxtorch.ops.softmax import log_softmax, softmax, softmin

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices",
    "affine_grid", "alpha_dropout", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_norm", "bilinear", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "celu", "celu_", "channel_shuffle", "conv1d", "conv2d", "conv3d", "conv_tbc",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_embedding_loss", "cosine_similarity", "cross_entropy",
    "ctc_loss", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "elu_", "embedding", "embedding_bag",
    "feature_alpha_dropout", "fold", "fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices", "gaussian_nll_loss", "gelu", "glu", "grid_sample", "grid_sampler", "grid_sampler_2d",
    "grid_sampler_3d", "group_norm", "grouped_mm", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "hardtanh_", "hinge_embedding_loss", "huber_loss", "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm",
    "leaky_relu", "leaky_relu_", "linear", "linear_cross_entropy", "local_response_norm", "log_softmax", "logsigmoid", "lp_pool1d",
    "lp_pool2d", "lp_pool3d", "margin_ranking_loss", "max_pool1d", "max_pool1d_with_indices", "max_pool2d",
    "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices", "max_unpool1d", "max_unpool2d", "max_unpool3d", "mish",
    "mse_loss", "multi_head_attention_forward", "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss",
    "native_channel_shuffle", "nll_loss", "normalize", "one_hot", "pad", "pairwise_distance", "pdist", "pixel_shuffle",
    "pixel_unshuffle", "poisson_nll_loss", "prelu", "relu", "relu6", "relu_", "rms_norm", "rrelu", "rrelu_",
    "scaled_dot_product_attention", "selu", "selu_", "sigmoid", "silu", "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin",
    "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold", "threshold_", "triplet_margin_loss",
    "triplet_margin_with_distance_loss", "unfold", "upsample", "upsample_bilinear", "upsample_nearest",
]

_gate.operations("pyxtorch.nn.functional", globals(), __all__)


def __getattr__(name):
    if name in ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"):  # as in PyTorch, which imports them here
        return getattr(_gate, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
