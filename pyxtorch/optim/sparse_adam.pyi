# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Groups as _Groups, Tensor as _Tensor
from pyxtorch.optim.optimizer import Optimizer as _Optimizer

class SparseAdam(_Optimizer):
    def __init__(self, params: _Groups, lr: _b.float | _Tensor = 0.001, betas: _b.tuple[_t.Any, _t.Any] = ..., eps: _b.float = 1e-08, maximize: _b.bool = False) -> None: ...
