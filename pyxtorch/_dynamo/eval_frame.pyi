# Written by tools/stubs.py; do not edit.
import typing as _t
from pyxtorch._types import Tensor as _Tensor
from pyxtorch.nn.modules.module import Module as _Module

class OptimizedModule(_Module):
    def __init__(self, mod: _t.Any, dynamo_ctx: _t.Any = None) -> None: ...
    def forward(self, *args: _t.Any, **kwargs: _t.Any) -> _Tensor: ...
