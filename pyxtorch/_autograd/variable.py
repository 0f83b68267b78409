"""torch.autograd.variable: Variable, the tensor of early PyTorch."""
from pyxtorch.autograd import Variable

__all__ = ["Variable"]
