"""torch.cpu: the CPU under the names that a device's namespace has, for programs that are written for any device.

Everything on the CPU is done when a call returns, so that there is one stream and nothing to wait for.
"""
import contextlib
import time

from pyxtorch.cpu import amp

__all__ = [
    "Event", "Stream", "StreamContext", "amp", "current_device", "current_stream", "device_count", "get_capabilities", "is_available", "is_initialized",
    "set_device", "stream", "synchronize",
]


class Stream:
    """The order in which the CPU works: the one that the program is written in."""

    def __init__(self, priority=-1):
        self.priority = priority

    def wait_stream(self, stream):
        """Nothing is under way that could be waited for."""

    def record_event(self, event=None):
        """An event that has happened."""
        event = Event() if event is None else event
        event.record()
        return event

    def wait_event(self, event):
        """Nothing is under way that could be waited for."""

    def synchronize(self):
        """Nothing is under way that could be waited for."""


class _Moment:
    """What the events of the CPU have in common."""

    _time = None

    def record(self, stream=None):
        """Make it the present moment."""
        self._time = time.perf_counter()

    def query(self):
        """Whether all work before it is done: it is."""
        return True

    def wait(self, stream=None):
        """Nothing is under way that could be waited for."""

    def synchronize(self):
        """Nothing is under way that could be waited for."""

    def elapsed_time(self, end_event):
        """Milliseconds from this moment to another.

        Raises:
            RuntimeError: one of them has not been recorded.
        """
        if self._time is None or end_event._time is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        return 1000 * (end_event._time - self._time)


class Event(_Moment):
    """A moment."""

    def __init__(self, enable_timing=False, **options):
        pass


class StreamContext(contextlib.nullcontext):
    """`with stream(s):` there is but one stream, so nothing changes."""


_stream = Stream()


def current_stream(device=None):
    """The one stream."""
    return _stream


def stream(stream):
    """A context in which a stream is the current one."""
    return StreamContext(stream)


def current_device():
    """The name of the current device."""
    return "cpu"


def set_device(device):
    """There is one CPU: nothing changes."""


def device_count():
    """How many devices of this type there are."""
    return 1


def is_available():
    """Whether there is one."""
    return True


def is_initialized():
    """Whether it can be used."""
    return True


def synchronize(device=None):
    """Nothing is under way that could be waited for."""


def get_capabilities():
    """What the processor says that it can: its flags, each True (on Linux; elsewhere nothing)."""
    try:
        with open("/proc/cpuinfo") as text:
            for line in text:
                if line.startswith(("flags", "Features")):
                    return dict.fromkeys(line.partition(":")[2].split(), True)
    except OSError:
        pass
    return {}
