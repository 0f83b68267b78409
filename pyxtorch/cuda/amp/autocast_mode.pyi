# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import dtype as _dtype
from pyxtorch.amp.autocast_mode import autocast as _autocast

def custom_bwd(bwd: _t.Any) -> _t.Any: ...
def custom_fwd(fwd: _t.Any = None, *, cast_inputs: _t.Any = None) -> _t.Any: ...
class autocast(_autocast):
    def __init__(self, enabled: _b.bool = True, dtype: _dtype = ..., cache_enabled: _b.bool = True) -> None: ...
