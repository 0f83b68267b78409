"""torch.utils.mobile_optimizer: a module for inference on small machines. What a compiler would fuse is computed as it is."""
import enum

from pyxtorch import jit

__all__ = ["LintCode", "MobileOptimizerType", "generate_mobile_module_lints", "optimize_for_mobile"]


class MobileOptimizerType(enum.Enum):
    """Steps that `optimize_for_mobile` may be told to leave out."""

    CONV_BN_FUSION = 0
    INSERT_FOLD_PREPACK_OPS = 1
    REMOVE_DROPOUT = 2
    FUSE_ADD_RELU = 3
    HOIST_CONV_PACKED_PARAMS = 4
    VULKAN_AUTOMATIC_GPU_TRANSFER = 5


class LintCode(enum.Enum):
    """What `generate_mobile_module_lints` finds."""

    BUNDLED_INPUT = 1
    REQUIRES_GRAD = 2
    DROPOUT = 3
    BATCHNORM = 4


def optimize_for_mobile(script_module, optimization_blocklist=None, preserved_methods=None, backend="CPU"):
    """A frozen copy of a scripted or traced module in evaluation: no dropout, and no parameters to train.

    Raises:
        TypeError: it is no ScriptModule, or another backend than the CPU's.
    """
    if not isinstance(script_module, jit.ScriptModule):
        raise TypeError(f"Got {type(script_module)}, but ScriptModule is expected.")
    if backend.upper() != "CPU":
        raise TypeError(f"optimize_for_mobile: backend {backend!r} is not there; 'CPU' is.")
    import copy

    return jit.freeze(copy.deepcopy(script_module).eval())


def generate_mobile_module_lints(script_module):
    """What makes a module larger or slower than it need be: a list of dicts with "name" and "message".

    Raises:
        TypeError: it is no ScriptModule.
    """
    if not isinstance(script_module, jit.ScriptModule):
        raise TypeError(f"Got {type(script_module)}, but ScriptModule is expected.")
    found = [(LintCode.REQUIRES_GRAD, f"Param {name} requires grad; optimize_for_mobile makes it a constant.")
             for name, p in script_module.named_parameters() if p.requires_grad]  # fmt: skip
    layers = [type(m).__name__.lower() for m in script_module.modules()]
    if script_module.training and any("dropout" in name for name in layers):
        found.append((LintCode.DROPOUT, "There is dropout; call eval() before saving the module, or optimize_for_mobile."))
    if any("batchnorm" in name for name in layers):
        found.append((LintCode.BATCHNORM, "There is batch normalisation; fuse it: nn.utils.fuse_conv_bn_eval."))
    return [{"name": code.name, "message": message} for code, message in found]
