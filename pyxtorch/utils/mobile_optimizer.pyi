# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

def generate_mobile_module_lints(script_module: _t.Any) -> _t.Any: ...
def optimize_for_mobile(script_module: _t.Any, optimization_blocklist: _t.Any = None, preserved_methods: _t.Any = None, backend: _b.str = 'CPU') -> _t.Any: ...
class LintCode:
    BATCHNORM: _t.Any
    BUNDLED_INPUT: _t.Any
    DROPOUT: _t.Any
    REQUIRES_GRAD: _t.Any
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
class MobileOptimizerType:
    CONV_BN_FUSION: _t.Any
    FUSE_ADD_RELU: _t.Any
    HOIST_CONV_PACKED_PARAMS: _t.Any
    INSERT_FOLD_PREPACK_OPS: _t.Any
    REMOVE_DROPOUT: _t.Any
    VULKAN_AUTOMATIC_GPU_TRANSFER: _t.Any
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
