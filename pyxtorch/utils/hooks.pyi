# Written by tools/stubs.py; do not edit.
import typing as _t
from pyxtorch._types import Tensor as _Tensor

from pyxtorch._tape.hooks import RemovableHandle as RemovableHandle
def unserializable_hook(f: _t.Any) -> _t.Any: ...
def warn_if_has_hooks(tensor: _Tensor) -> _t.Any: ...
