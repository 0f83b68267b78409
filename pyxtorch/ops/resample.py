"""Resampling images: interpolate, grid_sample, affine_grid."""
import math
import operator
import warnings

from pyxtorch.ops._common import same_dtype
from pyxtorch.ops.create import linspace, ones, tensor, zeros
from pyxtorch.ops.elementwise_select import where
from pyxtorch.ops.pool import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from pyxtorch.ops.shape_join import stack

__all__ = ["grid_sampler", "grid_sampler_2d", "grid_sampler_3d"]
functional = ["interpolate", "upsample", "upsample_nearest", "upsample_bilinear", "grid_sample", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d", "affine_grid"]

_LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}
_CUBIC = -0.75  # the free parameter of Keys' cubic convolution (1981)
GRID_MODES = ("bilinear", "nearest", "bicubic")
GRID_PADDINGS = ("zeros", "border", "reflection")


def _cubic_weights(t):
    """Weights of the four neighbours at distance 1 + t, t, 1 - t, 2 - t (numpy or tensor)."""
    a = _CUBIC

    def near(x):
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x):
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return far(t + 1), near(t), near(1 - t), far(2 - t)


def _source(size, out, scale, align_corners):
    """Where each output cell's centre lies in the input, in cells (float64 array)."""
    import numpy as np

    cells = np.arange(out, dtype=np.float64)
    if align_corners:
        return cells * ((size - 1) / (out - 1) if out > 1 else 0.0)
    return (cells + 0.5) * (1 / scale if scale else size / out) - 0.5


def _taps(mode, size, out, scale, align_corners):
    """Pairs (indices, weights or None) whose weighted sum is the resampled dimension."""
    import numpy as np

    if mode in ("nearest", "nearest-exact"):
        step = np.float32(1 / scale if scale else size / out)
        cells = np.arange(out, dtype=np.float32) + np.float32(0.5 if mode == "nearest-exact" else 0)
        return [(np.minimum(np.floor(cells * step).astype(np.int64), size - 1), None)]
    place = _source(size, out, scale, align_corners)
    if mode == "cubic":
        left = np.floor(place)
        shifts = range(-1, 3)
        weights = _cubic_weights(place - left)
    else:
        place = np.maximum(place, 0)
        left = np.minimum(np.floor(place), size - 1)
        shifts = range(2)
        weights = (1 - (place - left), place - left)
    return [(np.clip(left.astype(np.int64) + shift, 0, size - 1), weight) for shift, weight in zip(shifts, weights)]


def _resample(x, dim, mode, out, scale, align_corners):
    """One dimension of x, resampled."""
    size = x.shape[dim]
    if mode == "linear" and size == out and not (scale and scale != 1):
        return x
    result = None
    for indices, weights in _taps(mode, size, out, scale, align_corners):
        term = x.index_select(dim, tensor(indices.tolist(), device=x.device))
        if weights is not None:
            shape = [1] * x.dim()
            shape[dim] = out
            term = term * tensor(weights.tolist(), dtype=x.dtype, device=x.device).reshape(shape)
        result = term if result is None else result + term
    return result


def _resample_smooth(x, dim, mode, out, scale, align_corners):
    """One dimension of x, resampled with a kernel widened when shrinking (antialias)."""
    import numpy as np

    size = x.shape[dim]
    if align_corners:
        step = (size - 1) / (out - 1) if out > 1 else 0.0
    else:
        step = 1 / scale if scale else size / out
    widening = max(step, 1.0)
    support = (2.0 if mode == "cubic" else 1.0) * widening
    matrix = np.zeros((out, size))
    for i in range(out):
        centre = step * (i + 0.5)
        low, high = max(int(centre - support + 0.5), 0), min(int(centre + support + 0.5), size)
        distance = np.abs((np.arange(low, high) + 0.5 - centre) / widening)
        if mode == "cubic":
            a = -0.5
            near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
            far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
            weights = np.where(distance < 1, near, np.where(distance < 2, far, 0))
        else:
            weights = np.maximum(1 - distance, 0)
        total = weights.sum()
        matrix[i, low:high] = weights / total if total else weights
    w = tensor(matrix.T.tolist(), dtype=x.dtype, device=x.device)
    return (x.transpose(dim, -1) @ w).transpose(dim, -1)


def _wide(x):
    """`x` in a dtype to compute in: half precision and bytes become float32."""
    return x.float() if x.dtype.name in ("float16", "bfloat16", "uint8") else x


def interpolate(
    input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None, antialias=False
):
    """Resample (N, C, *) with one to three dimensions of space.

    Args:
        size: wanted sizes, one number or one for each dimension; or
        scale_factor: by which to multiply them.
        mode: "nearest", "nearest-exact", "linear" (3D), "bilinear", "bicubic" (4D), "trilinear" (5D), "area".
        align_corners: whether the corner pixels' centres stay in place; else their outer edges do.
        recompute_scale_factor: use output / input size as factor instead of scale_factor.
        antialias: widen the kernel when shrinking ("bilinear" and "bicubic").
    """
    n = input.dim() - 2
    space = tuple(input.shape[2:])
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError("align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear")
    elif align_corners is None:
        align_corners = False
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    given = size if size is not None else scale_factor
    given = tuple(given) if isinstance(given, (tuple, list)) or hasattr(given, "__len__") else (given,) * n
    if len(given) != n:
        what = "size" if size is not None else "scale_factor"
        raise ValueError(f"Input and {what} must have the same number of spatial dimensions, but got input with spatial dimensions of {list(space)} and {what} of {given}.")
    if recompute_scale_factor is not None and recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if size is not None:
        outs, scales = tuple(operator.index(s) for s in given), (None,) * n
    else:
        scales = tuple(float(s) for s in given)
        outs = tuple(math.floor(s * f) for s, f in zip(space, scales))
        if recompute_scale_factor:
            scales = (None,) * n
    if antialias and not (mode in ("bilinear", "bicubic") and n == 2):
        raise ValueError("Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor as input")
    wanted = _LINEAR.get(mode, 2 if mode == "bicubic" else n)
    known = mode in _LINEAR or mode in ("nearest", "nearest-exact", "area", "bicubic")
    if not known or wanted != n or not 1 <= n <= 3:
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.dim()}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact (got {mode})"
        )
    if min(outs) <= 0 or 0 in tuple(input.shape[1:]):
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input {tuple(input.shape)} and output {outs}.")
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[n - 1](input, outs if n > 1 else outs[0])
    kind = "linear" if mode in _LINEAR else "cubic" if mode == "bicubic" else mode
    step = _resample_smooth if antialias else _resample
    result = _wide(input)
    for i in reversed(range(n)):
        result = step(result, i + 2, kind, outs[i], scales[i], align_corners)
    if input.dtype.name == "uint8" and kind in ("linear", "cubic"):     # bytes of an image: rounded, and cut off where cubic weights overshoot
        result = result.round().clamp(0, 255)
    return result.to(input.dtype) if result is not input else input.clone()


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """The old name of interpolate."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input, size=None, scale_factor=None):
    """interpolate by the nearest pixel."""
    warnings.warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input, size=None, scale_factor=None):
    """interpolate bilinearly with corners aligned."""
    warnings.warn("`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


# ------------------------------------------------------------------------------------ grids


def affine_grid(theta, size, align_corners=None):
    """A grid for grid_sample that applies an affine map.

    Args:
        theta: (N, 2, 3) or (N, 3, 4).
        size: of the output, (N, C, H, W) or (N, C, D, H, W).
        align_corners: whether -1 and 1 are the centres of the corner pixels.
    Returns: (N, H, W, 2) or (N, D, H, W, 3).
    """
    if align_corners is None:
        warnings.warn("Default grid_sample and affine_grid behavior has changed to align_corners=False.", stacklevel=2)
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    size = tuple(operator.index(s) for s in size)
    n = len(size) - 2
    if n not in (2, 3):
        raise NotImplementedError(f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size {size}.")
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (n, n + 1):
        raise ValueError(f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {size}. Got {tuple(theta.shape)}.")
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    place = {"dtype": theta.dtype, "device": theta.device}
    lines = []
    for i, length in enumerate(size[2:]):
        line = linspace(-1, 1, length, **place) if length > 1 else zeros(1, **place)
        if not align_corners:
            line = line * ((length - 1) / length)
        shape = [1] * n
        shape[i] = length
        lines.insert(0, line.reshape(shape).expand(size[2:]))  # x first, which is the last dimension
    base = stack([*lines, ones(size[2:], **place)], -1).reshape(1, -1, n + 1)
    grid = base.expand(size[0], -1, -1) @ theta.transpose(1, 2)
    return grid.reshape(size[0], *size[2:], n)


def _into(x, size, padding_mode, align_corners):
    """Coordinates brought inside [0, size - 1] as the padding mode says."""
    if padding_mode == "reflection":
        low, span = (0.0, size - 1.0) if align_corners else (-0.5, float(size))
        if span == 0:
            return x * 0
        x = (x - low).abs()
        flips = (x.detach() / span).floor()
        rest = x - flips * span
        x = where(flips % 2 == 0, rest + low, span - rest + low)
    if padding_mode == "zeros":
        return x
    # no gradient on the border itself, where clamp would have one
    return where((x > 0) & (x < size - 1), x, x.detach().clamp(0, size - 1))


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """Values of an image at given places.

    Args:
        input: (N, C, H, W) or (N, C, D, H, W).
        grid: (N, h, w, 2) or (N, d, h, w, 3) of coordinates x, y(, z) from -1 to 1.
        mode: "bilinear" (trilinear in 5D), "nearest", or "bicubic" (4D).
        padding_mode: "zeros", "border" or "reflection": what lies outside.
        align_corners: whether -1 and 1 are the centres of the corner pixels or their outer edges.
    Returns: (N, C, h, w) or (N, C, d, h, w).
    """
    if mode not in GRID_MODES:
        raise ValueError(f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'")
    if padding_mode not in GRID_PADDINGS:
        raise ValueError(f"nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '{padding_mode}'")
    if align_corners is None:
        warnings.warn("Default grid_sample and affine_grid behavior has changed to align_corners=False.", stacklevel=2)
        align_corners = False
    same_dtype(input, grid, "grid_sampler", "grid")
    n = input.dim() - 2
    if n not in (2, 3) or grid.dim() != n + 2 or grid.shape[-1] != n or grid.shape[0] != input.shape[0]:
        raise RuntimeError(f"grid_sampler(): expected 4D or 5D input and grid of the same batch size with a last dimension of 2 or 3, but got input {tuple(input.shape)} and grid {tuple(grid.shape)}")
    if 0 in tuple(input.shape[2:]):
        raise RuntimeError(f"grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes {list(input.shape)}")
    if mode == "bicubic" and n == 3:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    wide = _wide(input)
    if wide is not input:
        return grid_sample(wide, _wide(grid), mode, padding_mode, align_corners).to(input.dtype)
    space = tuple(input.shape[2:])
    places = []
    for i in range(n):  # in the order of the image's dimensions
        g, size = grid.select(-1, n - 1 - i), space[i]
        places.append((g + 1) / 2 * (size - 1) if align_corners else ((g + 1) * size - 1) / 2)
    if mode != "bicubic":
        places = [_into(x, size, padding_mode, align_corners) for x, size in zip(places, space)]
    flat = input.flatten(2)
    axes = []  # for each dimension: pairs (integer place as float, weight)
    for x in places:
        if mode == "nearest":
            # a weight of 1 whose gradient is 0 rather than missing, as PyTorch's
            axes.append([(x.detach().round(), x * 0 + 1)])
            continue
        left = x.detach().floor()
        t = x - left
        if mode == "bilinear":
            axes.append([(left, 1 - t), (left + 1, t)])
        else:
            axes.append([(left + shift, weight) for shift, weight in zip(range(-1, 3), _cubic_weights(t))])
    if mode == "bicubic":
        axes = [[(_into(cell, size, padding_mode, align_corners), weight) for cell, weight in axis] for axis, size in zip(axes, space)]
    return _gather(flat, axes, space, tuple(grid.shape[1:-1]))


def grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners):
    """grid_sample with the modes as numbers: 0 bilinear, 1 nearest, 2 bicubic; 0 zeros, 1 border, 2 reflection."""
    for name, number in (("interpolation_mode", interpolation_mode), ("padding_mode", padding_mode)):
        if number not in (0, 1, 2):
            raise RuntimeError(f"grid_sampler: {name} must be 0, 1 or 2, not {number}.")
    return grid_sample(input, grid, GRID_MODES[interpolation_mode], GRID_PADDINGS[padding_mode], align_corners)


grid_sampler_2d = grid_sampler_3d = grid_sampler


def _gather(flat, axes, space, shape):
    """The weighted sum over all combinations of one cell of each axis; 0 outside."""
    batch, channels = flat.shape[:2]
    result = None
    combinations = [()]
    for axis in axes:
        combinations = [(*chosen, pair) for chosen in combinations for pair in axis]
    for chosen in combinations:
        index, inside, weight = None, None, None
        for (cell, factor), size in zip(chosen, space):
            within = (cell >= 0) & (cell <= size - 1)
            counts = within | (cell != cell)  # a place that is no number gives no number
            inside = counts if inside is None else inside & counts
            cell = where(within, cell, 0).long()
            index = cell if index is None else index * size + cell
            weight = factor if weight is None else weight * factor
        index = index.flatten(1).unsqueeze(1).expand(batch, channels, math.prod(shape))
        value = flat.gather(2, index).reshape(batch, channels, *shape)
        value = where(inside.unsqueeze(1), value * weight.unsqueeze(1), 0)
        result = value if result is None else result + value
    return result
