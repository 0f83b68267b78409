"""Folding a batch normalisation in evaluation into the layer before it."""
import copy

from pyxtorch.nn.parameter import Parameter


def _factor_and_shift(mean, var, eps, weight, bias):
    factor = (var + eps).rsqrt()
    if weight is not None:
        factor = factor * weight
    shift = -mean * factor
    return factor, shift if bias is None else shift + bias


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """Weight and bias of a convolution that does what it and a following norm did."""
    factor, shift = _factor_and_shift(bn_rm, bn_rv, bn_eps, bn_w, bn_b)
    shape = [1] * conv_w.dim()
    shape[1 if transpose else 0] = -1
    bias = shift if conv_b is None else conv_b * factor + shift
    weight = (conv_w * factor.reshape(shape)).to(conv_w.dtype)
    return Parameter(weight.detach(), conv_w.requires_grad), Parameter(bias.to(conv_w.dtype).detach(), conv_w.requires_grad)


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """Weight and bias of a linear map that does what it and a following norm did."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _fuse(layer, bn, transpose=False):
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    fused = copy.deepcopy(layer)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """A copy of `conv` that includes `bn`; both must be in evaluation mode."""
    return _fuse(conv, bn, transpose)


def fuse_linear_bn_eval(linear, bn):
    """A copy of `linear` that includes `bn`; both must be in evaluation mode."""
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1")
    return _fuse(linear, bn)
