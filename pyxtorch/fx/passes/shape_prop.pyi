# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Tensor as _Tensor
from pyxtorch.fx.interpreter import Interpreter as _Interpreter

class ShapeProp(_Interpreter):
    def propagate(self, *args: _t.Any) -> _t.Any: ...
    def run_node(self, n: _b.int) -> _t.Any: ...
class TensorMetadata(_t.NamedTuple):
    shape: _Tensor
    dtype: _Tensor
    requires_grad: _Tensor
    stride: _Tensor
    memory_format: _Tensor
    is_quantized: _Tensor
    qparams: _Tensor
