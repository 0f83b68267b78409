"""What programs take from torch._C._nn."""
import pyxtorch
from pyxtorch import Tensor

__all__ = ["_parse_to"]


def _parse_to(*args, device=None, dtype=None, non_blocking=False, memory_format=None):
    """What the arguments of `Module.to` say: (device, dtype, non_blocking, memory_format), those left out None or False.

    Raises:
        TypeError: one of them is neither a device, a dtype, a tensor, nor a flag.
    """
    for arg in args:
        if isinstance(arg, pyxtorch.dtype):
            dtype = arg
        elif isinstance(arg, Tensor):
            device, dtype = arg.device, arg.dtype
        elif isinstance(arg, bool):
            non_blocking = arg
        elif isinstance(arg, (pyxtorch.device, str, int)):
            device = arg
        elif arg is not None:
            raise TypeError(f"to() takes a device, a dtype, a tensor and non_blocking, not {type(arg).__name__}.")
    return None if device is None else pyxtorch.device(device), dtype, non_blocking, memory_format
