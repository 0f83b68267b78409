"""Tools around modules: clipping gradients, parameters as a vector, packed sequences, parametrisations."""
from pyxtorch.nn.utils import rnn
from pyxtorch.nn.utils.clip_grad import clip_grad_norm, clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from pyxtorch.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters

_LATER = {  # imported on first use: name to module
    "parametrize": None, "parametrizations": None, "prune": None, "stateless": None, "fusion": None, "init": None,
    "weight_norm": "normalization", "remove_weight_norm": "normalization",
    "spectral_norm": "normalization", "remove_spectral_norm": "normalization",
    "fuse_conv_bn_eval": "fusion", "fuse_conv_bn_weights": "fusion",
    "fuse_linear_bn_eval": "fusion", "fuse_linear_bn_weights": "fusion",
    "skip_init": "init", "convert_conv2d_weight_memory_format": "memory_format", "convert_conv3d_weight_memory_format": "memory_format",
}  # fmt: skip

__all__ = [
    "clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm",
    "parameters_to_vector", "rnn", "vector_to_parameters", *_LATER,
]  # fmt: skip


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"{__name__}.{_LATER[name] or name}")
    value = module if _LATER[name] is None else getattr(module, name)
    globals()[name] = value  # a submodule of the same name must not hide the function
    return value
