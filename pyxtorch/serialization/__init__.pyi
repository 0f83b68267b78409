# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import dtype as _dtype

from pyxtorch.serialization.archive import ArchiveError as ArchiveError
from pyxtorch.nn.parameter import Buffer as Buffer
from pyxtorch.serialization.unpickler import Call as Call
DEFAULT_PROTOCOL: _b.int
DTYPES: _t.Any
LAYOUTS: _t.Any
MAP_LOCATION: _t.Any
NAMED: _t.Any
from pyxtorch.nn.parameter import Parameter as Parameter
from pyxtorch.serialization.archive import Reader as Reader
STORAGES: _t.Any
from pyxtorch._size import Size as Size
from pyxtorch.tensor import Tensor as Tensor
from pyxtorch.storage import TypedStorage as TypedStorage
from pyxtorch.nn.parameter import UninitializedBuffer as UninitializedBuffer
from pyxtorch.nn.parameter import UninitializedParameter as UninitializedParameter
from pyxtorch.serialization.unpickler import Unpickler as Unpickler
from pyxtorch.storage import UntypedStorage as UntypedStorage
from pyxtorch.serialization.archive import Writer as Writer
def add_safe_globals(safe_globals: _t.Any) -> None: ...
from pyxtorch.serialization import archive as archive
from pyxtorch.serialization.unpickler import check_key as check_key
from pyxtorch.serialization import checksum as checksum
def clear_safe_globals() -> None: ...
from pyxtorch._dtype import device as device
def get_safe_globals() -> _t.Any: ...
from pyxtorch.serialization.unpickler import is_in as is_in
def load(f: _t.Any, map_location: _t.Any = None, pickle_module: _t.Any = None, *, weights_only: _b.bool | None = None, mmap: _b.bool | None = None, **pickle_load_args: _t.Any) -> _t.Any: ...
from pyxtorch.serialization import names as names
from pyxtorch.serialization import pickler as pickler
from pyxtorch.serialization import reader as reader
def save(obj: _t.Any, f: _t.Any, pickle_module: _t.Any = None, pickle_protocol: _b.float = 2, _use_new_zipfile_serialization: _b.bool = True, _disable_byteorder_record: _b.bool = False) -> None: ...
from pyxtorch._core import storage_of as storage_of
from pyxtorch.serialization import trusting as trusting
from pyxtorch.serialization import unpickler as unpickler
from pyxtorch._core import view_storage as view_storage
class safe_globals:
    def __enter__(self) -> _t.Self: ...
    def __exit__(self, *exc: _t.Any) -> None: ...
    def __init__(self, safe_globals: _t.Any) -> None: ...
    safe_globals: _t.Any
