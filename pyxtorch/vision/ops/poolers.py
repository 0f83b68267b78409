"""Regions taken from whichever of several feature maps fits their size."""
import math

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.ops._utils import convert_boxes_to_roi_format, pair
from pyxtorch.vision.ops.boxes import box_area
from pyxtorch.vision.ops.roi import roi_align

__all__ = ["LevelMapper", "MultiScaleRoIAlign", "initLevelMapper"]


class LevelMapper:
    """Which map each box belongs to, counted from `k_min`: a box of `canonical_scale` pixels to `canonical_level`, one half as wide to the one below.

    Source:
        Lin et al., "Feature Pyramid Networks" (2017), equation 1.
    """

    def __init__(self, k_min, k_max, canonical_scale=224, canonical_level=4, eps=1e-6):
        self.k_min, self.k_max, self.s0, self.lvl0, self.eps = k_min, k_max, canonical_scale, canonical_level, eps

    def __call__(self, boxlists):
        s = torch.sqrt(torch.cat([box_area(boxes) for boxes in boxlists]))
        level = torch.floor(self.lvl0 + torch.log2(s / self.s0) + self.eps)
        return level.clamp(min=self.k_min, max=self.k_max).to(torch.int64) - self.k_min


def initLevelMapper(k_min, k_max, canonical_scale=224, canonical_level=4, eps=1e-6):
    """A `LevelMapper`."""
    return LevelMapper(k_min, k_max, canonical_scale, canonical_level, eps)


class MultiScaleRoIAlign(nn.Module):
    """`roi_align` of boxes on several feature maps.

    Args:
        featmap_names: which of the maps.
        output_size, sampling_ratio: those of `roi_align`.
        canonical_scale, canonical_level: those of `LevelMapper`.
    """

    def __init__(self, featmap_names, output_size, sampling_ratio, *, canonical_scale=224, canonical_level=4):
        super().__init__()
        self.featmap_names, self.sampling_ratio, self.output_size = featmap_names, sampling_ratio, pair(output_size)
        self.scales = self.map_levels = None
        self.canonical_scale, self.canonical_level = canonical_scale, canonical_level

    def _set_up(self, maps, image_shapes):
        """The maps' sizes in that of the images, powers of two, are those of the first call."""
        if not image_shapes:
            raise ValueError("images list should not be empty")
        height = max(shape[0] for shape in image_shapes)
        self.scales = [2.0 ** round(math.log2(map.shape[-2] / height)) for map in maps]
        low, high = (int(-math.log2(scale)) for scale in (self.scales[0], self.scales[-1]))
        self.map_levels = LevelMapper(low, high, self.canonical_scale, self.canonical_level)

    def forward(self, x, boxes, image_shapes):
        maps = [map for name, map in x.items() if name in self.featmap_names]
        if self.scales is None or self.map_levels is None:
            self._set_up(maps, image_shapes)
        rois = convert_boxes_to_roi_format(boxes)
        how = {"output_size": self.output_size, "sampling_ratio": self.sampling_ratio}
        if len(maps) == 1:
            return roi_align(maps[0], rois, spatial_scale=self.scales[0], **how)
        levels = self.map_levels(boxes)
        result = torch.zeros((len(rois), maps[0].shape[1], *self.output_size), dtype=maps[0].dtype, device=maps[0].device)
        for level, (map, scale) in enumerate(zip(maps, self.scales)):
            here = torch.where(levels == level)[0]
            result[here] = roi_align(map, rois[here], spatial_scale=scale, **how).to(result.dtype)
        return result

    def __repr__(self):
        return f"{type(self).__name__}(featmap_names={self.featmap_names}, output_size={self.output_size}, sampling_ratio={self.sampling_ratio})"
