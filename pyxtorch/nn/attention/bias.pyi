# Written by tools/stubs.py; do not edit.
import typing as _t
from pyxtorch._types import Ints as _Ints
from pyxtorch.tensor import Tensor as _Tensor

def causal_lower_right(*size: _Ints) -> _t.Any: ...
def causal_upper_left(*size: _Ints) -> _t.Any: ...
class CausalBias(_Tensor):
    def __init__(self, variant: _t.Any, seq_len_q: _t.Any, seq_len_kv: _t.Any) -> None: ...
    seq_len_kv: _t.Any
    seq_len_q: _t.Any
    variant: _t.Any
class CausalVariant:
    LOWER_RIGHT: _t.Any
    UPPER_LEFT: _t.Any
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
