"""Several transforms as one."""
from collections.abc import Sequence

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.transforms.v2._transform import Transform


class _Several(Transform):
    def __init__(self, transforms):
        super().__init__()
        if not isinstance(transforms, Sequence | nn.ModuleList):
            raise TypeError("Argument transforms should be a sequence of callables")
        if not len(transforms):
            raise ValueError("Pass at least one transform")
        self.transforms = transforms

    def _run(self, which, inputs):
        several = len(inputs) > 1
        for i in which:
            outputs = self.transforms[i](*inputs)
            inputs = outputs if several else (outputs,)
        return inputs if several else inputs[0]

    def extra_repr(self):
        return "\n".join(f"    {t}" for t in self.transforms)


class Compose(_Several):
    """One transform after the other."""

    def forward(self, *inputs):
        return self._run(range(len(self.transforms)), inputs)


class RandomApply(_Several):
    """All of the transforms with probability `p`, or none."""

    def __init__(self, transforms, p=0.5):
        super().__init__(transforms)
        if not 0.0 <= p <= 1.0:
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        self.p = p

    def forward(self, *inputs):
        return self._run([] if torch.rand(1) >= self.p else range(len(self.transforms)), inputs)


class RandomChoice(_Several):
    """One of the transforms, drawn with weights `p`."""

    def __init__(self, transforms, p=None):
        super().__init__(transforms)
        p = [1] * len(transforms) if p is None else p
        if len(p) != len(transforms):
            raise ValueError(f"Length of p doesn't match the number of transforms: {len(p)} != {len(transforms)}")
        self.p = [weight / sum(p) for weight in p]

    def forward(self, *inputs):
        return self.transforms[int(torch.multinomial(torch.tensor(self.p), 1))](*inputs)


class RandomOrder(_Several):
    """All of the transforms, in a random order."""

    def forward(self, *inputs):
        return self._run(torch.randperm(len(self.transforms)).tolist(), inputs)
