# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Sequence as _Sequence
from pyxtorch._types import Ints as _Ints, Tensor as _Tensor
from pyxtorch.distributions.distribution import Distribution as _Distribution

class LKJCholesky(_Distribution):
    def __init__(self, dim: _Ints, concentration: _b.float = 1.0, validate_args: _b.bool | None = None) -> None: ...
    arg_constraints: _t.Any
    def expand(self, batch_shape: _Sequence[_b.int], _instance: _t.Any = None) -> _t.Self: ...
    def log_prob(self, value: _t.Any) -> _Tensor: ...
    def sample(self, sample_shape: _Sequence[_b.int] = ...) -> _Tensor: ...
    support: _t.Any
    concentration: _b.float
    dim: _Ints
