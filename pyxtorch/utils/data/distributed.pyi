# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch.utils.data.sampler import Sampler as _Sampler

class DistributedSampler(_Sampler):
    def __init__(self, dataset: _t.Any, num_replicas: _t.Any = None, rank: _t.Any = None, shuffle: _b.bool = True, seed: _b.int = 0, drop_last: _b.bool = False) -> None: ...
    def __iter__(self) -> _t.Any: ...
    def __len__(self) -> _b.int: ...
    @property
    def num_samples(self) -> _t.Any: ...
    def set_epoch(self, epoch: _t.Any) -> None: ...
    @property
    def total_size(self) -> _t.Any: ...
    dataset: _t.Any
    drop_last: _b.bool
    epoch: _t.Any
    num_replicas: _t.Any
    rank: _t.Any
    seed: _b.int
    shuffle: _b.bool
