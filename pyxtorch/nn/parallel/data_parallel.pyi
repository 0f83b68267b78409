# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Tensor as _Tensor, Tensors as _Tensors
from pyxtorch.nn.modules.module import Module as _Module

def data_parallel(module: _Module, inputs: _Tensors, device_ids: _t.Any = None, output_device: _t.Any = None, dim: _b.int = 0, module_kwargs: _t.Any = None) -> _t.Any: ...
class DataParallel(_Module):
    def __init__(self, module: _Module, device_ids: _t.Any = None, output_device: _t.Any = None, dim: _b.int = 0) -> None: ...
    def forward(self, *inputs: _Tensors, **kwargs: _t.Any) -> _Tensor: ...
    device_ids: _t.Any
    dim: _b.int
    module: _Module
    output_device: _t.Any
