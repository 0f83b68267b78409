# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Ints as _Ints, Parameter as _Parameter, Tensor as _Tensor
from pyxtorch.nn.modules.module import Module as _Module

def deform_conv2d(input: _Tensor, offset: _b.int, weight: _Tensor, bias: _t.Any = None, stride: _Ints = ..., padding: _Ints | _b.str = ..., dilation: _Ints = ..., mask: _Tensor | None = None) -> _t.Any: ...
class DeformConv2d(_Module):
    def __init__(self, in_channels: _b.int, out_channels: _b.int, kernel_size: _Ints, stride: _Ints = 1, padding: _Ints | _b.str = 0, dilation: _Ints = 1, groups: _b.int = 1, bias: _b.bool = True) -> None: ...
    def forward(self, input: _Tensor, offset: _b.int, mask: _Tensor | None = None) -> _Tensor: ...
    def reset_parameters(self) -> None: ...
    bias: _Parameter
    dilation: _Ints
    groups: _b.int
    in_channels: _b.int
    kernel_size: _Ints
    out_channels: _b.int
    padding: _Ints | _b.str
    stride: _Ints
    weight: _Parameter
