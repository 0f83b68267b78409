# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Callable as _Callable
from pyxtorch._types import RemovableHandle as _RemovableHandle, Tensor as _Tensor, Tensors as _Tensors
from pyxtorch.nn.modules.module import Module as _Module

class DistributedDataParallel(_Module):
    def __init__(self, module: _Module, device_ids: _t.Any = None, output_device: _t.Any = None, dim: _b.int = 0, broadcast_buffers: _b.bool = True, init_sync: _b.bool = True, process_group: _t.Any = None, bucket_cap_mb: _t.Any = None, find_unused_parameters: _b.bool = False, check_reduction: _b.bool = False, gradient_as_bucket_view: _b.bool = False, static_graph: _b.bool = False, delay_all_reduce_named_params: _t.Any = None, param_to_hook_all_reduce: _t.Any = None, mixed_precision: _t.Any = None, device_mesh: _t.Any = None, skip_all_reduce_unused_params: _b.bool = False, *, shards: _t.Any = None) -> None: ...
    def forward(self, *inputs: _Tensors, **kwargs: _t.Any) -> _Tensor: ...
    def join(self, divide_by_initial_world_size: _b.bool = True, enable: _b.bool = True, throw_on_early_termination: _b.bool = False) -> _t.Any: ...
    def no_sync(self) -> _t.Any: ...
    def register_comm_hook(self, state: _t.Any, hook: _Callable[..., _t.Any]) -> _RemovableHandle: ...
    broadcast_buffers: _b.bool
    device_ids: _t.Any
    dim: _b.int
    find_unused_parameters: _b.bool
    gradient_as_bucket_view: _b.bool
    module: _Module
    output_device: _t.Any
    process_group: _t.Any
    require_backward_grad_sync: _t.Any
    static_graph: _b.bool
