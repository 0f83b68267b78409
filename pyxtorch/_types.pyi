"""The types that the stubs speak of. Written by hand, and for type checkers only: no program can import it.

Where a type says `... | Any`, the value may be of one more type that programs do not test for, as typeshed does it:
what none of the types has is still an error, and an ordinary line is none.
"""
from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import Any, SupportsIndex, TypeAlias

import numpy as np

from pyxtorch._core import Size as Size
from pyxtorch._core import UntypedStorage as UntypedStorage
from pyxtorch._core import device as device
from pyxtorch._core import dtype as dtype
from pyxtorch._tape.hooks import RemovableHandle as RemovableHandle
from pyxtorch.nn.modules.module import Module as Module
from pyxtorch.nn.parameter import Parameter as Parameter
from pyxtorch.nn.utils.rnn import PackedSequence as PackedSequence
from pyxtorch.optim.optimizer import Optimizer as Optimizer
from pyxtorch.tensor import Tensor as Tensor
from pyxtorch._dtype import layout as layout
from pyxtorch._dtype import memory_format as memory_format

Number: TypeAlias = complex  # where complex is asked for, int, float and bool do as well
NdArray: TypeAlias = np.ndarray[Any, Any]
Array: TypeAlias = NdArray | np.generic
Other: TypeAlias = Tensor | Number | Array  # the other operand
Item: TypeAlias = int | Any  # int, float, bool or complex, by the dtype: `total = 0; total += x.item()` is no error
Grad: TypeAlias = Tensor | Any  # None before there is one
Device: TypeAlias = device | str | int | None
Ints: TypeAlias = SupportsIndex | Sequence[SupportsIndex]  # NumPy's integers, too
Dims: TypeAlias = Ints | None
Out: TypeAlias = Tensor | Sequence[Tensor] | None
Tensors: TypeAlias = Sequence[Tensor] | Tensor
OneIndex: TypeAlias = int | slice | EllipsisType | None | Tensor | Array | range | list[Any]
Index: TypeAlias = OneIndex | tuple[Any, ...]
StateDict: TypeAlias = dict[str, Any]
Groups: TypeAlias = Any  # parameters, (name, parameter) pairs, or dicts that hold either and options
