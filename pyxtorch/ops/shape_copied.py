"""Views, and parts of sparse tensors, in new memory: what PyTorch calls `*_copy`."""
from pyxtorch.ops.shape_copy import exports as copies


def slice_copy(input, dim=0, start=None, end=None, step=1, *, out=None):
    """`input[start:end:step]` of one dimension, in new memory.

    Raises:
        RuntimeError: `step` is not positive.
    """
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    dim = dim % max(input.dim(), 1)
    return copies["alias_copy"](input[(slice(None),) * dim + (slice(start, end, step),)], out=out)


def _part(name):
    def copied(input, *, out=None):
        return copies["alias_copy"](getattr(input, name)(), out=out)

    copied.__name__ = copied.__qualname__ = f"{name}_copy"
    copied.__doc__ = f"`{name}` of a sparse tensor, in new memory."
    return copied


indices_copy, values_copy, crow_indices_copy, col_indices_copy = map(_part, ("indices", "values", "crow_indices", "col_indices"))

__all__ = ["col_indices_copy", "crow_indices_copy", "indices_copy", "slice_copy", "values_copy"]
