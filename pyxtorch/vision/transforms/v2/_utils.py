"""What is in a sample, and how arguments are read."""
import numbers
from collections.abc import Mapping, Sequence

import pyxtorch as torch
from pyxtorch.vision import tv_tensors
from pyxtorch.vision._pillow import is_pil
from pyxtorch.vision.transforms.v2 import functional as F
from pyxtorch.vision.transforms.v2.functional import is_pure_tensor

IMAGES = (is_pure_tensor, tv_tensors.Image, is_pil, tv_tensors.Video)


def check_type(obj, types_or_checks):
    """Whether `obj` is of one of the types, or one of the functions says yes."""
    return any(isinstance(obj, t) if isinstance(t, type) else t(obj) for t in types_or_checks)


def has_any(flat_inputs, *types_or_checks):
    """Whether any input is of one of the types."""
    return any(check_type(inpt, types_or_checks) for inpt in flat_inputs)


def has_all(flat_inputs, *types_or_checks):
    """Whether there is an input of each of the types."""
    return all(any(check_type(inpt, (t,)) for inpt in flat_inputs) for t in types_or_checks)


def _only(found, nothing, many):
    if not found:
        raise TypeError(nothing)
    if len(found) > 1:
        raise ValueError(f"{many}: {', '.join(map(str, sorted(found)))}")
    return found.pop()


def query_chw(flat_inputs):
    """(C, H, W), which all images and videos of a sample have; a TypeError where there are none, a ValueError where they differ."""
    found = {tuple(F.get_dimensions(inpt)) for inpt in flat_inputs if check_type(inpt, IMAGES)}
    return _only(found, "No image or video was found in the sample", "Found multiple CxHxW dimensions in the sample")


def query_size(flat_inputs):
    """(H, W), which everything in a sample has."""
    kinds = (*IMAGES, tv_tensors.Mask, tv_tensors.BoundingBoxes, tv_tensors.KeyPoints)
    found = {tuple(F.get_size(inpt)) for inpt in flat_inputs if check_type(inpt, kinds)}
    return _only(found, "No image, video, mask, bounding box of keypoint was found in the sample", "Found multiple HxW dimensions in the sample")


def get_bounding_boxes(flat_inputs):
    """The first boxes of a sample; a ValueError where there are none."""
    for inpt in flat_inputs:
        if isinstance(inpt, tv_tensors.BoundingBoxes):
            return inpt
    raise ValueError("No bounding boxes were found in the sample")


def get_keypoints(flat_inputs):
    """The first points of a sample; a ValueError where there are none."""
    for inpt in flat_inputs:
        if isinstance(inpt, tv_tensors.KeyPoints):
            return inpt
    raise ValueError("No keypoints were found in the sample")


def two_numbers(arg, name):
    """[x, x] from a number or a sequence of one, or the two numbers of a sequence, as floats."""
    if not isinstance(arg, int | float | Sequence):
        raise TypeError(f"{name} should be a number or a sequence of numbers. Got {type(arg)}")
    if isinstance(arg, int | float):
        return [float(arg)] * 2
    if len(arg) not in (1, 2):
        raise ValueError(f"If {name} is a sequence its length should be 1 or 2. Got {len(arg)}")
    if not all(isinstance(element, int | float) for element in arg):
        raise ValueError(f"{name} should be a sequence of numbers. Got {arg}")
    return [float(element) for element in arg] * (2 if len(arg) == 1 else 1)


def fills(fill):
    """What to fill each kind of input with: {type: number or list}, "others" for those that are not named."""
    if isinstance(fill, dict):
        return {kind: _fill(value) for kind, value in fill.items()}
    return {"others": _fill(fill)}


def _fill(fill):
    if fill is not None and not isinstance(fill, numbers.Number | tuple | list):
        raise TypeError("Got inappropriate fill arg, only Numbers, tuples, lists and dicts are allowed.")
    return fill if fill is None or isinstance(fill, int | float) else [float(v) for v in fill]


def fill_for(table, inpt):
    """What to fill `inpt` with."""
    return table[type(inpt)] if type(inpt) in table else table.get("others")


def check_padding(padding, mode):
    """A ValueError unless both are what `pad` takes."""
    whole = isinstance(padding, int) or (isinstance(padding, tuple | list) and len(padding) in (1, 2, 4) and all(isinstance(p, int) for p in padding))
    if not whole:
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element of tuple or list, got {padding}.")
    if mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")


def _find_labels(inputs):
    """The labels of a sample: a tensor that comes second, or what a dict has under a key that says so."""
    if isinstance(inputs, tuple | list):
        inputs = inputs[1]
    if is_pure_tensor(inputs):
        return inputs
    if not isinstance(inputs, Mapping):
        raise ValueError(
            "When using the default labels_getter, the input passed to forward must be a dictionary or a two-tuple whose second item is a dictionary or a "
            f"tensor, but got {type(inputs)} instead."
        )
    keys = [key for key in inputs if key.lower() == "labels"] or [key for key in inputs if "label" in key.lower()]
    if not keys:
        raise ValueError("Could not infer where the labels are in the sample. Pass a callable as labels_getter, or labels_getter=None if there are none.")
    return inputs[keys[0]]


def labels_getter_of(labels_getter):
    """The function that finds labels: "default", one of one's own, or None for no labels."""
    if labels_getter == "default":
        return _find_labels
    if callable(labels_getter):
        return labels_getter
    if labels_getter is None:
        return lambda inputs: None
    raise ValueError(f"labels_getter should either be 'default', a callable, or None, but got {labels_getter}.")


def labels_of(inputs, getter, count):
    """A tuple of tensors with `count` labels each, or None.

    Raises:
        ValueError: no tensors, or another number of labels.
    """
    labels = getter(inputs)
    if labels is None:
        return None
    labels = (labels,) if isinstance(labels, torch.Tensor) else labels
    if not isinstance(labels, tuple | list) or not all(isinstance(label, torch.Tensor) for label in labels):
        raise ValueError(f"The labels in the input to forward() must be a tensor or None, got {type(labels)} instead.")
    for label in labels:
        if label.shape[0] != count:
            raise ValueError(f"Number of boxes or points ({count}) must match the number of labels, of shape {tuple(label.shape)}.")
    return labels
