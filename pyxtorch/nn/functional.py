"""torch.nn.functional: the operations of networks as functions.

Each comes from the `functional` list of an operation family (pyxtorch.ops) or, where it is
composed of other operations, of a module in pyxtorch.nn.composite.
"""
import pyxtorch
from pyxtorch.tensor import functional as _of_families

# First the families' own, which the composites use.
globals().update(_of_families)

for _name in ("sigmoid", "tanh", "softmax", "log_softmax", "relu", "relu_", "conv_tbc", "prelu", "selu_", "celu_", "threshold_", "logsigmoid"):
    if _name not in globals() and hasattr(pyxtorch, _name):
        globals()[_name] = getattr(pyxtorch, _name)

from pyxtorch.nn.composite import attention, distance, losses, random, rearrange, resample  # noqa: E402

for _module in (attention, distance, losses, random, rearrange, resample):
    for _name in _module.functional:
        globals().setdefault(_name, getattr(_module, _name))
del attention, distance, losses, random, rearrange, resample, _module, _name


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmax(-input) along `dim`."""
    return softmax(-input, dim, dtype=dtype) if dim is not None else softmax(-input, dtype=dtype)  # noqa: F821


def tanhshrink(input):
    """input - tanh(input)."""
    return input - input.tanh()


def softsign(input):
    """input / (1 + |input|)."""
    return input / (input.abs() + 1)
