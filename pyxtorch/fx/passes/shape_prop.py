"""Shapes of all results in a graph, found by running it."""
from typing import Any, NamedTuple

import pyxtorch
from pyxtorch.fx.interpreter import Interpreter
from pyxtorch.fx.node import map_aggregate

__all__ = ["ShapeProp", "TensorMetadata"]


class TensorMetadata(NamedTuple):
    """What is known of a tensor besides its elements."""

    shape: Any
    dtype: Any
    requires_grad: bool
    stride: tuple
    memory_format: Any
    is_quantized: bool
    qparams: dict


def _metadata(x):
    formats = (pyxtorch.contiguous_format, pyxtorch.channels_last, pyxtorch.channels_last_3d)
    kept = next((f for f in formats if x.ndim >= {formats[1]: 4, formats[2]: 5}.get(f, 0) and x.is_contiguous(memory_format=f)), None)
    return TensorMetadata(x.shape, x.dtype, x.requires_grad, x.stride(), kept, False, {})


class ShapeProp(Interpreter):
    """Runs a GraphModule and notes at each node `meta["tensor_meta"]` (TensorMetadata) and `meta["type"]`. Works on device meta."""

    def run_node(self, n):
        result = super().run_node(n)
        found = []
        meta = map_aggregate(result, lambda x: (found.append(x), _metadata(x))[1] if isinstance(x, pyxtorch.Tensor) else x)
        if found:
            n.meta["tensor_meta"] = meta
        n.meta["type"] = type(result)
        return result

    def propagate(self, *args):
        """Run for these arguments; the result."""
        return super().run(*args)
