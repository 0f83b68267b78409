"""The older names of `amp` for "cuda"."""
import warnings

import pyxtorch
from pyxtorch import amp

__all__ = ["autocast", "custom_bwd", "custom_fwd"]


def _warn(name):
    warnings.warn(
        f"`torch.cuda.amp.{name}(args...)` is deprecated. Please use `torch.amp.{name}(args..., device_type='cuda')` instead.", FutureWarning, stacklevel=3
    )


class autocast(amp.autocast):
    """`amp.autocast("cuda")`, with a warning that says so."""

    def __init__(self, enabled=True, dtype=pyxtorch.float16, cache_enabled=True):
        _warn("autocast")
        super().__init__("cuda", dtype, enabled, cache_enabled)


def custom_fwd(fwd=None, *, cast_inputs=None):
    """`amp.custom_fwd(device_type="cuda")`, with a warning that says so."""
    _warn("custom_fwd")
    return amp.custom_fwd(fwd, device_type="cuda", cast_inputs=cast_inputs)


def custom_bwd(bwd):
    """`amp.custom_bwd(device_type="cuda")`, with a warning that says so."""
    _warn("custom_bwd")
    return amp.custom_bwd(bwd, device_type="cuda")
