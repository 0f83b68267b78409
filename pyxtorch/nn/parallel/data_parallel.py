"""One module on several GPUs of this machine: each gets a part of the batch."""
import itertools

import pyxtorch
from pyxtorch.nn.modules.module import Module
from pyxtorch.nn.parallel.parallel_apply import parallel_apply
from pyxtorch.nn.parallel.replicate import replicate
from pyxtorch.nn.parallel.scatter_gather import gather, place, scatter_kwargs

__all__ = ["DataParallel", "data_parallel"]


def _devices(device_ids):
    if device_ids is None:
        device_ids = range(pyxtorch.cuda.device_count()) if pyxtorch.cuda.is_available() else ()
    return [place(d) for d in device_ids]


def data_parallel(module, inputs, device_ids=None, output_device=None, dim=0, module_kwargs=None):
    """module(*inputs), computed on several devices: inputs are cut along `dim`, the module is copied, results are joined.

    Args:
        device_ids: numbers of GPUs or devices; None: all GPUs. Without any, the module is called as it is.
        output_device: where the result is; default the first device.
    Raises:
        RuntimeError: a parameter or buffer of the module is not on the first device.
    """
    inputs = inputs if isinstance(inputs, tuple) else (inputs,) if inputs is not None else ()
    named, devices = module_kwargs or {}, _devices(device_ids)
    if not devices:
        return module(*inputs, **named)
    for x in itertools.chain(module.parameters(), module.buffers()):
        if x.device != devices[0]:
            raise RuntimeError(f"module must have its parameters and buffers on device {devices[0]} (device_ids[0]) but found one of them on device: {x.device}")
    parts, named_parts = scatter_kwargs(inputs, named, devices, dim)
    if not parts:
        parts, named_parts = ((),), ({},)
    if len(devices) == 1 or len(parts) == 1:
        return module(*parts[0], **named_parts[0])
    used = devices[: len(parts)]
    outputs = parallel_apply(replicate(module, used, not pyxtorch.is_grad_enabled()), parts, named_parts, used)
    return gather(outputs, devices[0] if output_device is None else output_device, dim)


class DataParallel(Module):
    """A module whose batches are computed on several GPUs; see `data_parallel`. Without a GPU it calls `module` as it is.

    Args:
        module: its parameters have to be on the first device. Names of parameters begin with "module.".
    """

    def __init__(self, module, device_ids=None, output_device=None, dim=0):
        super().__init__()
        devices = _devices(device_ids)
        self.module, self.dim = module, dim
        self.device_ids = [d.index if d.type == "cuda" else d for d in devices]
        self.output_device = output_device if output_device is not None or not devices else self.device_ids[0]

    def forward(self, *inputs, **kwargs):
        return data_parallel(self.module, inputs, self.device_ids, self.output_device, self.dim, kwargs)
