"""torch.cuda.comm: tensors copied to, summed up from, cut for and joined from several devices. Devices are numbers of GPUs, or devices."""
import pyxtorch
from pyxtorch.nn.parallel.scatter_gather import place

__all__ = ["broadcast", "broadcast_coalesced", "gather", "reduce_add", "reduce_add_coalesced", "scatter"]


def broadcast(tensor, devices=None, *, out=None):
    """Copies of a tensor, one on each device: a tuple; or copied into the tensors `out`.

    Raises:
        RuntimeError: neither or both of `devices` and `out`.
    """
    if (devices is None) == (out is None):
        raise RuntimeError(f"Exactly one of 'devices' and 'out' must be specified, but got devices={devices} and out={out}")
    if out is not None:
        return tuple(x.copy_(tensor) for x in out)
    return tuple(tensor.to(place(d)) for d in devices)


def broadcast_coalesced(tensors, devices, buffer_size=10485760):
    """The same of several tensors: a tuple for each device."""
    return tuple(tuple(t.to(place(d)) for t in tensors) for d in devices)


def reduce_add(inputs, destination=None):
    """The sum of tensors of one shape, on a device; where the first lies by default."""
    inputs = list(inputs)
    target = inputs[0].device if destination is None else place(destination)
    if any(x.shape != inputs[0].shape for x in inputs):
        raise ValueError(f"reduce_add: expected tensors of one shape, got {[list(x.shape) for x in inputs]}.")
    result = inputs[0].to(target)
    for x in inputs[1:]:
        result = result + x.to(target)
    return result


def reduce_add_coalesced(inputs, destination=None, buffer_size=10485760):
    """The same of lists of tensors, one list from each device: a tuple of sums."""
    return tuple(reduce_add(parts, destination) for parts in zip(*inputs))


def scatter(tensor, devices=None, chunk_sizes=None, dim=0, streams=None, *, out=None):
    """Parts of a tensor along a dimension, one on each device: of `chunk_sizes`, or of equal size; or copied into the tensors `out`."""
    if out is not None:
        return tuple(x.copy_(part) for x, part in zip(out, tensor.split([x.shape[dim] for x in out], dim)))
    parts = tensor.chunk(len(devices), dim) if chunk_sizes is None else tensor.split(list(chunk_sizes), dim)
    return tuple(part.to(place(d)) for part, d in zip(parts, devices))


def gather(tensors, dim=0, destination=None, *, out=None):
    """Tensors of several devices joined along a dimension, on a device; where the first lies by default, on the CPU for -1."""
    target = tensors[0].device if destination is None else pyxtorch.device("cpu") if destination == -1 else place(destination)
    result = pyxtorch.cat([x.to(out.device if out is not None else target) for x in tensors], dim)
    return result if out is None else out.copy_(result)
