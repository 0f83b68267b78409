# Written by tools/stubs.py; do not edit.
import typing as _t
from pyxtorch._types import Tensor as _Tensor

def replace_pattern(gm: _t.Any, pattern: _t.Any, replacement: _t.Any) -> _t.Any: ...
class Match(_t.NamedTuple):
    anchor: _Tensor
    nodes_map: _Tensor
