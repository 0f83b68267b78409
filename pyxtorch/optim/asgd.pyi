# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Groups as _Groups, Number as _Number, Tensor as _Tensor
from pyxtorch.optim.optimizer import Optimizer as _Optimizer

class ASGD(_Optimizer):
    def __init__(self, params: _Groups, lr: _b.float | _Tensor = 0.01, lambd: _b.float = 0.0001, alpha: _Number = 0.75, t0: _b.float = 1000000.0, weight_decay: _b.float = 0, foreach: _b.bool | None = None, maximize: _b.bool = False, differentiable: _b.bool = False, capturable: _b.bool = False) -> None: ...
class Muon(_Optimizer):
    def __init__(self, params: _Groups, lr: _b.float | _Tensor = 0.001, weight_decay: _b.float = 0.1, momentum: _b.float | None = 0.95, nesterov: _b.bool = True, ns_coefficients: _t.Any = ..., eps: _b.float = 1e-07, ns_steps: _b.int = 5, adjust_lr_fn: _t.Any = None) -> None: ...
