# Written by tools/stubs.py; do not edit.
import typing as _t
from pyxtorch._types import Module as _Module

def skip_init(module_cls: _t.Any, *args: _t.Any, **kwargs: _t.Any) -> _Module: ...
