"""MPI under the groups: opened when the first group of several processes is made.

What a group needs of it is an `Engine`: the compiled `_mpi.Group` for collectives, and a second communicator for messages.
"""
import atexit
import mmap
import os
import sys
import threading
import time
import traceback
import zlib

import pyxtorch
from pyxtorch.distributed import _launched
from pyxtorch.distributed._watch import Watch, other_ended

__all__ = ["Engine", "start"]

BOARD = "PYXTORCH_DIST_BOARD"  # path of the launcher's memory for it, if it made one


class _Process:
    """What a process has once: MPI, the board, who is on it."""

    mpi = board = memory = None
    on_board = {}  # noqa: RUF012  (rank: line)
    hooked = left = False


def open_board(lines, mine):
    """The launcher's board, if there is one, with this process's line open: also before MPI is."""
    from pyxtorch.distributed import _mpi

    if _Process.board is None and BOARD in os.environ:
        with open(os.environ[BOARD], "r+b") as file:
            _Process.memory = mmap.mmap(file.fileno(), lines * _mpi.LINE_BYTES)
        _Process.board = _mpi.Board(_Process.memory, lines, mine)
        _Process.board.open(int(os.environ["RANK"]))
    return _Process.board


def _share_board(MPI, rank):
    """The board of this machine's ranks: the launcher's, or memory that the first of them makes, and that has no name anywhere."""
    from pyxtorch.distributed import _mpi

    local = MPI.COMM_WORLD.Split_type(MPI.COMM_TYPE_SHARED, rank)
    if all(local.allgather(BOARD in os.environ)):
        open_board(local.size, int(os.environ["LOCAL_RANK"]))
    else:
        size, file = local.size * _mpi.LINE_BYTES, None
        if local.rank == 0:
            file = os.memfd_create("pyxtorch_board")
            os.ftruncate(file, size)
        path = local.bcast(f"/proc/{os.getpid()}/fd/{file}")
        if local.rank:
            file = os.open(path, os.O_RDWR)
        _Process.memory = mmap.mmap(file, size)
        local.Barrier()
        os.close(file)
        _Process.board = _mpi.Board(_Process.memory, local.size, local.rank)
        _Process.board.open(rank)
    _unlink_memory(local)
    _Process.on_board = dict(local.allgather((rank, _Process.board.mine)))
    local.Free()


def _unlink_memory(local):
    """Take the names of MPICH's shared memory away, now that all have it open: nothing is left where a job is killed."""
    local.Barrier()
    if local.rank == 0:
        with open("/proc/self/maps") as file:
            paths = {line.split(maxsplit=5)[5].strip() for line in file if "/dev/shm/mpich_shm_" in line}
        for path in paths:
            try:
                os.unlink(path)
            except OSError:
                pass


def _import_mpi(rank, size, store):
    """mpi4py's MPI, initialized, with this process as `rank` of `size`."""
    if not _launched.installed():
        raise RuntimeError(f"init_process_group: {size} processes need MPI. Install the extra: pip install 'pyxtorch[mpi]' (mpi4py and MPICH).")

    if store is not None and "mpi4py.MPI" not in sys.modules:
        from pyxtorch.distributed import _mpi, _pmi

        with _pmi.joined(store, rank, size):
            from mpi4py import MPI
        _mpi.leave_early()
    else:
        launcher, library = _launched.kind(), _library()
        if launcher in ("openmpi", "mpich") and library not in (None, launcher):
            names = {"openmpi": "Open MPI", "mpich": "MPICH (or Intel MPI)"}
            raise RuntimeError(f"init_process_group: this process was started by an mpiexec of {names[launcher]}, but mpi4py would load a library of "
                               f"{names[library]}. Start it with the mpiexec of that, for example by python -m pyxtorch.distributed.run.")  # fmt: skip
        from mpi4py import MPI
    if MPI.COMM_WORLD.size != size or MPI.COMM_WORLD.rank != rank:
        raise RuntimeError(f"init_process_group: rank {rank} of {size} was expected, but MPI ({MPI.Get_library_version().split(chr(10))[0].strip(chr(0))}) says "
                           f"{MPI.COMM_WORLD.rank} of {MPI.COMM_WORLD.size}. The launcher must belong to this MPI: see python -m pyxtorch.distributed.run.")  # fmt: skip
    if MPI.Query_thread() < MPI.THREAD_MULTIPLE:
        raise RuntimeError("init_process_group: this MPI was initialized without THREAD_MULTIPLE, which the communication thread needs.")
    return MPI


def _library():
    """The kind of MPI that mpi4py would load, by the library's own name; None: not known."""
    import ctypes.util

    for folder in (os.path.join(sys.prefix, "lib"), *os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)):
        if os.path.exists(os.path.join(folder, "libmpi.so.40")):
            return "openmpi"
        if os.path.exists(os.path.join(folder, "libmpi.so.12")):
            return "mpich"
    found = ctypes.util.find_library("mpi") or ""
    return "openmpi" if found.endswith(".so.40") else "mpich" if found.endswith(".so.12") else None


def start(rank, size, store, timeout):
    """The Engine of all processes. `store` is None under a launcher of MPI."""
    from pyxtorch.distributed import _mpi
    from pyxtorch.distributed._group import ReduceOp

    if _Process.mpi is None:
        MPI = _import_mpi(rank, size, store)
        _mpi.load(MPI)
        _mpi.know(pyxtorch.Tensor, ReduceOp.SUM, ReduceOp.AVG)
        _share_board(MPI, rank)
        _Process.mpi = MPI
        _watch_exits(MPI)
    elif (_Process.mpi.COMM_WORLD.rank, _Process.mpi.COMM_WORLD.size) != (rank, size):
        raise RuntimeError(f"init_process_group: this process is rank {_Process.mpi.COMM_WORLD.rank} of {_Process.mpi.COMM_WORLD.size} in MPI, and stays it; "
                           f"it cannot become {rank} of {size}.")  # fmt: skip
    return Engine(_Process.mpi.COMM_WORLD.Dup(), tuple(range(size)), 1, timeout)


class Engine:
    """Communicators for some ranks, of which this process is one."""

    def __init__(self, comm, ranks, number, timeout):
        from pyxtorch.distributed import _mpi

        MPI = _Process.mpi
        self.comm, self.messages_comm, self.ranks = comm, comm.Dup(), ranks
        self.any_source, self.messages = MPI.ANY_SOURCE, MPI._handleof(self.messages_comm)
        lines = tuple(_Process.on_board.get(r, -1) for r in ranks)
        self.group = _mpi.Group(MPI._handleof(comm), comm.rank, ranks, number, _Process.board, lines, Watch(_Process.board, ranks, lines, timeout))
        self.call, self.gpu, self.timeout = self.group.call, None, timeout

    def nccl(self):
        """NCCL's communicator of these ranks, on the current GPU; made by all of them at the first call with its tensors."""
        from pyxtorch import cuda
        from pyxtorch.distributed._nccl import Nccl

        if self.gpu is None:
            self.gpu = Nccl(self.comm.rank, len(self.ranks), cuda.current_device(), lambda data: self.messages_comm.bcast(data, 0), min(self.timeout, 600))
        return self.gpu

    def part(self, ranks, count, timeout):
        """The Engine of some of all ranks, in this order; `count` is how many there have been of the same."""
        world = _Process.mpi.COMM_WORLD
        number = zlib.crc32(repr((ranks, count)).encode()) | 2
        group = world.group.Incl(list(ranks))
        try:
            return Engine(world.Create_group(group, number & 0x3FFF), ranks, number, timeout)
        finally:
            group.Free()

    def message(self, x, sends, peer, tag):
        """Start to send, or to receive."""
        return self.group.message(self.messages, x, sends, peer, tag, self.any_source)

    def close(self, last):
        """Free the communicators: they must not be used any more."""
        healthy = self.group.broken is None
        if self.gpu is not None:
            self.gpu.close()
        self.group.broken = self.group.broken or "it was destroyed"
        if healthy:
            self.messages_comm.Free()
            self.comm.Free()
        if last and _Process.board is not None:
            _Process.left = True  # from here on it may go


# ---------------------------------------------------------------------------- how a process ends


def _watch_exits(MPI):
    """See to it that no rank waits for one that has ended: what ends is written on the board, and an error ends the job."""
    atexit.register(leave)  # after mpi4py's own, so that it runs before that
    if not _Process.hooked:
        hook_errors()


def hook_errors():
    """Let uncaught errors of any thread end the job."""
    _Process.hooked = True
    shown, shown_in_thread = sys.excepthook, threading.excepthook

    def hook(kind, error, trace):
        while trace is not None and _inside(trace.tb_frame.f_code.co_filename):  # the lines that lead to the program
            trace = trace.tb_next
        fail(error, lambda: shown(kind, error.with_traceback(trace), trace))

    def thread_hook(args):
        if args.exc_type is SystemExit:
            return
        fail(args.exc_value, lambda: shown_in_thread(args))

    sys.excepthook, threading.excepthook = hook, thread_hook


def _inside(name):
    """Whether a file is of the package, or of Python's own that starts programs."""
    return name.startswith((os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep, "pyxtorch/", "<frozen "))


def fail(error, show, code=1):
    """Show an error, tell the other ranks, and end the job: all processes of it."""
    rank = os.environ.get("RANK", "?") if _Process.mpi is None else _Process.mpi.COMM_WORLD.rank
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not _inside(f.filename)] or frames
    place = f" at {own[-1].filename}:{own[-1].lineno}" if own else ""
    first = True
    if _Process.board is not None:
        from pyxtorch.distributed._mpi import RAISED

        first = not any(line is not None and line["state"] == RAISED for line in map(_Process.board.read, range(_Process.board.lines)))
        _Process.board.end(RAISED, f"{type(error).__name__}: {' '.join(str(error).split())[:120]}{place}")
    sys.stdout.flush()
    print(f"[rank {rank}] ended by {type(error).__name__}{place}", file=sys.stderr)
    show()
    sys.stderr.flush()
    abort(code, first)


def abort(code, first):
    """End all processes of the job, once the others have had half a second to see why. Whose error comes first gives the exit code."""
    MPI = _Process.mpi
    if MPI is None or MPI.Is_finalized():
        return
    other_ended(_Process.board, 0.5)
    if not first:
        time.sleep(0.5)
    sys.stderr.flush()
    MPI.COMM_WORLD.Abort(code)


def leave():
    """At the end of the program: who still waits for this rank learns that it will not come."""
    if _Process.board is not None:
        from pyxtorch.distributed._mpi import LEFT

        _Process.board.end(LEFT, "it has ended")
