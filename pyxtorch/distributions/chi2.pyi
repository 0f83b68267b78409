# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Sequence as _Sequence
from pyxtorch.distributions.gamma import Gamma as _Gamma

class Chi2(_Gamma):
    def __init__(self, df: _t.Any, validate_args: _b.bool | None = None) -> None: ...
    arg_constraints: _t.Any
    @property
    def df(self) -> _t.Any: ...
    def expand(self, batch_shape: _Sequence[_b.int], _instance: _t.Any = None) -> _t.Self: ...
