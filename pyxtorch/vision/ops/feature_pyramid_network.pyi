# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Tensor as _Tensor
from pyxtorch.nn.modules.module import Module as _Module

class ExtraFPNBlock(_Module):
    def forward(self, results: _t.Any, x: _t.Any, names: _t.Any) -> _Tensor: ...
class FeaturePyramidNetwork(_Module):
    def __init__(self, in_channels_list: _t.Any, out_channels: _b.int, extra_blocks: _t.Any = None, norm_layer: _t.Any = None) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    extra_blocks: _t.Any
    inner_blocks: _t.Any
    layer_blocks: _t.Any
class LastLevelMaxPool(ExtraFPNBlock):
    def forward(self, results: _t.Any, x: _t.Any, names: _t.Any) -> _Tensor: ...
class LastLevelP6P7(ExtraFPNBlock):
    def __init__(self, in_channels: _b.int, out_channels: _b.int) -> None: ...
    def forward(self, results: _t.Any, x: _t.Any, names: _t.Any) -> _Tensor: ...
    p6: _t.Any
    p7: _t.Any
    use_P5: _t.Any
