"""What was measured, and of what."""
import dataclasses
import math
import statistics
from collections import defaultdict
from contextlib import contextmanager
from typing import Any

__all__ = ["Measurement", "TaskSpec", "select_unit", "set_torch_threads", "trim_sigfig", "unit_to_english"]

_UNITS = {"ns": (1e-9, "nanosecond"), "us": (1e-6, "microsecond"), "ms": (1e-3, "millisecond"), "s": (1.0, "second")}


@dataclasses.dataclass(init=True, repr=False, eq=True, frozen=True)
class TaskSpec:
    """What is measured: a statement, what runs before it, and what to call it in tables."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self):
        """A heading."""
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        return self.stmt if "\n" not in self.stmt else "[multiple lines]" + (f": {self.sub_label}" if self.sub_label else "")

    def setup_str(self):
        """What runs before it, as text to print."""
        return "" if self.setup == "pass" or not self.setup else f"setup: {self.setup}" if "\n" not in self.setup else f"setup:\n  {self.setup}"

    def summarize(self):
        """All of it as text."""
        parts = [self.title, self.description or "", self.setup_str()]
        return "\n".join(part for part in parts if part)


def select_unit(t):
    """(name, seconds) of the unit in which a time of `t` seconds is a number from 1 to 1000."""
    place = max(min(int(math.log10(max(abs(t), 1e-12)) // 3), 0), -3)
    name = {-3: "ns", -2: "us", -1: "ms", 0: "s"}[place]
    return name, _UNITS[name][0]


def unit_to_english(u):
    """The name of a unit in full."""
    return _UNITS[u][1]


def trim_sigfig(x, n):
    """`x` rounded to `n` significant digits."""
    return float(f"{x:.{max(n, 1) - 1}e}")


@contextmanager
def set_torch_threads(n):
    """A number of threads within a `with` block."""
    import pyxtorch

    before = pyxtorch.get_num_threads()
    try:
        pyxtorch.set_num_threads(n)
        yield
    finally:
        pyxtorch.set_num_threads(before)


@dataclasses.dataclass(init=True, repr=False)
class Measurement:
    """Times of blocks of `number_per_run` runs each, in seconds."""

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = None

    def __getattr__(self, name):
        if name != "task_spec" and hasattr(TaskSpec, name) or name in TaskSpec.__dataclass_fields__:
            return getattr(self.task_spec, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    @property
    def times(self):
        """Seconds of one run, from each block."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def median(self):
        """Their median, which a few disturbed blocks do not move."""
        return statistics.median(self._some())

    @property
    def mean(self):
        """Their mean."""
        return statistics.fmean(self._some())

    @property
    def iqr(self):
        """How far their quartiles lie apart."""
        times = self._some()
        if len(times) == 1:
            return 0.0
        first, _, third = statistics.quantiles(times, n=4, method="inclusive")
        return third - first

    def _some(self):
        if not self.raw_times:
            raise ValueError("Measurement has no times.")
        return self.times

    @property
    def significant_figures(self):
        """How many digits of the median are more than chance: as many as half the distance of the quartiles, over the root of the count, leaves."""
        deviation = max(self.iqr / 1.349, self.median * 1e-9) / math.sqrt(len(self.raw_times))
        count = 1 + math.floor(math.log10(self.median / (2 * 1.645 * deviation))) if self.median > 0 else 1
        return min(max(count, 1), 5)

    @property
    def has_warnings(self):
        """Whether the quartiles lie further apart than a tenth of the median."""
        return self.iqr / self.median > 0.1 or self.median * self.number_per_run < 1e-6

    @property
    def title(self):
        """A heading."""
        return self.task_spec.title

    @property
    def env(self):
        """What to call the circumstances; "" if nothing."""
        return self.task_spec.env or ""

    @property
    def as_row_name(self):
        """What to call it in the rows of tables."""
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    def meets_confidence(self, threshold=0.1):
        """Whether the quartiles lie no further apart than this part of the median."""
        return self.iqr / self.median < threshold

    @staticmethod
    def merge(measurements):
        """Those of one task as one: a list with one for each task."""
        groups = defaultdict(list)
        for one in measurements:
            groups[one.task_spec].append(one)

        def merged(task, group):
            number = min(one.number_per_run for one in group)
            times = [t / one.number_per_run * number for one in group for t in one.raw_times]
            return Measurement(number, times, task, None)

        return [merged(task, group) for task, group in groups.items()]

    def __repr__(self):
        unit, scale = select_unit(self.median)
        digits = self.significant_figures
        lines = [f"<{type(self).__module__}.{type(self).__name__} object at {hex(id(self))}>", self.task_spec.summarize()]
        lines.append(f"  {'Median' if len(self.raw_times) > 1 else ''}{': ' if len(self.raw_times) > 1 else ''}{trim_sigfig(self.median / scale, digits):g} {unit}".rstrip())
        if len(self.raw_times) > 1:
            lines.append(f"  IQR:    {self.iqr / scale:.2f} {unit}")
            lines.append(f"  {len(self.raw_times)} measurements, {self.number_per_run} runs per measurement, {self.num_threads} thread{'s' if self.num_threads > 1 else ''}")
            if self.has_warnings:
                lines.append(f"  WARNING: the interquartile range is {self.iqr / self.median:.0%} of the median, or a run is too short to be measured well.")
        else:
            lines.append(f"  1 measurement, {self.number_per_run} runs , {self.num_threads} thread{'s' if self.num_threads > 1 else ''}")
        return "\n".join(lines)
