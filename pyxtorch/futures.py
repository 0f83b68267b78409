"""torch.futures: results that come later."""
import threading
from types import GenericAlias

__all__ = ["Future", "collect_all", "wait_all"]


class Future:
    """A result that somebody sets once, and others wait for. `devices` is taken as PyTorch takes it; `Future[T]` is an annotation."""

    __class_getitem__ = classmethod(GenericAlias)

    def __init__(self, *, devices=None):
        self._lock, self._set = threading.Lock(), threading.Event()
        self._value = self._error = None
        self._callbacks = []

    def done(self):
        """Whether there is a result, or an error."""
        return self._set.is_set()

    def wait(self):
        """The result, when it is there; an error that was set in its place is raised."""
        self._set.wait()
        if self._error is not None:
            raise self._error
        return self._value

    def value(self):
        """The result, or the error raised, now.

        Raises:
            RuntimeError: it is not there yet.
        """
        if not self.done():
            raise RuntimeError("Future.value: there is no result yet; wait() waits for it.")
        return self.wait()

    def set_result(self, result):
        """Set the result; whoever waits goes on, and callbacks run in this thread.

        Raises:
            RuntimeError: there is one already.
        """
        self._finish(result, None)

    def set_exception(self, result):
        """Set an error in its place."""
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._finish(None, result)

    def _finish(self, value, error):
        with self._lock:
            if self.done():
                raise RuntimeError("Attempting to mark a completed Future as complete again. Note that a Future can only be marked completed once.")
            self._value, self._error = value, error
            self._set.set()
            waiting, self._callbacks = self._callbacks, []
        for callback in waiting:
            callback(self)

    def add_done_callback(self, callback):
        """Call `callback(self)` when it is done, or now if it is. What it raises is written to stderr, and goes no further."""

        def careful(future):
            try:
                callback(future)
            except Exception:
                import traceback

                traceback.print_exc()

        self._when_done(careful)

    def _when_done(self, callback):
        with self._lock:
            if not self.done():
                self._callbacks.append(callback)
                return
        callback(self)

    def then(self, callback):
        """The Future of `callback(self)`, called when this one is done."""
        following = Future()

        def follow(future):
            try:
                following.set_result(callback(future))
            except Exception as error:
                following.set_exception(error)

        self._when_done(follow)
        return following


def collect_all(futures):
    """The Future of the list of these, done when all of them are."""
    futures, whole, lock = list(futures), Future(), threading.Lock()
    left = [len(futures)]
    if not futures:
        whole.set_result([])

    def one(_):
        with lock:
            left[0] -= 1
            last = left[0] == 0
        if last:
            whole.set_result(futures)

    for future in futures:
        future._when_done(one)
    return whole


def wait_all(futures):
    """The results of all of these; an error of one of them is raised."""
    return [future.wait() for future in futures]
