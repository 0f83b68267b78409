"""torch.utils._foreach_utils: what optimisers ask before they call the `_foreach` functions."""
from pyxtorch import device as _device

__all__ = ["_device_has_foreach_support", "_get_foreach_kernels_supported_devices", "_get_fused_kernels_supported_devices", "_group_tensors_by_device_and_dtype", "_has_foreach_support"]


def _get_foreach_kernels_supported_devices():
    """Where such a function is one kernel: nowhere, each is a loop."""
    return []


def _get_fused_kernels_supported_devices():
    """Where an optimiser's step is one kernel: nowhere."""
    return []


def _group_tensors_by_device_and_dtype(tensorlistlist, with_indices=False):
    """Lists of equal length, taken apart by the device and dtype of the first list's tensors: a dict to (lists, places).

    Items of the other lists may be None. Without `with_indices` the places are an empty list.
    """
    groups = {}
    for place, row in enumerate(zip(*tensorlistlist)):
        lists, places = groups.setdefault((row[0].device, row[0].dtype), ([[] for _ in row], []))
        for column, item in zip(lists, row):
            column.append(item)
        if with_indices:
            places.append(place)
    return groups


def _device_has_foreach_support(device):
    """Whether the functions work there: everywhere."""
    return isinstance(device, _device)


def _has_foreach_support(tensors, device):
    """Whether they work on these tensors: None among them is let pass."""
    return _device_has_foreach_support(device) and all(t is None or type(t).__name__ in ("Tensor", "Parameter") for t in tensors)
