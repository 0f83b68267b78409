# Written by tools/stubs.py; do not edit.
import builtins as _b

class TorchVersion(_b.str):
    ...
