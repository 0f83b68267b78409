"""matplotlib on tensors: where it looks up how values of a class are drawn, tensors are drawn as their arrays.

It knows PyTorch's by itself. `_neighbours.py` calls `tell` when matplotlib is imported.
"""
from pyxtorch.tensor import Tensor


def tell(units):
    """Enter tensors into the registry of the module `matplotlib.units`."""

    class TensorConverter(units.ConversionInterface):
        @staticmethod
        def convert(value, unit, axis):
            import numpy

            return numpy.asarray(value)

    units.registry[Tensor] = TensorConverter()
