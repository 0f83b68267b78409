# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Mapping as _Mapping, Sequence as _Sequence
from pyxtorch._types import Optimizer as _Optimizer, StateDict as _StateDict
from pyxtorch.optim.lr_scheduler.scheduler import LRScheduler as _LRScheduler

class _Combined(_LRScheduler):
    def load_state_dict(self, state_dict: _Mapping[_b.str, _t.Any]) -> None: ...
    def state_dict(self) -> _StateDict: ...
class ChainedScheduler(_Combined):
    def __init__(self, schedulers: _t.Any, optimizer: _Optimizer | None = None) -> None: ...
    def step(self) -> None: ...  # type: ignore[override]
class SequentialLR(_Combined):
    def __init__(self, optimizer: _Optimizer, schedulers: _t.Any, milestones: _Sequence[_b.int], last_epoch: _b.int = -1) -> None: ...
    def recursive_undo(self, sched: _t.Any = None) -> None: ...
    def step(self) -> None: ...  # type: ignore[override]
