# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

FORMAT: _b.int
HEAD: _t.Any
MAGIC: _b.int
STORAGE_OF: _t.Any
def check_later(check: _t.Any) -> None: ...
def read(data: _t.Any, unpickle: _t.Any, dtype_of: _t.Any, restore: _t.Any, swap: _t.Any) -> _t.Any: ...
def write_file(write: _t.Any, pickled: _t.Any, storages: _t.Any, types: _t.Any) -> _t.Any: ...
