# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

accumulated_cache_size_limit: _b.int
accumulated_recompile_limit: _b.int
assume_static_by_default: _b.bool
automatic_dynamic_shapes: _b.bool
cache_size_limit: _b.int
capture_dynamic_output_shape_ops: _b.bool
capture_scalar_outputs: _b.bool
disable: _b.bool
error_on_recompile: _b.bool
guard_nn_modules: _b.bool
inline_inbuilt_nn_modules: _b.bool
optimize_ddp: _b.bool
def patch(arg1: _t.Any = None, arg2: _t.Any = None, **changes: _t.Any) -> _t.Any: ...
recompile_limit: _b.int
suppress_errors: _b.bool
verbose: _b.bool
