# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Device as _Device, Tensor as _Tensor, Tensors as _Tensors

def elementwise_kernel(inputs: _Tensors, outputs: _t.Any, operation: _t.Any, name: _b.str = 'elementwise', *, preamble: _b.str = '', options: _t.Any = ...) -> _t.Any: ...
class ElementwiseKernel:
    def __call__(self, *args: _t.Any) -> _t.Any: ...
    def __init__(self, inputs: _Tensors, outputs: _t.Any, operation: _t.Any, name: _b.str = 'elementwise', *, preamble: _b.str = '', options: _t.Any = ...) -> None: ...
    inputs: _Tensors
    name: _b.str
    operation: _t.Any
    outputs: _t.Any
class RawKernel:
    def __call__(self, grid: _t.Any, block: _t.Any, args: _t.Any = ..., *, shared_mem: _b.float = 0) -> _t.Any: ...
    def __init__(self, source: _Tensor, name: _b.str, options: _t.Any = ..., *, signature: _t.Any = None) -> None: ...
    def compile(self, device: _Device = None) -> _t.Any: ...
    name: _b.str
    options: _t.Any
    parameters: _t.Any
    source: _Tensor
