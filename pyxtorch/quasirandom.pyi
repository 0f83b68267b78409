# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Out as _Out, dtype as _dtype

class SobolEngine:
    MAXBIT: _t.Any
    MAXDIM: _t.Any
    def __init__(self, dimension: _t.Any, scramble: _b.bool = False, seed: _b.int | None = None) -> None: ...
    def draw(self, n: _b.int = 1, out: _Out = None, dtype: _dtype | None = None) -> _t.Any: ...
    def draw_base2(self, m: _b.int, out: _Out = None, dtype: _dtype | None = None) -> _t.Any: ...
    def fast_forward(self, n: _b.int) -> _t.Any: ...
    def reset(self) -> _t.Any: ...
    dimension: _t.Any
    num_generated: _t.Any
    scramble: _b.bool
    seed: _b.int | None
