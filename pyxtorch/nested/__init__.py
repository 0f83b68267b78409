"""torch.nested: tensors whose elements are tensors of different shapes, in PyTorch's two forms, torch.strided and torch.jagged.

A nested tensor prints, adds, multiplies and differentiates like a list of its components: `unbind` gives these, and `to_padded_tensor`
all of them as one strided tensor.
"""
from pyxtorch import _gate
from pyxtorch.nested._components import as_nested_tensor, nested_tensor, to_padded_tensor
from pyxtorch.nested._jagged import masked_select, narrow, nested_tensor_from_jagged

__all__ = ["as_nested_tensor", "masked_select", "narrow", "nested_tensor", "nested_tensor_from_jagged", "to_padded_tensor"]
_gate.operations("pyxtorch.nested", globals(), __all__)
