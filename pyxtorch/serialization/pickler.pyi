# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

BINPERSID: _t.Any
EMPTY_TUPLE: _t.Any
GLOBAL: _t.Any
MARK: _t.Any
NAME_OF: _t.Any
NEWFALSE: _t.Any
NEWTRUE: _t.Any
REDUCE: _t.Any
STORAGE_OF: _t.Any
TUPLE: _t.Any
class Pickler:
    def __init__(self, file: _t.Any, protocol: _t.Any, legacy: _b.bool = False) -> None: ...
    def persistent_id(self, thing: _t.Any) -> _t.Any: ...
    def save_global(self, thing: _t.Any, name: _b.str | None = None) -> _t.Any: ...
    def types(self) -> _t.Any: ...
    dispatch: _t.Any
    legacy: _b.bool
    storages: _t.Any
