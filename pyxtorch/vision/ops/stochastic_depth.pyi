# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Tensor as _Tensor
from pyxtorch.nn.modules.module import Module as _Module

def stochastic_depth(input: _Tensor, p: _b.float, mode: _t.Any, training: _b.bool = True) -> _t.Any: ...
class StochasticDepth(_Module):
    def __init__(self, p: _b.float, mode: _t.Any) -> None: ...
    def forward(self, input: _Tensor) -> _Tensor: ...
    mode: _t.Any
    p: _b.float
