# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Number as _Number, Tensor as _Tensor
from pyxtorch.nn.modules.module import Module as _Module

class AutoAugmentPolicy:
    CIFAR10: _t.Any
    IMAGENET: _t.Any
    SVHN: _t.Any
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
def draw_operation(space: _t.Any, strength: _t.Any) -> _t.Any: ...
def fill_for(img: _t.Any, fill: _t.Any) -> _t.Any: ...
class AugMix(_Module):
    def __init__(self, severity: _b.float = 3, mixture_width: _b.float = 3, chain_depth: _b.float = -1, alpha: _Number = 1.0, all_ops: _b.bool = True, interpolation: _t.Any = ..., fill: _t.Any = None) -> None: ...
    def forward(self, orig_img: _t.Any) -> _Tensor: ...
    all_ops: _b.bool
    alpha: _Number
    chain_depth: _b.float
    fill: _t.Any
    interpolation: _t.Any
    mixture_width: _b.float
    severity: _b.float
class AutoAugment(_Module):
    def __init__(self, policy: _t.Any = ..., interpolation: _t.Any = ..., fill: _t.Any = None) -> None: ...
    def forward(self, img: _t.Any) -> _Tensor: ...
    @staticmethod
    def get_params(transform_num: _t.Any) -> _t.Any: ...
    fill: _t.Any
    interpolation: _t.Any
    policies: _t.Any
    policy: _t.Any
class RandAugment(_Module):
    def __init__(self, num_ops: _b.float = 2, magnitude: _b.float = 9, num_magnitude_bins: _b.float = 31, interpolation: _t.Any = ..., fill: _t.Any = None) -> None: ...
    def forward(self, img: _t.Any) -> _Tensor: ...
    fill: _t.Any
    interpolation: _t.Any
    magnitude: _b.float
    num_magnitude_bins: _b.float
    num_ops: _b.float
class TrivialAugmentWide(_Module):
    def __init__(self, num_magnitude_bins: _b.float = 31, interpolation: _t.Any = ..., fill: _t.Any = None) -> None: ...
    def forward(self, img: _t.Any) -> _Tensor: ...
    fill: _t.Any
    interpolation: _t.Any
    num_magnitude_bins: _b.float
