# Written by tools/stubs.py; do not edit.
import typing as _t

def amp_definitely_not_available() -> _t.Any: ...
