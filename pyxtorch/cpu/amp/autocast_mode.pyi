# Written by tools/stubs.py; do not edit.
import builtins as _b
from pyxtorch._types import dtype as _dtype
from pyxtorch.amp.autocast_mode import autocast as _autocast

class autocast(_autocast):
    def __init__(self, enabled: _b.bool = True, dtype: _dtype = ..., cache_enabled: _b.bool = True) -> None: ...
