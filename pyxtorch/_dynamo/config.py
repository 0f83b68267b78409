"""torch._dynamo.config: how a compiler is to go about it. There is none, so that any value is right; unknown names may be set, too."""
from pyxtorch._dynamo._patch import patched as _patched

suppress_errors = False
verbose = False
cache_size_limit = recompile_limit = 8
accumulated_cache_size_limit = accumulated_recompile_limit = 256
assume_static_by_default = True
automatic_dynamic_shapes = True
capture_scalar_outputs = False
capture_dynamic_output_shape_ops = False
inline_inbuilt_nn_modules = True
optimize_ddp = True
guard_nn_modules = True
error_on_recompile = False
disable = False


def patch(arg1=None, arg2=None, **changes):
    """Other values within a `with` block, or while the function below runs: `patch(verbose=True)`, `patch("verbose", True)` or `patch({...})`."""
    return _patched(globals(), arg1, arg2, changes)
