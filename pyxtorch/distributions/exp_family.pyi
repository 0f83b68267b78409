# Written by tools/stubs.py; do not edit.
from pyxtorch._types import Tensor as _Tensor
from pyxtorch.distributions.distribution import Distribution as _Distribution

class ExponentialFamily(_Distribution):
    def entropy(self) -> _Tensor: ...
