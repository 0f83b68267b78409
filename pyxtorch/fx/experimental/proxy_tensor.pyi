# Written by tools/stubs.py; do not edit.
import typing as _t

def get_proxy_mode() -> _t.Any: ...
