# Written by tools/stubs.py; do not edit.
import typing as _t

DTYPES: _t.Any
KINDS: _t.Any
LAYOUTS: _t.Any
NAMED: _t.Any
NAME_OF: _t.Any
STORAGES: _t.Any
STORAGE_OF: _t.Any
