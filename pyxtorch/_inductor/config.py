"""torch._inductor.config: hints for generated code. None is generated, so that any value is right; unknown names may be set, too."""
from types import SimpleNamespace as _Group

from pyxtorch._dynamo._patch import patched as _patched

debug = False
max_autotune = max_autotune_gemm = max_autotune_pointwise = False
coordinate_descent_tuning = coordinate_descent_check_all_directions = False
epilogue_fusion = True
fx_graph_cache = True
fx_graph_remote_cache = None
freezing = False
shape_padding = True
force_fuse_int_mm_with_mul = False
use_mixed_mm = False
compile_threads = 1
fallback_random = False
triton = _Group(unique_kernel_names=False, cudagraphs=False, cudagraph_trees=True, autotune_pointwise=True)
cpp = _Group(threads=-1, simdlen=None, enable_floating_point_contract_flag="off")


def patch(arg1=None, arg2=None, **changes):
    """Other values within a `with` block, or while the function below runs: `patch(debug=True)`, `patch("debug", True)` or `patch({...})`."""
    return _patched(globals(), arg1, arg2, changes)
