# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Groups as _Groups, Tensor as _Tensor
from pyxtorch.optim.optimizer import Optimizer as _Optimizer

class Adam(_Optimizer):
    def __init__(self, params: _Groups, lr: _b.float | _Tensor = 0.001, betas: _b.tuple[_t.Any, _t.Any] = ..., eps: _b.float = 1e-08, weight_decay: _b.float = 0, amsgrad: _b.bool = False, *, foreach: _b.bool | None = None, maximize: _b.bool = False, capturable: _b.bool = False, differentiable: _b.bool = False, fused: _b.bool | None = None, decoupled_weight_decay: _b.bool = False) -> None: ...
class AdamW(Adam):
    def __init__(self, params: _Groups, lr: _b.float | _Tensor = 0.001, betas: _b.tuple[_t.Any, _t.Any] = ..., eps: _b.float = 1e-08, weight_decay: _b.float = 0.01, amsgrad: _b.bool = False, *, maximize: _b.bool = False, foreach: _b.bool | None = None, capturable: _b.bool = False, differentiable: _b.bool = False, fused: _b.bool | None = None) -> None: ...
