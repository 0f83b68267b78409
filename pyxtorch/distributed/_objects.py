"""Objects of Python between processes: numbers, strings, containers of them, tensors and what else `pyxtorch.load` reads safely.

What arrives is never executed. PYXTORCH_DIST_PICKLE=1, on all ranks, lets any object be sent by pickle, which executes what the
other ranks say.
"""
import copy
import io
import os
import pickle

import pyxtorch
from pyxtorch.distributed import _collectives, _messages
from pyxtorch.distributed._collectives import _place
from pyxtorch.distributed._group import _member

__all__ = ["all_gather_object", "broadcast_object_list", "gather_object", "recv_object_list", "scatter_object_list", "send_object_list"]

SWITCH = "PYXTORCH_DIST_PICKLE"


def _trusting():
    return os.environ.get(SWITCH) == "1"


def _tensor_of(obj):
    """The bytes of an object, as a tensor of uint8."""
    if _trusting():
        data = pickle.dumps(obj)
    else:
        file = io.BytesIO()
        try:
            pyxtorch.save(obj, file)
            data = file.getvalue()
            _load(data)  # who sends it hears of it, not the others
        except Exception as error:
            raise TypeError(f"an object of class {type(obj).__name__} cannot be sent: {error} Numbers, strings, containers and tensors can; any object by pickle, "
                            f"if {SWITCH}=1 is set on all ranks, which lets ranks execute code in each other.") from error  # fmt: skip
    return pyxtorch.frombuffer(bytearray(data), dtype=pyxtorch.uint8)


def _load(data):
    return pyxtorch.load(io.BytesIO(data), weights_only=True)


def _object_of(tensor):
    data = tensor.numpy().tobytes()
    return pickle.loads(data) if _trusting() else _load(data)


def _sizes(*numbers):
    return pyxtorch.tensor(numbers, dtype=pyxtorch.int64)


def _empty(size):
    return pyxtorch.empty(int(size), dtype=pyxtorch.uint8)


def _all_sizes(mine, group):
    sizes = pyxtorch.empty(group.size(), dtype=pyxtorch.int64)
    _collectives.all_gather_into_tensor(sizes, _sizes(mine.numel()), group)
    return sizes.tolist()


def all_gather_object(object_list, obj, group=None):
    """Put copies of the objects of all ranks into a list of as many places."""
    group = _member(group)
    if len(object_list) < group.size():
        raise RuntimeError(f"all_gather_object: object_list has {len(object_list)} places for the objects of {group.size()} process{'es' if group.size() > 1 else ''}"
                           if group.size() > 1 else f"all_gather_object: object_list has {len(object_list)} places for the objects of one process")  # fmt: skip
    if group._engine is None:
        object_list[0] = copy.deepcopy(obj)
        return
    mine = _tensor_of(obj)
    parts = [_empty(size) for size in _all_sizes(mine, group)]
    _collectives.all_gather(parts, mine, group)
    for i, part in enumerate(parts):
        object_list[i] = _object_of(part)


def gather_object(obj, object_gather_list=None, dst=None, group=None, group_dst=None):
    """The same in rank `dst` alone, which gives the list."""
    group = _member(group)
    root = _place(dst, group_dst, group, "gather_object", "dst")
    if group.rank() == root and not object_gather_list:
        raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
    if group._engine is None:
        all_gather_object(object_gather_list, obj, group)
        return
    mine = _tensor_of(obj)
    sizes, sends, parts = _all_sizes(mine, group), [None] * group.size(), [None] * group.size()
    sends[root] = mine
    if group.rank() == root:
        parts = [_empty(size) for size in sizes]
    _collectives._exchange("gather", group, mine, sends, parts, False, _collectives._GATHER, root)
    if group.rank() == root:
        for i, part in enumerate(parts):
            object_gather_list[i] = _object_of(part)


def broadcast_object_list(object_list, src=None, group=None, device=None, group_src=None):
    """Give the objects of rank `src` to all, in place."""
    group = _member(group)
    root = _place(src, group_src, group, "broadcast_object_list", "src")
    if not isinstance(object_list, list) or not object_list:
        raise TypeError(f"expected a list of objects, not {type(object_list).__name__} of none.")
    if group._engine is None:
        return
    mine = group.rank() == root
    data = _tensor_of(object_list) if mine else None
    about = _sizes(data.numel() if mine else 0, len(object_list))
    _collectives.broadcast(about, group=group, group_src=root)
    size, count = about.tolist()
    data = data if mine else _empty(size)
    _collectives.broadcast(data, group=group, group_src=root)
    if count != len(object_list):
        raise RuntimeError(f"broadcast_object_list: rank {group._ranks[root]} sends {count} objects for a list of {len(object_list)}")
    if not mine:
        object_list[:] = _object_of(data)


def scatter_object_list(scatter_object_output_list, scatter_object_input_list=None, src=None, group=None, group_src=None):
    """Put what rank `src` has for this one into the first place of a list."""
    group = _member(group)
    root = _place(src, group_src, group, "scatter_object_list", "src")
    if not isinstance(scatter_object_output_list, list) or len(scatter_object_output_list) < 1:
        raise ValueError("Expected argument scatter_object_output_list to be a list of size at least 1.")
    mine = group.rank() == root
    if mine and (not scatter_object_input_list or len(scatter_object_input_list) != group.size()):
        raise ValueError(f"scatter_object_list: one object is expected for {'each' if group.size() > 1 else 'one'} process, got {len(scatter_object_input_list or ())}")
    if group._engine is None:
        scatter_object_output_list[0] = copy.deepcopy(scatter_object_input_list[0])
        return
    parts = [_tensor_of(obj) for obj in scatter_object_input_list] if mine else [None] * group.size()
    sizes = _sizes(*[part.numel() for part in parts]) if mine else pyxtorch.empty(group.size(), dtype=pyxtorch.int64)
    _collectives.broadcast(sizes, group=group, group_src=root)
    targets = [None] * group.size()
    target = targets[root] = _empty(sizes[group.rank()])
    _collectives._exchange("scatter", group, target, parts, targets, False, _collectives._SCATTER, root)
    scatter_object_output_list[0] = _object_of(target)


def send_object_list(object_list, dst=None, group=None, device=None, group_dst=None, use_batch=False):
    """Send objects to one rank, which calls `recv_object_list` with a list of as many places."""
    if not isinstance(object_list, list) or not object_list:
        raise TypeError(f"expected a list of objects, not {type(object_list).__name__} of none.")
    data = _tensor_of(object_list)
    _messages.send(_sizes(data.numel(), len(object_list)), dst, group, group_dst=group_dst)
    _messages.send(data, dst, group, group_dst=group_dst)


def recv_object_list(object_list, src=None, group=None, device=None, group_src=None, use_batch=False):
    """Receive objects into a list, in place; the sender's number among all processes."""
    about = _sizes(0, 0)
    sender = _messages.recv(about, src, group, group_src=group_src)
    size, count = about.tolist()
    if count != len(object_list) or not 0 < size < 1 << 31:
        raise RuntimeError(f"recv_object_list: rank {sender} sends {count} objects of {size} bytes for a list of {len(object_list)}")
    data = _empty(size)
    _messages.recv(data, sender, group)
    object_list[:] = _object_of(data)
    return sender
