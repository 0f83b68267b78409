# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Callable as _Callable
from pyxtorch._types import Groups as _Groups, Tensor as _Tensor
from pyxtorch.optim.optimizer import Optimizer as _Optimizer
_T = _t.TypeVar("_T")

CURVATURE: _b.float
SUFFICIENT: _b.float
class LBFGS(_Optimizer):
    def __init__(self, params: _Groups, lr: _b.float | _Tensor = 1, max_iter: _b.int = 20, max_eval: _b.int | None = None, tolerance_grad: _b.float = 1e-07, tolerance_change: _b.float = 1e-09, history_size: _b.int = 100, line_search_fn: _t.Any = None) -> None: ...
    def step(self, closure: _Callable[[], _T]) -> _T: ...  # type: ignore[override]
