"""Tensors from one process of a group to another."""
import pyxtorch
from pyxtorch.distributed._collectives import _changed, _dense, _dense_of_one_device, _Late, _put, _tensor
from pyxtorch.distributed._group import DistBackendError, _member
from pyxtorch.distributed._work import Work

__all__ = ["P2POp", "batch_isend_irecv", "irecv", "isend", "recv", "send"]

_MOST = 1 << 14  # tags


class _Under:
    """A message of `_mpi`, as Work knows calls."""

    def __init__(self, message, name):
        self.message, self.name = message, name

    def is_done(self):
        return self._end(True)

    def wait(self, seconds):
        return self._end(False)

    def _end(self, only_ask):
        try:
            return self.message.end(only_ask)
        except RuntimeError as error:
            raise error if isinstance(error, DistBackendError) else DistBackendError(str(error)) from None


def _peer(group, rank, in_group, kind, word):
    """The place of the other in the group."""
    if rank is not None and in_group is not None:
        raise ValueError(f"Can't specify both group_{word} and {word}")
    if rank is None and in_group is None:
        raise ValueError(f"{kind}: {word} or group_{word} says which rank, and neither was given")
    if in_group is None:
        if rank not in group._ranks:
            raise ValueError(f"{kind}: rank {rank} is not in the group of ranks {list(group._ranks)}")
        in_group = group._ranks.index(rank)
    if not 0 <= in_group < group.size():
        raise ValueError(f"{kind}: there is no rank {in_group} in a group of {group.size()}")
    if in_group == group.rank():
        what = {"dst": "destination", "src": "source"}[word]
        raise ValueError(f"Invalid {what} rank: {what} rank should not be the same as the rank of the current process.")
    return in_group


def _tag(tag):
    if not 0 <= tag < _MOST:
        raise ValueError(f"tag must be 0 to {_MOST - 1}, got {tag}")
    return tag


def _on_gpu(group, messages):
    """A Work of messages of the GPU, [(tensor, place of the other, whether it is sent)], that go together."""
    from pyxtorch.distributed._nccl import together

    dense = [(x.detach().contiguous() if way else x.detach() if x.is_contiguous() else pyxtorch.empty(x.shape, dtype=x.dtype, device=x.device), peer, way)
             for x, peer, way in messages]  # fmt: skip
    pairs = [(x, place) for (x, _, way), (place, _, _) in zip(messages, dense) if not way]
    call = together(group, dense)

    def finish():
        _changed([x for x, _ in pairs])
        _put([(x, place) for x, place in pairs if x.data_ptr() != place.data_ptr()])

    return Work([x for x, _, _ in messages], [_Late(call)], finish, lambda: group._ranks[messages[0][1]])


def isend(tensor, dst=None, group=None, tag=0, group_dst=None):
    """Begin to send to another rank: a Work. The tensor must not change before that was waited for."""
    group = _member(group)
    _dense_of_one_device("isend", _tensor(tensor, "tensor"))
    peer = _peer(group, dst, group_dst, "isend", "dst")
    if tensor.is_cuda:
        return _on_gpu(group, [(tensor, peer, True)])
    return Work(tensor, [_Under(group._engine.message(_dense(tensor), True, peer, _tag(tag)), "isend")])


def irecv(tensor, src=None, group=None, tag=0, group_src=None):
    """Begin to receive from another rank, or with neither `src` nor `group_src` from any: a Work."""
    group = _member(group)
    _dense_of_one_device("irecv", _tensor(tensor, "tensor"))
    anybody = src is None and group_src is None
    peer = -1 if anybody else _peer(group, src, group_src, "irecv", "src")
    if group._engine is None:
        raise ValueError("Invalid source rank: source rank should not be the same as the rank of the current process.")
    if tensor.is_cuda:
        if anybody:
            raise ValueError("irecv: NCCL receives from a rank that is named, not from any. Say src.")
        return _on_gpu(group, [(tensor, peer, False)])
    direct = tensor.is_contiguous()
    place = tensor.detach() if direct else pyxtorch.empty(tensor.shape, dtype=tensor.dtype)
    message = group._engine.message(place, False, peer, _tag(tag))
    return Work(tensor, [_Under(message, "irecv")], None if direct else lambda: _put(((tensor, place),)), lambda: group._ranks[message.source])


def send(tensor, dst=None, group=None, tag=0, group_dst=None):
    """Send to another rank, and wait until the tensor may change again.

    Raises:
        ValueError: that is this process, or there is no such rank.
    """
    isend(tensor, dst, group, tag, group_dst).wait()


def recv(tensor, src=None, group=None, tag=0, group_src=None):
    """Receive from another rank, or from any; the sender's number among all processes.

    Raises:
        ValueError: that is this process, or there is no such rank. RuntimeError: what came has another size.
    """
    work = irecv(tensor, src, group, tag, group_src)
    work.wait()
    return work.source_rank()


class P2POp:
    """One `isend` or `irecv` for `batch_isend_irecv`."""

    def __init__(self, op, tensor, peer=None, group=None, tag=0, group_peer=None):
        if op not in (isend, irecv):
            raise ValueError("Invalid ``op``. Expected ``op`` to be of type ``torch.distributed.isend`` or ``torch.distributed.irecv``.")
        self.op, self.tensor, self.peer, self.group_peer, self.group, self.tag = op, _tensor(tensor, "tensor"), peer, group_peer, group, tag


def batch_isend_irecv(p2p_op_list):
    """Begin several at once: a Work for each."""
    if not isinstance(p2p_op_list, list) or not p2p_op_list or not all(isinstance(one, P2POp) for one in p2p_op_list):
        raise ValueError("Invalid ``p2p_op_list``. Each op is expected to to be of type ``torch.distributed.P2POp``.")
    if p2p_op_list[0].tensor.is_cuda:
        group = _member(p2p_op_list[0].group)
        if not all(one.tensor.is_cuda and one.group is p2p_op_list[0].group for one in p2p_op_list):
            raise ValueError("batch_isend_irecv: messages that go together are all of GPU tensors, and of one group")
        return [_on_gpu(group, [(one.tensor, _peer(group, one.peer, one.group_peer, one.op.__name__, "dst" if one.op is isend else "src"), one.op is isend) for one in p2p_op_list])]
    return [one.op(one.tensor, one.peer, one.group, one.tag, one.group_peer) for one in p2p_op_list]
