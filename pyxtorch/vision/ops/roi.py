"""Regions of feature maps, resampled to one size.

What a bin takes of a row does not depend on the column, so that each operation but `roi_pool` is two products with matrices of
weights, along the height and along the width: of each region in `roi_align`, of each region and bin in the position-sensitive ones.
"""
import pyxtorch as torch
from pyxtorch import fx, nn
from pyxtorch.vision.ops._utils import pair, regions

__all__ = ["PSRoIAlign", "PSRoIPool", "RoIAlign", "RoIPool", "ps_roi_align", "ps_roi_pool", "roi_align", "roi_pool"]

_AT_ONCE = 2**25  # elements of the largest tensor in between; more regions than that are done one part after the other


def _check(name, input, boxes):
    if input.ndim != 4:
        raise RuntimeError(f"{name}: input has shape {tuple(input.shape)}. It needs (N, C, H, W).")
    rois = regions(name, boxes)
    if rois.dtype != input.dtype:
        raise RuntimeError(f"{name}: Expected tensor for argument input to have the same type as boxes, got {input.dtype} and {rois.dtype}.")
    rois = rois.detach()
    if rois.shape[0] and not bool(((rois[:, 0] >= 0) & (rois[:, 0] < input.shape[0])).all()):
        raise RuntimeError(f"{name}: a box belongs to an image outside of the {input.shape[0]} given.")
    return rois


def _bilinear(start, size, bins, length, sampling_ratio):
    """Weights (K, bins, length): the mean of bilinear samples spread evenly in each bin.

    Args:
        start, size: of the regions, (K), in pixels of the feature map.
        sampling_ratio: samples of a bin; 0 or less takes as many as pixels, rounded up.
    """
    bin_size = (size / bins)[:, None, None]
    if sampling_ratio > 0:
        count = torch.full_like(size, sampling_ratio)
    else:
        count = torch.ceil(size / bins)
    most = max(int(count.max()), 1) if count.numel() else 1
    sample = torch.arange(most, dtype=size.dtype, device=size.device)
    count = count[:, None, None]
    places = start[:, None, None] + torch.arange(bins, dtype=size.dtype, device=size.device)[:, None] * bin_size + (sample + 0.5) * bin_size / count
    taken = (sample < count) & (places >= -1.0) & (places <= length)
    places = places.clamp(0, length - 1).unsqueeze(-1)
    weights = (1 - (places - torch.arange(length, dtype=size.dtype, device=size.device)).abs()).clamp(min=0)
    return torch.where(taken.unsqueeze(-1), weights, 0.0).sum(2) / count.clamp(min=1)


def _bins(start, size, bins, length):
    """First and last+1 row of each bin, (K, bins) each, where bins cover whole pixels and may overlap."""
    bin_size = (size.to(torch.float32) / bins)[:, None]
    number = torch.arange(bins, dtype=torch.float32, device=size.device)
    first, last = torch.floor(number * bin_size), torch.ceil((number + 1) * bin_size)
    return ((x + start[:, None]).clamp(0, length).long() for x in (first, last))


def _apply(input, rois, rows, columns, combine, width):
    """`combine(image, rows, columns)` of the regions of each image, in parts, and the results in the regions' order."""
    numbers = rois[:, 0].long()
    results, order = [], []
    for n in range(input.shape[0]):
        of_image = torch.where(numbers == n)[0]
        for part in of_image.split(max(_AT_ONCE // max(width, 1), 1)):
            if part.numel():
                results.append(combine(input[n], rows[part], columns[part]))
                order.append(part)
    if not results:
        return None
    return torch.cat(results)[torch.argsort(torch.cat(order))]


def roi_align(input, boxes, output_size, spatial_scale=1.0, sampling_ratio=-1, aligned=False):
    """Regions sampled bilinearly.

    Args:
        input: (N, C, H, W).
        boxes: (K, 5), each image's number, left, top, right, bottom; or a list of (L, 4), one for each image.
        output_size: (height, width) or a number.
        spatial_scale: the feature map's size in that of what the boxes are measured in.
        sampling_ratio: samples of a bin along each side; 0 or less takes as many as it has pixels.
        aligned: boxes are measured from the edges of pixels, not from their middles.
    Returns:
        (K, C, height, width).
    Gradient:
        by `input`; none by `boxes`.
    Source:
        He et al., "Mask R-CNN" (2017).
    """
    rois = _check("roi_align", input, boxes)
    height, width = pair(output_size)
    edges = rois[:, 1:] * spatial_scale - (0.5 if aligned else 0.0)
    sizes = edges[:, 2:] - edges[:, :2]
    if not aligned:
        sizes = sizes.clamp(min=1.0)
    c, h, w = input.shape[1:]
    rows = _bilinear(edges[:, 1], sizes[:, 1], height, h, sampling_ratio)
    columns = _bilinear(edges[:, 0], sizes[:, 0], width, w, sampling_ratio)

    def combine(image, rows, columns):
        along = rows.reshape(-1, h) @ image.permute(1, 0, 2).reshape(h, c * w)  # (K height, C W)
        return torch.einsum("khcw,kqw->kchq", along.view(-1, height, c, w), columns)

    result = _apply(input, rois, rows, columns, combine, height * c * w)
    return input.new_zeros((0, c, height, width)) if result is None else result


def roi_pool(input, boxes, output_size, spatial_scale=1.0):
    """The largest value in each bin of each region; 0 in a bin without pixels.

    Args:
        input, boxes, output_size, spatial_scale: as in `roi_align`; regions are rounded to whole pixels.
    Returns:
        (K, C, height, width).
    Source:
        Girshick, "Fast R-CNN" (2015).
    """
    rois = _check("roi_pool", input, boxes)
    height, width = pair(output_size)
    c, h, w = input.shape[1:]
    edges = _round(rois[:, 1:] * spatial_scale)
    sizes = (edges[:, 2:] - edges[:, :2] + 1).clamp(min=1)
    tops, bottoms = (x.tolist() for x in _bins(edges[:, 1], sizes[:, 1], height, h))
    lefts, rights = (x.tolist() for x in _bins(edges[:, 0], sizes[:, 0], width, w))
    results = []
    for k, n in enumerate(rois[:, 0].long().tolist()):
        image = input[n]
        rows = torch.stack([_largest(image, 1, a, b) for a, b in zip(tops[k], bottoms[k])], 1)
        results.append(torch.stack([_largest(rows, 2, a, b) for a, b in zip(lefts[k], rights[k])], 2))
    return torch.stack(results) if results else input.new_zeros((0, c, height, width))


def _round(x):
    """To the nearest whole number, halves away from zero, as C's `round`."""
    return torch.where(x >= 0, torch.floor(x + 0.5), torch.ceil(x - 0.5))


def _largest(x, dim, start, end):
    if end <= start:
        return x.select(dim, 0) * 0
    return x.narrow(dim, start, end - start).max(dim).values


def _sensitive(name, input, rois, rows, columns, height, width):
    """Each bin takes the mean of a channel of its own: (N, C height width, H, W) to (K, C, height, width)."""
    channels, h, w = input.shape[1:]
    if channels % (height * width):
        raise RuntimeError(f"{name}: input channels must be a multiple of pooling height * pooling width, got {channels} for {height} x {width}.")
    c = channels // (height * width)

    def combine(image, rows, columns):
        image = image.view(c, height, width, h, w)
        return torch.einsum("cpqhw,kph,kqw->kcpq", image, rows, columns)

    result = _apply(input, rois, rows, columns, combine, channels * w)
    return input.new_zeros((0, c, height, width)) if result is None else result


def ps_roi_align(input, boxes, output_size, spatial_scale=1.0, sampling_ratio=-1):
    """`roi_align` in which each bin has channels of its own.

    Args:
        input: (N, C * height * width, H, W). The rest as in `roi_align`.
    Returns:
        (K, C, height, width).
    Source:
        Li et al., "Light-Head R-CNN" (2017).
    """
    rois = _check("ps_roi_align", input, boxes)
    height, width = pair(output_size)
    edges = rois[:, 1:] * spatial_scale - 0.5
    sizes = edges[:, 2:] - edges[:, :2]
    rows = _bilinear(edges[:, 1], sizes[:, 1], height, input.shape[2], sampling_ratio)
    columns = _bilinear(edges[:, 0], sizes[:, 0], width, input.shape[3], sampling_ratio)
    return _sensitive("ps_roi_align", input, rois, rows, columns, height, width)


def ps_roi_pool(input, boxes, output_size, spatial_scale=1.0):
    """The mean of each bin of each region, each bin with channels of its own.

    Args:
        input: (N, C * height * width, H, W). The rest as in `roi_pool`.
    Returns:
        (K, C, height, width).
    Source:
        Dai et al., "R-FCN" (2016).
    """
    rois = _check("ps_roi_pool", input, boxes)
    height, width = pair(output_size)
    edges = _round(rois[:, 1:] * spatial_scale)
    sizes = (edges[:, 2:] - edges[:, :2]).clamp(min=1)
    parts = []
    for start, size, bins, length in ((edges[:, 1], sizes[:, 1], height, input.shape[2]), (edges[:, 0], sizes[:, 0], width, input.shape[3])):
        first, last = _bins(start, size, bins, length - 1)  # the last row and column are left out, as by PyTorch's
        place = torch.arange(length, device=input.device)
        inside = (place >= first.unsqueeze(-1)) & (place < last.unsqueeze(-1))
        parts.append(inside.to(input.dtype) / (last - first).clamp(min=1).unsqueeze(-1))
    return _sensitive("ps_roi_pool", input, rois, *parts, height, width)


for _name in ("roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool"):
    fx.wrap(_name)


class _Pool(nn.Module):
    """One of the functions with its arguments; the class says which."""

    function, names = None, ("output_size", "spatial_scale")

    def __init__(self, output_size, spatial_scale):
        super().__init__()
        self.output_size, self.spatial_scale = output_size, spatial_scale

    def forward(self, input, rois):
        return type(self).function(input, rois, **{name: getattr(self, name) for name in self.names})

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in self.names)})"


class RoIPool(_Pool):
    """`roi_pool` as a module."""

    function = staticmethod(roi_pool)


class PSRoIPool(_Pool):
    """`ps_roi_pool` as a module."""

    function = staticmethod(ps_roi_pool)


class RoIAlign(_Pool):
    """`roi_align` as a module."""

    function, names = staticmethod(roi_align), ("output_size", "spatial_scale", "sampling_ratio", "aligned")

    def __init__(self, output_size, spatial_scale, sampling_ratio, aligned=False):
        super().__init__(output_size, spatial_scale)
        self.sampling_ratio, self.aligned = sampling_ratio, aligned


class PSRoIAlign(_Pool):
    """`ps_roi_align` as a module."""

    function, names = staticmethod(ps_roi_align), ("output_size", "spatial_scale", "sampling_ratio")

    def __init__(self, output_size, spatial_scale, sampling_ratio):
        super().__init__(output_size, spatial_scale)
        self.sampling_ratio = sampling_ratio
