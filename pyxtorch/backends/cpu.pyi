# Written by tools/stubs.py; do not edit.
import builtins as _b

def get_cpu_capability() -> _b.str: ...
