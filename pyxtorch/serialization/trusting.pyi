# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Module as _Module

def ours(module: _Module, name: _b.str, layers: _t.Any) -> _t.Any: ...
def unpickle(data: _t.Any, place: _t.Any, find: _t.Any, load_storage: _t.Any, pickle_module: _t.Any, options: _t.Any) -> _t.Any: ...
