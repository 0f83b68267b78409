# Written by tools/stubs.py; do not edit.
import builtins as _b
from pyxtorch._types import Groups as _Groups, Number as _Number, Tensor as _Tensor
from pyxtorch.optim.optimizer import Optimizer as _Optimizer

class RMSprop(_Optimizer):
    def __init__(self, params: _Groups, lr: _b.float | _Tensor = 0.01, alpha: _Number = 0.99, eps: _b.float = 1e-08, weight_decay: _b.float = 0, momentum: _b.float | None = 0, centered: _b.bool = False, capturable: _b.bool = False, foreach: _b.bool | None = None, maximize: _b.bool = False, differentiable: _b.bool = False) -> None: ...
