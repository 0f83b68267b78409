# Written by tools/stubs.py; do not edit.
import typing as _t
from collections.abc import Callable as _Callable

from pyxtorch.autograd import Function as Function
def once_differentiable(fn: _t.Any) -> _Callable[..., _t.Any]: ...
