# Written by tools/stubs.py; do not edit.
import typing as _t

from pyxtorch._tape.hooks import RemovableHandle as RemovableHandle
def unserializable_hook(f: _t.Any) -> _t.Any: ...
