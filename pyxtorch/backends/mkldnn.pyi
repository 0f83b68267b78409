# Written by tools/stubs.py; do not edit.
import builtins as _b

enabled: _b.bool
def is_available() -> _b.bool: ...
