"""What the published weights want done with an image before."""
import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.transforms import functional as F
from pyxtorch.vision.transforms._interpolation import InterpolationMode

__all__ = ["ImageClassification", "SemanticSegmentation"]


class ImageClassification(nn.Module):
    """Resize, crop the middle, convert to floating point, normalise.

    Args:
        crop_size, resize_size: pixels.
        mean, std: by channel; ImageNet's.
    """

    def __init__(self, *, crop_size, resize_size=256, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), interpolation=InterpolationMode.BILINEAR,
                 antialias=True):  # fmt: skip
        super().__init__()
        self.crop_size, self.resize_size = [crop_size], [resize_size]
        self.mean, self.std = list(mean), list(std)
        self.interpolation, self.antialias = interpolation, antialias

    def forward(self, img):
        img = F.center_crop(F.resize(img, self.resize_size, interpolation=self.interpolation, antialias=self.antialias), self.crop_size)
        if not isinstance(img, torch.Tensor):
            img = F.pil_to_tensor(img)
        return F.normalize(F.convert_image_dtype(img, torch.float32), mean=self.mean, std=self.std)

    def __repr__(self):
        parts = [f"\n    {name}={getattr(self, name)}" for name in ("crop_size", "resize_size", "mean", "std", "interpolation")]
        return f"{type(self).__name__}({''.join(parts)}\n)"

    def describe(self):
        """What it does, in a sentence."""
        return (
            f"Takes images of Pillow and tensors (B, C, H, W) or (C, H, W): the shorter side is resized to {self.resize_size} by {self.interpolation}, "
            f"the middle {self.crop_size} is cut out, values are scaled to 0 to 1, then normalised with mean={self.mean} and std={self.std}."
        )


class SemanticSegmentation(nn.Module):
    """Resize, convert to floating point, normalise.

    Args:
        resize_size: pixels of the shorter side; None keeps the size.
        mean, std: by channel; ImageNet's.
    """

    def __init__(self, *, resize_size, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), interpolation=InterpolationMode.BILINEAR, antialias=True):
        super().__init__()
        self.resize_size = None if resize_size is None else [resize_size]
        self.mean, self.std = list(mean), list(std)
        self.interpolation, self.antialias = interpolation, antialias

    def forward(self, img):
        if self.resize_size is not None:
            img = F.resize(img, self.resize_size, interpolation=self.interpolation, antialias=self.antialias)
        if not isinstance(img, torch.Tensor):
            img = F.pil_to_tensor(img)
        return F.normalize(F.convert_image_dtype(img, torch.float32), mean=self.mean, std=self.std)

    def __repr__(self):
        parts = [f"\n    {name}={getattr(self, name)}" for name in ("resize_size", "mean", "std", "interpolation")]
        return f"{type(self).__name__}({''.join(parts)}\n)"

    def describe(self):
        """What it does, in a sentence."""
        return (
            f"Takes images of Pillow and tensors (B, C, H, W) or (C, H, W): the shorter side is resized to {self.resize_size} by {self.interpolation}, "
            f"values are scaled to 0 to 1, then normalised with mean={self.mean} and std={self.std}."
        )
