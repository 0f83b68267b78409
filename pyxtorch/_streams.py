"""torch.Stream and torch.Event: a queue of work and a moment in it, on whatever device."""

import pyxtorch
from pyxtorch import cuda
from pyxtorch.cpu import _Moment

__all__ = ["Event", "Stream"]


class _OfDevices(type):
    """Streams and events of the GPU are instances as well."""

    def __instancecheck__(cls, instance):
        return type.__instancecheck__(cls, instance) or isinstance(instance, getattr(cuda, cls.__name__))


def _device(given, what):
    device = pyxtorch.device(given) if given is not None else pyxtorch.device("cuda" if cuda.is_available() else "cpu")
    if device.type not in ("cpu", "cuda"):
        raise RuntimeError(f"{what}: devices of type {device.type} have none; those of cpu and cuda do.")
    return device


class Stream(metaclass=_OfDevices):
    """A queue of work on a device. On the CPU what a call does is done when it returns, so that nothing is ever under way.

    Args:
        device: where; the GPU if there is one. priority: for the GPU.
    """

    def __new__(cls, device=None, *, priority=0, **options):
        device = _device(device, "Stream")
        if device.type == "cuda":
            return cuda.Stream(device, priority=priority)
        made = object.__new__(cls)
        made.device, made.priority, made.stream_id = device, priority, 0
        return made

    device_type, device_index = "cpu", -1

    def query(self):
        """Whether all work is done: it is."""
        return True

    def synchronize(self):
        """All work is done."""

    def wait_event(self, event):
        """Nothing is under way that could be waited for."""

    def wait_stream(self, stream):
        """Nothing is under way that could be waited for, but on a GPU's stream."""
        stream.synchronize()

    def record_event(self, event=None):
        """An event that has happened."""
        event = Event(self.device) if event is None else event
        event.record(self)
        return event

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def __eq__(self, other):
        return type(other) is Stream

    def __hash__(self):
        return 0

    def __repr__(self):
        return "torch.Stream device_type=cpu, device_index=-1, stream_id=0"


class Event(_Moment, metaclass=_OfDevices):
    """A moment in a stream.

    Args:
        device: where; the GPU if there is one. enable_timing: whether `elapsed_time` will be asked.
    """

    def __new__(cls, device=None, *, enable_timing=False, blocking=False, interprocess=False):
        device = _device(device, "Event")
        if device.type == "cuda":
            return cuda.Event(enable_timing=enable_timing, blocking=blocking, interprocess=interprocess)
        made = object.__new__(cls)
        made.device, made._timing = device, enable_timing
        return made

    def elapsed_time(self, end_event):
        """Milliseconds from this moment to another.

        Raises:
            RuntimeError: one of them was made without `enable_timing`, or has not been recorded.
        """
        if not (self._timing and end_event._timing):
            raise RuntimeError("Both events must be created with argument 'enable_timing=True'.")
        return super().elapsed_time(end_event)

    def __repr__(self):
        return "torch.Event device_type=cpu, device_index=-1"
