"""Groups of one process and what they do together. See pyxtorch.distributed."""
import copy
import enum
import os
from datetime import timedelta

import pyxtorch
from pyxtorch import Tensor

__all__ = [
    "Backend", "GroupMember", "HashStore", "P2POp", "ProcessGroup", "ReduceOp", "Work", "all_gather", "all_gather_coalesced", "all_gather_into_tensor",
    "all_gather_object", "all_reduce", "all_reduce_coalesced", "all_to_all", "all_to_all_single", "barrier", "batch_isend_irecv", "broadcast",
    "broadcast_object_list", "default_pg_timeout", "destroy_process_group", "gather", "gather_object", "get_backend", "get_default_backend_for_device",
    "get_global_rank", "get_group_rank", "get_node_local_rank", "get_process_group_ranks", "get_rank", "get_world_size", "group", "init_process_group",
    "irecv", "is_available", "is_backend_available", "is_gloo_available", "is_initialized", "is_mpi_available", "is_nccl_available",
    "is_torchelastic_launched", "is_ucc_available", "is_xccl_available", "isend", "monitored_barrier", "new_group", "new_subgroups", "recv", "reduce",
    "reduce_op", "reduce_scatter", "reduce_scatter_tensor", "scatter", "scatter_object_list", "send", "supports_complex",
]  # fmt: skip

default_pg_timeout = timedelta(minutes=30)
_BACKENDS = ("gloo", "nccl", "mpi", "ucc", "xccl", "fake")


class ReduceOp(enum.Enum):
    """How the tensors of all processes become one. Of one process it is the tensor itself, whatever is chosen."""

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7
    PREMUL_SUM = 8


reduce_op = ReduceOp


class Backend(str):
    """The name of what would carry messages, in lower case."""

    __slots__ = ()
    UNDEFINED, GLOO, NCCL, UCC, MPI, XCCL = "undefined", "gloo", "nccl", "ucc", "mpi", "xccl"
    default_device_backend_map = {"cpu": GLOO, "cuda": NCCL}  # noqa: RUF012
    backend_list = [UNDEFINED, GLOO, NCCL, UCC, MPI]  # noqa: RUF012

    def __new__(cls, name):
        if not isinstance(name, str):
            raise ValueError(f"Backend constructor parameter must be string-ish, got {name!r}.")
        return super().__new__(cls, name.lower())


class Work:
    """What a collective with `async_op=True` gives: it is done."""

    def __init__(self, result=None):
        self._result = result

    def wait(self, timeout=None):
        """Wait until it is done, as it is: True."""
        return True

    def is_completed(self):
        """True."""
        return True

    def is_success(self):
        """True."""
        return True

    def exception(self):
        """None: nothing went wrong, or the call had raised it."""

    def result(self):
        """What it gave, as a list."""
        return [] if self._result is None else [self._result]

    def get_future(self):
        """The same as a Future."""
        from pyxtorch.futures import Future

        future = Future()
        future.set_result(self.result())
        return future


class ProcessGroup:
    """A group of one process, of the name of what would carry its messages."""

    def __init__(self, backend, name=""):
        self._backend, self.group_name, self.group_desc = Backend(backend), name, name

    def rank(self):
        """0."""
        return 0

    def size(self):
        """1."""
        return 1

    def name(self):
        """The name of what would carry messages."""
        return str(self._backend)


class HashStore:
    """Keys and values for the processes of a machine that share them by a store: those of this process."""

    def __init__(self):
        self._values = {}

    def set(self, key, value):
        """Keep a string, or bytes."""
        self._values[key] = value if isinstance(value, bytes) else str(value).encode()

    def get(self, key):
        """The bytes of a key that has been set.

        Raises:
            RuntimeError: it has not been, and no other process could.
        """
        if key not in self._values:
            raise RuntimeError(f"HashStore.get: the key {key!r} has not been set, and there is no other process that could.")
        return self._values[key]

    def add(self, key, amount):
        """Count: the number under a key, by `amount` greater."""
        self._values[key] = str(int(self._values.get(key, b"0")) + amount).encode()
        return int(self._values[key])

    def wait(self, keys, timeout=None):
        """Wait until keys are set, as they have to be."""
        for key in keys:
            self.get(key)

    def check(self, keys):
        """Whether all of the keys are set."""
        return all(key in self._values for key in keys)

    def delete_key(self, key):
        """Forget a key: whether it was there."""
        return self._values.pop(key, None) is not None

    def num_keys(self):
        """How many keys there are."""
        return len(self._values)


class _World:
    """The group of all processes, `group.WORLD`: a ProcessGroup, or None before `init_process_group`."""

    WORLD = None


class GroupMember:
    """What stands for a group that this process is not in."""

    NON_GROUP_MEMBER = -100


group = _World


# ---------------------------------------------------------------------------- groups


def is_available():
    """False: no work is divided among several processes. A group of one may be made all the same, and everything here works in it.

    What asks this goes on, if the answer is yes, to sharded tensors and modules (`distributed.tensor`, `distributed.fsdp`).
    """
    return False


def is_gloo_available():
    """Whether a group may be said to use gloo: True, one process needs nothing of it."""
    return True


def is_nccl_available():
    """False: there is no NCCL here. A group of one process may be said to use it all the same."""
    return False


is_mpi_available = is_ucc_available = is_xccl_available = is_nccl_available


def is_backend_available(backend):
    """Whether that is there: gloo alone."""
    return Backend(backend) == "gloo"


def is_initialized():
    """Whether `init_process_group` has been called, and `destroy_process_group` not."""
    return _World.WORLD is not None


def is_torchelastic_launched():
    """Whether the process was started by torchrun."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def supports_complex(reduceOp):  # noqa: N803
    """Whether complex tensors may be reduced so."""
    return reduceOp not in (ReduceOp.MAX, ReduceOp.MIN, ReduceOp.PRODUCT, ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR)


def get_default_backend_for_device(device):
    """The name of what PyTorch would use for a device."""
    return {"cpu": "gloo", "cuda": "nccl"}[pyxtorch.device(device).type]


def init_process_group(backend=None, init_method=None, timeout=None, world_size=-1, rank=-1, store=None, group_name="", pg_options=None, device_id=None,
                       _ranks=None):  # fmt: skip
    """Make this process the group of all processes.

    Args:
        backend: "gloo", "nccl" or another of PyTorch's names; kept for `get_backend`. By default "gloo".
        init_method, store: how the processes would find each other. world_size, rank: 1 and 0; where they are not given, what the
            environment variables WORLD_SIZE and RANK say (`init_method` None or "env://").
    Raises:
        ValueError: there is a group already, or nothing says how many processes there are.
        RuntimeError: more than one process.
    """
    if is_initialized():
        raise ValueError("trying to initialize the default process group twice!")
    names = [part.rpartition(":")[2] for part in Backend(backend or "gloo").split(",")]
    for name in names:
        if name not in _BACKENDS:
            raise AssertionError(f"Unknown backend type {name}")
    if store is None and init_method in (None, "env://"):
        for what, value in (("RANK", rank), ("WORLD_SIZE", world_size)):
            if value == -1 and what not in os.environ:
                raise ValueError(f"Error initializing torch.distributed using env:// rendezvous: environment variable {what} expected, but not set")
        rank = int(os.environ["RANK"]) if rank == -1 else rank
        world_size = int(os.environ["WORLD_SIZE"]) if world_size == -1 else world_size
    if world_size != 1 or rank != 0:
        raise RuntimeError(f"init_process_group: world_size={world_size} and rank={rank} were given, but a group here is one process, 1 and 0. "
                           "Start the program once, with WORLD_SIZE=1 and RANK=0.")  # fmt: skip
    _World.WORLD = ProcessGroup(names[0] if len(set(names)) == 1 else backend, group_name)


def destroy_process_group(group=None):
    """Take a group away; without one, or with the group of all processes, that one.

    Raises:
        ValueError: there is none.
    """
    world = _get_default_group()
    if group is None or group is world:
        _World.WORLD = None


def _get_default_group():
    if _World.WORLD is None:
        raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")
    return _World.WORLD


def _group(group):
    """The group meant, or None if this process is not in it."""
    world = _get_default_group()
    if group is GroupMember.NON_GROUP_MEMBER:
        return None
    if group is not None and not isinstance(group, ProcessGroup):
        raise TypeError(f"expected a ProcessGroup or None, not {type(group).__name__}.")
    return world if group is None else group


def new_group(ranks=None, timeout=None, backend=None, pg_options=None, use_local_synchronization=False, group_desc=None, device_id=None, sort_ranks=True):
    """A group of some of the processes, [0] or None; of none, a value that says that this process is not in it.

    Raises:
        ValueError: there are no such processes.
    """
    world = _get_default_group()
    ranks = [0] if ranks is None else list(ranks)
    if len(ranks) > 1:
        raise ValueError("the new group's world size should be less or equal to the world size set by init_process_group")
    if any(r != 0 for r in ranks):
        raise ValueError("The new group's rank should be within the world_size set by init_process_group")
    return ProcessGroup(backend or world._backend, group_desc or "") if ranks else GroupMember.NON_GROUP_MEMBER


def new_subgroups(group_size=None, group=None, timeout=None, backend=None, pg_options=None, group_desc=None):
    """(the group of this process, all groups) of `group_size` processes each, 1."""
    _group(group)
    if group_size not in (None, 1):
        raise ValueError(f"The arg 'group_size' must not exceed the world size: {group_size} and 1")
    made = new_group([0], timeout, backend)
    return made, [made]


def get_rank(group=None):
    """The number of this process in a group: 0, or -1 where it is not in it."""
    return -1 if _group(group) is None else 0


def get_world_size(group=None):
    """How many processes a group has: 1, or -1 where this one is not in it."""
    return -1 if _group(group) is None else 1


def get_backend(group=None):
    """The name that the group was made with."""
    return _member(group)._backend


def get_process_group_ranks(group=None):
    """The numbers of the processes of a group: [0]."""
    return [] if _group(group) is None else [0]


def get_global_rank(group, group_rank):
    """The number among all processes of the one that has `group_rank` in a group."""
    _group(group)
    if group_rank != 0:
        raise ValueError(f"Group rank {group_rank} is not part of group {group}")
    return 0


def get_group_rank(group, global_rank):
    """The number in a group of the process that has `global_rank` among all."""
    _group(group)
    if global_rank != 0:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}")
    return 0


def get_node_local_rank(fallback_rank=None):
    """The number of the process on its machine: what LOCAL_RANK says, or `fallback_rank`."""
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    if fallback_rank is not None:
        return int(fallback_rank)
    raise RuntimeError("LOCAL_RANK is not in the environment. Consider passing fallback_rank to allow `get_node_local_rank` to work, assuming you are not "
                       "running in a multi-device context and want the code to run locally instead.")  # fmt: skip


# ---------------------------------------------------------------------------- checks


def _member(group):
    found = _group(group)
    if found is None:
        raise ValueError("Invalid process group specified: this process is not part of it")
    return found


def _tensor(x, name):
    if not isinstance(x, Tensor):
        raise TypeError(f"Invalid function argument. Expected parameter `{name}` of type torch.Tensor but got {type(x)} instead.")
    return x


def _tensors(xs, name, op=None):
    """A list of tensors; for an operation, as many as there are processes."""
    if not isinstance(xs, list | tuple) or not all(isinstance(x, Tensor) for x in xs):
        raise TypeError(f"Invalid function argument. Expected parameter `{name}` of type List[torch.Tensor].")
    if op is not None and len(xs) != 1:
        raise RuntimeError(f"{op}: invalid {name} (expected length 1, got {len(xs)})")
    return xs


def _root(root, in_group, op, name):
    """The process that an operation starts from or goes to: the only one."""
    given = root if in_group is None else in_group
    if given is None:
        given = 0
    if given != 0:
        raise RuntimeError(f"{op}: invalid {name} rank: {given}; the group has one process, 0")


def _copy(target, source, op, whole=True):
    """Write `source` into `target`, which is to have its dtype and size (or, not `whole`, as many elements)."""
    if target.dtype != source.dtype:
        raise ValueError(f"{op}: Invalid usage of tensors with different dtypes. Found {target.dtype} and {source.dtype}")
    if (target.shape != source.shape) if whole else (target.numel() != source.numel()):
        raise RuntimeError(f"{op}: invalid tensor size (expected {tuple(source.shape)}, got {tuple(target.shape)})")
    with pyxtorch.no_grad():
        target.copy_(source.view(target.shape) if source.is_contiguous() else source.reshape(target.shape))


def _op(op):
    if not isinstance(op, ReduceOp):
        raise TypeError(f"expected a ReduceOp, not {type(op).__name__}.")


def _done(async_op, result=None):
    return Work(result) if async_op else None


# ---------------------------------------------------------------------------- collectives


def all_reduce(tensor, op=ReduceOp.SUM, group=None, async_op=False):
    """The sum (or what `op` says) of the tensors of all processes, in place: of one, the tensor as it is."""
    _tensor(tensor, "tensor")
    _op(op)
    if tensor.is_complex() and not supports_complex(op):
        raise ValueError(f"all_reduce does not support {op} on complex tensors")
    _member(group)
    return _done(async_op, tensor)


def all_reduce_coalesced(tensors, op=ReduceOp.SUM, group=None, async_op=False):
    """`all_reduce` of several tensors."""
    for tensor in _tensors(tensors, "tensors"):
        all_reduce(tensor, op, group)
    return _done(async_op, tensors)


def reduce(tensor, dst=None, op=ReduceOp.SUM, group=None, async_op=False, group_dst=None):
    """As `all_reduce`, with the result in process `dst` alone."""
    _member(group)
    _root(dst, group_dst, "reduce", "dst")
    return all_reduce(tensor, op, group, async_op)


def broadcast(tensor, src=None, group=None, async_op=False, group_src=None):
    """Give the tensor of process `src` to all: it stays as it is."""
    _tensor(tensor, "tensor")
    _member(group)
    _root(src, group_src, "broadcast", "root")
    return _done(async_op, tensor)


def all_gather(tensor_list, tensor, group=None, async_op=False):
    """Write the tensors of all processes into a list of tensors of their sizes."""
    _tensor(tensor, "tensor")
    _member(group)
    _copy(_tensors(tensor_list, "tensor_list", "all_gather")[0], tensor, "all_gather")
    return _done(async_op, tensor_list)


def all_gather_coalesced(output_tensor_lists, input_tensor_list, group=None, async_op=False):
    """`all_gather` of several tensors."""
    _member(group)
    for targets, tensor in zip(output_tensor_lists, _tensors(input_tensor_list, "input_tensor_list"), strict=True):
        all_gather(targets, tensor, group)
    return _done(async_op, output_tensor_lists)


def all_gather_into_tensor(output_tensor, input_tensor, group=None, async_op=False):
    """Write the tensors of all processes into one, joined or stacked."""
    _tensor(input_tensor, "input_tensor")
    _member(group)
    _copy(_tensor(output_tensor, "output_tensor"), input_tensor, "all_gather_into_tensor", whole=False)
    return _done(async_op, output_tensor)


_all_gather_base = all_gather_into_tensor


def gather(tensor, gather_list=None, dst=None, group=None, async_op=False, group_dst=None):
    """`all_gather` to process `dst` alone."""
    _member(group)
    _root(dst, group_dst, "gather", "dst")
    if not gather_list:
        raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
    return all_gather(gather_list, tensor, group, async_op)


def scatter(tensor, scatter_list=None, src=None, group=None, async_op=False, group_src=None):
    """Write into `tensor` the part of the list of process `src` that is for this one."""
    _tensor(tensor, "tensor")
    _member(group)
    _root(src, group_src, "scatter", "src")
    if not scatter_list:
        raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
    _copy(tensor, _tensors(scatter_list, "scatter_list", "scatter")[0], "scatter")
    return _done(async_op, tensor)


def reduce_scatter(output, input_list, op=ReduceOp.SUM, group=None, async_op=False):
    """Reduce the lists of all processes, and write the part that is for this one into `output`."""
    _op(op)
    _member(group)
    _copy(_tensor(output, "output"), _tensors(input_list, "input_list", "reduce_scatter")[0], "reduce_scatter")
    return _done(async_op, output)


def reduce_scatter_tensor(output, input, op=ReduceOp.SUM, group=None, async_op=False):
    """The same of one tensor that holds the parts."""
    _op(op)
    _tensor(input, "input")
    _member(group)
    _copy(_tensor(output, "output"), input, "reduce_scatter_tensor", whole=False)
    return _done(async_op, output)


def all_to_all(output_tensor_list, input_tensor_list, group=None, async_op=False):
    """Each process gives a part to each."""
    _member(group)
    _copy(_tensors(output_tensor_list, "output_tensor_list", "all_to_all")[0], _tensors(input_tensor_list, "input_tensor_list", "all_to_all")[0], "all_to_all")
    return _done(async_op, output_tensor_list)


def all_to_all_single(output, input, output_split_sizes=None, input_split_sizes=None, group=None, async_op=False):
    """The same of tensors that hold the parts, cut along the first dimension."""
    _member(group)
    for sizes, x, name in ((output_split_sizes, output, "output"), (input_split_sizes, input, "input")):
        _tensor(x, name)
        if sizes and (len(sizes) != 1 or sizes[0] != x.shape[0]):
            raise RuntimeError(f"all_to_all_single: {name}_split_sizes={list(sizes)} do not divide {x.shape[0]} rows among one process")
    _copy(output, input, "all_to_all_single")
    return _done(async_op, output)


def barrier(group=None, async_op=False, device_ids=None, timeout=None):
    """Wait until all processes are here."""
    _member(group)
    return _done(async_op)


def monitored_barrier(group=None, timeout=None, wait_all_ranks=False):
    """The same, with an error where one does not come."""
    _member(group)


# ---------------------------------------------------------------------------- objects


def all_gather_object(object_list, obj, group=None):
    """Put copies of the objects of all processes into a list of as many places."""
    _member(group)
    if len(object_list) < 1:
        raise RuntimeError("all_gather_object: object_list has 0 places for the objects of one process")
    object_list[0] = copy.deepcopy(obj)


def gather_object(obj, object_gather_list=None, dst=None, group=None, group_dst=None):
    """The same in process `dst` alone."""
    _member(group)
    _root(dst, group_dst, "gather_object", "dst")
    if not object_gather_list:
        raise ValueError("Argument ``object_gather_list`` must be specified on destination rank.")
    all_gather_object(object_gather_list, obj, group)


def broadcast_object_list(object_list, src=None, group=None, device=None, group_src=None):
    """Give the objects of process `src` to all: they stay as they are."""
    _member(group)
    _root(src, group_src, "broadcast_object_list", "src")
    if not isinstance(object_list, list) or not object_list:
        raise TypeError(f"expected a list of objects, not {type(object_list).__name__} of none.")


def scatter_object_list(scatter_object_output_list, scatter_object_input_list=None, src=None, group=None, group_src=None):
    """Put what process `src` has for this one into the first place of a list."""
    _member(group)
    _root(src, group_src, "scatter_object_list", "src")
    if not isinstance(scatter_object_output_list, list) or len(scatter_object_output_list) < 1:
        raise ValueError("Expected argument scatter_object_output_list to be a list of size at least 1.")
    if not scatter_object_input_list or len(scatter_object_input_list) != 1:
        raise ValueError(f"scatter_object_list: one object is expected for one process, got {len(scatter_object_input_list or ())}")
    scatter_object_output_list[0] = copy.deepcopy(scatter_object_input_list[0])


# ---------------------------------------------------------------------------- from one to another


def send(tensor, dst=None, group=None, tag=0, group_dst=None):
    """Send to another process, of which there is none.

    Raises:
        ValueError: always: the one process there is cannot send to itself.
    """
    _tensor(tensor, "tensor")
    _member(group)
    raise ValueError("Invalid destination rank: destination rank should not be the same as the rank of the current process.")


def recv(tensor, src=None, group=None, tag=0, group_src=None):
    """Receive from another process, of which there is none.

    Raises:
        ValueError: always.
    """
    _tensor(tensor, "tensor")
    _member(group)
    raise ValueError("Invalid source rank: source rank should not be the same as the rank of the current process.")


isend, irecv = send, recv


class P2POp:
    """One `isend` or `irecv` for `batch_isend_irecv`."""

    def __init__(self, op, tensor, peer=None, group=None, tag=0, group_peer=None):
        self.op, self.tensor, self.peer, self.group, self.tag = op, _tensor(tensor, "tensor"), peer if group_peer is None else group_peer, group, tag


def batch_isend_irecv(p2p_op_list):
    """Several at once, as one after the other."""
    return [one.op(one.tensor, one.peer, one.group, one.tag) for one in p2p_op_list]
