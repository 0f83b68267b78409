# Written by tools/stubs.py; do not edit.
import builtins as _b

def is_available() -> _b.bool: ...
