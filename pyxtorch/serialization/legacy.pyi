# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

FORMAT: _b.int
HEAD: _t.Any
MAGIC: _b.int
def read(data: _t.Any, unpickle: _t.Any, dtype_of: _t.Any, restore: _t.Any, swap: _t.Any) -> _t.Any: ...
