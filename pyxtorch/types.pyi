# Written by tools/stubs.py; do not edit.
import typing as _t
from pyxtorch._types import UntypedStorage as _UntypedStorage

Number: _t.Any
from pyxtorch.storage import UntypedStorage as _UntypedStorage
Storage = _UntypedStorage
