# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Number as _Number, Tensor as _Tensor, Tensors as _Tensors

def sigmoid_focal_loss(inputs: _Tensors, targets: _Tensor, alpha: _Number = 0.25, gamma: _b.float = 2, reduction: _b.str = 'none') -> _t.Any: ...
