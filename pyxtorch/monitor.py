"""torch.monitor: events of a program, for whoever listens, and statistics that become events."""
import datetime
import enum
import threading
import time

__all__ = [
    "Aggregation", "Event", "EventHandlerHandle", "Stat", "TensorboardEventHandler", "data_value_t", "log_event", "register_event_handler",
    "unregister_event_handler",
]  # fmt: skip

STAT_EVENT = "torch.monitor.Stat"
data_value_t = str | int | float | bool


class Aggregation(enum.Enum):
    """What a Stat tells of the values that it was given."""

    VALUE = 1
    MEAN = 2
    COUNT = 3
    SUM = 4
    MAX = 5
    MIN = 6


VALUE, MEAN, COUNT, SUM, MAX, MIN = Aggregation
__all__ += ["COUNT", "MAX", "MEAN", "MIN", "SUM", "VALUE"]

_OF = {  # from the values of a window, of which there is at least one
    VALUE: lambda values: values[-1],
    MEAN: lambda values: sum(values) / len(values),
    COUNT: lambda values: float(len(values)),
    SUM: sum,
    MAX: max,
    MIN: min,
}


# ------------------------------------------------------------------------------------- events

class Event:
    """Something that happened: a name, a time, and values by name.

    Args:
        name: string. timestamp: datetime. data: dict from strings to strings, numbers and bools.
    Raises:
        TypeError: an argument is of another type.
    """

    def __init__(self, name, timestamp, data):
        if not isinstance(name, str) or not isinstance(timestamp, datetime.datetime):
            raise TypeError(f"Event: expected a name and a datetime, got {type(name).__name__} and {type(timestamp).__name__}.")
        for key, value in data.items():
            if not isinstance(key, str) or not isinstance(value, data_value_t):
                raise TypeError(f"Event: data {key!r} is {type(value).__name__}; values are str, int, float or bool.")
        self.name, self.timestamp, self.data = name, timestamp, dict(data)

    def __repr__(self):
        return f"Event(name={self.name!r}, timestamp={self.timestamp!r}, data={self.data!r})"


class EventHandlerHandle:
    """What `register_event_handler` gives, to take the handler away by."""

    def __init__(self, handler):
        self.handler = handler


_handlers, _lock = [], threading.Lock()


def register_event_handler(callback):
    """Call `callback(event)` for every event that is logged from now on; gives an EventHandlerHandle."""
    if not callable(callback):
        raise TypeError(f"register_event_handler: expected a function, not {type(callback).__name__}.")
    handle = EventHandlerHandle(callback)
    with _lock:
        _handlers.append(handle)
    return handle


def unregister_event_handler(handler):
    """Call it no more. A handle that is not registered is passed over, as in PyTorch."""
    with _lock:
        if handler in _handlers:
            _handlers.remove(handler)


def log_event(event):
    """Hand an event to all handlers, in this thread."""
    if not isinstance(event, Event):
        raise TypeError(f"log_event: expected an Event, not {type(event).__name__}.")
    with _lock:
        handlers = list(_handlers)
    for handle in handlers:
        handle.handler(event)


class TensorboardEventHandler:
    """A handler that writes the values of Stats to a `utils.tensorboard.SummaryWriter`, one step for each window."""

    def __init__(self, writer):
        self._writer = writer

    def __call__(self, event):
        if event.name == STAT_EVENT:
            for key, value in event.data.items():
                self._writer.add_scalar(key, value, walltime=event.timestamp.timestamp())


# --------------------------------------------------------------------------------- statistics

class Stat:
    """Values of a thing measured over windows of time. When a window ends, an event "torch.monitor.Stat" tells its aggregations.

    A window ends when a value comes after it, after `max_samples` values, and when the Stat goes.

    Args:
        name: the event's data are called "name.mean" and so on. aggregations: list of Aggregation. window_size: timedelta.
    Raises:
        ValueError: the window has no length, or there is room for no value.
    """

    def __init__(self, name, aggregations, window_size, max_samples=2**63 - 1):
        if window_size <= datetime.timedelta(0) or max_samples < 1:
            raise ValueError(f"Stat: a window of {window_size} and {max_samples} values holds nothing.")
        self._name, self._aggregations = name, [Aggregation(a) for a in aggregations]
        self._seconds, self._max = window_size.total_seconds(), max_samples
        self._values, self._window, self._logged = [], self._now(), False
        self._own = threading.RLock()

    @property
    def name(self):
        """The name that it was made with."""
        return self._name

    @property
    def count(self):
        """How many values the present window has so far."""
        return len(self._values)

    def add(self, v):
        """A value that was measured now."""
        with self._own:
            self._maybe_log()
            if not self._logged:
                self._values.append(float(v))
                self._maybe_log()

    def get(self):
        """The aggregations of the present window, by Aggregation; 0 where there is no value yet."""
        with self._own:
            return {a: _OF[a](self._values) if self._values else 0.0 for a in self._aggregations}

    def _now(self):
        return int(time.time() // self._seconds)

    def _maybe_log(self):
        window = self._now()
        if window != self._window:
            if not self._logged:
                self._log()
            self._values, self._window, self._logged = [], window, False
        elif len(self._values) >= self._max:
            self._log()
            self._logged = True  # what else comes in this window is not counted

    def _log(self):
        if self._values:
            data = {f"{self._name}.{a.name.lower()}": value for a, value in self.get().items()}
            log_event(Event(STAT_EVENT, datetime.datetime.now(), data))
            self._values = []

    def __del__(self):
        if getattr(self, "_values", None) and not self._logged:
            self._log()
