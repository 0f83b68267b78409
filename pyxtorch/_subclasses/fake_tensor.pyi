# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

def is_fake(x: _t.Any) -> _b.bool: ...
class FakeTensor:
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
