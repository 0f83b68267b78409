"""torch.nn.functional: the operations of networks as functions, from the `functional` lists of the families (pyxtorch.ops)."""
import pyxtorch
from pyxtorch.tensor import functional as _of_families

globals().update(_of_families)

# Those that are functions of pyxtorch itself as well.
for _name in ("sigmoid", "tanh", "logsigmoid", "prelu", "relu", "relu_", "selu_", "celu_", "rrelu_", "threshold_", "conv_tbc"):
    if hasattr(pyxtorch, _name):
        globals().setdefault(_name, getattr(pyxtorch, _name))
