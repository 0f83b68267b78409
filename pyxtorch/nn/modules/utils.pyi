# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Module as _Module, Other as _Other

def options(module: _Module, names: _t.Any) -> _t.Any: ...
def tuple_of(value: _Other, n: _b.int, op: _t.Any) -> _t.Any: ...
