"""Groups of processes: the group of all, what it is made of, and those made of its members."""
import enum
import os
from datetime import timedelta

import pyxtorch
from pyxtorch.distributed import _launched
from pyxtorch.distributed._stores import PrefixStore
from pyxtorch.distributed.rendezvous import rendezvous

__all__ = [
    "AllToAllOptions", "AllreduceCoalescedOptions", "AllreduceOptions", "Backend", "BackendConfig", "BarrierOptions", "BroadcastOptions", "DebugLevel",
    "DistBackendError", "DistError", "DistNetworkError", "DistStoreError", "GatherOptions", "GroupMember", "ProcessGroup", "ProcessGroupGloo", "ReduceOp",
    "ReduceOptions", "ReduceScatterOptions", "ScatterOptions", "default_pg_timeout", "destroy_process_group", "get_backend", "get_backend_config",
    "get_debug_level", "get_default_backend_for_device", "get_global_rank", "get_group_rank", "get_node_local_rank", "get_pg_count",
    "get_process_group_ranks", "get_rank", "get_world_size", "group", "init_process_group", "is_available", "is_backend_available",
    "is_gloo_available", "is_initialized", "is_mpi_available", "is_nccl_available", "is_torchelastic_launched", "is_ucc_available", "is_xccl_available",
    "new_group", "new_subgroups", "new_subgroups_by_enumeration", "reduce_op", "set_debug_level", "set_debug_level_from_env", "shrink_group",
    "split_group", "supports_complex",
]  # fmt: skip

default_pg_timeout = timedelta(minutes=30)
_BACKENDS = ("gloo", "nccl", "mpi", "ucc", "xccl", "fake")


class DistError(RuntimeError):
    """Something went wrong between processes."""


class DistBackendError(DistError):
    """A collective or a message failed: MPI's error, a rank that is gone, one that called something else, or the time was over."""


class DistNetworkError(DistError):
    """A connection failed."""


class DistStoreError(DistError):
    """A store failed: most often a key that did not come in time."""


class DebugLevel(enum.Enum):
    """How much is checked. With DETAIL, every collective compares what the ranks call before it runs, on several machines too."""

    OFF = 0
    INFO = 1
    DETAIL = 2


_level = [DebugLevel.OFF]


def get_debug_level():
    """The DebugLevel."""
    return _level[0]


def set_debug_level(level):
    """Set the DebugLevel: on all ranks alike."""
    if not isinstance(level, DebugLevel):
        raise TypeError(f"set_debug_level: expected a DebugLevel, not {type(level).__name__}.")
    _level[0] = level
    _choose_path()


def set_debug_level_from_env():
    """Set it to what TORCH_DISTRIBUTED_DEBUG says: OFF, INFO or DETAIL."""
    name = os.environ.get("TORCH_DISTRIBUTED_DEBUG", "OFF").upper()
    if name not in DebugLevel.__members__:
        raise RuntimeError(f"TORCH_DISTRIBUTED_DEBUG={name}: must be one of OFF, INFO or DETAIL")
    set_debug_level(DebugLevel[name])


class ReduceOp(enum.Enum):
    """How the tensors of all ranks become one, in the order of the ranks.

    AVG divides the sum by their number, integers without a rest. PREMUL_SUM is made by `_make_premul_sum(factor)`. Of bool
    tensors SUM is "or", PRODUCT "and". Complex tensors can only be summed and averaged.
    """

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7
    PREMUL_SUM = 8


class _Premultiplied:
    """PREMUL_SUM with its factor."""

    value = ReduceOp.PREMUL_SUM.value

    def __init__(self, factor):
        self.factor = float(factor)


_make_nccl_premul_sum = _Premultiplied  # the name that PyTorch has for it
reduce_op = ReduceOp


class Backend(str):
    """The name of what carries messages, in lower case."""

    __slots__ = ()
    UNDEFINED, GLOO, NCCL, UCC, MPI, XCCL = "undefined", "gloo", "nccl", "ucc", "mpi", "xccl"
    default_device_backend_map = {"cpu": GLOO, "cuda": NCCL}  # noqa: RUF012
    backend_list = [UNDEFINED, GLOO, NCCL, UCC, MPI]  # noqa: RUF012

    def __new__(cls, name):
        if not isinstance(name, str):
            raise ValueError(f"Backend constructor parameter must be string-ish, got {name!r}.")
        return super().__new__(cls, name.lower())


class BackendConfig:
    """Which backend each kind of device has: of "gloo", or "cpu:gloo,cuda:nccl"."""

    def __init__(self, backend):
        parts = [part.split(":") for part in Backend(backend).split(",")]
        self.device_backend_map = {p[0]: p[1] for p in parts} if len(parts[0]) == 2 else dict.fromkeys(("cpu", "cuda"), parts[0][0])

    def __repr__(self):
        return ",".join(f"{device}:{backend}" for device, backend in self.device_backend_map.items())

    def get_device_backend_map(self):
        """The dict of it."""
        return self.device_backend_map


class _Options:
    def __init__(self, **given):
        self.__dict__.update({"timeout": default_pg_timeout, "asyncOp": True}, **given)


class AllreduceOptions(_Options):
    """reduceOp, timeout."""


class AllreduceCoalescedOptions(AllreduceOptions):
    """The same."""


class BroadcastOptions(_Options):
    """rootRank, rootTensor, timeout."""


class ReduceOptions(_Options):
    """reduceOp, rootRank, rootTensor, timeout."""


class ReduceScatterOptions(_Options):
    """reduceOp, timeout."""


class GatherOptions(_Options):
    """rootRank, timeout."""


class ScatterOptions(GatherOptions):
    """The same."""


class AllToAllOptions(_Options):
    """timeout."""


class BarrierOptions(_Options):
    """device_ids, timeout."""


class ProcessGroup:
    """Some of the processes, in an order; `rank()` of `size()`.

    `_engine` runs its collectives (`_engine.Engine`); a group of one needs none.
    """

    def __init__(self, backend="gloo", name="", ranks=(0,), rank=0, engine=None, timeout=default_pg_timeout):
        self._backend, self.group_name, self.group_desc = Backend(backend), name, name
        self._ranks, self._rank, self._engine, self._timeout, self.bound_device_id = tuple(ranks), rank, engine, timeout, None

    def __repr__(self):
        return f"<ProcessGroup {self.group_name or 'world'}: rank {self._rank} of {list(self._ranks)}>"

    def rank(self):
        """The number of this process in it."""
        return self._rank

    def size(self):
        """How many processes it has."""
        return len(self._ranks)

    def name(self):
        """The name of what carries messages."""
        return str(self._backend)


class ProcessGroupGloo(ProcessGroup):
    """The class that programs ask for by `isinstance`; groups here are of its base."""


class _World:
    """The group of all processes, `group.WORLD`: a ProcessGroup, or None before `init_process_group`."""

    WORLD = None
    made = []  # noqa: RUF012  (the groups of its members)
    counts = {}  # noqa: RUF012  (how many groups there have been of the same ranks)
    store = None
    _quick = None  # all_reduce of plain tensors of all processes, compiled; None: by the general path


def _choose_path():
    """Take the short path where nothing else is asked for."""
    world = _World.WORLD
    short = world is not None and world._engine is not None and _level[0] is not DebugLevel.DETAIL
    _World._quick = world._engine.group.all_reduce_now if short else None


class GroupMember:
    """What stands for a group that this process is not in."""

    NON_GROUP_MEMBER = -100


group = _World


# ---------------------------------------------------------------------------- what there is


def is_available():
    """Whether several processes can work together: mpi4py is installed. A group of one can be made without it."""
    return _launched.installed()


def is_gloo_available():
    """False: there is no Gloo. A group may be said to use it all the same, and runs on MPI."""
    return False


def is_mpi_available():
    """Whether mpi4py is installed."""
    return _launched.installed()


def is_nccl_available():
    """Whether there is a GPU, and NCCL's library."""
    from pyxtorch.distributed import _nccl

    return _nccl.is_available()


def is_ucc_available():
    """False: there is none."""
    return False


is_xccl_available = is_ucc_available


def is_backend_available(backend):
    """Whether that name is of something that is there: mpi, where mpi4py is, and nccl, where its library and a GPU are."""
    return (Backend(backend) == "mpi" and is_mpi_available()) or (Backend(backend) == "nccl" and is_nccl_available())


def is_initialized():
    """Whether `init_process_group` has been called, and `destroy_process_group` not."""
    return _World.WORLD is not None


def is_torchelastic_launched():
    """Whether the process was started by torchrun, or by `pyxtorch.distributed.run`."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def supports_complex(reduceOp):  # noqa: N803
    """Whether complex tensors may be reduced so."""
    return reduceOp not in (ReduceOp.MAX, ReduceOp.MIN, ReduceOp.PRODUCT, ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR)


def get_default_backend_for_device(device):
    """The name of what PyTorch would use for a device."""
    return {"cpu": "gloo", "cuda": "nccl"}[pyxtorch.device(device).type]


# ---------------------------------------------------------------------------- the group of all


def init_process_group(backend=None, init_method=None, timeout=None, world_size=-1, rank=-1, store=None, group_name="", pg_options=None, device_id=None,
                       _ranks=None):  # fmt: skip
    """Make the group of all processes. Every process calls it, and waits for the others.

    Under `pyxtorch.distributed.run`, mpiexec or srun the processes know each other already. Others find each other by
    `init_method` or `store`, on MPICH or Intel's MPI.

    Args:
        backend: "gloo", "mpi", "nccl" or "cpu:gloo,cuda:nccl"; `get_backend` says what was asked, by default "gloo". Tensors of the CPU go
            by MPI and those of GPUs by NCCL whatever it says.
        init_method: "env://" (the default: MASTER_ADDR, MASTER_PORT, RANK, WORLD_SIZE), "tcp://host:port", "file:///path".
        timeout: how long a collective may wait for others, a timedelta; by default 30 minutes.
        store: in the place of `init_method`, with `rank` and `world_size`.
    Raises:
        ValueError: there is a group already, or nothing says how many processes there are.
        RuntimeError: mpi4py is missing, the launcher belongs to another MPI, or the others did not come.
    """
    if is_initialized():
        raise ValueError("trying to initialize the default process group twice!")
    names = [part.rpartition(":")[2] for part in Backend(backend or "gloo").split(",")]
    for name in names:
        if name not in _BACKENDS:
            raise AssertionError(f"Unknown backend type {name}")
    if store is not None and init_method is not None:
        raise AssertionError("Cannot specify both init_method and store.")
    launcher = _launched.set_environment()
    if launcher or (store is None and init_method in (None, "env://")):
        for what, value in (("RANK", rank), ("WORLD_SIZE", world_size)):
            if value == -1 and what not in os.environ:
                raise ValueError(f"Error initializing torch.distributed using env:// rendezvous: environment variable {what} expected, but not set")
        rank = int(os.environ["RANK"]) if rank == -1 else rank
        world_size = int(os.environ["WORLD_SIZE"]) if world_size == -1 else world_size
    elif world_size < 1 or rank < 0:
        raise ValueError(f"init_process_group: rank and world_size are needed with init_method={init_method!r} or store, got {rank} and {world_size}")
    if not 0 <= rank < world_size:
        raise ValueError(f"init_process_group: rank={rank} is not one of world_size={world_size} processes, 0 to {world_size - 1}")
    timeout = timeout or default_pg_timeout
    if not isinstance(timeout, timedelta):
        raise TypeError(f"Expected timeout argument to be of type datetime.timedelta, got {timeout}")
    set_debug_level_from_env()
    engine = None
    if world_size > 1:
        if "nccl" in names and not is_nccl_available():
            raise RuntimeError(f"init_process_group: backend 'nccl' sends GPU tensors, which needs a GPU and NCCL: pip install 'pyxtorch[nccl]'. Use 'gloo' or "
                               f"'mpi' for tensors of the CPU (rank {rank} of {world_size}).")  # fmt: skip
        from pyxtorch.distributed import _engine

        if not launcher and store is None:
            store, rank, world_size = next(rendezvous(init_method or "env://", rank, world_size, timeout=timeout))
        engine = _engine.start(rank, world_size, None if launcher else PrefixStore("mpi", store), timeout.total_seconds())
    _World.store = store
    _World.WORLD = ProcessGroup(names[0] if len(set(names)) == 1 else backend, group_name, range(world_size), rank, engine, timeout)
    _choose_path()


def destroy_process_group(group=None):
    """Take a group away; without one, or with the group of all processes, that one and all others.

    Raises:
        ValueError: there is none.
    """
    world = _get_default_group()
    if group is None or group is world:
        gone, _World.made, _World.WORLD, _World.store = [*_World.made, world], [], None, None
        _World.counts.clear()
        _choose_path()
    else:
        gone = [_member(group)]
        _World.made = [g for g in _World.made if g is not group]
    for one in gone:
        if one._engine is not None:
            one._engine.close(one is world)


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
    if group is None or group is world:
        return world
    if group._engine is not None and not any(group is one for one in _World.made):
        raise ValueError("Invalid process group specified: it was destroyed, or belongs to a group of all processes that was")
    return group


def _member(group):
    found = _group(group)
    if found is None:
        raise ValueError("Invalid process group specified: this process is not part of it")
    return found


# ---------------------------------------------------------------------------- groups of some


def new_group(ranks=None, timeout=None, backend=None, pg_options=None, use_local_synchronization=False, group_desc=None, device_id=None, sort_ranks=True):
    """A group of some of the processes, by default of all; for those that are not in it, a value that says so.

    All processes call it, also those outside; with `use_local_synchronization` the members alone.

    Raises:
        ValueError: there are no such processes, or one is named twice.
    """
    world = _get_default_group()
    ranks = list(range(world.size())) if ranks is None else sorted(ranks) if sort_ranks else list(ranks)
    if len(ranks) > world.size():
        raise ValueError("the new group's world size should be less or equal to the world size set by init_process_group")
    if any(not 0 <= r < world.size() for r in ranks):
        raise ValueError("The new group's rank should be within the world_size set by init_process_group")
    if len(set(ranks)) != len(ranks):
        raise ValueError(f"new_group: a rank is named twice in {ranks}")
    if backend is not None and Backend(backend).partition(":")[0] not in (*_BACKENDS, "cpu", "cuda"):
        raise AssertionError(f"Unknown backend type {backend}")
    key = tuple(ranks)
    count = _World.counts[key] = _World.counts.get(key, 0) + 1
    if world.rank() not in ranks:
        return GroupMember.NON_GROUP_MEMBER
    timeout, engine = timeout or world._timeout, None
    if len(ranks) > 1:
        engine = world._engine.part(key, count, timeout.total_seconds())
    made = ProcessGroup(backend or world._backend, group_desc or f"{len(_World.made) + 1}", ranks, ranks.index(world.rank()), engine, timeout)
    _World.made.append(made)
    return made


def new_subgroups(group_size=None, group=None, timeout=None, backend=None, pg_options=None, group_desc=None):
    """(the group of this process, all groups) of `group_size` processes each, by default those of one machine."""
    parent = _group(group)
    if group_size is None:
        group_size = int(os.environ.get("LOCAL_WORLD_SIZE", parent.size()))
    if group_size < 1:
        raise ValueError(f"The arg 'group_size' ({group_size}) must be positive")
    if parent.size() < group_size:
        raise ValueError(f"The arg 'group_size' must not exceed the world size: {group_size} and {parent.size()}")
    if parent.size() % group_size:
        raise ValueError(f"The world size ({parent.size()}) must be divisible by 'group_size={group_size}'")
    lists = [list(parent._ranks[i : i + group_size]) for i in range(0, parent.size(), group_size)]
    return new_subgroups_by_enumeration(lists, timeout, backend, pg_options, group_desc)


def new_subgroups_by_enumeration(ranks_per_subgroup_list, timeout=None, backend=None, pg_options=None, group_desc=None):
    """(the group of this process, all groups) of the ranks listed; no rank in two of them."""
    if not ranks_per_subgroup_list:
        raise ValueError("The arg 'ranks_per_subgroup_list' cannot be empty")
    flat = [r for ranks in ranks_per_subgroup_list for r in ranks]
    if len(set(flat)) != len(flat):
        raise ValueError(f"new_subgroups_by_enumeration: a rank is in two groups of {ranks_per_subgroup_list}")
    made = [new_group(ranks, timeout, backend, pg_options, group_desc=group_desc) for ranks in ranks_per_subgroup_list]
    return next((one for one in made if isinstance(one, ProcessGroup)), None), made


def split_group(parent_pg=None, split_ranks=None, timeout=None, pg_options=None, group_desc=None):
    """The group of this process among those that `parent_pg` is split into, by ranks in it; None if it is in none.

    All members of `parent_pg` call it.
    """
    parent = _member(parent_pg)
    if not split_ranks:
        raise ValueError("split_ranks cannot be None or empty")
    if any(not 0 <= r < parent.size() for ranks in split_ranks for r in ranks):
        raise ValueError(f"split_group: ranks {split_ranks} are not all in the group of {parent.size()}")
    for ranks in split_ranks:
        if parent.rank() in ranks:
            return new_group([parent._ranks[r] for r in ranks], timeout or parent._timeout, use_local_synchronization=True, group_desc=group_desc)
    return None


def shrink_group(ranks_to_exclude, group=None, shrink_flags=0, pg_options=None):
    """The group without some of its ranks; those left call it.

    Raises:
        RuntimeError: the excluded include this rank, or all.
    """
    parent = _member(group)
    left = [parent._ranks[r] for r in range(parent.size()) if r not in set(ranks_to_exclude)]
    if parent._ranks[parent.rank()] not in left:
        raise RuntimeError(f"shrink_group: rank {parent.rank()} is among those excluded, and must not call it")
    return new_group(left, parent._timeout, use_local_synchronization=True)


# ---------------------------------------------------------------------------- who is who


def get_rank(group=None):
    """The number of this process in a group, or -1 where it is not in it."""
    found = _group(group)
    return -1 if found is None else found.rank()


def get_world_size(group=None):
    """How many processes a group has, or -1 where this one is not in it."""
    found = _group(group)
    return -1 if found is None else found.size()


def get_backend(group=None):
    """The name that the group was made with."""
    return _member(group)._backend


def get_backend_config(group=None):
    """The same, by device, as a string."""
    return repr(BackendConfig(_member(group)._backend))


def get_pg_count():
    """How many groups there are."""
    return (_World.WORLD is not None) + len(_World.made)


def get_process_group_ranks(group=None):
    """The numbers of a group's members among all processes, in its order."""
    found = _group(group)
    return [] if found is None else list(found._ranks)


def get_global_rank(group, group_rank):
    """The number among all processes of the one that has `group_rank` in a group."""
    found = _member(group)
    if not 0 <= group_rank < found.size():
        raise ValueError(f"Group rank {group_rank} is not part of group {group}")
    return found._ranks[group_rank]


def get_group_rank(group, global_rank):
    """The number in a group of the process that has `global_rank` among all."""
    found = _member(group)
    if global_rank not in found._ranks:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}")
    return found._ranks.index(global_rank)


def get_node_local_rank(fallback_rank=None):
    """The number of the process on its machine: what LOCAL_RANK says, or `fallback_rank`."""
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    if fallback_rank is not None:
        return int(fallback_rank)
    raise RuntimeError("LOCAL_RANK is not in the environment. Consider passing fallback_rank to allow `get_node_local_rank` to work, assuming you are not "
                       "running in a multi-device context and want the code to run locally instead.")  # fmt: skip
