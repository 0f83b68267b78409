"""What programs take from torch._C: switches of `__torch_function__`, and the class above Tensor."""
from pyxtorch._gate import DisableTorchFunction, DisableTorchFunctionSubclass
from pyxtorch._gate import EnableTorchFunction as _EnableTorchFunction
from pyxtorch._gate import disabled_torch_function as _disabled_torch_function_impl
from pyxtorch._gate import torch_function_enabled as _is_torch_function_enabled
from pyxtorch.autograd import Variable as TensorBase

_TensorBase = TensorBase

__all__ = [
    "DisableTorchFunction", "DisableTorchFunctionSubclass", "TensorBase", "_EnableTorchFunction", "_TensorBase", "_disabled_torch_function_impl",
    "_is_torch_function_enabled",
]  # fmt: skip
