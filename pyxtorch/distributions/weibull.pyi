# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Sequence as _Sequence
from pyxtorch._types import Tensor as _Tensor
from pyxtorch.distributions.transformed_distribution import TransformedDistribution as _TransformedDistribution

euler_constant: _b.float
class Weibull(_TransformedDistribution):
    def __init__(self, scale: _t.Any, concentration: _t.Any, validate_args: _b.bool | None = None) -> None: ...
    arg_constraints: _t.Any
    def entropy(self) -> _Tensor: ...
    def expand(self, batch_shape: _Sequence[_b.int], _instance: _t.Any = None) -> _t.Self: ...
    @property
    def mean(self) -> _t.Any: ...
    @property
    def mode(self) -> _t.Any: ...
    support: _t.Any
    @property
    def variance(self) -> _t.Any: ...
    concentration: _t.Any
    concentration_reciprocal: _t.Any
    scale: _t.Any
