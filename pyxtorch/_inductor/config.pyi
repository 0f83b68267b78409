# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

compile_threads: _b.int
coordinate_descent_check_all_directions: _b.bool
coordinate_descent_tuning: _b.bool
cpp: _t.Any
debug: _b.bool
epilogue_fusion: _b.bool
fallback_random: _b.bool
force_fuse_int_mm_with_mul: _b.bool
freezing: _b.bool
fx_graph_cache: _b.bool
fx_graph_remote_cache: None
max_autotune: _b.bool
max_autotune_gemm: _b.bool
max_autotune_pointwise: _b.bool
def patch(arg1: _t.Any = None, arg2: _t.Any = None, **changes: _t.Any) -> _t.Any: ...
shape_padding: _b.bool
triton: _t.Any
use_mixed_mm: _b.bool
