"""What programs take from torch._C: switches of `__torch_function__`, the class above Tensor, and Generator."""
from pyxtorch._gate import DisableTorchFunction, DisableTorchFunctionSubclass
from pyxtorch._gate import EnableTorchFunction as _EnableTorchFunction
from pyxtorch._gate import disabled_torch_function as _disabled_torch_function_impl
from pyxtorch._gate import torch_function_enabled as _is_torch_function_enabled
from pyxtorch.autograd import Variable as TensorBase
from pyxtorch.ops.random import Generator

_TensorBase = TensorBase

__all__ = [
    "DisableTorchFunction", "DisableTorchFunctionSubclass", "Generator", "TensorBase", "_EnableTorchFunction", "_TensorBase", "_disabled_torch_function_impl",
    "_is_torch_function_enabled",
]  # fmt: skip
