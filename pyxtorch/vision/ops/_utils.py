"""Helpers of the operations on regions and boxes."""
import pyxtorch as torch
from pyxtorch import nn

__all__ = ["split_normalization_params"]


def convert_boxes_to_roi_format(boxes):
    """One tensor (K, 5), the image's number before each box, from a list of (L, 4), one for each image."""
    numbers = torch.cat([torch.full_like(b[:, :1], i) for i, b in enumerate(boxes)], dim=0)
    return torch.cat([numbers, torch.cat(list(boxes), dim=0)], dim=1)


def regions(name, boxes):
    """Boxes as (K, 5): the number of the image, left, top, right, bottom.

    Raises:
        AssertionError: no such tensor and no list of tensors (L, 4).
    """
    if isinstance(boxes, list | tuple):
        for b in boxes:
            if b.ndim != 2 or b.shape[1] != 4:
                raise AssertionError(f"{name}: The shape of the tensor in the boxes list is not correct as List[Tensor[L, 4]]: {tuple(b.shape)}")
        return convert_boxes_to_roi_format(boxes)
    if not isinstance(boxes, torch.Tensor) or boxes.ndim != 2 or boxes.shape[1] != 5:
        shape = tuple(boxes.shape) if isinstance(boxes, torch.Tensor) else type(boxes).__name__
        raise AssertionError(f"{name}: boxes is expected to be a Tensor[K, 5] or a List[Tensor[L, 4]], got {shape}")
    return boxes


def pair(x):
    """(height, width) from a number or both."""
    return (x, x) if isinstance(x, int) else tuple(x)


def reduced(loss, reduction):
    """A loss as it is, its mean, or its sum."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"Invalid Value for arg 'reduction': '{reduction} \n Supported reduction modes: 'none', 'mean', 'sum'")
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


def split_normalization_params(model, norm_classes=None):
    """(parameters of normalisations, other parameters), those that need a gradient; for optimisers that treat them differently."""
    classes = tuple(norm_classes or (
        nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d, nn.LocalResponseNorm,
    ))  # fmt: skip
    for kind in classes:
        if not issubclass(kind, nn.Module):
            raise ValueError(f"Class {kind} is not a subclass of nn.Module.")
    norms, others = [], []
    for module in model.modules():
        inner = next(module.children(), None) is not None
        found = [p for p in module.parameters(recurse=not inner) if p.requires_grad]
        (norms if not inner and isinstance(module, classes) else others).extend(found)
    return norms, others
