"""A pool of processes that notices when one of them dies."""
import functools
import multiprocessing.connection
import multiprocessing.pool
import socket
import threading
import time

from pyxtorch.multiprocessing.queue import SimpleQueue


class Pool(multiprocessing.pool.Pool):
    """Python's Pool, but that the death of a worker is an error, where Python's waits for its results for ever.

    What a killed worker took from the queues and which locks it held, nobody knows: all results that are awaited raise
    RuntimeError, and the pool takes no more tasks.
    """

    def __init__(self, *args, **kwargs):
        started = []
        self.Process = functools.partial(_start, started)
        super().__init__(*args, **kwargs)
        watch = threading.Thread(target=_watch, args=(self._cache, started, self._worker_handler, self._change_notifier, self._inqueue, self._outqueue), daemon=True)
        watch.start()

    def _setup_queues(self):
        self._inqueue, self._outqueue = self._ctx.SimpleQueue(), _Results(ctx=self._ctx)
        self._quick_put, self._quick_get = self._inqueue._writer.send, self._outqueue._reader.recv

    def _check_running(self):
        if getattr(self._cache, "broken", None) is not None:
            raise RuntimeError(str(self._cache.broken))
        super()._check_running()

    @staticmethod
    def _help_stuff_finish(inqueue, task_handler, size):
        inqueue._rlock.acquire(True, 1.0)  # a worker that was killed may hold it
        while task_handler.is_alive() and inqueue._reader.poll():
            inqueue._reader.recv()
            time.sleep(0)


class _Results(SimpleQueue):
    """The queue of results: None, the sign that there will be no more, may come when nobody reads it any longer."""

    def put(self, obj):
        """Put a result on the queue."""
        try:
            super().put(obj)
        except BrokenPipeError:
            if obj is not None:
                raise


def _start(started, context, *args, **kwargs):
    process = context.Process(*args, **kwargs)
    started.append(process)
    return process


def _watch(cache, started, handler, notifier, tasks, results):
    """Runs beside a pool until its workers are no longer looked after, or one of them dies."""
    while handler.is_alive():
        running = [process for process in started if process.pid is not None]
        multiprocessing.connection.wait([process.sentinel for process in running if process.exitcode is None], 0.2)
        for process in running:
            if process.exitcode == 0:
                started.remove(process)
            elif process.exitcode is not None:
                if handler._state == multiprocessing.pool.TERMINATE:  # it was told to end
                    return
                _break(cache, handler, notifier, process)
                _let_go(started, tasks, results)
                return


def _break(cache, handler, notifier, dead):
    how = f"killed by signal {-dead.exitcode}" if dead.exitcode < 0 else f"exit code {dead.exitcode}"
    cache.broken = RuntimeError(f"Pool: a worker (pid {dead.pid}) exited unexpectedly ({how}); the pool is broken. Make a new one.")
    handler._state = multiprocessing.pool.TERMINATE  # no new workers
    notifier.put(None)  # it may have put one in the dead one's place already, and be waiting for that one's end
    handler.join()
    for _ in range(3):  # a task that was handed in just now appears in the cache a moment later
        for number, result in list(cache.items()):
            _fail(result, cache.broken)
            cache.pop(number, None)
        time.sleep(0.1)


def _let_go(started, tasks, results):
    """End all workers, and what they held: their locks, and the rest of a message that nobody will write."""
    for process in started:
        if process.exitcode is None:
            process.kill()
    for process in started:
        process.join()
    results._reader._socket.shutdown(socket.SHUT_RDWR)
    for lock in (tasks._rlock, results._wlock):
        lock.acquire(True, 0.5)
        lock.release()


class _Gone(dict):
    """The cache of a result that was taken out of the pool's cache."""

    def __delitem__(self, key):
        pass


def _fail(result, error):
    """Whoever waits for a result gets an error."""
    result._cache = _Gone()
    if isinstance(result, multiprocessing.pool.IMapIterator):
        result._set(result._index, (False, error))
        result._set_length(result._index)
        return
    result._success, result._value = False, error
    if result._error_callback:
        result._error_callback(error)
    result._event.set()
