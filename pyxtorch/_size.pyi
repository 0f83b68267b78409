# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Iterable as _Iterable

class Size(_b.tuple[_b.int, ...]):
    def __new__(cls, sizes: _Iterable[_b.int] = ...) -> _t.Self: ...
    def numel(self) -> _b.int: ...
