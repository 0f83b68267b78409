"""Dropout of connected blocks (Ghiasi, Lin and Le, "DropBlock: A regularization method for convolutional networks", 2018)."""
import math

import pyxtorch as torch
from pyxtorch import fx, nn
from pyxtorch.nn import functional as F

__all__ = ["DropBlock2d", "DropBlock3d", "drop_block2d", "drop_block3d"]


def _drop_block(name, input, p, block_size, inplace, eps, training, dims):
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is {p}. Give a probability, 0 to 1.")
    if input.ndim != dims + 2:
        raise ValueError(f"{name}: input has {input.ndim} dimensions, shape {tuple(input.shape)}. It needs {dims + 2}.")
    if not training or p == 0:
        return input
    space = input.shape[2:]
    block_size = min(block_size, *space)
    places = [n - block_size + 1 for n in space]
    gamma = p * math.prod(space) / (block_size**dims * math.prod(places))
    dropped = torch.empty((*input.shape[:2], *places), dtype=input.dtype, device=input.device).bernoulli_(gamma)
    dropped = F.pad(dropped, [block_size // 2] * (2 * dims), value=0)
    pool = F.max_pool2d if dims == 2 else F.max_pool3d
    kept = 1 - pool(dropped, block_size, stride=1, padding=block_size // 2)
    kept = kept[(..., *(slice(n) for n in space))]  # even blocks reach beyond
    scale = kept.numel() / (eps + kept.sum())
    return input.mul_(kept).mul_(scale) if inplace else input * kept * scale


def drop_block2d(input, p, block_size, inplace=False, eps=1e-6, training=True):
    """Set squares of `block_size` to zero, a share `p` of the elements, and scale what stays by what is left.

    Args:
        input: shape (N, C, H, W).
        eps: added to the number of elements kept, which is divided by.
    """
    return _drop_block("drop_block2d", input, p, block_size, inplace, eps, training, 2)


def drop_block3d(input, p, block_size, inplace=False, eps=1e-6, training=True):
    """Set cubes of `block_size` to zero: `drop_block2d` for inputs (N, C, D, H, W)."""
    return _drop_block("drop_block3d", input, p, block_size, inplace, eps, training, 3)


fx.wrap("drop_block2d")
fx.wrap("drop_block3d")


class DropBlock2d(nn.Module):
    """`drop_block2d` while the module trains."""

    def __init__(self, p, block_size, inplace=False, eps=1e-6):
        super().__init__()
        self.p, self.block_size, self.inplace, self.eps = p, block_size, inplace, eps

    def forward(self, input):
        return drop_block2d(input, self.p, self.block_size, self.inplace, self.eps, self.training)

    def __repr__(self):
        return f"{type(self).__name__}(p={self.p}, block_size={self.block_size}, inplace={self.inplace})"


class DropBlock3d(DropBlock2d):
    """`drop_block3d` while the module trains."""

    def forward(self, input):
        return drop_block3d(input, self.p, self.block_size, self.inplace, self.eps, self.training)
