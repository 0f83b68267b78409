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
from pyxtorch.serialization.options import LoadEndianness as LoadEndianness
MAP_LOCATION: _t.Any
NAMED: _t.Any
from pyxtorch.nn.parameter import Parameter as Parameter
from pyxtorch.serialization.archive import Reader as Reader
STORAGES: _t.Any
from pyxtorch._size import Size as Size
from pyxtorch.serialization.options import SourceChangeWarning as SourceChangeWarning
StorageType: _t.Any
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
from pyxtorch.serialization.options import check_module_version_greater_or_equal as check_module_version_greater_or_equal
from pyxtorch.serialization import checksum as checksum
def clear_safe_globals() -> None: ...
from pyxtorch.serialization.options import default_restore_location as default_restore_location
from pyxtorch._dtype import device as device
from pyxtorch.serialization.options import get_crc32_options as get_crc32_options
from pyxtorch.serialization.options import get_default_load_endianness as get_default_load_endianness
from pyxtorch.serialization.options import get_default_mmap_options as get_default_mmap_options
def get_safe_globals() -> _t.Any: ...
def get_unsafe_globals_in_checkpoint(f: _t.Any) -> _t.Any: ...
from pyxtorch.serialization.unpickler import is_in as is_in
from pyxtorch.serialization import legacy as legacy
def load(f: _t.Any, map_location: _t.Any = None, pickle_module: _t.Any = None, *, weights_only: _b.bool | None = None, mmap: _b.bool | None = None, **pickle_load_args: _t.Any) -> _t.Any: ...
def load_layers(f: _t.Any, map_location: _t.Any = None) -> _t.Any: ...
from pyxtorch.serialization.options import location_tag as location_tag
from pyxtorch.serialization.options import mkdtemp as mkdtemp
from pyxtorch.serialization import names as names
from pyxtorch.serialization.options import normalize_storage_type as normalize_storage_type
from pyxtorch.serialization import options as options
from pyxtorch.serialization import pickler as pickler
from pyxtorch.serialization import reader as reader
from pyxtorch.serialization.options import register_package as register_package
def save(obj: _t.Any, f: _t.Any, pickle_module: _t.Any = None, pickle_protocol: _b.float = 2, _use_new_zipfile_serialization: _b.bool = True, _disable_byteorder_record: _b.bool = False) -> None: ...
from pyxtorch.serialization.options import set_crc32_options as set_crc32_options
from pyxtorch.serialization.options import set_default_load_endianness as set_default_load_endianness
from pyxtorch.serialization.options import set_default_mmap_options as set_default_mmap_options
from pyxtorch.serialization.options import skip_data as skip_data
from pyxtorch._core import storage_of as storage_of
from pyxtorch.serialization.options import storage_to_tensor_type as storage_to_tensor_type
from pyxtorch.serialization import trusting as trusting
from pyxtorch.serialization import unpickler as unpickler
from pyxtorch.serialization.options import validate_cuda_device as validate_cuda_device
from pyxtorch._core import view_storage as view_storage
class safe_globals:
    def __enter__(self) -> _t.Self: ...
    def __exit__(self, *exc: _t.Any) -> None: ...
    def __init__(self, safe_globals: _t.Any) -> None: ...
    safe_globals: _t.Any
