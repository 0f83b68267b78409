"""Geometric transforms of version 2."""
import warnings
from collections.abc import Sequence

import pyxtorch as torch
from pyxtorch.vision import tv_tensors
from pyxtorch.vision._pillow import is_pil
from pyxtorch.vision.ops.boxes import box_iou
from pyxtorch.vision.transforms import _parameters as draw
from pyxtorch.vision.transforms._functional_tensor import parse_padding
from pyxtorch.vision.transforms._geometry import perspective_coefficients
from pyxtorch.vision.transforms.v2 import functional as F
from pyxtorch.vision.transforms.v2._transform import RandomApplyTransform, Transform
from pyxtorch.vision.transforms.v2._utils import (
    check_padding,
    fill_for,
    fills,
    get_bounding_boxes,
    has_all,
    has_any,
    query_size,
    two_numbers,
)


class RandomHorizontalFlip(RandomApplyTransform):
    """Left to right with probability `p`."""

    def transform(self, inpt, params):
        return self._call_kernel(F.horizontal_flip, inpt)


class RandomVerticalFlip(RandomApplyTransform):
    """Upside down with probability `p`."""

    def transform(self, inpt, params):
        return self._call_kernel(F.vertical_flip, inpt)


class Resize(Transform):
    """To [H, W] pixels, to a number for the shorter side, or with None to `max_size` for the longer side."""

    def __init__(self, size, interpolation="bilinear", max_size=None, antialias=True):
        super().__init__()
        if isinstance(size, int):
            size = [size]
        elif isinstance(size, Sequence) and len(size) in (1, 2):
            size = list(size)
        elif size is None:
            if not isinstance(max_size, int):
                raise ValueError(f"max_size must be an integer when size is None, but got {max_size} instead.")
        else:
            raise ValueError(f"size can be an integer, a sequence of one or two integers, or None, but got {size} instead.")
        self.size, self.interpolation, self.max_size, self.antialias = size, interpolation, max_size, antialias

    def transform(self, inpt, params):
        return self._call_kernel(F.resize, inpt, size=self.size, interpolation=self.interpolation, max_size=self.max_size, antialias=self.antialias)


class _RandomSize(Transform):
    """Resized to a size that a subclass draws."""

    def __init__(self, interpolation="bilinear", antialias=True):
        super().__init__()
        self.interpolation, self.antialias = interpolation, antialias

    def transform(self, inpt, params):
        return self._call_kernel(F.resize, inpt, size=params["size"], interpolation=self.interpolation, antialias=self.antialias)


class ScaleJitter(_RandomSize):
    """Resized by a random factor, `scale_range`, of what fits into `target_size`."""

    def __init__(self, target_size, scale_range=(0.1, 2.0), interpolation="bilinear", antialias=True):
        super().__init__(interpolation, antialias)
        self.target_size, self.scale_range = target_size, scale_range

    def make_params(self, flat_inputs):
        height, width = query_size(flat_inputs)
        scale = self.scale_range[0] + torch.rand(1) * (self.scale_range[1] - self.scale_range[0])
        r = min(self.target_size[1] / height, self.target_size[0] / width) * scale
        return {"size": (int(height * r), int(width * r))}


class RandomShortestSize(_RandomSize):
    """The shorter side to one of `min_size`, the longer one at most `max_size`."""

    def __init__(self, min_size, max_size=None, interpolation="bilinear", antialias=True):
        super().__init__(interpolation, antialias)
        self.min_size, self.max_size = [min_size] if isinstance(min_size, int) else list(min_size), max_size

    def make_params(self, flat_inputs):
        height, width = query_size(flat_inputs)
        r = self.min_size[int(torch.randint(len(self.min_size), ()))] / min(height, width)
        if self.max_size is not None:
            r = min(r, self.max_size / max(height, width))
        return {"size": (int(height * r), int(width * r))}


class RandomResize(_RandomSize):
    """The shorter side to a number from `min_size` to `max_size` - 1."""

    def __init__(self, min_size, max_size, interpolation="bilinear", antialias=True):
        super().__init__(interpolation, antialias)
        self.min_size, self.max_size = min_size, max_size

    def make_params(self, flat_inputs):
        return {"size": [int(torch.randint(self.min_size, self.max_size, ()))]}


class CenterCrop(Transform):
    """The middle, [H, W] pixels or a square."""

    def __init__(self, size):
        super().__init__()
        self.size = draw.pair(size)

    def transform(self, inpt, params):
        return self._call_kernel(F.center_crop, inpt, output_size=self.size)


class RandomResizedCrop(Transform):
    """A crop with a random share of the area and a random shape, resized to `size`."""

    def __init__(self, size, scale=(0.08, 1.0), ratio=(3.0 / 4.0, 4.0 / 3.0), interpolation="bilinear", antialias=True):
        super().__init__()
        self.size = draw.pair(size)
        for name, value in (("Scale", scale), ("Ratio", ratio)):
            if not isinstance(value, Sequence) or len(value) != 2:
                raise TypeError(f"{name} should be a sequence of two floats.")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn("Scale and ratio should be of kind (min, max)", UserWarning, stacklevel=2)
        self.scale, self.ratio, self.interpolation, self.antialias = scale, ratio, interpolation, antialias

    def make_params(self, flat_inputs):
        top, left, height, width = draw.draw_resized_crop(*query_size(flat_inputs), self.scale, self.ratio)
        return {"top": top, "left": left, "height": height, "width": width}

    def transform(self, inpt, params):
        return self._call_kernel(F.resized_crop, inpt, **params, size=self.size, interpolation=self.interpolation, antialias=self.antialias)


class FiveCrop(Transform):
    """The corners and the middle, a tuple of five, of images and videos."""

    def __init__(self, size):
        super().__init__()
        self.size = draw.pair(size)

    def check_inputs(self, flat_inputs):
        if has_any(flat_inputs, tv_tensors.BoundingBoxes, tv_tensors.Mask):
            raise TypeError(f"BoundingBoxes'es and Mask's are not supported by {type(self).__name__}()")

    def transform(self, inpt, params):
        return self._call_kernel(F.five_crop, inpt, size=self.size)


class TenCrop(FiveCrop):
    """The corners and the middle, and those of the flipped image, a tuple of ten, of images and videos."""

    def __init__(self, size, vertical_flip=False):
        super().__init__(size)
        self.vertical_flip = vertical_flip

    def transform(self, inpt, params):
        return self._call_kernel(F.ten_crop, inpt, size=self.size, vertical_flip=self.vertical_flip)


class Pad(Transform):
    """Borders around the image; `fill` may be a dict by type."""

    def __init__(self, padding, fill=0, padding_mode="constant"):
        super().__init__()
        check_padding(padding, padding_mode)
        self.padding = padding if isinstance(padding, int) else list(padding)
        self.fill, self._fill, self.padding_mode = fill, fills(fill), padding_mode

    def transform(self, inpt, params):
        return self._call_kernel(F.pad, inpt, padding=self.padding, fill=fill_for(self._fill, inpt), padding_mode=self.padding_mode)


class RandomZoomOut(RandomApplyTransform):
    """With probability `p`, somewhere on a canvas whose sides are a random factor, `side_range`, longer."""

    def __init__(self, fill=0, side_range=(1.0, 4.0), p=0.5):
        super().__init__(p)
        draw.check_sequence(side_range, "side_range", (2,))
        if side_range[0] < 1.0 or side_range[0] > side_range[1]:
            raise ValueError(f"Invalid side range provided {side_range}.")
        self.fill, self._fill, self.side_range = fill, fills(fill), side_range

    def make_params(self, flat_inputs):
        height, width = query_size(flat_inputs)
        r = self.side_range[0] + torch.rand(1) * (self.side_range[1] - self.side_range[0])
        wide, high = int(width * r), int(height * r)
        r = torch.rand(2)
        left, top = int((wide - width) * r[0]), int((high - height) * r[1])
        return {"padding": [left, top, wide - left - width, high - top - height]}

    def transform(self, inpt, params):
        return self._call_kernel(F.pad, inpt, **params, fill=fill_for(self._fill, inpt))


class RandomRotation(Transform):
    """Turned by an angle drawn from `degrees`, a range or the largest."""

    def __init__(self, degrees, interpolation="nearest", expand=False, center=None, fill=0):
        super().__init__()
        self.degrees = draw.angles(degrees, "degrees")
        draw.affine_ranges(None, None, center)
        self.interpolation, self.expand, self.center, self.fill, self._fill = interpolation, expand, center, fill, fills(fill)

    def make_params(self, flat_inputs):
        return {"angle": draw.uniform(*self.degrees)}

    def transform(self, inpt, params):
        return self._call_kernel(F.rotate, inpt, **params, interpolation=self.interpolation, expand=self.expand, center=self.center, fill=fill_for(self._fill, inpt))


class RandomAffine(Transform):
    """Turned, moved, scaled and sheared at random; see `transforms.RandomAffine`."""

    def __init__(self, degrees, translate=None, scale=None, shear=None, interpolation="nearest", fill=0, center=None):
        super().__init__()
        self.degrees = draw.angles(degrees, "degrees")
        draw.affine_ranges(translate, scale, center)
        self.shear = None if shear is None else draw.angles(shear, "shear", (2, 4))
        self.translate, self.scale, self.center, self.interpolation, self.fill, self._fill = translate, scale, center, interpolation, fill, fills(fill)

    def make_params(self, flat_inputs):
        height, width = query_size(flat_inputs)
        return dict(zip(("angle", "translate", "scale", "shear"), draw.draw_affine(self.degrees, self.translate, self.scale, self.shear, width, height)))

    def transform(self, inpt, params):
        return self._call_kernel(F.affine, inpt, **params, interpolation=self.interpolation, fill=fill_for(self._fill, inpt), center=self.center)


class RandomCrop(Transform):
    """A crop of `size` anywhere, after `padding`, or padded only where the image is too small (`pad_if_needed`)."""

    def __init__(self, size, padding=None, pad_if_needed=False, fill=0, padding_mode="constant"):
        super().__init__()
        self.size = draw.pair(size)
        if pad_if_needed or padding is not None:
            check_padding(0 if padding is None else padding, padding_mode)
        self.padding = parse_padding(padding) if padding else None
        self.pad_if_needed, self.fill, self._fill, self.padding_mode = pad_if_needed, fill, fills(fill), padding_mode

    def make_params(self, flat_inputs):
        size = query_size(flat_inputs)
        left, right, top, bottom = self.padding or [0] * 4
        height, width = size[0] + top + bottom, size[1] + left + right
        ch, cw = self.size
        if self.pad_if_needed:
            more_y, more_x = max(ch - height, 0), max(cw - width, 0)
            left, right, top, bottom = left + more_x, right + more_x, top + more_y, bottom + more_y
            height, width = height + 2 * more_y, width + 2 * more_x
        if height < ch or width < cw:
            padded = "padded " if self.padding is not None else ""
            raise ValueError(f"Required crop size {(ch, cw)} is larger than {padded}input image size {(height, width)}.")
        y = int(torch.randint(0, height - ch + 1, size=())) if height > ch else 0
        x = int(torch.randint(0, width - cw + 1, size=())) if width > cw else 0
        padding = [left, top, right, bottom]
        return {"needs_crop": height > ch or width > cw, "top": y, "left": x, "height": ch, "width": cw, "needs_pad": any(padding), "padding": padding}

    def transform(self, inpt, params):
        if params["needs_pad"]:
            inpt = self._call_kernel(F.pad, inpt, padding=params["padding"], fill=fill_for(self._fill, inpt), padding_mode=self.padding_mode)
        if params["needs_crop"]:
            inpt = self._call_kernel(F.crop, inpt, **{name: params[name] for name in ("top", "left", "height", "width")})
        return inpt


class RandomPerspective(RandomApplyTransform):
    """With probability `p`, seen so that each corner moves inwards by up to half of `distortion_scale` of the image."""

    def __init__(self, distortion_scale=0.5, p=0.5, interpolation="bilinear", fill=0):
        super().__init__(p)
        if not 0 <= distortion_scale <= 1:
            raise ValueError("Argument distortion_scale value should be between 0 and 1")
        self.distortion_scale, self.interpolation, self.fill, self._fill = distortion_scale, interpolation, fill, fills(fill)

    def make_params(self, flat_inputs):
        height, width = query_size(flat_inputs)
        return {"coefficients": perspective_coefficients(*draw.draw_perspective(width, height, self.distortion_scale))}

    def transform(self, inpt, params):
        fill = fill_for(self._fill, inpt)
        return self._call_kernel(F.perspective, inpt, startpoints=None, endpoints=None, fill=fill, interpolation=self.interpolation, **params)


class ElasticTransform(Transform):
    """Each pixel moved by smooth random displacements of size `alpha` and smoothness `sigma`, a number or [x, y] each."""

    def __init__(self, alpha=50.0, sigma=5.0, interpolation="bilinear", fill=0):
        super().__init__()
        self.alpha, self.sigma = two_numbers(alpha, "alpha"), two_numbers(sigma, "sigma")
        self.interpolation, self.fill, self._fill = interpolation, fill, fills(fill)

    def make_params(self, flat_inputs):
        return {"displacement": draw.draw_displacement(self.alpha, self.sigma, list(query_size(flat_inputs)), F.gaussian_blur_image)}

    def transform(self, inpt, params):
        return self._call_kernel(F.elastic, inpt, **params, fill=fill_for(self._fill, inpt), interpolation=self.interpolation)


class RandomIoUCrop(Transform):
    """A crop that overlaps some box by at least a share drawn from `sampler_options` (1 or more crops nothing); boxes outside become 0.

    Source:
        Liu et al., "SSD: Single Shot MultiBox Detector" (2016), data augmentation.
    """

    def __init__(self, min_scale=0.3, max_scale=1.0, min_aspect_ratio=0.5, max_aspect_ratio=2.0, sampler_options=None, trials=40):
        super().__init__()
        self.min_scale, self.max_scale, self.min_aspect_ratio, self.max_aspect_ratio = min_scale, max_scale, min_aspect_ratio, max_aspect_ratio
        self.options = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0] if sampler_options is None else sampler_options
        self.trials = trials

    def check_inputs(self, flat_inputs):
        if not (has_all(flat_inputs, tv_tensors.BoundingBoxes) and has_any(flat_inputs, is_pil, tv_tensors.Image, F.is_pure_tensor)):
            raise TypeError(f"{type(self).__name__}() requires input sample to contain tensor or PIL images and bounding boxes. Sample can also contain masks.")

    def make_params(self, flat_inputs):
        height, width = query_size(flat_inputs)
        boxes = F.convert_bounding_box_format(get_bounding_boxes(flat_inputs), new_format="XYXY").as_subclass(torch.Tensor)
        while True:
            least = self.options[int(torch.randint(low=0, high=len(self.options), size=(1,)))]
            if least >= 1.0:
                return {}
            for _ in range(self.trials):
                found = self._try(height, width, boxes, least)
                if found is not None:
                    return found

    def _try(self, height, width, boxes, least):
        r = self.min_scale + (self.max_scale - self.min_scale) * torch.rand(2)
        w, h = int(width * r[0]), int(height * r[1])
        if not self.min_aspect_ratio <= w / h <= self.max_aspect_ratio:
            return None
        r = torch.rand(2)
        left, top = int((width - w) * r[0]), int((height - h) * r[1])
        if w == 0 or h == 0:
            return None
        cx, cy = 0.5 * (boxes[..., 0] + boxes[..., 2]), 0.5 * (boxes[..., 1] + boxes[..., 3])
        inside = (left < cx) & (cx < left + w) & (top < cy) & (cy < top + h)
        if not inside.any():
            return None
        crop = torch.tensor([[left, top, left + w, top + h]], dtype=boxes.dtype, device=boxes.device)
        if box_iou(boxes[inside], crop).max() < least:
            return None
        return {"top": top, "left": left, "height": h, "width": w, "is_within_crop_area": inside}

    def transform(self, inpt, params):
        if not params:
            return inpt
        output = self._call_kernel(F.crop, inpt, **{name: params[name] for name in ("top", "left", "height", "width")})
        if isinstance(output, tv_tensors.BoundingBoxes):
            output[~params["is_within_crop_area"]] = 0
        return output
