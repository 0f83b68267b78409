# Written by tools/stubs.py; do not edit.
import typing as _t

def main(arguments: _t.Any) -> _t.Any: ...
