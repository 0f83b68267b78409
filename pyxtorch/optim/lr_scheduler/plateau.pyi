# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Sequence as _Sequence
from pyxtorch._types import Optimizer as _Optimizer, Tensor as _Tensor
from pyxtorch.optim.lr_scheduler.scheduler import LRScheduler as _LRScheduler

EPOCH_WARNING: _b.str
class ReduceLROnPlateau(_LRScheduler):
    def __init__(self, optimizer: _Optimizer, mode: _b.str = 'min', factor: _b.float = 0.1, patience: _b.int = 10, threshold: _b.float = 0.0001, threshold_mode: _b.str = 'rel', cooldown: _b.int = 0, min_lr: _b.float | _Sequence[_b.float] = 0, eps: _b.float = 1e-08) -> None: ...
    @property
    def in_cooldown(self) -> _t.Any: ...
    def is_better(self, a: _t.Any, best: _t.Any) -> _b.bool: ...
    def step(self, metrics: _b.float | _Tensor, epoch: _b.int | None = None) -> None: ...  # type: ignore[override]
    best: _t.Any
    cooldown: _b.int
    cooldown_counter: _t.Any
    default_min_lr: _t.Any
    eps: _b.float
    factor: _b.float
    min_lrs: _t.Any
    mode: _b.str
    mode_worse: _t.Any
    num_bad_epochs: _t.Any
    patience: _b.int
    threshold: _b.float
    threshold_mode: _b.str
