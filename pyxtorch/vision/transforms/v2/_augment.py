"""Erasing, mixing and compressing. Version 2."""
import math

import pyxtorch as torch
from pyxtorch.distributions import Beta
from pyxtorch.nn import functional as nnF
from pyxtorch.utils._pytree import tree_flatten, tree_unflatten
from pyxtorch.vision import tv_tensors
from pyxtorch.vision._pillow import is_pil
from pyxtorch.vision.transforms import _parameters as draw
from pyxtorch.vision.transforms.v2 import functional as F
from pyxtorch.vision.transforms.v2._transform import RandomApplyTransform, Transform
from pyxtorch.vision.transforms.v2._utils import has_any, labels_getter_of, query_chw, query_size


class RandomErasing(RandomApplyTransform):
    """With probability `p`, a rectangle of images and videos replaced by `value`: a number, one for each channel, or "random" normal numbers."""

    def __init__(self, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0.0, inplace=False):
        super().__init__(p)
        draw.check_erasing(scale, ratio, value)
        self.scale, self.ratio, self.inplace = scale, ratio, inplace
        self.value = None if isinstance(value, str) else [float(value)] if isinstance(value, int | float) else [float(v) for v in value]

    def make_params(self, flat_inputs):
        shape = query_chw(flat_inputs)
        if self.value is not None and len(self.value) not in (1, shape[0]):
            raise ValueError(f"If value is a sequence, it should have either a single value or {shape[0]} (number of inpt channels)")
        drawn = draw.draw_erasing(shape, self.scale, self.ratio, self.value)
        return dict(zip("ijhwv", drawn or (0, 0, shape[1], shape[2], None)))

    def transform(self, inpt, params):
        return inpt if params["v"] is None else self._call_kernel(F.erase, inpt, **params, inplace=self.inplace)


class _Mix(Transform):
    """Mixes each image of a batch with the one before it, and their labels, which become probabilities of classes.

    Args:
        alpha: of the Beta distribution of the share.
        num_classes: needed where labels are numbers of classes.
        labels_getter: "default" looks for them, a function of the batch gives them.
    """

    def __init__(self, *, alpha=1.0, num_classes=None, labels_getter="default"):
        super().__init__()
        self.alpha, self.num_classes = float(alpha), num_classes
        self._share = Beta(torch.tensor([self.alpha]), torch.tensor([self.alpha]))
        self._labels_getter = labels_getter_of(labels_getter)

    def forward(self, *inputs):
        inputs = inputs if len(inputs) > 1 else inputs[0]
        flat, spec = tree_flatten(inputs)
        chosen = self._needs_transform_list(flat)
        if has_any(flat, is_pil, tv_tensors.BoundingBoxes, tv_tensors.Mask, tv_tensors.KeyPoints):
            raise ValueError(f"{type(self).__name__}() does not support PIL images, bounding boxes, keypoints and masks.")
        labels = self._labels_getter(inputs)
        if not isinstance(labels, torch.Tensor):
            raise ValueError(f"The labels must be a tensor, but got {type(labels)} instead.")
        if labels.ndim not in (1, 2):
            raise ValueError(f"labels should be (batch_size,) or (batch_size, num_classes), but got a tensor of shape {tuple(labels.shape)} instead.")
        if labels.ndim == 2 and self.num_classes is not None and labels.shape[-1] != self.num_classes:
            raise ValueError(f"When passing 2D labels, the number of elements in last dimension must match num_classes: {labels.shape[-1]} != {self.num_classes}.")
        if labels.ndim == 1 and self.num_classes is None:
            raise ValueError("num_classes must be passed if the labels are index-based (1D)")
        params = {"labels": labels, "batch_size": labels.shape[0], **self.make_params([inpt for inpt, yes in zip(flat, chosen) if yes])}
        outputs = [self.transform(inpt, params) if yes or inpt is labels else inpt for inpt, yes in zip(flat, chosen)]
        return tree_unflatten(outputs, spec)

    def transform(self, inpt, params):
        if inpt is params["labels"]:
            label = nnF.one_hot(inpt, num_classes=self.num_classes) if inpt.ndim == 1 else inpt
            return self._blend(label if label.is_floating_point() else label.float(), params["lam"])
        if not (F.is_pure_tensor(inpt) or isinstance(inpt, tv_tensors.Image | tv_tensors.Video)):
            return inpt
        wanted = 5 if isinstance(inpt, tv_tensors.Video) else 4
        if inpt.ndim != wanted:
            raise ValueError(f"Expected a batched input with {wanted} dims, but got {inpt.ndim} dimensions instead.")
        if inpt.shape[0] != params["batch_size"]:
            raise ValueError(f"The batch size of the image or video does not match the batch size of the labels: {inpt.shape[0]} != {params['batch_size']}.")
        output = self._images(inpt.as_subclass(torch.Tensor), params)
        return output if F.is_pure_tensor(inpt) else tv_tensors.wrap(output, like=inpt)

    @staticmethod
    def _blend(x, share):
        return x.roll(1, 0).mul_(1.0 - share).add_(x.mul(share))


class MixUp(_Mix):
    """Images are added with random shares (Zhang et al., "mixup", 2018). See `CutMix` for the arguments."""

    def make_params(self, flat_inputs):
        return {"lam": float(self._share.sample(()))}

    def _images(self, x, params):
        return self._blend(x, params["lam"])


class CutMix(_Mix):
    """A rectangle of each image is that of the one before it (Yun et al., "CutMix", 2019).

    Args:
        alpha: of the Beta distribution of the share.
        num_classes: needed where labels are numbers of classes.
        labels_getter: "default" looks for the labels, a function of the batch gives them.
    """

    def make_params(self, flat_inputs):
        share = float(self._share.sample(()))
        height, width = query_size(flat_inputs)
        x, y = int(torch.randint(width, size=(1,))), int(torch.randint(height, size=(1,)))
        half = 0.5 * math.sqrt(1.0 - share)
        w, h = int(half * width), int(half * height)
        box = (max(x - w, 0), max(y - h, 0), min(x + w, width), min(y + h, height))
        return {"box": box, "lam": 1.0 - (box[2] - box[0]) * (box[3] - box[1]) / (width * height)}

    def _images(self, x, params):
        left, top, right, bottom = params["box"]
        output = x.clone()
        output[..., top:bottom, left:right] = x.roll(1, 0)[..., top:bottom, left:right]
        return output


class JPEG(Transform):
    """What JPEG of a quality drawn from a range, or of one quality, 1 to 100, makes of images."""

    def __init__(self, quality):
        super().__init__()
        if isinstance(quality, bool):
            raise TypeError("quality can't be bool")
        quality = [quality, quality] if isinstance(quality, int) else quality
        draw.check_sequence(quality, "quality", (2,))
        if not (all(isinstance(q, int) for q in quality) and 1 <= quality[0] <= quality[1] <= 100):
            raise ValueError(f"quality must be an integer from 1 to 100, got quality ={quality!r}")
        self.quality = quality

    def make_params(self, flat_inputs):
        return {"quality": torch.randint(self.quality[0], self.quality[1] + 1, ()).item()}

    def transform(self, inpt, params):
        return self._call_kernel(F.jpeg, inpt, **params)
