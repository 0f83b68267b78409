"""Measuring: blocks of runs, as long as blocks and as many as it takes."""
import enum
import textwrap
import timeit

import pyxtorch
from pyxtorch.utils.benchmark.utils import common
from pyxtorch.utils.benchmark.utils.counts import CopyIfCallgrind

__all__ = ["Language", "Timer", "timer"]


def timer():
    """The time in seconds; what was queued on a GPU before is done then."""
    if pyxtorch.cuda.is_available():
        pyxtorch.cuda.synchronize()
    return timeit.default_timer()


class Language(enum.Enum):
    """What a statement is written in."""

    PYTHON = 0
    CPP = 1


class Timer:
    """Measures a statement, in text, as `timeit` does, but on `num_threads` threads (1) and after one run to warm up.

    Args:
        stmt, setup: Python code. globals: names that it uses, besides `torch`. timer: function that gives the time in seconds.
        label, sub_label, description, env: what to call it in the tables of `Compare`.
    Raises:
        ValueError: another language than Python.
    """

    _timer_cls = timeit.Timer

    def __init__(self, stmt="pass", setup="pass", global_setup="", timer=timer, globals=None, label=None, sub_label=None, description=None,  # noqa: A002
                 env=None, num_threads=1, language=Language.PYTHON):  # fmt: skip
        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        if language not in (Language.PYTHON, "py", "python"):
            raise ValueError(f"Timer: statements in {language} cannot be measured, only those in Python.")
        if global_setup:
            raise ValueError(f'global_setup is C++ only, got `{global_setup}`. Most likely this code can simply be moved to `setup`.')
        self._globals = {"torch": pyxtorch, **CopyIfCallgrind.unwrap_all(globals or {})}
        stmt, setup = (textwrap.dedent(text).lstrip("\n").rstrip() for text in (stmt, setup))
        self._timer = self._timer_cls(stmt=stmt, setup=setup, timer=timer, globals=self._globals)
        self._task_spec = common.TaskSpec(stmt=stmt, setup=setup, label=label, sub_label=sub_label, description=description, env=env, num_threads=num_threads)

    def _time(self, number):
        return max(self._timer.timeit(number), 1e-9)

    def _measured(self, number, times):
        return common.Measurement(number_per_run=number, raw_times=times, task_spec=self._task_spec)

    def timeit(self, number=1000000):
        """One block of `number` runs."""
        with common.set_torch_threads(self._task_spec.num_threads):
            self._time(max(number // 100, 2))
            return self._measured(number, [self._time(number)])

    def _block(self, min_run_time):
        """How many runs a block is to have: so many that the clock's grain, and what asking for it costs, is a thousandth."""
        overhead = sorted(self._timer_cls(timer=self._timer.timer).timeit(0) for _ in range(5))[2]
        number = 1
        while True:
            taken = self._time(number)
            if overhead / taken <= 1e-4 and taken >= min_run_time / 1000 or taken > min_run_time:
                return number
            number *= 10

    def blocked_autorange(self, callback=None, min_run_time=0.2):
        """Blocks of the same number of runs, until `min_run_time` seconds have been measured.

        `callback(number, seconds)` is called after each block.
        """
        with common.set_torch_threads(self._task_spec.num_threads):
            number, times, total = self._block(min_run_time), [], 0.0
            while total < min_run_time:
                times.append(self._time(number))
                total += times[-1]
                if callback is not None:
                    callback(number, times[-1])
        return self._measured(number, times)

    def adaptive_autorange(self, threshold=0.1, *, min_run_time=0.01, max_run_time=10.0, callback=None):
        """Blocks until the quartiles lie no further apart than `threshold` of the median, or `max_run_time` seconds are over."""
        with common.set_torch_threads(self._task_spec.num_threads):
            number, times, total = self._block(0.05), [], 0.0
            while total < max_run_time:
                times.append(self._time(number))
                total += times[-1]
                if callback is not None:
                    callback(number, times[-1])
                if len(times) >= 3 and total >= min_run_time and self._measured(number, times).meets_confidence(threshold):
                    break
        return self._measured(number, times)
