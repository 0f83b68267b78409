"""torch.multiprocessing: Python's multiprocessing, with tensors that go to other processes by handle, in shared memory.

Everything that Python's module has is here. Queues, pipes and pools carry the memory of tensors with their messages;
nothing of it has a name, so that it is gone when the last process that uses it is, however that ended.
"""
import multiprocessing
import multiprocessing.context
from multiprocessing import *  # noqa: F403
from multiprocessing import get_start_method, set_start_method  # noqa: F401  (of the whole process)

from pyxtorch.multiprocessing.reductions import init_reductions
from pyxtorch.multiprocessing.spawn import (
    ProcessContext,
    ProcessExitedException,
    ProcessRaisedException,
    SpawnContext,
    spawn,
    start_processes,
)
from pyxtorch.ops import _memory

__all__ = [
    *multiprocessing.__all__, "ProcessContext", "ProcessExitedException", "ProcessRaisedException", "SpawnContext", "get_all_sharing_strategies",
    "get_sharing_strategy", "set_sharing_strategy", "spawn", "start_processes",
]

init_reductions()


class _Channels:
    """What the contexts here have that differs from Python's."""

    def Queue(self, maxsize=0):
        """A queue between processes."""
        from pyxtorch.multiprocessing import queue

        return queue.Queue(maxsize, ctx=self.get_context())

    def JoinableQueue(self, maxsize=0):
        """A queue whose tasks are waited for."""
        from pyxtorch.multiprocessing import queue

        return queue.JoinableQueue(maxsize, ctx=self.get_context())

    def SimpleQueue(self):
        """A queue without a thread of its own."""
        from pyxtorch.multiprocessing import queue

        return queue.SimpleQueue(ctx=self.get_context())

    def Pipe(self, duplex=True):
        """Two ends of a pipe."""
        from pyxtorch.multiprocessing import connection

        return connection.Pipe(duplex)

    def Pool(self, processes=None, initializer=None, initargs=(), maxtasksperchild=None):
        """A pool of processes; the death of one is an error."""
        from pyxtorch.multiprocessing import pool

        return pool.Pool(processes, initializer, initargs, maxtasksperchild, context=self.get_context())

    def get_context(self, method=None):
        """The context of a start method."""
        return self if method is None else _context(method)


class _ForkContext(_Channels, multiprocessing.context.ForkContext):
    pass


class _SpawnContext(_Channels, multiprocessing.context.SpawnContext):
    pass


class _ForkServerContext(_Channels, multiprocessing.context.ForkServerContext):
    pass


_contexts = {"fork": _ForkContext(), "spawn": _SpawnContext(), "forkserver": _ForkServerContext()}


def _context(method):
    multiprocessing.get_context(method)  # is there such a method?
    return _contexts[method]


class _DefaultContext(_Channels, multiprocessing.context.BaseContext):
    """Of the start method that the process has chosen."""

    def get_context(self, method=None):
        return _context(get_start_method() if method is None else method)


_default = _DefaultContext()
Queue, JoinableQueue, SimpleQueue, Pipe, Pool = _default.Queue, _default.JoinableQueue, _default.SimpleQueue, _default.Pipe, _default.Pool
get_context = _default.get_context
Manager = _default.Manager


# ----------------------------------------------------------------------------------- strategies

_STRATEGIES = {"file_descriptor", "file_system"}


def set_sharing_strategy(new_strategy):
    """Where memory that is shared from now on comes from.

    Args:
        new_strategy: "file_descriptor", anonymous files of the kernel (memfd_create), which no limit of /dev/shm concerns; or
            "file_system", files in /dev/shm that never get a name. Both go to other processes by file descriptor and are gone
            when no process uses them any more.
    """
    if new_strategy not in _STRATEGIES:
        raise AssertionError(f"invalid sharing strategy {new_strategy!r}, expected one of {_STRATEGIES}")
    _memory.set_strategy(new_strategy)


def get_sharing_strategy():
    """Where memory that is shared comes from: see set_sharing_strategy."""
    return _memory.get_strategy()


def get_all_sharing_strategies():
    """The names that set_sharing_strategy takes."""
    return set(_STRATEGIES)
