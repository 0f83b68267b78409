"""torch.utils.hooks: the handle that takes a hook away, and a mark on hooks."""
from pyxtorch.autograd import RemovableHandle

__all__ = ["RemovableHandle", "unserializable_hook"]


def unserializable_hook(f):
    """Mark the function `f` as a hook that need not be saved with a tensor. Hooks never are here, and nothing warns of it."""
    f.__torch_unserializable__ = True
    return f
