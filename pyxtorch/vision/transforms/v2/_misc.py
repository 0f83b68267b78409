"""Values, dtypes and kinds of images; boxes and points that are sane. Version 2."""
import warnings

import numpy as np

import pyxtorch as torch
from pyxtorch.utils._pytree import tree_flatten, tree_unflatten
from pyxtorch.vision import tv_tensors
from pyxtorch.vision._pillow import is_pil
from pyxtorch.vision.transforms import _parameters as draw
from pyxtorch.vision.transforms import functional as first
from pyxtorch.vision.transforms.transforms import LinearTransformation as _Linear
from pyxtorch.vision.transforms.v2 import functional as F
from pyxtorch.vision.transforms.v2._transform import Transform
from pyxtorch.vision.transforms.v2._utils import get_bounding_boxes, get_keypoints, has_any, labels_getter_of, labels_of, two_numbers
from pyxtorch.vision.transforms.v2.functional._meta import boxes_that_are_sane, points_that_are_sane


class Identity(Transform):
    """Everything as it is."""

    def transform(self, inpt, params):
        return inpt


class Lambda(Transform):
    """A function of each input, or of each of the types that are given."""

    _transformed_types = (object,)

    def __init__(self, lambd, *types):
        super().__init__()
        self.lambd, self.types = lambd, types or self._transformed_types

    def transform(self, inpt, params):
        return self.lambd(inpt) if isinstance(inpt, self.types) else inpt

    def extra_repr(self):
        name = getattr(self.lambd, "__name__", None)
        return ", ".join([name] * bool(name) + [f"types={[kind.__name__ for kind in self.types]}"])


class _NotOfPillow(Transform):
    def check_inputs(self, flat_inputs):
        if has_any(flat_inputs, is_pil):
            raise TypeError(f"{type(self).__name__}() does not support PIL images.")


class LinearTransformation(_NotOfPillow):
    """(x - mean_vector) @ transformation_matrix of flattened images; see `transforms.LinearTransformation`."""

    _transformed_types = (F.is_pure_tensor, tv_tensors.Image, tv_tensors.Video)

    def __init__(self, transformation_matrix, mean_vector):
        super().__init__()
        self._linear = _Linear(transformation_matrix, mean_vector)
        self.transformation_matrix, self.mean_vector = transformation_matrix, mean_vector

    def transform(self, inpt, params):
        output = self._linear(inpt.as_subclass(torch.Tensor))
        return output if F.is_pure_tensor(inpt) else tv_tensors.wrap(output, like=inpt)


class Normalize(_NotOfPillow):
    """(x - mean) / std by channel."""

    def __init__(self, mean, std, inplace=False):
        super().__init__()
        self.mean, self.std, self.inplace = list(mean), list(std), inplace

    def transform(self, inpt, params):
        return self._call_kernel(F.normalize, inpt, mean=self.mean, std=self.std, inplace=self.inplace)


class GaussianBlur(Transform):
    """Blurred with a deviation drawn from `sigma`, a range or a number."""

    def __init__(self, kernel_size, sigma=(0.1, 2.0)):
        super().__init__()
        self.kernel_size = draw.pair(kernel_size, "Kernel size should be a tuple/list of two integers")
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        self.sigma = two_numbers(sigma, "sigma")
        if not 0.0 < self.sigma[0] <= self.sigma[1]:
            raise ValueError(f"sigma values should be positive and of the form (min, max). Got {self.sigma}")

    def make_params(self, flat_inputs):
        return {"sigma": [draw.uniform(*self.sigma)] * 2}

    def transform(self, inpt, params):
        return self._call_kernel(F.gaussian_blur, inpt, kernel_size=list(self.kernel_size), **params)


class GaussianNoise(Transform):
    """Normal numbers added."""

    def __init__(self, mean=0.0, sigma=0.1, clip=True):
        super().__init__()
        self.mean, self.sigma, self.clip = mean, sigma, clip

    def transform(self, inpt, params):
        return self._call_kernel(F.gaussian_noise, inpt, mean=self.mean, sigma=self.sigma, clip=self.clip)


class ToDtype(Transform):
    """Another dtype.

    Args:
        dtype: of images and videos; or a dict by type, with "others" for those that are not named, and None for what stays.
        scale: scale the values of images and videos to the dtype's range.
    """

    _transformed_types = (torch.Tensor,)

    def __init__(self, dtype, scale=False):
        super().__init__()
        if not isinstance(dtype, dict | torch.dtype):
            raise ValueError(f"dtype must be a dict or a torch.dtype, got {type(dtype)} instead")
        if isinstance(dtype, dict) and torch.Tensor in dtype and (tv_tensors.Image in dtype or tv_tensors.Video in dtype):
            warnings.warn("ToDtype: a plain tensor is not transformed beside an Image or a Video; dtype names both.", UserWarning, stacklevel=2)
        self.dtype, self.scale = dtype, scale

    def transform(self, inpt, params):
        image = F.is_pure_tensor(inpt) or isinstance(inpt, tv_tensors.Image | tv_tensors.Video)
        if isinstance(self.dtype, torch.dtype):
            dtype = self.dtype if image else None
            return inpt if dtype is None else self._call_kernel(F.to_dtype, inpt, dtype=dtype, scale=self.scale)
        if type(inpt) not in self.dtype and "others" not in self.dtype:
            raise ValueError(f"No dtype was specified for type {type(inpt)}. Name it in the dict, or give one for 'others'; None leaves a type as it is.")
        dtype = self.dtype[type(inpt)] if type(inpt) in self.dtype else self.dtype["others"]
        if dtype is None:
            if self.scale and image:
                warnings.warn("scale was set to True but no dtype was specified for images or videos: no scaling will be done.", UserWarning, stacklevel=2)
            return inpt
        return self._call_kernel(F.to_dtype, inpt, dtype=dtype, scale=self.scale)


class ConvertImageDtype(Transform):
    """Another dtype, the values of images scaled to its range."""

    def __init__(self, dtype=torch.float32):
        super().__init__()
        self.dtype = dtype

    def transform(self, inpt, params):
        return self._call_kernel(F.to_dtype, inpt, dtype=self.dtype, scale=True)


class UniformTemporalSubsample(Transform):
    """So many frames of a video, evenly spread."""

    _transformed_types = (torch.Tensor,)

    def __init__(self, num_samples):
        super().__init__()
        self.num_samples = num_samples

    def transform(self, inpt, params):
        return self._call_kernel(F.uniform_temporal_subsample, inpt, num_samples=self.num_samples)


# ---------------------------------------------------------------------------- from one kind to another


class PILToTensor(Transform):
    """Images of Pillow to plain tensors, with their values."""

    _transformed_types = (is_pil,)

    def transform(self, inpt, params):
        return F.pil_to_tensor(inpt)


class ToImage(Transform):
    """Plain tensors, images of Pillow and arrays to `tv_tensors.Image`."""

    _transformed_types = (F.is_pure_tensor, is_pil, np.ndarray)

    def transform(self, inpt, params):
        return F.to_image(inpt)


class ToPILImage(Transform):
    """Tensors and arrays to images of Pillow."""

    _transformed_types = (F.is_pure_tensor, tv_tensors.Image, np.ndarray)

    def __init__(self, mode=None):
        super().__init__()
        self.mode = mode

    def transform(self, inpt, params):
        return F.to_pil_image(inpt.as_subclass(torch.Tensor) if isinstance(inpt, torch.Tensor) else inpt, mode=self.mode)


class ToPureTensor(Transform):
    """Tensors of a kind to plain ones."""

    _transformed_types = (tv_tensors.TVTensor,)

    def transform(self, inpt, params):
        return inpt.as_subclass(torch.Tensor)


class ToTensor(Transform):
    """`ToImage` and `ToDtype(torch.float32, scale=True)` in one: an older name, which warns."""

    _transformed_types = (is_pil, np.ndarray)

    def __init__(self):
        warnings.warn(
            "The transform `ToTensor()` is deprecated: use v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]).", UserWarning, stacklevel=2
        )
        super().__init__()

    def transform(self, inpt, params):
        return first.to_tensor(inpt)


# ---------------------------------------------------------------------------- boxes and points


class ConvertBoundingBoxFormat(Transform):
    """Boxes in another format, a `BoundingBoxFormat` or its name."""

    _transformed_types = (tv_tensors.BoundingBoxes,)

    def __init__(self, format):
        super().__init__()
        self.format = format

    def transform(self, inpt, params):
        return F.convert_bounding_box_format(inpt, new_format=self.format)


class ClampBoundingBoxes(Transform):
    """Boxes cut off at the border of the image, in their own mode ("auto") or another."""

    _transformed_types = (tv_tensors.BoundingBoxes,)

    def __init__(self, clamping_mode="auto"):
        super().__init__()
        self.clamping_mode = clamping_mode

    def transform(self, inpt, params):
        return F.clamp_bounding_boxes(inpt, clamping_mode=self.clamping_mode)


class ClampKeyPoints(Transform):
    """Points moved to the nearest pixel of the image."""

    _transformed_types = (tv_tensors.KeyPoints,)

    def transform(self, inpt, params):
        return F.clamp_keypoints(inpt)


class SetClampingMode(Transform):
    """How boxes are cut off from here on: "soft", "hard" or None."""

    _transformed_types = (tv_tensors.BoundingBoxes,)

    def __init__(self, clamping_mode):
        super().__init__()
        if clamping_mode not in (None, "soft", "hard"):
            raise ValueError(f"clamping_mode must be soft, hard or None, got {clamping_mode}")
        self.clamping_mode = clamping_mode

    def transform(self, inpt, params):
        output = inpt.clone()
        output.clamping_mode = self.clamping_mode
        return output


class _Sanitize(Transform):
    """Leaves out what a subclass finds not sane, and the labels that go with it."""

    def forward(self, *inputs):
        inputs = inputs if len(inputs) > 1 else inputs[0]
        flat, spec = tree_flatten(inputs)
        valid = self._valid(flat)
        labels = labels_of(inputs, self._labels_getter, valid.shape[0])
        params = {"valid": valid, "labels": labels}
        return tree_unflatten([self.transform(inpt, params) for inpt in flat], spec)

    def transform(self, inpt, params):
        if params["labels"] is not None and any(inpt is label for label in params["labels"]):
            return inpt[params["valid"]]
        if not isinstance(inpt, self._kinds):
            return inpt
        if inpt.shape[:1] != params["valid"].shape:  # a mask of the whole image
            return inpt
        return tv_tensors.wrap(inpt.as_subclass(torch.Tensor)[params["valid"]], like=inpt)


class SanitizeBoundingBoxes(_Sanitize):
    """Leaves out boxes that are too small or not on the image, with their masks and labels.

    Args:
        min_size, min_area: of sides and boxes, in pixels, at least 1.
        labels_getter: "default" looks for them, a function of the sample gives them, None has none.
    """

    _kinds = tv_tensors.BoundingBoxes | tv_tensors.Mask

    def __init__(self, min_size=1.0, min_area=1.0, labels_getter="default"):
        super().__init__()
        for name, value in (("min_size", min_size), ("min_area", min_area)):
            if value < 1:
                raise ValueError(f"{name} must be >= 1, got {value}.")
        self.min_size, self.min_area, self.labels_getter, self._labels_getter = min_size, min_area, labels_getter, labels_getter_of(labels_getter)

    def _valid(self, flat):
        boxes = get_bounding_boxes(flat)
        return boxes_that_are_sane(boxes.as_subclass(torch.Tensor), boxes.format, boxes.canvas_size, self.min_size, self.min_area)


class SanitizeKeyPoints(_Sanitize):
    """Leaves out points, or groups of points, that are not on the image, with their labels."""

    _kinds = tv_tensors.KeyPoints

    def __init__(self, labels_getter=None):
        super().__init__()
        self.labels_getter, self._labels_getter = labels_getter, labels_getter_of(labels_getter)

    def _valid(self, flat):
        points = get_keypoints(flat)
        return points_that_are_sane(points.as_subclass(torch.Tensor), points.canvas_size)
