# Written by tools/stubs.py; do not edit.
import builtins as _b
from pyxtorch._types import Groups as _Groups, Tensor as _Tensor
from pyxtorch.optim.optimizer import Optimizer as _Optimizer

class SGD(_Optimizer):
    def __init__(self, params: _Groups, lr: _b.float | _Tensor = 0.001, momentum: _b.float | None = 0, dampening: _b.float = 0, weight_decay: _b.float = 0, nesterov: _b.bool = False, *, maximize: _b.bool = False, foreach: _b.bool | None = None, differentiable: _b.bool = False, fused: _b.bool | None = None) -> None: ...
