# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Sequence as _Sequence
from pyxtorch._types import Device as _Device, Ints as _Ints, Parameter as _Parameter, Tensor as _Tensor, dtype as _dtype
from pyxtorch.nn.modules.lazy import LazyModuleMixin as _LazyModuleMixin
from pyxtorch.nn.modules.module import Module as _Module

class _LazyConv(_LazyModuleMixin):
    def initialize_parameters(self, input: _t.Any, *args: _t.Any, **kwargs: _t.Any) -> None: ...
    def reset_parameters(self) -> None: ...
    bias: _Parameter
    groups: _t.Any
    in_channels: _t.Any
    out_channels: _t.Any
    weight: _Parameter
class _ConvNd(_Module):
    def __init__(self, in_channels: _b.int, out_channels: _b.int, kernel_size: _Ints, stride: _Ints, padding: _Ints | _b.str, dilation: _Ints, output_padding: _Ints, groups: _b.int, bias: _t.Any, padding_mode: _t.Any, device: _Device, dtype: _dtype) -> None: ...
    def extra_repr(self) -> _b.str: ...
    n: _t.Any
    def reset_parameters(self) -> None: ...
    transposed: _t.Any
    bias: _Parameter
    dilation: _Ints
    groups: _b.int
    in_channels: _b.int
    kernel_size: _Ints
    out_channels: _b.int
    output_padding: _Ints
    padding: _Ints | _b.str
    padding_mode: _t.Any
    stride: _Ints
    weight: _Parameter
class _LazyConvNd(_LazyConv):
    def __init__(self, out_channels: _b.int, kernel_size: _Ints, stride: _Ints = 1, padding: _Ints | _b.str = 0, dilation: _Ints = 1, groups: _b.int = 1, bias: _b.bool = True, padding_mode: _b.str = 'zeros', device: _Device = None, dtype: _dtype | None = None) -> None: ...
class _LazyConvTransposeNd(_LazyConv):
    def __init__(self, out_channels: _b.int, kernel_size: _Ints, stride: _Ints = 1, padding: _Ints | _b.str = 0, output_padding: _Ints = 0, groups: _b.int = 1, bias: _b.bool = True, dilation: _Ints = 1, padding_mode: _b.str = 'zeros', device: _Device = None, dtype: _dtype | None = None) -> None: ...
class _Conv(_ConvNd):
    def __init__(self, in_channels: _b.int, out_channels: _b.int, kernel_size: _Ints, stride: _Ints = 1, padding: _Ints | _b.str = 0, dilation: _Ints = 1, groups: _b.int = 1, bias: _b.bool = True, padding_mode: _b.str = 'zeros', device: _Device = None, dtype: _dtype | None = None) -> None: ...
    def forward(self, input: _Tensor) -> _Tensor: ...
class _ConvTransposeNd(_ConvNd):
    def __init__(self, in_channels: _b.int, out_channels: _b.int, kernel_size: _Ints, stride: _Ints = 1, padding: _Ints | _b.str = 0, output_padding: _Ints = 0, groups: _b.int = 1, bias: _b.bool = True, dilation: _Ints = 1, padding_mode: _b.str = 'zeros', device: _Device = None, dtype: _dtype | None = None) -> None: ...
    def forward(self, input: _Tensor, output_size: _b.int | _Sequence[_b.int | None] | None = None) -> _Tensor: ...
    transposed: _t.Any
class Conv1d(_Conv):
    n: _t.Any
class Conv2d(_Conv):
    n: _t.Any
class Conv3d(_Conv):
    n: _t.Any
class ConvTranspose1d(_ConvTransposeNd):
    n: _t.Any
class ConvTranspose2d(_ConvTransposeNd):
    n: _t.Any
class ConvTranspose3d(_ConvTransposeNd):
    n: _t.Any
class LazyConv1d(_LazyConvNd, Conv1d):
    cls_to_become: _t.Any
class LazyConv2d(_LazyConvNd, Conv2d):
    cls_to_become: _t.Any
class LazyConv3d(_LazyConvNd, Conv3d):
    cls_to_become: _t.Any
class LazyConvTranspose1d(_LazyConvTransposeNd, ConvTranspose1d):
    cls_to_become: _t.Any
class LazyConvTranspose2d(_LazyConvTransposeNd, ConvTranspose2d):
    cls_to_become: _t.Any
class LazyConvTranspose3d(_LazyConvTransposeNd, ConvTranspose3d):
    cls_to_become: _t.Any
