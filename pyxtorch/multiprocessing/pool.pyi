# Written by tools/stubs.py; do not edit.
import typing as _t

class Pool:
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
    Process: _t.Any
