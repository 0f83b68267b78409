"""What a part of a program spends its time on (`torch.autograd.profiler`); `pyxtorch.profiler` records several parts by a schedule.

Operations are seen beneath the gate, where they run at last, and nodes of the graph in backward where the engine runs them; the events
lie in an array (`_events.pyx`) until somebody asks for them. Only what the thread that entered the profile does is recorded.
"""
import contextlib
import functools
import gzip
import json
import os
import socket
import threading
import time
import uuid
import warnings

from pyxtorch import _events, cuda
from pyxtorch.autograd.profiler_util import ATEN, QUIET, DeviceType, EventList, FunctionEvent, FunctionEventAvg, Interval, flops_of
from pyxtorch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

__all__ = [
    "DeviceType", "EnforceUnique", "EventList", "FunctionEvent", "FunctionEventAvg", "Interval", "KinetoStepTracker", "MemRecordsAcc", "profile",
    "_profiler_enabled", "emit_nvtx", "record_function", "write_trace",
]  # fmt: skip

_RANGE, _STEP = _events.KINDS.index("range"), _events.KINDS.index("step")


class record_function:
    """Names a part of the program in profiles: a context manager or decorator, which does nothing where nothing is recorded.

    Args:
        name: how the event is called.
        args: a text that is kept with the name.
    """

    def __init__(self, name, args=None):
        self.name, self.args = name, args
        self._begun = []

    def __enter__(self):
        self._begun.append(_events.begin(self.name, _RANGE))
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        _events.end(self._begun.pop())

    def __call__(self, func):
        name, args = self.name, self.args

        @functools.wraps(func)
        def wrapped(*given, **named):
            with record_function(name, args):
                return func(*given, **named)

        return wrapped


def _profiler_enabled():
    """Whether a profile records this thread."""
    return _events.recording()


class emit_nvtx:
    """Marks of NVIDIA's profilers around each operation. They are not made here: to enter it is an error, unless `enabled` is False.

    Raises:
        AssertionError: there is no GPU.
        RuntimeError: there is one.
    """

    def __init__(self, enabled=True, record_shapes=False):
        self.enabled, self.record_shapes = enabled, record_shapes

    def __enter__(self):
        if self.enabled:
            cuda.synchronize()
            raise RuntimeError("emit_nvtx: NVTX ranges are not emitted. Use profile(), which records the same operations.")
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        pass


# --------------------------------------------------------------------------------------- steps of optimisers

_hooks = {"users": 0, "handles": []}
_hooks_lock = threading.Lock()


def _watch_steps(change):
    """Steps are seen by hooks, which are there only while somebody records."""
    with _hooks_lock:
        _hooks["users"] += change
        if _hooks["users"] == 1 and change > 0:
            _hooks["handles"] = [register_optimizer_step_pre_hook(_events.begin_step), register_optimizer_step_post_hook(_events.end_step)]
        elif _hooks["users"] == 0:
            for handle in _hooks["handles"]:
                handle.remove()


# --------------------------------------------------------------------------------------- from the array to events


def _input(looks):
    """(shapes, dtypes, values) of what `_events` kept of arguments."""
    shapes, dtypes, values = [], [], []
    for look in looks:
        inner = isinstance(look, list)
        shapes.append([item[0] for item in look] if inner else look[0])
        dtypes.append("" if inner else look[1])
        values.append(None if inner else look[2])
    return shapes, dtypes, values


def events_of(recorded, start, thread, with_flops, with_memory, first_id=1):
    """FunctionEvents of an array: with PyTorch's names, and without what is no operation there.

    Times are counted from `start` (ns). A node of the graph is two events, the engine's and its own, as in PyTorch.
    """
    found, places = [], []
    for name, kind, begun, ended, parent, before, after, looks, stack, sequence in recorded.rows():
        kind = _events.KINDS[kind]
        if kind == "operation" and name in QUIET:
            places.append(places[parent] if parent >= 0 else None)
            continue
        looks, names = looks or ((), ())
        shapes, dtypes, values = _input(looks)
        flops = flops_of(name, shapes, values, names) if with_flops and kind == "operation" else 0
        title = f"aten::{ATEN.get(name, name)}" if kind == "operation" else name
        outer = places[parent] if parent >= 0 else None
        for shown in (f"autograd::engine::evaluate_function: {title}", title) if kind == "node" else (title,):
            event = FunctionEvent(
                first_id + len(found), shown, (begun - start) / 1000, (ended - start) / 1000, kind, thread, after - before if with_memory else 0,
                shapes, dtypes, [place for place in stack or () if _of_program(place)], sequence, flops,
            )  # fmt: skip
            event.cpu_parent = outer
            if outer is not None:
                outer.cpu_children.append(event)
            found.append(event)
            outer = event
        places.append(outer)
    return found


_HERE = os.path.dirname(os.path.abspath(__file__))


def _of_program(place):
    return not place.startswith(_HERE) and os.sep + os.path.join("pyxtorch", "profiler") + os.sep not in place


def write_trace(path, events, notes):
    """Write events to a file in Chrome's format, compressed where its name ends in ".gz"."""
    pid, base = os.getpid(), time.time_ns() - _events.clock()
    threads = sorted({event.thread for event in events})
    trace = [{"ph": "M", "name": "process_name", "ts": 0, "pid": pid, "tid": 0, "args": {"name": "python"}},
             {"ph": "M", "name": "process_labels", "ts": 0, "pid": pid, "tid": 0, "args": {"labels": "CPU"}}]  # fmt: skip
    trace += [{"ph": "M", "name": "thread_name", "ts": 0, "pid": pid, "tid": thread, "args": {"name": f"thread {thread} (python)"}} for thread in threads]
    for event in events:
        args = {"External id": event.id, "Ev Idx": event.id - 1}
        if event.input_shapes:
            args["Input Dims"], args["Input type"] = event.input_shapes, event.input_dtypes
        if event.sequence_nr >= 0:
            args["Sequence number"] = event.sequence_nr
        if event.stack:
            args["Call stack"] = ";".join(event.stack)
        if event.cpu_memory_usage:
            args["Bytes"] = event.cpu_memory_usage
        if event.flops:
            args["flops"] = event.flops
        trace.append({
            "ph": "X", "cat": "user_annotation" if event.is_user_annotation else "cpu_op", "name": event.trace_name, "pid": pid, "tid": event.thread,
            "ts": event.time_range.start, "dur": event.time_range.elapsed_us(), "args": args,
        })  # fmt: skip
    whole = {
        "schemaVersion": 1, "deviceProperties": [], "trace_id": uuid.uuid4().hex.upper(), "host_name": socket.gethostname(), **notes,
        "displayTimeUnit": "ms", "baseTimeNanoseconds": base, "traceName": str(path), "traceEvents": trace,
    }  # fmt: skip
    with gzip.open(path, "wt") if str(path).endswith(".gz") else open(path, "w") as file:
        json.dump(whole, file)


# --------------------------------------------------------------------------------------- the profile


class profile:
    """Records what this thread does in a `with` block.

    Args:
        enabled: False: the block runs as if it were not there.
        use_cuda, use_device: accepted, with a warning: the CPU's side is what is recorded.
        record_shapes: whether the arguments' shapes are kept.
        with_flops: whether floating-point operations are counted (of products, convolutions and elementwise arithmetic).
        profile_memory: whether the bytes of CPU memory in use are looked at around each event.
        with_stack: whether it is kept where in the program each event was. Slow.
        with_modules, use_kineto, use_cpu, experimental_config, custom_trace_id_callback, post_processing_timeout_s, activity_filters:
            accepted; there is one way of recording.
        acc_events: whether entering it again adds to what was recorded.
    Raises:
        RuntimeError: it is entered twice, or another profile of this thread is in force.
    Example:
        >>> with pyxtorch.autograd.profiler.profile() as prof:
        ...     y = pyxtorch.ones(3) + 1
        >>> [event.name for event in prof.function_events]
        ['aten::ones', 'aten::add']
    """

    def __init__(
        self, enabled=True, *, use_cuda=False, use_device=None, record_shapes=False, with_flops=False, profile_memory=False, with_stack=False,
        with_modules=False, use_kineto=False, use_cpu=True, experimental_config=None, acc_events=False, custom_trace_id_callback=None,
        post_processing_timeout_s=None, activity_filters=None,
    ):  # fmt: skip
        self.enabled, self.use_cuda, self.use_device = enabled, use_cuda, use_device or ("cuda" if use_cuda else None)
        self.record_shapes, self.with_flops, self.profile_memory = record_shapes or with_flops, with_flops, profile_memory
        self.with_stack, self.with_modules, self.acc_events = with_stack, with_modules, acc_events
        self.entered = False
        self._recorded, self._kept, self._events = None, [], None
        self._stopped = None
        if enabled and self.use_device not in (None, "cpu"):
            what = self.use_device.upper()
            there = self.use_device == "cuda" and cuda.is_available()
            reason = "only the CPU's side of it is recorded" if there else f"{what} is not available, disabling {what} profiling"
            warnings.warn(reason, stacklevel=3)

    def __enter__(self):
        if not self.enabled:
            return self
        if self.entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        self.prepare()
        self.start()
        return self

    def prepare(self):
        """What `start` needs; it begins nothing."""
        if not self.acc_events:
            self._kept = []
        self._events = None

    def start(self):
        """Begin to record."""
        recorded = _events.Events(self.record_shapes, self.profile_memory, self.with_stack)
        recorded.start()
        self.entered = True
        self._recorded, self._thread, self._started = recorded, threading.get_native_id(), _events.clock()
        if not self._kept:
            self._origin = self._started
        _watch_steps(1)

    def stop(self):
        """End it; may be called from another thread."""
        if self._recorded is None:
            return
        self._recorded.stop()
        self._stopped = _events.clock()
        _watch_steps(-1)
        self._kept.append((self._recorded, self._thread))
        self._recorded = None

    def __exit__(self, exc_type, exc_value, traceback):
        if self.enabled:
            self.stop()
        return False

    @property
    def function_events(self):
        """What was recorded: an EventList; None before the end."""
        if self._recorded is not None or not self._kept:
            return None
        if self._events is None:
            found = []
            for recorded, thread in self._kept:
                found += events_of(recorded, self._origin, thread, self.with_flops, self.profile_memory, len(found) + 1)
            self._events = EventList(found, profile_memory=self.profile_memory, with_flops=self.with_flops, with_shapes=self.record_shapes, with_stack=self.with_stack)
        return self._events

    def _done(self):
        events = self.function_events
        if events is None:
            raise RuntimeError("Profiler didn't finish running")
        return events

    def __repr__(self):
        return repr(self.function_events) if self.function_events is not None else "<unfinished torch.autograd.profile>"

    def __str__(self):
        return str(self.function_events) if self.function_events is not None else "<unfinished torch.autograd.profile>"

    def table(self, sort_by=None, row_limit=100, max_src_column_width=75, max_name_column_width=55, max_shapes_column_width=80, header=None,
              top_level_events_only=False, time_unit=None):  # fmt: skip
        """See `EventList.table`."""
        return self._done().table(sort_by, row_limit, max_src_column_width, max_name_column_width, max_shapes_column_width, header, top_level_events_only, time_unit)

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False):
        """See `EventList.key_averages`."""
        return self._done().key_averages(group_by_input_shape, group_by_stack_n, group_by_overload_name)

    def total_average(self):
        """See `EventList.total_average`."""
        return self._done().total_average()

    @property
    def self_cpu_time_total(self):
        """Microseconds of all events, none counted twice."""
        return self._done().self_cpu_time_total

    def export_chrome_trace(self, path, notes=()):
        """Write the events to a file that chrome://tracing and Perfetto open; compressed where its name ends in ".gz"."""
        write_trace(path, self._done(), {
            "record_shapes": int(self.record_shapes), "profile_memory": int(self.profile_memory), "with_stack": int(self.with_stack),
            "with_flops": int(self.with_flops), **dict(notes),
        })  # fmt: skip

    def export_stacks(self, path, metric="self_cpu_time_total"):
        """See `EventList.export_stacks`.

        Raises:
            RuntimeError: it was recorded without `with_stack=True`.
        """
        if not self.with_stack:
            raise RuntimeError("export_stacks() requires with_stack=True")
        self._done().export_stacks(path, metric)


@contextlib.contextmanager
def step_event(number):
    """A step of a schedule as an event."""
    begun = _events.begin(f"ProfilerStep#{number}", _STEP)
    try:
        yield
    finally:
        _events.end(begun)


# ------------------------------------------------------------------------------------------- small helpers

class EnforceUnique:
    """Says where something is seen a second time."""

    def __init__(self):
        self.seen = set()

    def see(self, *key):
        """Note it.

        Raises:
            RuntimeError: it was seen before.
        """
        if key in self.seen:
            raise RuntimeError(f"duplicate key: {key}")
        self.seen.add(key)


class KinetoStepTracker:
    """Counts the steps of a program of which several parties tell: the step is that of whoever is furthest."""

    _current_step, _steps = 0, {}

    @classmethod
    def init_step_count(cls, requester):
        """A party that will tell of steps begins at the present one."""
        cls._steps[requester] = cls._current_step

    @classmethod
    def erase_step_count(cls, requester):
        """It tells of none any more; whether it was known."""
        return cls._steps.pop(requester, None) is not None

    @classmethod
    def increment_step(cls, requester):
        """It tells of one more; gives the present step."""
        cls._steps.setdefault(requester, cls._current_step)
        cls._steps[requester] += 1
        furthest = max(cls._steps.values())
        cls._current_step = max(cls._current_step, furthest)
        return cls._current_step

    @classmethod
    def current_step(cls):
        """The present step."""
        return cls._current_step


class MemRecordsAcc:
    """Records of memory, by time: each is a tuple whose first item has `start_ns()`."""

    def __init__(self, mem_records):
        self._records = sorted(mem_records, key=lambda record: record[0].start_ns())
        self._starts = [record[0].start_ns() for record in self._records]

    def in_interval(self, start_ns, end_ns):
        """Those from one time to another, both included."""
        import bisect

        yield from self._records[bisect.bisect_left(self._starts, start_ns) : bisect.bisect_right(self._starts, end_ns)]
