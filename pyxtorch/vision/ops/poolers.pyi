# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Sequence as _Sequence
from pyxtorch._types import Tensor as _Tensor
from pyxtorch.nn.modules.module import Module as _Module

def initLevelMapper(k_min: _t.Any, k_max: _t.Any, canonical_scale: _b.float = 224, canonical_level: _b.float = 4, eps: _b.float = 1e-06) -> _t.Any: ...
class LevelMapper:
    def __call__(self, boxlists: _t.Any) -> _t.Any: ...
    def __init__(self, k_min: _t.Any, k_max: _t.Any, canonical_scale: _b.float = 224, canonical_level: _b.float = 4, eps: _b.float = 1e-06) -> None: ...
    eps: _b.float
    k_max: _t.Any
    k_min: _t.Any
    lvl0: _t.Any
    s0: _t.Any
class MultiScaleRoIAlign(_Module):
    def __init__(self, featmap_names: _t.Any, output_size: _b.int | _Sequence[_b.int | None], sampling_ratio: _t.Any, *, canonical_scale: _b.float = 224, canonical_level: _b.float = 4) -> None: ...
    def forward(self, x: _t.Any, boxes: _t.Any, image_shapes: _t.Any) -> _Tensor: ...
    canonical_level: _b.float
    canonical_scale: _b.float
    featmap_names: _t.Any
    map_levels: _t.Any
    output_size: _b.int | _Sequence[_b.int | None]
    sampling_ratio: _t.Any
    scales: _t.Any
