# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Device as _Device, Tensor as _Tensor

def from_dlpack(ext_tensor: _t.Any, *, device: _Device = None, copy: _b.bool | None = None) -> _Tensor: ...
def to_dlpack(x: _t.Any, max_version: _t.Any = None, copied: _b.bool = False) -> _t.Any: ...
class DLDeviceType:
    kDLCPU: _t.Any
    kDLCUDA: _t.Any
    kDLCUDAHost: _t.Any
    kDLCUDAManaged: _t.Any
    kDLExtDev: _t.Any
    kDLHexagon: _t.Any
    kDLMAIA: _t.Any
    kDLMetal: _t.Any
    kDLOneAPI: _t.Any
    kDLOpenCL: _t.Any
    kDLROCM: _t.Any
    kDLROCMHost: _t.Any
    kDLVPI: _t.Any
    kDLVulkan: _t.Any
    kDLWebGPU: _t.Any
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
