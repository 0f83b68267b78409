# Written by tools/stubs.py; do not edit.
import typing as _t

class DTensor:
    @classmethod
    def from_local(cls, *args: _t.Any, **kwargs: _t.Any) -> _t.Any: ...
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
