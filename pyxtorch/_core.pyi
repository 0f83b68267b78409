# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Ints as _Ints, Tensor as _Tensor, dtype as _dtype

from pyxtorch._storage import OutOfMemoryError as OutOfMemoryError
from pyxtorch._size import Size as Size
from pyxtorch._storage import UntypedStorage as UntypedStorage
def count_change(x: _t.Any) -> _t.Any: ...
from pyxtorch._storage import cpu_level as cpu_level
from pyxtorch._dtype import device as device
from pyxtorch._dtype import dtype as dtype
from pyxtorch._dtype import dtypes as dtypes
from pyxtorch._storage import empty_cache as empty_cache
from pyxtorch._storage import formulas as formulas
from pyxtorch._dtype import get_default_device as get_default_device
from pyxtorch._dtype import get_default_dtype as get_default_dtype
from pyxtorch._storage import get_num_threads as get_num_threads
def in_shared_memory(x: _t.Any) -> _b.bool: ...
def mark_new_tensors(inference: _t.Any) -> _t.Any: ...
from pyxtorch._storage import memory_stats as memory_stats
from pyxtorch._dtype import promote_types as promote_types
from pyxtorch._dtype import py_can_cast as py_can_cast
from pyxtorch._storage import register_cpu_kernels as register_cpu_kernels
from pyxtorch._storage import register_cuda_kernels as register_cuda_kernels
from pyxtorch._storage import reset_peak_memory_stats as reset_peak_memory_stats
from pyxtorch._storage import set_cache_limit as set_cache_limit
from pyxtorch._dtype import set_cuda_loader as set_cuda_loader
from pyxtorch._storage import set_cuda_storage as set_cuda_storage
from pyxtorch._dtype import set_default_device as set_default_device
from pyxtorch._dtype import set_default_dtype as set_default_dtype
from pyxtorch._storage import set_num_threads as set_num_threads
def share_buffer(source: _Tensor, op: _b.str = 'from_numpy') -> _t.Any: ...
def storage_of(x: _t.Any) -> _t.Any: ...
def view_storage(storage: _t.Any, d: _t.Any, offset: _b.int, sizes: _Ints, strides: _t.Any) -> _t.Any: ...
class TensorBase:
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
