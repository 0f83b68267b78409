# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Module as _Module

def functional_call(module: _Module, parameters_and_buffers: _t.Any, args: _t.Any = None, kwargs: _t.Any = None, *, tie_weights: _b.bool = True, strict: _b.bool = False) -> _t.Any: ...
