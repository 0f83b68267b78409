# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Tensor as _Tensor

def compile_forward(code: _t.Any) -> _t.Any: ...
def write_forward(nodes: _t.Any, root: _b.str = 'self') -> _t.Any: ...
class PythonCode:
    def __init__(self, src: _Tensor, globals: _t.Any) -> None: ...
    globals: _t.Any
    src: _Tensor
