# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Ints as _Ints, Parameter as _Parameter, Tensor as _Tensor
from pyxtorch.nn.modules.container import Sequential as _Sequential
from pyxtorch.nn.modules.module import Module as _Module

class FrozenBatchNorm2d(_Module):
    def __init__(self, num_features: _b.int, eps: _b.float = 1e-05) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    bias: _Parameter
    eps: _b.float
    running_mean: _Tensor
    running_var: _Tensor
    weight: _Parameter
class Permute(_Module):
    def __init__(self, dims: _Ints) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    dims: _Ints
class SqueezeExcitation(_Module):
    def __init__(self, input_channels: _t.Any, squeeze_channels: _t.Any, activation: _t.Any = ..., scale_activation: _t.Any = ...) -> None: ...
    def forward(self, input: _Tensor) -> _Tensor: ...
    activation: _t.Any
    avgpool: _t.Any
    fc1: _t.Any
    fc2: _t.Any
    scale_activation: _t.Any
class ConvNormActivation(_Sequential):
    def __init__(self, in_channels: _b.int, out_channels: _b.int, kernel_size: _Ints = 3, stride: _Ints = 1, padding: _Ints | _b.str | None = None, groups: _b.int = 1, norm_layer: _t.Any = ..., activation_layer: _t.Any = ..., dilation: _Ints = 1, inplace: _b.bool = True, bias: _t.Any = None, conv_layer: _t.Any = ...) -> None: ...
    out_channels: _b.int
class MLP(_Sequential):
    def __init__(self, in_channels: _b.int, hidden_channels: _t.Any, norm_layer: _t.Any = None, activation_layer: _t.Any = ..., inplace: _t.Any = None, bias: _b.bool = True, dropout: _b.float = 0.0) -> None: ...
class Conv2dNormActivation(ConvNormActivation):
    def __init__(self, in_channels: _b.int, out_channels: _b.int, kernel_size: _Ints = 3, stride: _Ints = 1, padding: _Ints | _b.str | None = None, groups: _b.int = 1, norm_layer: _t.Any = ..., activation_layer: _t.Any = ..., dilation: _Ints = 1, inplace: _b.bool = True, bias: _t.Any = None) -> None: ...
class Conv3dNormActivation(ConvNormActivation):
    def __init__(self, in_channels: _b.int, out_channels: _b.int, kernel_size: _Ints = 3, stride: _Ints = 1, padding: _Ints | _b.str | None = None, groups: _b.int = 1, norm_layer: _t.Any = ..., activation_layer: _t.Any = ..., dilation: _Ints = 1, inplace: _b.bool = True, bias: _t.Any = None) -> None: ...
