# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Ints as _Ints

def associative_scan(combine_fn: _t.Any, xs: _t.Any, dim: _Ints, reverse: _b.bool = False, combine_mode: _b.str = 'pointwise') -> _t.Any: ...
