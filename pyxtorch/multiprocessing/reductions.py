"""How tensors and storages go to other processes: by handle, their memory being shared, not copied.

A handle is a segment (a file descriptor), an offset and a size. How the descriptor travels depends on the way the
message takes: with the message itself where that goes through this package's queues and pipes, so that a message that
nobody receives keeps nothing alive; with the new process where that is being started by spawn or forkserver; else by
Python's resource sharer, which hands it to whoever unpickles the message.
"""
import os
import threading
from multiprocessing import context, reduction
from multiprocessing.reduction import ForkingPickler

from pyxtorch import strided
from pyxtorch._core import view_storage
from pyxtorch.nn.parameter import Buffer, Parameter
from pyxtorch.ops import _memory
from pyxtorch.storage import TypedStorage, UntypedStorage
from pyxtorch.tensor import Tensor

# ------------------------------------------------------------------------------- descriptors

_thread = threading.local()  # .outgoing: segments of the message that is being pickled; .incoming: what came with one; .packed


class Received:
    """The file descriptors that came with a message, each handed out once; what is left is closed."""

    def __init__(self, descriptors, lost=0):
        self.descriptors, self.lost = list(descriptors), lost

    def take(self, place):
        if self.lost:
            raise RuntimeError(
                f"multiprocessing: {self.lost} file descriptors of a message could not be received: too many are open. Raise `ulimit -n`, or "
                "let go of tensors in shared memory."
            )
        descriptor, self.descriptors[place] = self.descriptors[place], None
        return descriptor

    def __del__(self):
        for descriptor in self.descriptors:
            if descriptor is not None:
                os.close(descriptor)


def received(descriptors, lost):
    """What is unpickled next in this thread came with these descriptors."""
    _thread.incoming = Received(descriptors, lost)


class Packed:
    """An object, pickled, and the segments that its tensors lie in."""

    def __init__(self, obj):
        before = getattr(_thread, "outgoing", None)
        self.segments = _thread.outgoing = []
        try:
            with _memory.together():
                self.data = ForkingPickler.dumps(obj)
        finally:
            _thread.outgoing = before

    def __reduce__(self):
        """A queue's thread pickles what it sends at once; this is pickled already, and `last` finds it."""
        _thread.packed = self
        return str, ()

    @staticmethod
    def last():
        """The one that this thread pickled last."""
        packed, _thread.packed = _thread.packed, None
        return packed


def _reduce_segment(segment):
    segment.sent = True
    outgoing = getattr(_thread, "outgoing", None)
    if outgoing is not None and context.get_spawning_popen() is None:
        outgoing.append(segment)
        return _rebuild_sent_segment, (len(outgoing) - 1,)
    return _rebuild_segment, (reduction.DupFd(segment.fd),)


def _rebuild_sent_segment(place):
    return _memory.open_segment(_thread.incoming.take(place))


def _rebuild_segment(duplicate):
    return _memory.open_segment(duplicate.detach())


# --------------------------------------------------------------------------- storages, tensors

def reduce_storage(storage):
    """How a storage goes to another process; it moves to shared memory first."""
    if storage.device.type == "meta":
        return _meta_storage, (storage.nbytes(),)
    if storage.is_cuda:
        raise RuntimeError("multiprocessing: memory of a GPU cannot be sent to another process. Send tensor.cpu().")
    _memory.share(storage)
    return _memory.storage_at, _memory.place_of(storage)


def _meta_storage(nbytes):
    return UntypedStorage(nbytes, device="meta")


def reduce_typed_storage(storage):
    """How a typed storage goes to another process: as its bytes do."""
    return _rebuild_typed_storage, (storage.untyped(), storage.dtype)


def _rebuild_typed_storage(untyped, dtype):
    return TypedStorage(wrap_storage=untyped, dtype=dtype)


def reduce_tensor(tensor):
    """How a tensor goes to another process: as a view of its storage, with its class, its attributes and `requires_grad`.

    Raises:
        RuntimeError: it is the result of recorded operations; their graph stays in this process.
    """
    if tensor.requires_grad and not tensor.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support crossing process "
            "boundaries. If you just want to transfer the data, call detach() on the tensor before serializing (e.g., putting it on the queue)."
        )
    if tensor.device.type != "cpu" or tensor.layout is not strided or tensor.is_nested:  # their parts go by handle
        return tensor.__reduce_ex__(4)
    storage = tensor.untyped_storage()
    _memory.share(storage, tensor)
    view = (tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
    return rebuild_tensor, (type(tensor), storage, tensor.dtype, *view, tensor.requires_grad), tensor.__dict__ or None


def rebuild_tensor(cls, storage, dtype, offset, shape, stride, requires_grad):
    """The tensor again, on the other side."""
    tensor = view_storage(storage, dtype, offset, shape, stride)
    if cls is not Tensor:
        return Tensor._make_subclass(cls, tensor, requires_grad)
    return tensor.requires_grad_(requires_grad)


def init_reductions():
    """Tell Python's multiprocessing of tensors and storages; importing pyxtorch.multiprocessing does."""
    for kind in (Tensor, Parameter, Buffer):
        ForkingPickler.register(kind, reduce_tensor)
    ForkingPickler.register(UntypedStorage, reduce_storage)
    ForkingPickler.register(TypedStorage, reduce_typed_storage)
    ForkingPickler.register(_memory.Segment, _reduce_segment)
