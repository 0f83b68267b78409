"""Convolution of sequences whose time comes first."""
from pyxtorch.ops.conv import conv1d

__all__ = ["conv_tbc"]


def conv_tbc(input, weight, bias, pad=0):
    """conv1d of a sequence with time first: (T, N, C), weight (K, C, C_out), bias (C_out) to (T + 2 pad - K + 1, N, C_out).

    Raises:
        RuntimeError: other dimensions, or channels that do not fit.
    """
    for name, x, dims in (("input", input, 3), ("weight", weight, 3), ("bias", bias, 1)):
        if x.dim() != dims:
            raise RuntimeError(f"conv_tbc: {name} must have {dims} dimensions, got {x.dim()}: shape {list(x.shape)}")
    if input.shape[2] != weight.shape[1]:
        raise RuntimeError(f"conv_tbc: input {list(input.shape)} has {input.shape[2]} channels, but weight {list(weight.shape)} expects {weight.shape[1]}")
    return conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, 1, pad).permute(2, 0, 1).contiguous()
