# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Device as _Device, Tensor as _Tensor

def from_dlpack(ext_tensor: _t.Any, *, device: _Device = None, copy: _b.bool | None = None) -> _Tensor: ...
def to_dlpack(x: _t.Any, max_version: _t.Any = None) -> _t.Any: ...
