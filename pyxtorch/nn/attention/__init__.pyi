# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

from pyxtorch.nn.attention import bias as bias
from pyxtorch.nn.attention import flex_attention as flex_attention
def sdpa_kernel(backends: _t.Any, set_priority: _b.bool = False) -> _t.Any: ...
class SDPBackend:
    CUDNN_ATTENTION: _t.Any
    EFFICIENT_ATTENTION: _t.Any
    ERROR: _t.Any
    FLASH_ATTENTION: _t.Any
    MATH: _t.Any
    OVERRIDEABLE: _t.Any
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
