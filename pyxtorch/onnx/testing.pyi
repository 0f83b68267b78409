# Written by tools/stubs.py; do not edit.
import typing as _t
from pyxtorch._types import Module as _Module

def assert_onnx_program(program: _t.Any, *, model: _Module, args: _t.Any = ..., kwargs: _t.Any = None, rtol: _t.Any = None, atol: _t.Any = None) -> _t.Any: ...
