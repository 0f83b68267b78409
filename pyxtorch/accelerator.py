"""torch.accelerator: the GPU, if there is one, without its name: each of these asks `pyxtorch.cuda`."""
from pyxtorch import cuda, device

__all__ = [
    "AcceleratorError", "empty_host_cache",
    "current_accelerator", "current_device_idx", "current_device_index", "current_stream", "device_count", "device_index", "empty_cache",
    "get_device_capability", "get_memory_info", "is_available", "max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved",
    "memory_stats", "reset_accumulated_memory_stats", "reset_peak_memory_stats", "set_device_idx", "set_device_index", "set_stream", "synchronize",
]  # fmt: skip


class AcceleratorError(RuntimeError):
    """An error that a device reports of work which it had taken on. Work on a GPU reports its errors where it is started, as RuntimeError."""


def is_available():
    """Whether there is a GPU that can be used."""
    return cuda.is_available()


def device_count():
    """How many there are."""
    return cuda.device_count() if cuda.is_available() else 0


def current_accelerator(check_available=False):
    """The kind of the accelerator, `device("cuda")`; None where there is none."""
    return device("cuda") if cuda.is_available() else None


def _ask(name, text):
    function = getattr(cuda, name)

    def asked(*args, **kwargs):
        if not cuda.is_available():
            raise RuntimeError("Cannot access accelerator device when none is available.")
        return function(*args, **kwargs)

    asked.__doc__ = f"{text}\n\nRaises:\n    RuntimeError: there is none."
    return asked


current_device_index = current_device_idx = _ask("current_device", "The number of the GPU in use.")
set_device_index = set_device_idx = _ask("set_device", "Use another one.")
current_stream = _ask("current_stream", "The stream that work is queued in.")
set_stream = _ask("set_stream", "Queue work in another one.")
synchronize = _ask("synchronize", "Wait until all work is done.")
empty_cache = _ask("empty_cache", "Give memory that is kept for later back.")


def empty_host_cache():
    """Give pinned memory that is kept for later back: none is kept."""


get_device_capability = _ask("get_device_capability", "What the GPU can do, as two numbers.")
get_memory_info = _ask("mem_get_info", "(free, all) bytes of its memory.")
max_memory_allocated = _ask("max_memory_allocated", "The most bytes that tensors took at once.")
max_memory_reserved = _ask("max_memory_reserved", "The most bytes that were taken from the GPU at once.")
memory_allocated = _ask("memory_allocated", "The bytes that tensors take.")
memory_reserved = _ask("memory_reserved", "The bytes taken from the GPU, those kept for later included.")
memory_stats = _ask("memory_stats", "All of these figures, by name.")
reset_accumulated_memory_stats = _ask("reset_accumulated_memory_stats", "Count anew what only grows.")
reset_peak_memory_stats = _ask("reset_peak_memory_stats", "Begin anew to look for the most bytes.")


class device_index:  # noqa: N801
    """Another GPU within a `with` block, by its number; None: none other."""

    def __init__(self, device):
        self.index, self.before = device, None

    def __enter__(self):
        if self.index is not None:
            self.before = current_device_index()
            set_device_index(self.index)

    def __exit__(self, *error):
        if self.index is not None:
            set_device_index(self.before)
