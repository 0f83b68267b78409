# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Callable as _Callable, Iterator as _Iterator, Sequence as _Sequence
from pyxtorch._types import Array as _Array, Number as _Number, Tensor as _Tensor
from pyxtorch.utils.data.dataset import Dataset as Dataset
from typing_extensions import TypeVar as _TypeVar
_T = _t.TypeVar("_T")
_R = _t.TypeVar("_R")
_T_co = _t.TypeVar("_T_co", covariant=True)
_B_co = _TypeVar("_B_co", covariant=True, default=Collated)

class Collated: ...  # of a loader whose batches default_collate makes
def make_fetch(dataset: _t.Any, grouped: _t.Any, collate: _t.Any, drop_last: _t.Any) -> _t.Any: ...
class DataLoader(_t.Generic[_T_co, _B_co]):
    @_t.overload
    def __init__(self: DataLoader[_T, _R], dataset: Dataset[_T] | _Sequence[_T], batch_size: None, *, collate_fn: _Callable[[_T], _R], **options: _t.Any) -> None: ...
    @_t.overload
    def __init__(self: DataLoader[_T, _t.Any], dataset: Dataset[_T] | _Sequence[_T], batch_size: None, *, collate_fn: None = None, **options: _t.Any) -> None: ...
    @_t.overload
    def __init__(self: DataLoader[_T, Collated], dataset: Dataset[_T] | _Sequence[_T], batch_size: _b.int | None = 1, shuffle: _b.bool | None = None, sampler: _t.Any = None, batch_sampler: _t.Any = None, num_workers: _b.int = 0, collate_fn: None = None, pin_memory: _b.bool = False, drop_last: _b.bool = False, timeout: _b.float = 0, worker_init_fn: _Callable[[_b.int], _t.Any] | None = None, multiprocessing_context: _t.Any = None, generator: _t.Any = None, *, prefetch_factor: _b.int | None = None, persistent_workers: _b.bool = False, pin_memory_device: _b.str = '', in_order: _b.bool = True) -> None: ...
    @_t.overload
    def __init__(self: DataLoader[_T, _R], dataset: Dataset[_T] | _Sequence[_T], batch_size: _b.int | None = 1, shuffle: _b.bool | None = None, sampler: _t.Any = None, batch_sampler: _t.Any = None, num_workers: _b.int = 0, *, collate_fn: _Callable[[_b.list[_T]], _R], **options: _t.Any) -> None: ...
    @_t.overload
    def __init__(self: DataLoader[_t.Any, _t.Any], dataset: _t.Any, batch_size: _b.int | None = 1, shuffle: _b.bool | None = None, sampler: _t.Any = None, batch_sampler: _t.Any = None, num_workers: _b.int = 0, collate_fn: _t.Any = None, pin_memory: _b.bool = False, drop_last: _b.bool = False, timeout: _b.float = 0, worker_init_fn: _Callable[[_b.int], _t.Any] | None = None, multiprocessing_context: _t.Any = None, generator: _t.Any = None, *, prefetch_factor: _b.int | None = None, persistent_workers: _b.bool = False, pin_memory_device: _b.str = '', in_order: _b.bool = True) -> None: ...
    @_t.overload
    def __iter__(self: DataLoader[_Tensor | _Number | _Array, Collated]) -> _Iterator[_Tensor]: ...
    @_t.overload
    def __iter__(self: DataLoader[_b.tuple[_Tensor | _Number | _Array, ...], Collated]) -> _Iterator[_b.list[_Tensor]]: ...
    @_t.overload
    def __iter__(self: DataLoader[_b.dict[_b.str, _Tensor], Collated]) -> _Iterator[_b.dict[_b.str, _Tensor]]: ...
    @_t.overload
    def __iter__(self: DataLoader[_t.Any, Collated]) -> _Iterator[_t.Any]: ...
    @_t.overload
    def __iter__(self: DataLoader[_t.Any, _R]) -> _Iterator[_R]: ...
    def __len__(self) -> _b.int: ...
    batch_sampler: _t.Any
    batch_size: _b.int
    collate_fn: _t.Any
    dataset: Dataset[_T_co]
    drop_last: _b.bool
    generator: _t.Any
    in_order: _b.bool
    multiprocessing_context: _t.Any
    num_workers: _b.int
    persistent_workers: _b.bool
    pin_memory: _b.bool
    pin_memory_device: _b.str
    prefetch_factor: _b.int | None
    sampler: _t.Any
    timeout: _b.float
    worker_init_fn: _t.Any
