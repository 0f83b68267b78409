# Written by tools/stubs.py; do not edit.
import builtins as _b
from collections.abc import Iterator as _Iterator
from types import ModuleType as _ModuleType
from typing import Any as _Any
from pyxtorch import _core
from pyxtorch._core import Size as _Size
from pyxtorch._core import device as _device
from pyxtorch._core import dtype as _dtype
from pyxtorch.tensor import Tensor as _Tensor

class aminmax(_b.tuple):
    max: _Any
    min: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class cummax(_b.tuple):
    indices: _Any
    values: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class cummin(_b.tuple):
    indices: _Any
    values: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class frexp(_b.tuple):
    exponent: _Any
    mantissa: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class geqrf(_b.tuple):
    a: _Any
    tau: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class histogram(_b.tuple):
    bin_edges: _Any
    hist: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class histogramdd(_b.tuple):
    bin_edges: _Any
    hist: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class kthvalue(_b.tuple):
    indices: _Any
    values: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_cholesky_ex(_b.tuple):
    L: _Any
    info: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_eig(_b.tuple):
    eigenvalues: _Any
    eigenvectors: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_eigh(_b.tuple):
    eigenvalues: _Any
    eigenvectors: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_inv_ex(_b.tuple):
    info: _Any
    inverse: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_ldl_factor(_b.tuple):
    LD: _Any
    pivots: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_ldl_factor_ex(_b.tuple):
    LD: _Any
    info: _Any
    pivots: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_lstsq(_b.tuple):
    rank: _Any
    residuals: _Any
    singular_values: _Any
    solution: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_lu(_b.tuple):
    L: _Any
    P: _Any
    U: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_lu_factor(_b.tuple):
    LU: _Any
    pivots: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_lu_factor_ex(_b.tuple):
    LU: _Any
    info: _Any
    pivots: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_qr(_b.tuple):
    Q: _Any
    R: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_slogdet(_b.tuple):
    logabsdet: _Any
    sign: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_solve_ex(_b.tuple):
    info: _Any
    result: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class linalg_svd(_b.tuple):
    S: _Any
    U: _Any
    Vh: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class lu_unpack(_b.tuple):
    L: _Any
    P: _Any
    U: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class max(_b.tuple):
    indices: _Any
    values: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class median(_b.tuple):
    indices: _Any
    values: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class min(_b.tuple):
    indices: _Any
    values: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class mode(_b.tuple):
    indices: _Any
    values: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class nanmedian(_b.tuple):
    indices: _Any
    values: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class qr(_b.tuple):
    Q: _Any
    R: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class slogdet(_b.tuple):
    logabsdet: _Any
    sign: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class sort(_b.tuple):
    indices: _Any
    values: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class svd(_b.tuple):
    S: _Any
    U: _Any
    V: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class topk(_b.tuple):
    indices: _Any
    values: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
class triangular_solve(_b.tuple):
    cloned_coefficient: _Any
    solution: _Any
    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...
