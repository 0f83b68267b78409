# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Sequence as _Sequence
from pyxtorch._types import Tensor as _Tensor
from pyxtorch.distributions.distribution import Distribution as _Distribution

class ByCovariance(_Distribution):
    covariance_matrix: _t.Any
    precision_matrix: _t.Any
    scale_tril: _t.Any
class MultivariateNormal(ByCovariance):
    def __init__(self, loc: _t.Any, covariance_matrix: _t.Any = None, precision_matrix: _t.Any = None, scale_tril: _t.Any = None, validate_args: _b.bool | None = None) -> None: ...
    arg_constraints: _t.Any
    def entropy(self) -> _Tensor: ...
    def expand(self, batch_shape: _Sequence[_b.int], _instance: _t.Any = None) -> _t.Self: ...
    has_rsample: _t.Any
    def log_prob(self, value: _t.Any) -> _Tensor: ...
    @property
    def mean(self) -> _t.Any: ...
    @property
    def mode(self) -> _t.Any: ...
    def rsample(self, sample_shape: _Sequence[_b.int] = ...) -> _Tensor: ...
    support: _t.Any
    @property
    def variance(self) -> _t.Any: ...
    loc: _t.Any
