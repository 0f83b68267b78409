# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

def replicate(network: _t.Any, devices: _t.Any, detach: _b.bool = False) -> _t.Any: ...
