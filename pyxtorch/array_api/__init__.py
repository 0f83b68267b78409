"""The Array API standard, 2024.12, on tensors: what `x.__array_namespace__()` gives.

Functions of PyTorch under the standard's names, with its keywords (`axis`, `keepdims`, `correction`), its defaults and its promotion,
which looks at dtypes alone. They take tensors and give tensors, in which gradients flow as ever. docs/array_api.md says where the
operators of tensors, which stay PyTorch's, differ from the standard.

Source: Python array API standard, version 2024.12 (Consortium for Python Data API Standards).
"""
from pyxtorch import (
    bool,
    complex64,
    complex128,
    device as Device,
    e,
    float32,
    float64,
    inf,
    int8,
    int16,
    int32,
    int64,
    nan,
    newaxis,
    pi,
    uint8,
    uint16,
    uint32,
    uint64,
)
from pyxtorch.array_api import _creation, _elementwise, _manipulation, _reductions, _searching, fft, linalg
from pyxtorch.array_api._creation import *  # noqa: F403
from pyxtorch.array_api._dtypes import astype, can_cast, finfo, iinfo, isdtype, result_type
from pyxtorch.array_api._elementwise import *  # noqa: F403
from pyxtorch.array_api._info import __array_namespace_info__
from pyxtorch.array_api._manipulation import *  # noqa: F403
from pyxtorch.array_api._reductions import *  # noqa: F403
from pyxtorch.array_api._searching import *  # noqa: F403
from pyxtorch.array_api.linalg import matmul, tensordot, vecdot

__array_api_version__ = "2024.12"

__all__ = [
    "Device", "__array_api_version__", "__array_namespace_info__", "astype", "bool", "can_cast", "complex128", "complex64", "e", "fft", "finfo",
    "float32", "float64", "iinfo", "inf", "int16", "int32", "int64", "int8", "isdtype", "linalg", "matmul", "nan", "newaxis", "pi",
    "result_type", "tensordot", "uint16", "uint32", "uint64", "uint8", "vecdot",
    *_creation.__all__, *_elementwise.__all__, *_manipulation.__all__, *_reductions.__all__, *_searching.__all__,
]  # fmt: skip
