# Written by tools/stubs.py; do not edit.
import builtins as _b

__version__: _b.str
git_version: _b.str
