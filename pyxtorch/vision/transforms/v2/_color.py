"""Transforms of colours of version 2."""
from collections.abc import Sequence

import pyxtorch as torch
from pyxtorch.vision.transforms import _parameters as draw
from pyxtorch.vision.transforms.v2 import functional as F
from pyxtorch.vision.transforms.v2._transform import RandomApplyTransform, Transform
from pyxtorch.vision.transforms.v2._utils import query_chw


class Grayscale(Transform):
    """Grey, with one channel or three equal ones."""

    def __init__(self, num_output_channels=1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def transform(self, inpt, params):
        return self._call_kernel(F.rgb_to_grayscale, inpt, num_output_channels=self.num_output_channels)


class RandomGrayscale(RandomApplyTransform):
    """Grey with probability `p`, with as many channels as before."""

    def __init__(self, p=0.1):
        super().__init__(p)

    def make_params(self, flat_inputs):
        return {"num_output_channels": query_chw(flat_inputs)[0]}

    def transform(self, inpt, params):
        return self._call_kernel(F.rgb_to_grayscale, inpt, **params)


class RGB(Transform):
    """Three equal channels, of images with one."""

    def transform(self, inpt, params):
        return self._call_kernel(F.grayscale_to_rgb, inpt)


_FACTORS = ("brightness", "contrast", "saturation", "hue")


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed at random, in a random order; see `transforms.ColorJitter`."""

    def __init__(self, brightness=None, contrast=None, saturation=None, hue=None):
        super().__init__()
        self.brightness, self.contrast, self.saturation = (self._range(v, n) for v, n in ((brightness, "brightness"), (contrast, "contrast"), (saturation, "saturation")))
        self.hue = self._range(hue, "hue", center=0, bound=(-0.5, 0.5), clip=False)

    @staticmethod
    def _range(value, name, **how):
        if value is None:
            return None
        return draw.color_range(tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value, name, **how)

    def make_params(self, flat_inputs):
        order = torch.randperm(4)
        ranges = (getattr(self, name) for name in _FACTORS)
        return {"fn_idx": order, **{f"{name}_factor": None if limits is None else draw.uniform(*limits) for name, limits in zip(_FACTORS, ranges)}}

    def transform(self, inpt, params):
        for i in params["fn_idx"].tolist():
            inpt = _adjust(self, inpt, _FACTORS[i], params[f"{_FACTORS[i]}_factor"])
        return inpt


def _adjust(self, inpt, name, factor):
    return inpt if factor is None else self._call_kernel(getattr(F, f"adjust_{name}"), inpt, **{f"{name}_factor": factor})


class RandomChannelPermutation(Transform):
    """The channels in a random order."""

    def make_params(self, flat_inputs):
        return {"permutation": torch.randperm(query_chw(flat_inputs)[0])}

    def transform(self, inpt, params):
        return self._call_kernel(F.permute_channels, inpt, **params)


class RandomPhotometricDistort(Transform):
    """Brightness, contrast, saturation, hue and the order of channels changed, each with probability `p`.

    Source:
        Liu et al., "SSD: Single Shot MultiBox Detector" (2016), data augmentation.
    """

    def __init__(self, brightness=(0.875, 1.125), contrast=(0.5, 1.5), saturation=(0.5, 1.5), hue=(-0.05, 0.05), p=0.5):
        super().__init__()
        self.brightness, self.contrast, self.hue, self.saturation, self.p = brightness, contrast, hue, saturation, p

    def make_params(self, flat_inputs):
        channels = query_chw(flat_inputs)[0]
        params = {f"{name}_factor": draw.uniform(*getattr(self, name)) if torch.rand(1) < self.p else None for name in _FACTORS}
        params["contrast_before"] = bool(torch.rand(()) < 0.5)
        params["channel_permutation"] = torch.randperm(channels) if torch.rand(1) < self.p else None
        return params

    def transform(self, inpt, params):
        order = ("brightness", "contrast", "saturation", "hue") if params["contrast_before"] else ("brightness", "saturation", "hue", "contrast")
        for name in order:
            inpt = _adjust(self, inpt, name, params[f"{name}_factor"])
        if params["channel_permutation"] is not None:
            inpt = self._call_kernel(F.permute_channels, inpt, permutation=params["channel_permutation"])
        return inpt


class RandomEqualize(RandomApplyTransform):
    """Each channel's values made equally frequent, with probability `p`."""

    def transform(self, inpt, params):
        return self._call_kernel(F.equalize, inpt)


class RandomInvert(RandomApplyTransform):
    """White less the image, with probability `p`."""

    def transform(self, inpt, params):
        return self._call_kernel(F.invert, inpt)


class RandomAutocontrast(RandomApplyTransform):
    """Each channel stretched from black to white, with probability `p`."""

    def transform(self, inpt, params):
        return self._call_kernel(F.autocontrast, inpt)


class RandomPosterize(RandomApplyTransform):
    """The highest `bits` of each value, with probability `p`."""

    def __init__(self, bits, p=0.5):
        super().__init__(p)
        self.bits = bits

    def transform(self, inpt, params):
        return self._call_kernel(F.posterize, inpt, bits=self.bits)


class RandomSolarize(RandomApplyTransform):
    """Inverted from `threshold` on, with probability `p`."""

    def __init__(self, threshold, p=0.5):
        super().__init__(p)
        self.threshold = threshold

    def transform(self, inpt, params):
        return self._call_kernel(F.solarize, inpt, threshold=self.threshold)


class RandomAdjustSharpness(RandomApplyTransform):
    """Sharpened by `sharpness_factor`, with probability `p`."""

    def __init__(self, sharpness_factor, p=0.5):
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def transform(self, inpt, params):
        return self._call_kernel(F.adjust_sharpness, inpt, sharpness_factor=self.sharpness_factor)
