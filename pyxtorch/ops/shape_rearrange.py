"""Rearranging pixels, channels and windows."""
from pyxtorch.ops.create import arange
from pyxtorch.ops.shape_pad import pad

__all__ = ["channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]
functional = ["pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "native_channel_shuffle", "unfold", "fold"]


def _image(input, op):
    if input.dim() < 3:
        raise RuntimeError(f"{op} expects input to have at least 3 dimensions, but got input with {input.dim()} dimension(s)")
    *batch, channels, height, width = input.shape
    return tuple(batch), channels, height, width


def pixel_shuffle(input, upscale_factor):
    """(*, C * r**2, H, W) to (*, C, H * r, W * r) with r = upscale_factor.

    Raises:
        RuntimeError: fewer than 3 dimensions, or channels not divisible by r**2.
    Source: Shi et al. (2016).
    """
    r = upscale_factor
    batch, channels, height, width = _image(input, "pixel_shuffle")
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    if channels % (r * r):
        raise RuntimeError(f"pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}")
    n = len(batch)
    split = input.reshape(*batch, channels // (r * r), r, r, height, width)
    order = [*range(n), n, n + 3, n + 1, n + 4, n + 2]
    return split.permute(*order).reshape(*batch, channels // (r * r), height * r, width * r)


def pixel_unshuffle(input, downscale_factor):
    """(*, C, H * r, W * r) to (*, C * r**2, H, W) with r = downscale_factor.

    Raises:
        RuntimeError: fewer than 3 dimensions, or a side not divisible by r.
    """
    r = downscale_factor
    batch, channels, height, width = _image(input, "pixel_unshuffle")
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    for name, size, dim in (("height", height, -2), ("width", width, -1)):
        if size % r:
            raise RuntimeError(f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({dim})={size} is not divisible by {r}")
    n = len(batch)
    split = input.reshape(*batch, channels, height // r, r, width // r, r)
    order = [*range(n), n, n + 2, n + 4, n + 1, n + 3]
    return split.permute(*order).reshape(*batch, channels * r * r, height // r, width // r)


def channel_shuffle(input, groups):
    """Channels of (N, C, *), in turn from each of `groups` groups.

    Raises:
        RuntimeError: fewer than 3 dimensions, or channels not divisible by `groups`.
    Source: Zhang et al., "ShuffleNet" (2018).
    """
    if input.dim() < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    batch, channels, *space = input.shape
    if channels % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups.")
    return input.reshape(batch, groups, channels // groups, *space).transpose(1, 2).reshape(batch, channels, *space)


native_channel_shuffle = channel_shuffle


def _pair(value, name, op, least):
    pair = (value, value) if hasattr(type(value), "__index__") else tuple(value)
    pair = pair * 2 if len(pair) == 1 else pair
    if len(pair) != 2:
        raise RuntimeError(f"{op}: {name} must be one number or two, not {value}.")
    if min(pair) < least:
        raise RuntimeError(f"{op}: {name} should be {'greater than zero' if least else 'non-negative'}, but got {name}={pair}.")
    return pair


def _windows(size, kernel_size, dilation, padding, stride, op, device):
    """Places in the flattened padded image of (window cell, window), the windows per side, the padded size."""
    kernel, dilation = _pair(kernel_size, "kernel_size", op, 1), _pair(dilation, "dilation", op, 1)
    padding, stride = _pair(padding, "padding", op, 0), _pair(stride, "stride", op, 1)
    padded = [n + 2 * p for n, p in zip(size, padding)]
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, d, k, s in zip(padded, dilation, kernel, stride)]
    if min(counts) < 1:
        raise RuntimeError(
            f"{op}: Given an image of {tuple(size)}, kernel_size={kernel}, dilation={dilation}, padding={padding}, stride={stride}, "
            f"calculated shape of the array of sliding blocks as {tuple(counts)}, but its components must be at least one."
        )
    rows, columns = (
        (arange(k, device=device) * d).unsqueeze(1) + (arange(n, device=device) * s).unsqueeze(0)
        for k, d, n, s in zip(kernel, dilation, counts, stride)
    )  # each (cell, window) of one dimension
    places = rows.reshape(kernel[0], 1, counts[0], 1) * padded[1] + columns.reshape(1, kernel[1], 1, counts[1])
    return places.reshape(kernel[0] * kernel[1], counts[0] * counts[1]), padding, padded


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """Columns of sliding windows: (N, C, H, W) or (C, H, W) to (N, C * window, windows).

    Args:
        kernel_size, dilation, padding, stride: int or 2 ints.
    Raises:
        RuntimeError: no window fits, or the input is not (N, C, H, W) or (C, H, W).
    Gradient: fold.
    """
    single = input.dim() == 3
    if input.dim() not in (3, 4) or 0 in tuple(input.shape)[-3:]:
        raise RuntimeError(f"Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {list(input.shape)}")
    image = input.unsqueeze(0) if single else input
    batch, channels, height, width = image.shape
    places, (top, left), _ = _windows((height, width), kernel_size, dilation, padding, stride, "unfold", input.device)
    if top or left:
        image = pad(image, (left, left, top, top))
    columns = image.flatten(2).index_select(2, places.reshape(-1))
    result = columns.reshape(batch, channels * places.shape[0], places.shape[1])
    return result.squeeze(0) if single else result


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Adds columns (N, C * window, windows) up into images (N, C, H, W): the transpose of unfold.

    Args:
        output_size: (H, W); kernel_size, dilation, padding, stride: int or 2 ints.
    Raises:
        RuntimeError: the columns do not fit output_size and windows.
    Gradient: unfold.
    """
    single = input.dim() == 2
    columns = input.unsqueeze(0) if single else input
    if columns.dim() != 3 or 0 in tuple(columns.shape)[1:]:
        raise RuntimeError(f"Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: {list(input.shape)}")
    height, width = _pair(output_size, "output_size", "fold", 1)
    places, (top, left), (rows, row) = _windows((height, width), kernel_size, dilation, padding, stride, "fold", input.device)
    cells, windows = places.shape
    batch = columns.shape[0]
    if columns.shape[1] % cells:
        raise RuntimeError(f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)={columns.shape[1]} and {cells} cells.")
    if columns.shape[2] != windows:
        raise RuntimeError(f"Given output_size=({height}, {width}), expected size of input's dimension 2 to match the calculated number of sliding blocks {windows}, but got input.size(2)={columns.shape[2]}.")
    channels = columns.shape[1] // cells
    empty = columns.new_zeros((batch, channels, rows * row))
    image = empty.index_add(2, places.reshape(-1), columns.reshape(batch, channels, cells * windows))
    result = image.reshape(batch, channels, rows, row)[:, :, top : top + height, left : left + width]
    return result.squeeze(0) if single else result
