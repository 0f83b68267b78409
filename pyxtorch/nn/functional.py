"""torch.nn.functional: the operations of networks as functions.

Each comes from the `functional` list of an operation family (pyxtorch.ops) or, where it is
composed of other operations, of a module in pyxtorch.nn.composite.
"""
import pyxtorch
from pyxtorch.tensor import functional as _of_families

# First the families' own, which the composites use.
globals().update(_of_families)

# Those that are functions of pyxtorch itself as well.
for _name in ("sigmoid", "tanh", "logsigmoid", "prelu", "relu", "relu_", "selu_", "celu_", "rrelu_", "threshold_", "conv_tbc"):
    if hasattr(pyxtorch, _name):
        globals().setdefault(_name, getattr(pyxtorch, _name))

from pyxtorch.nn.composite import activation, attention, distance, losses, rearrange, resample  # noqa: E402

for _module in (activation, attention, distance, losses, rearrange, resample):
    for _name in _module.functional:
        globals().setdefault(_name, getattr(_module, _name))
del activation, attention, distance, losses, rearrange, resample, _module, _name
