"""Where transformers takes the mode from in which it maps functions of masks over indices."""
from pyxtorch.overrides import BaseTorchFunctionMode

__all__ = ["TransformGetItemToIndex"]


class TransformGetItemToIndex(BaseTorchFunctionMode):
    """A mode in which `x[i]` with tensors of one element as `i` selects by the tensor, not by its number.

    That is what indexing does within `vmap` here, which calls the function on each slice: the mode changes nothing.
    """
