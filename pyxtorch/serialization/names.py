"""How things are called inside a checkpoint: by the names that PyTorch gives them."""
from pyxtorch import _core, _dtype
from pyxtorch._core import Size, device
from pyxtorch.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter
from pyxtorch.ops.create_legacy import DTYPES as KINDS
from pyxtorch.storage import UntypedStorage
from pyxtorch.tensor import Tensor

DTYPES = {d.name: d for d in _core.dtypes().values()}
STORAGES = {f"{kind}Storage": dtype.name for kind, dtype in KINDS.items()}  # storage class to dtype
STORAGE_OF = {DTYPES[name]: storage for storage, name in STORAGES.items()}

# Objects that are named in files, never rebuilt from their parts.
NAMED = {
    ("torch", "Size"): Size,
    ("torch", "device"): device,
    ("torch", "Tensor"): Tensor,
    ("torch.storage", "UntypedStorage"): UntypedStorage,
    ("torch.nn.parameter", "Parameter"): Parameter,
    ("torch.nn.parameter", "Buffer"): Buffer,
    ("torch.nn.parameter", "UninitializedParameter"): UninitializedParameter,
    ("torch.nn.parameter", "UninitializedBuffer"): UninitializedBuffer,
    **{("torch", name): d for name, d in DTYPES.items()},
}
NAME_OF = {id(thing): name for name, thing in NAMED.items()}
LAYOUTS = {repr(layout): layout for layout in _dtype.layouts().values()}
