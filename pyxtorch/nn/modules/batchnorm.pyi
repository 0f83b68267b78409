# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Device as _Device, Parameter as _Parameter, Tensor as _Tensor, dtype as _dtype
from pyxtorch.nn.modules.lazy import LazyModuleMixin as _LazyModuleMixin
from pyxtorch.nn.modules.module import Module as _Module

class _LazyNorm(_LazyModuleMixin):
    def __init__(self, eps: _b.float = 1e-05, momentum: _b.float | None = 0.1, affine: _b.bool = True, track_running_stats: _b.bool = True, device: _Device = None, dtype: _dtype | None = None, *, bias: _b.bool = True) -> None: ...
    def initialize_parameters(self, input: _t.Any) -> None: ...
    def reset_parameters(self) -> None: ...
    affine: _b.bool
    bias: _Parameter
    num_batches_tracked: _Tensor
    num_features: _t.Any
    running_mean: _Tensor
    running_var: _Tensor
    track_running_stats: _b.bool
    weight: _Parameter
class _NormBase(_Module):
    def __init__(self, num_features: _b.int, eps: _b.float = 1e-05, momentum: _b.float | None = 0.1, affine: _b.bool = True, track_running_stats: _b.bool = True, device: _Device = None, dtype: _dtype | None = None, *, bias: _b.bool = True) -> None: ...
    def extra_repr(self) -> _b.str: ...
    def reset_parameters(self) -> None: ...
    def reset_running_stats(self) -> None: ...
    affine: _b.bool
    eps: _b.float
    momentum: _b.float | None
    num_batches_tracked: _Tensor
    num_features: _b.int
    running_mean: _Tensor
    running_var: _Tensor
    track_running_stats: _b.bool
class _BatchNorm(_NormBase):
    def forward(self, input: _Tensor) -> _Tensor: ...
class _InstanceNorm(_NormBase):
    def __init__(self, num_features: _b.int, eps: _b.float = 1e-05, momentum: _b.float | None = 0.1, affine: _b.bool = False, track_running_stats: _b.bool = False, device: _Device = None, dtype: _dtype | None = None, *, bias: _b.bool = True) -> None: ...
    def forward(self, input: _Tensor) -> _Tensor: ...
class BatchNorm1d(_BatchNorm):
    ...
class BatchNorm2d(_BatchNorm):
    ...
class BatchNorm3d(_BatchNorm):
    ...
class InstanceNorm1d(_InstanceNorm):
    ...
class InstanceNorm2d(_InstanceNorm):
    ...
class InstanceNorm3d(_InstanceNorm):
    ...
class SyncBatchNorm(_BatchNorm):
    def __init__(self, num_features: _b.int, eps: _b.float = 1e-05, momentum: _b.float | None = 0.1, affine: _b.bool = True, track_running_stats: _b.bool = True, process_group: _t.Any = None, device: _Device = None, dtype: _dtype | None = None, *, bias: _b.bool = True) -> None: ...
    @classmethod
    def convert_sync_batchnorm(cls, module: _Module, process_group: _t.Any = None) -> _t.Any: ...
    def forward(self, input: _Tensor) -> _Tensor: ...
    process_group: _t.Any
class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    cls_to_become: _t.Any
class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    cls_to_become: _t.Any
class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    cls_to_become: _t.Any
class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    cls_to_become: _t.Any
class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    cls_to_become: _t.Any
class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    cls_to_become: _t.Any
