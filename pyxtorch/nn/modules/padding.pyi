# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Ints as _Ints, Other as _Other, Tensor as _Tensor
from pyxtorch.nn.modules.module import Module as _Module

class _PadNd(_Module):
    def __init__(self, padding: _Ints | _b.str) -> None: ...
    def extra_repr(self) -> _b.str: ...
    def forward(self, input: _Tensor) -> _Tensor: ...
    mode: _t.Any
    n: _t.Any
    padding: _Ints | _b.str
class _CircularPadNd(_PadNd):
    def forward(self, input: _Tensor) -> _Tensor: ...
    mode: _t.Any
class _ConstantPadNd(_PadNd):
    def __init__(self, padding: _Ints | _b.str, value: _Other) -> None: ...
    def extra_repr(self) -> _b.str: ...
    def forward(self, input: _Tensor) -> _Tensor: ...
    mode: _t.Any
    value: _Other
class _ReflectionPadNd(_PadNd):
    mode: _t.Any
class _ReplicationPadNd(_PadNd):
    mode: _t.Any
class CircularPad1d(_CircularPadNd):
    n: _t.Any
class CircularPad2d(_CircularPadNd):
    n: _t.Any
class CircularPad3d(_CircularPadNd):
    n: _t.Any
class ConstantPad1d(_ConstantPadNd):
    n: _t.Any
class ConstantPad2d(_ConstantPadNd):
    n: _t.Any
class ConstantPad3d(_ConstantPadNd):
    n: _t.Any
class ReflectionPad1d(_ReflectionPadNd):
    n: _t.Any
class ReflectionPad2d(_ReflectionPadNd):
    n: _t.Any
class ReflectionPad3d(_ReflectionPadNd):
    n: _t.Any
class ReplicationPad1d(_ReplicationPadNd):
    n: _t.Any
class ReplicationPad2d(_ReplicationPadNd):
    n: _t.Any
class ReplicationPad3d(_ReplicationPadNd):
    n: _t.Any
class _ZeroPadNd(_ConstantPadNd):
    def __init__(self, padding: _Ints | _b.str) -> None: ...
    def extra_repr(self) -> _b.str: ...
class ZeroPad1d(_ZeroPadNd):
    n: _t.Any
class ZeroPad2d(_ZeroPadNd):
    n: _t.Any
class ZeroPad3d(_ZeroPadNd):
    n: _t.Any
