"""What a collective that nobody waits for gives: something to wait for."""
from pyxtorch.futures import Future

__all__ = ["Work"]


class Work:
    """A collective or a message under way. `wait()` before its tensors are used: some results are put in place only then.

    Calls made with `async_op=True` are done by a thread, one after the other in the order they were made.
    """

    def __init__(self, result=None, calls=(), finish=None, source=None):
        self._result, self._calls, self._finish, self._error, self._source = result, list(calls), finish, None, source

    def wait(self, timeout=None):
        """Wait until it is done (`timeout`: a timedelta): True.

        Raises:
            RuntimeError: it failed, or the time was over; it may then not be waited for again.
        """
        if self._error is not None:
            raise self._error
        try:
            for call in self._calls:
                if not call.wait(-1 if timeout is None else timeout.total_seconds()):
                    raise RuntimeError(f"Work.wait: {call.name} was not done after {timeout.total_seconds():g} s")
            self._end()
        except Exception as error:
            self._error = error
            raise
        return True

    def _end(self):
        finish, self._finish, self._calls = self._finish, None, []
        if finish is not None:
            finish()

    def is_completed(self):
        """Whether it is done; if so, results are in place."""
        if not all(call.is_done() for call in self._calls):
            return False
        self.wait()
        return True

    def is_success(self):
        """Whether it is done, and did not fail."""
        return self._error is None and self.is_completed()

    def exception(self):
        """What went wrong, or None."""
        return self._error

    def source_rank(self):
        """Who sent what was received: its number among all processes."""
        return self._source()

    def result(self):
        """What it gives, as a list; only after `wait`."""
        return [] if self._result is None else list(self._result) if isinstance(self._result, list | tuple) else [self._result]

    def get_future(self):
        """A Future of `result()`. Waiting for it waits for the work; `then` is called when it is waited for."""
        return _WorkFuture(self)


class _WorkFuture(Future):
    """The result of a Work, found when somebody waits."""

    def __init__(self, work, callback=None):
        super().__init__()
        self._source, self._callback, self._asked = work, callback, False

    def done(self):
        if not self._asked and not isinstance(self._source, Future) and self._source.is_completed():
            self.wait()
        return super().done()

    def wait(self):
        if not self._asked:
            self._asked = True
            try:
                self._source.wait()
                value = self._source.result() if self._callback is None else self._callback(self._source)
            except Exception as error:
                self.set_exception(error)
            else:
                self.set_result(value)
        return super().wait()

    def then(self, callback):
        """The Future of `callback(self)`, called when it is waited for."""
        return _WorkFuture(self, callback)
