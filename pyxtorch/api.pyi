# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Callable as _Callable
from pyxtorch.autograd import Function as _Function

def operation(function: _Callable[..., _t.Any]) -> _t.Any: ...
table: _t.Any
version: _b.int
class CFunction(_Function):
    ...
