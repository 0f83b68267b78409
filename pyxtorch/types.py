"""torch.types: names for what arguments may be."""
import builtins
import os
from collections.abc import Sequence
from typing import IO, Any, Union

import pyxtorch
from pyxtorch.storage import UntypedStorage as Storage

__all__ = ["Device", "FileLike", "Number", "Storage"]

_TensorOrTensors = Union[pyxtorch.Tensor, Sequence[pyxtorch.Tensor]]  # noqa: UP007
_dtype, _device, _layout, _size = pyxtorch.dtype, pyxtorch.device, pyxtorch.layout, Union[pyxtorch.Size, list[int], tuple[int, ...]]  # noqa: UP007
_int, _float, _bool, _complex, _symbol = builtins.int, builtins.float, builtins.bool, builtins.complex, Any
Number = int | float | bool
Device = Union[pyxtorch.device, str, int, None]  # noqa: UP007
FileLike = Union[str, os.PathLike[str], IO[bytes]]  # noqa: UP007
