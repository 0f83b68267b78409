"""Convolution whose kernel reads at places that are given: sampling, then a product of matrices."""
import math

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F
from pyxtorch.vision.ops._utils import pair

__all__ = ["DeformConv2d", "deform_conv2d"]


def deform_conv2d(input, offset, weight, bias=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), mask=None):
    """A convolution in which each element of the kernel reads from its place and an offset, between pixels bilinearly, 0 outside.

    Args:
        input: (N, C, H, W).
        offset: (N, 2 * G * kH * kW, H', W'): y and x for each of G groups of channels and each element of the kernel.
        weight: (O, C / groups, kH, kW). bias: (O).
        mask: (N, G * kH * kW, H', W'), what each value read is multiplied by; 1.
    Returns:
        (N, O, H', W').
    Raises:
        RuntimeError: shapes that do not go together.
    Source:
        Zhu et al., "Deformable ConvNets v2" (2018).
    """
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    n, c, h, w = input.shape
    o, _, kh, kw = weight.shape
    points = kh * kw
    g = offset.shape[1] // (2 * points)
    oh, ow = (h + 2 * ph - dh * (kh - 1) - 1) // sh + 1, (w + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    if g == 0 or offset.shape != (n, 2 * g * points, oh, ow) or c % g:
        raise RuntimeError(
            f"deform_conv2d: the shape of the offset tensor, {tuple(offset.shape)}, is not valid: it should be {(n, f'a multiple of {2 * points}', oh, ow)}, "
            f"and its groups should divide the {c} channels."
        )
    if c % weight.shape[1] or o % (c // weight.shape[1]):
        raise RuntimeError(f"deform_conv2d: weight {tuple(weight.shape)} does not go with {c} input channels.")
    if mask is not None and mask.shape != (n, g * points, oh, ow):
        raise RuntimeError(f"deform_conv2d: mask.shape[1] is not valid: got {tuple(mask.shape)}, expected {(n, g * points, oh, ow)}.")
    how = {"dtype": input.dtype, "device": input.device}
    ky, kx = torch.meshgrid(torch.arange(kh, **how) * dh, torch.arange(kw, **how) * dw, indexing="ij")
    shifts = offset.view(n * g, points, 2, oh, ow)
    y = shifts[:, :, 0] + (ky.reshape(-1, 1) + torch.arange(oh, **how) * sh - ph).view(points, oh, 1)
    x = shifts[:, :, 1] + (kx.reshape(-1, 1) + torch.arange(ow, **how) * sw - pw).view(points, 1, ow)
    grid = torch.stack(((2 * x + 1) / w - 1, (2 * y + 1) / h - 1), -1).view(n * g, points * oh, ow, 2)
    columns = F.grid_sample(input.reshape(n * g, c // g, h, w), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    columns = columns.view(n, g, c // g, points, oh * ow)
    if mask is not None:
        columns = columns * mask.view(n, g, 1, points, oh * ow)
    groups = c // weight.shape[1]
    result = weight.view(groups, o // groups, -1) @ columns.reshape(n, groups, -1, oh * ow)
    result = result.view(n, o, oh, ow)
    return result if bias is None else result + bias.view(1, -1, 1, 1)


class DeformConv2d(nn.Module):
    """`deform_conv2d` with its weight and bias; called with input, offset and, if wanted, mask."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True):
        super().__init__()
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.padding, self.dilation = (pair(x) for x in (kernel_size, stride, padding, dilation))
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *self.kernel_size))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_channels)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weight and bias as those of Conv2d."""
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.weight[0].numel())
            nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, input, offset, mask=None):
        return deform_conv2d(input, offset, self.weight, self.bias, self.stride, self.padding, self.dilation, mask)

    def __repr__(self):
        parts = [str(self.in_channels), str(self.out_channels), f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        usual = {"padding": (0, 0), "dilation": (1, 1), "groups": 1}
        parts += [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return f"{type(self).__name__}({', '.join(parts + ['bias=False'] * (self.bias is None))})"
