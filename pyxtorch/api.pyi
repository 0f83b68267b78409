# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch.autograd import Function as _Function

table: _t.Any
version: _b.int
class CFunction(_Function):
    ...
