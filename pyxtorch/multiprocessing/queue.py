"""Queues whose messages take the memory of their tensors with them."""
from multiprocessing import queues

from pyxtorch.multiprocessing import connection, reductions


class _Queue:
    """What both kinds of queues with a thread that sends do in another way than Python's."""

    def __init__(self, maxsize=0, *, ctx):
        super().__init__(maxsize, ctx=ctx)
        self._reader.close()
        self._writer.close()
        self._reader, self._writer = connection.Pipe(duplex=False)
        self._reset()

    def _reset(self, after_fork=False):
        super()._reset(after_fork)
        if isinstance(self._writer, connection.Connection):
            self._send_bytes = self._writer.send_last_packed

    def put(self, obj, block=True, timeout=None):
        """Put an object on the queue. It is pickled at once, so that errors are raised here."""
        super().put(reductions.Packed(obj), block, timeout)


class Queue(_Queue, queues.Queue):
    """A queue between processes."""


class JoinableQueue(_Queue, queues.JoinableQueue):
    """A queue whose tasks are waited for: `task_done`, `join`."""


class SimpleQueue(queues.SimpleQueue):
    """A queue without a thread: `put` waits until the message is in the pipe."""

    def __init__(self, *, ctx):
        super().__init__(ctx=ctx)
        self._reader.close()
        self._writer.close()
        self._reader, self._writer = connection.Pipe(duplex=False)
        self._poll = self._reader.poll

    def put(self, obj):
        """Put an object on the queue."""
        packed = reductions.Packed(obj)
        with self._wlock:
            self._writer._send_packed(packed)
