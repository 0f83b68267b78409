# Written by tools/stubs.py; do not edit.
import builtins as _b
from collections.abc import Iterator as _Iterator
from types import ModuleType as _ModuleType
from typing import Any as _Any
from pyxtorch import _core
_Size = Size
from pyxtorch._core import device as _device
from pyxtorch._core import dtype as _dtype
from pyxtorch.tensor import Tensor as _Tensor

class Size(_b.tuple):
    def numel(self): ...
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
