"""torch._tensor: Tensor, where PyTorch has it."""
from pyxtorch.serialization import _rebuild_from_type_v2
from pyxtorch.tensor import Tensor

__all__ = ["Tensor", "_rebuild_from_type", "_rebuild_from_type_v2"]  # pickles name them here


def _rebuild_from_type(func, type, args, dict):
    """A tensor of a subclass with its attributes, for pickles of early versions."""
    made = func(*args)
    made = made if type is Tensor else made.as_subclass(type)
    made.__dict__.update(dict)
    return made
