# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

def crc32(data: _t.Any, crc: _b.float = 0) -> _b.int: ...
