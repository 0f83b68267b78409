# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Device as _Device, Ints as _Ints, dtype as _dtype, memory_format as _memory_format

def assert_allclose(actual: _t.Any, expected: _t.Any, rtol: _t.Any = None, atol: _t.Any = None, equal_nan: _b.bool = True, msg: _b.str = '') -> _t.Any: ...
def assert_close(actual: _t.Any, expected: _t.Any, *, allow_subclasses: _b.bool = True, rtol: _t.Any = None, atol: _t.Any = None, equal_nan: _b.bool = False, check_device: _b.bool = True, check_dtype: _b.bool = True, check_layout: _b.bool = True, check_stride: _b.bool = False, msg: _t.Any = None) -> _t.Any: ...
from pyxtorch.testing import checks as checks
def make_tensor(*shape: _Ints, dtype: _dtype, device: _Device = None, low: _t.Any = None, high: _t.Any = None, requires_grad: _b.bool = False, noncontiguous: _b.bool = False, exclude_zero: _b.bool = False, memory_format: _memory_format | None = None) -> _t.Any: ...
from pyxtorch.testing import operations as operations
