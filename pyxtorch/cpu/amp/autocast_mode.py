"""The older name of `amp.autocast("cpu")`."""
import warnings

import pyxtorch
from pyxtorch import amp

__all__ = ["autocast"]


class autocast(amp.autocast):
    """`amp.autocast("cpu")`, with a warning that says so."""

    def __init__(self, enabled=True, dtype=pyxtorch.bfloat16, cache_enabled=True):
        warnings.warn("`torch.cpu.amp.autocast(args...)` is deprecated. Please use `torch.amp.autocast('cpu', args...)` instead.", FutureWarning, stacklevel=2)
        super().__init__("cpu", dtype, enabled, cache_enabled)
