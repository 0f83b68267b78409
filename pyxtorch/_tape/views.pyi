# Written by tools/stubs.py; do not edit.
import builtins as _b
from collections.abc import Iterator as _Iterator
from types import ModuleType as _ModuleType
from typing import Any as _Any
from pyxtorch import _core
from pyxtorch._core import Size as _Size
from pyxtorch._core import device as _device
from pyxtorch._core import dtype as _dtype
from pyxtorch.tensor import Tensor as _Tensor

class AsStridedView:
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class CopySlices:
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class Overwritten:
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
