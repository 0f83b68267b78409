# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Sequence as _Sequence
from pyxtorch.distributions.transformed_distribution import TransformedDistribution as _TransformedDistribution

class LogisticNormal(_TransformedDistribution):
    def __init__(self, loc: _t.Any, scale: _t.Any, validate_args: _b.bool | None = None) -> None: ...
    arg_constraints: _t.Any
    def expand(self, batch_shape: _Sequence[_b.int], _instance: _t.Any = None) -> _t.Self: ...
    has_rsample: _t.Any
    @property
    def loc(self) -> _t.Any: ...
    @property
    def scale(self) -> _t.Any: ...
    support: _t.Any
