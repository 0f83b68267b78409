# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Tensor as _Tensor
from pyxtorch.nn.modules.module import Module as _Module

def drop_block2d(input: _Tensor, p: _b.float, block_size: _t.Any, inplace: _b.bool = False, eps: _b.float = 1e-06, training: _b.bool = True) -> _t.Any: ...
def drop_block3d(input: _Tensor, p: _b.float, block_size: _t.Any, inplace: _b.bool = False, eps: _b.float = 1e-06, training: _b.bool = True) -> _t.Any: ...
class DropBlock2d(_Module):
    def __init__(self, p: _b.float, block_size: _t.Any, inplace: _b.bool = False, eps: _b.float = 1e-06) -> None: ...
    def forward(self, input: _Tensor) -> _Tensor: ...
    block_size: _t.Any
    eps: _b.float
    inplace: _b.bool
    p: _b.float
class DropBlock3d(DropBlock2d):
    def forward(self, input: _Tensor) -> _Tensor: ...
