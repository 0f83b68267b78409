# Written by tools/stubs.py; do not edit.
import typing as _t
from pyxtorch._types import Tensors as _Tensors

def parallel_apply(modules: _t.Any, inputs: _Tensors, kwargs_tup: _t.Any = None, devices: _t.Any = None) -> _t.Any: ...
