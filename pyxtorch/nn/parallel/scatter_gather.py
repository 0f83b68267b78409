"""Arguments cut into parts for several devices, and results put together again."""
from collections.abc import Mapping

import pyxtorch
from pyxtorch import Tensor
from pyxtorch.utils._pytree import is_namedtuple_instance

__all__ = ["gather", "scatter", "scatter_kwargs"]


def place(device):
    """A device from its number or name."""
    return pyxtorch.device("cuda", device) if isinstance(device, int) else pyxtorch.device(device)


def scatter(inputs, target_gpus, dim=0):
    """A list with the part of `inputs` for each device: tensors are cut along `dim`, containers are followed, anything else is given to all.

    Args:
        target_gpus: numbers of GPUs, or devices. Fewer parts come out where a tensor is too small to be cut for all.
    """
    devices = [place(d) for d in target_gpus]

    def cut(x):
        if isinstance(x, Tensor):
            return [part.to(d) for part, d in zip(x.chunk(len(devices), dim), devices)]
        if isinstance(x, tuple | list) and len(x):
            make = type(x)._make if is_namedtuple_instance(x) else type(x)
            return [make(parts) for parts in zip(*map(cut, x))]
        if isinstance(x, Mapping) and len(x):
            return [type(x)(parts) for parts in zip(*map(cut, x.items()))]
        return [x] * len(devices)

    return cut(inputs)


def scatter_kwargs(inputs, kwargs, target_gpus, dim=0):
    """(positional arguments, named ones) for each device."""
    positional = scatter(inputs, target_gpus, dim) if inputs else []
    named = scatter(kwargs, target_gpus, dim) if kwargs else []
    count = max(len(positional), len(named))
    return tuple(positional + [()] * (count - len(positional))), tuple(named + [{}] * (count - len(named)))


def gather(outputs, target_device, dim=0):
    """The results of several devices as one on `target_device`: tensors are joined along `dim`, containers are followed.

    Single numbers (0-d tensors) become a vector.

    Raises:
        ValueError: dicts of different length.
    """
    target = place(target_device) if target_device != -1 else pyxtorch.device("cpu")
    first = outputs[0]
    if isinstance(first, Tensor):
        return pyxtorch.cat([x.to(target).unsqueeze(0) if x.dim() == 0 else x.to(target) for x in outputs], dim if first.dim() else 0)
    if first is None:
        return None
    if isinstance(first, Mapping):
        if any(len(x) != len(first) for x in outputs):
            raise ValueError("All dicts must have the same number of keys")
        return type(first)((key, gather([x[key] for x in outputs], target, dim)) for key in first)
    if is_namedtuple_instance(first):
        return type(first)._make(gather(parts, target, dim) for parts in zip(*outputs))
    return type(first)(gather(parts, target, dim) for parts in zip(*outputs))
