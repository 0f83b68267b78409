# Written by tools/stubs.py; do not edit.
import typing as _t
from collections.abc import Callable as _Callable

from pyxtorch.autograd import Function as _Function
BackwardCFunction = _Function
from pyxtorch.autograd import Function as Function
from pyxtorch.autograd import Function as _Function
FunctionCtx = _Function
def once_differentiable(fn: _t.Any) -> _Callable[..., _t.Any]: ...
