# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Ints as _Ints, Number as _Number, Other as _Other

ATEN: _t.Any
QUIET: _t.Any
def flops_of(name: _b.str, shapes: _Ints, values: _t.Any = ..., names: _t.Any = ...) -> _t.Any: ...
class Interval:
    def __init__(self, start: _Number, end: _Other) -> None: ...
    def elapsed_us(self) -> _t.Any: ...
    @property
    def end(self) -> _t.Any: ...
    @end.setter
    def end(self, value: _t.Any) -> None: ...
    @property
    def start(self) -> _t.Any: ...
    @start.setter
    def start(self, value: _t.Any) -> None: ...
class _Times:
    @property
    def cpu_time(self) -> _t.Any: ...
    @property
    def cpu_time_str(self) -> _t.Any: ...
    @property
    def cpu_time_total_str(self) -> _t.Any: ...
    device_memory_usage: _t.Any
    @property
    def device_time(self) -> _t.Any: ...
    @property
    def device_time_str(self) -> _t.Any: ...
    device_time_total: _t.Any
    @property
    def device_time_total_str(self) -> _t.Any: ...
    device_type: _t.Any
    is_async: _t.Any
    is_legacy: _t.Any
    is_remote: _t.Any
    node_id: _t.Any
    overload_name: _t.Any
    @property
    def self_cpu_time_total_str(self) -> _t.Any: ...
    self_device_memory_usage: _t.Any
    self_device_time_total: _t.Any
    @property
    def self_device_time_total_str(self) -> _t.Any: ...
    use_device: _t.Any
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
class DeviceType:
    CPU: _t.Any
    CUDA: _t.Any
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
class EventList(_b.list):
    def __init__(self, *args: _t.Any, profile_memory: _b.bool = False, with_flops: _b.bool = False, with_shapes: _b.bool = False, with_stack: _b.bool = False, use_device: _t.Any = None) -> None: ...
    def export_chrome_trace(self, path: _t.Any) -> _t.Any: ...
    def export_stacks(self, path: _t.Any, metric: _b.str = 'self_cpu_time_total') -> _t.Any: ...
    def key_averages(self, group_by_input_shapes: _b.bool = False, group_by_stack_n: _b.float = 0, group_by_overload_name: _b.bool = False) -> _t.Any: ...
    @property
    def self_cpu_time_total(self) -> _t.Any: ...
    def table(self, sort_by: _t.Any = None, row_limit: _b.float = 100, max_src_column_width: _b.float = 75, max_name_column_width: _b.float = 55, max_shapes_column_width: _b.float = 80, header: _t.Any = None, top_level_events_only: _b.bool = False, time_unit: _t.Any = None) -> _t.Any: ...
    def total_average(self) -> _t.Any: ...
class FunctionEvent(_Times):
    def __init__(self, id: _t.Any, name: _b.str, start: _Number, end: _Other, kind: _b.str = 'operation', thread: _b.float = 0, memory: _b.float = 0, shapes: _Ints = ..., dtypes: _t.Any = ..., stack: _t.Any = ..., sequence: _b.float = -1, flops: _b.float = 0) -> None: ...
    count: _t.Any
    @property
    def cpu_time_total(self) -> _t.Any: ...
    device_index: _t.Any
    kernels: _t.Any
    @property
    def self_cpu_memory_usage(self) -> _t.Any: ...
    @property
    def self_cpu_time_total(self) -> _t.Any: ...
    cpu_children: _t.Any
    cpu_memory_usage: _t.Any
    cpu_parent: _t.Any
    flops: _b.float
    fwd_thread: _t.Any
    id: _t.Any
    input_dtypes: _t.Any
    input_shapes: _t.Any
    is_user_annotation: _t.Any
    key: _t.Any
    kind: _b.str
    name: _b.str
    scope: _t.Any
    sequence_nr: _t.Any
    stack: _t.Any
    thread: _b.float
    time_range: _t.Any
    trace_name: _t.Any
class FunctionEventAvg(_Times):
    def __init__(self) -> None: ...
    def add(self, other: _t.Any) -> _t.Any: ...
    count: _t.Any
    cpu_children: _t.Any
    cpu_memory_usage: _t.Any
    cpu_parent: _t.Any
    cpu_time_total: _t.Any
    flops: _t.Any
    input_shapes: _t.Any
    is_user_annotation: _t.Any
    key: _t.Any
    scope: _t.Any
    self_cpu_memory_usage: _t.Any
    self_cpu_time_total: _t.Any
    stack: _t.Any
