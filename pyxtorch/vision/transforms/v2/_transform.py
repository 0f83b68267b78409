"""What all transforms of version 2 have in common: they find, in a sample of any structure, what they transform."""
import enum

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.utils._pytree import tree_flatten, tree_unflatten
from pyxtorch.vision import tv_tensors
from pyxtorch.vision._pillow import is_pil
from pyxtorch.vision.transforms import transforms as first
from pyxtorch.vision.transforms.v2._utils import check_type, has_any
from pyxtorch.vision.transforms.v2.functional import is_pure_tensor
from pyxtorch.vision.transforms.v2.functional._registry import kernel_for


class Transform(nn.Module):
    """A transform of all that a sample holds, in the same way.

    A sample is any structure of tuples, lists and dicts. Transformed are images, videos, masks, boxes, points, and the first plain tensor where
    there is no image or video; the rest is passed through. A subclass says `make_params(flat_inputs)`, drawn once for a sample, and
    `transform(inpt, params)`.
    """

    _transformed_types = (torch.Tensor, is_pil)

    def check_inputs(self, flat_inputs):
        """Raise an error where the sample is not one that can be transformed."""

    def make_params(self, flat_inputs):
        """What is done to the sample, as a dict."""
        return {}

    def transform(self, inpt, params):
        """One input transformed."""
        raise NotImplementedError(f"{type(self).__name__}.transform: a subclass says what it does.")

    def _call_kernel(self, functional, inpt, *args, **kwargs):
        return kernel_for(functional, inpt, allow_passthrough=True)(inpt, *args, **kwargs)

    def forward(self, *inputs):
        inputs = inputs if len(inputs) > 1 else inputs[0]
        flat, spec = tree_flatten(inputs)
        self.check_inputs(flat)
        if not self._wanted():
            return inputs
        chosen = self._needs_transform_list(flat)
        params = self.make_params([inpt for inpt, yes in zip(flat, chosen) if yes])
        return tree_unflatten([self.transform(inpt, params) if yes else inpt for inpt, yes in zip(flat, chosen)], spec)

    def _wanted(self):
        return True

    def _needs_transform_list(self, flat_inputs):
        """Which inputs are transformed; of plain tensors the first, and only where there is no image or video."""
        plain = not has_any(flat_inputs, tv_tensors.Image, tv_tensors.Video, is_pil)
        chosen = []
        for inpt in flat_inputs:
            yes = check_type(inpt, self._transformed_types)
            if yes and is_pure_tensor(inpt):
                yes, plain = plain, False
            chosen.append(yes)
        return chosen

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        old = getattr(first, cls.__name__, None)
        if hasattr(old, "get_params") and cls.__module__.startswith(__name__.rpartition(".")[0]):
            cls.get_params = staticmethod(old.get_params)

    def extra_repr(self):
        shown = ((name, value) for name, value in vars(self).items() if not name.startswith("_") and name != "training")
        return ", ".join(f"{name}={value}" for name, value in shown if isinstance(value, bool | int | float | str | tuple | list | enum.Enum))


class RandomApplyTransform(Transform):
    """A transform that is done with probability `p`."""

    def __init__(self, p=0.5):
        if not 0.0 <= p <= 1.0:
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        super().__init__()
        self.p = p

    def _wanted(self):
        return not torch.rand(1) >= self.p
