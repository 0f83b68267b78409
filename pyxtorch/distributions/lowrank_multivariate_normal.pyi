# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Sequence as _Sequence
from pyxtorch._types import Tensor as _Tensor
from pyxtorch.distributions.distribution import Distribution as _Distribution

class LowRankMultivariateNormal(_Distribution):
    def __init__(self, loc: _t.Any, cov_factor: _t.Any, cov_diag: _t.Any, validate_args: _b.bool | None = None) -> None: ...
    arg_constraints: _t.Any
    covariance_matrix: _t.Any
    def entropy(self) -> _Tensor: ...
    def expand(self, batch_shape: _Sequence[_b.int], _instance: _t.Any = None) -> _t.Self: ...
    has_rsample: _t.Any
    def log_prob(self, value: _t.Any) -> _Tensor: ...
    @property
    def mean(self) -> _t.Any: ...
    @property
    def mode(self) -> _t.Any: ...
    precision_matrix: _t.Any
    def rsample(self, sample_shape: _Sequence[_b.int] = ...) -> _Tensor: ...
    scale_tril: _t.Any
    support: _t.Any
    variance: _t.Any
    cov_diag: _t.Any
    cov_factor: _t.Any
    loc: _t.Any
