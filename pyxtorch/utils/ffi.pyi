# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

def create_extension(name: _b.str, headers: _t.Any, sources: _t.Any, verbose: _b.bool = True, with_cuda: _b.bool = False, package: _b.bool = False, relative_to: _b.str = '.', **kwargs: _t.Any) -> _t.Any: ...
