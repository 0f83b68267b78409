"""torch.nn.common_types: names for what sizes may be."""
from typing import Union

from pyxtorch import Tensor

_scalar_or_tuple_any_t = Union[int, tuple[int, ...]]  # noqa: UP007
_scalar_or_tuple_1_t, _scalar_or_tuple_2_t, _scalar_or_tuple_3_t = (Union[int, tuple[(int,) * n]] for n in (1, 2, 3))  # noqa: UP007
_scalar_or_tuple_4_t, _scalar_or_tuple_5_t, _scalar_or_tuple_6_t = (Union[int, tuple[(int,) * n]] for n in (4, 5, 6))  # noqa: UP007
_size_any_t, _size_1_t, _size_2_t, _size_3_t = _scalar_or_tuple_any_t, _scalar_or_tuple_1_t, _scalar_or_tuple_2_t, _scalar_or_tuple_3_t
_size_4_t, _size_5_t, _size_6_t = _scalar_or_tuple_4_t, _scalar_or_tuple_5_t, _scalar_or_tuple_6_t
_ratio_any_t, _ratio_2_t, _ratio_3_t = Union[float, tuple[float, ...]], Union[float, tuple[float, float]], Union[float, tuple[float, float, float]]  # noqa: UP007
_tensor_list_t = Union[Tensor, list[Tensor]]  # noqa: UP007
_maybe_indices_t = Union[Tensor, tuple[Tensor, Tensor]]  # noqa: UP007
