"""The GPU: devices, streams, events, memory. Nothing is opened before it is first used.

`is_available()` never raises; everything else raises RuntimeError, with the reason, where there is no GPU.
"""
from pyxtorch import _cuda, _cuda_device, _cuda_program
from pyxtorch import device as _device
from pyxtorch._core import OutOfMemoryError
from pyxtorch._cuda_device import Event, Stream
from pyxtorch._cuda_launch import ExternalStream
from pyxtorch.cuda import amp, random
from pyxtorch.cuda.graphs import CUDAGraph, graph, is_current_stream_capturing
from pyxtorch.cuda.kernels import ElementwiseKernel, RawKernel, elementwise_kernel
from pyxtorch.cuda.memory import (
    empty_cache,
    max_memory_allocated,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_reserved,
    memory_stats,
    memory_summary,
    reset_accumulated_memory_stats,
    reset_peak_memory_stats,
    set_per_process_memory_fraction,
)
from pyxtorch.cuda.random import (
    get_rng_state,
    get_rng_state_all,
    initial_seed,
    manual_seed,
    manual_seed_all,
    seed,
    seed_all,
    set_rng_state,
    set_rng_state_all,
)

__all__ = [
    "CUDAGraph", "ElementwiseKernel", "Event", "ExternalStream", "OutOfMemoryError", "RawKernel", "Stream", "StreamContext", "amp", "current_blas_handle", "current_device", "current_stream", "default_stream", "device",
    "device_count", "device_of", "elementwise_kernel", "empty_cache", "get_arch_list", "get_device_capability", "get_device_name",
    "get_device_properties", "get_rng_state", "get_rng_state_all", "graph", "init", "initial_seed", "is_available",
    "is_bf16_supported", "is_current_stream_capturing", "is_initialized", "manual_seed", "manual_seed_all", "max_memory_allocated", "max_memory_reserved",
    "mem_get_info", "memory_allocated", "memory_reserved", "memory_stats", "memory_summary", "random",
    "reset_accumulated_memory_stats", "reset_peak_memory_stats", "seed", "seed_all", "set_device",
    "set_per_process_memory_fraction", "set_rng_state", "set_rng_state_all", "set_stream", "stream", "synchronize",
]


# --------------------------------------------------------------------------------- devices

def is_available():
    """Whether a GPU can be used: its driver answers and reports a device."""
    return _cuda.is_available()


def device_count():
    """How many GPUs there are; 0 without a driver."""
    return _cuda.count_devices()


def init():
    """Open the GPU side now instead of at its first use.

    Raises:
        RuntimeError: there is no GPU, or a library that it needs is missing.
    """
    _cuda.load()


def is_initialized():
    """Whether this process has opened the GPU side."""
    return _cuda.is_loaded()


def current_device():
    """The index of the GPU that device="cuda" means in this thread."""
    return _cuda.py_current_device()


def _index(given):
    """The index of a device given as None (the current one), int, str, device."""
    if given is None:
        return current_device()
    if isinstance(given, int):
        index = given if given >= 0 else current_device()
    else:
        given = _device(given)
        if given.type != "cuda":
            raise ValueError(f"Expected a cuda device, but got: {given}")
        index = current_device() if given.index is None else given.index
    _cuda.check_index(index)
    return index


def set_device(device):
    """Make a GPU this thread's current one. A negative index changes nothing."""
    if not isinstance(device, int) or device >= 0:
        _cuda.set_current_device(_index(device))


class device:
    """A context in which a GPU is the thread's current one.

    Args:
        device: index, string or `torch.device`; None, or a negative index, changes nothing.
    """

    def __init__(self, device):
        self.idx = -1 if device is None or (isinstance(device, int) and device < 0) else _index(device)
        self.prev_idx = -1

    def __enter__(self):
        if self.idx >= 0:
            self.prev_idx = current_device()
            _cuda.set_current_device(self.idx)
        return self

    def __exit__(self, *error):
        if self.idx >= 0:
            _cuda.set_current_device(self.prev_idx)
        return False


class device_of(device):
    """A context in which the GPU of a tensor is the thread's current one; nothing for CPU tensors."""

    def __init__(self, obj):
        super().__init__(obj.device.index if obj.is_cuda else -1)


def get_device_name(device=None):
    """What a GPU calls itself."""
    return get_device_properties(device).name


def get_device_capability(device=None):
    """(major, minor) compute capability of a GPU."""
    properties = get_device_properties(device)
    return properties.major, properties.minor


class _Properties:
    """Figures of a GPU: name, major, minor, total_memory (bytes), multi_processor_count, warp_size, ..."""

    def __init__(self, figures):
        self.__dict__.update(figures)

    def __repr__(self):
        return (
            f"_CudaDeviceProperties(name='{self.name}', major={self.major}, minor={self.minor}, "
            f"total_memory={self.total_memory // 2**20}MB, multi_processor_count={self.multi_processor_count})"
        )


def get_device_properties(device=None):
    """Figures of a GPU as attributes: name, major, minor, total_memory, multi_processor_count, ..."""
    return _Properties(_cuda_device.device_info(_index(device)))


def get_arch_list():
    """The machine codes that kernels can be compiled for here: the list of the installed NVRTC; empty without a GPU."""
    return [f"sm_{arch}" for arch in _cuda_program.nvrtc_archs()] if is_available() else []


def is_bf16_supported(including_emulation=True):
    """Whether bfloat16 can be computed with: on every GPU; natively from compute capability 8.0 on."""
    return is_available() and (including_emulation or get_device_capability()[0] >= 8)


def synchronize(device=None):
    """Wait until a GPU has done all its work; errors of that work are raised here."""
    _cuda.synchronize(_index(device))


# --------------------------------------------------------------------------------- streams

def current_stream(device=None):
    """The stream that new work of this thread goes to."""
    return _cuda_device.get_current_stream(_index(device))


def default_stream(device=None):
    """The stream that work goes to where no other is set."""
    return _cuda_device.default_stream(_index(device))


def set_stream(stream):
    """Send this thread's new work to a stream; None changes nothing."""
    if stream is not None:
        _cuda.set_current_device(stream.device_index)
        _cuda_device.set_current_stream(stream)


class StreamContext:
    """A context in which work goes to a stream of its device; a stream of None changes nothing."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        if self.stream is not None:
            self.stream.__enter__()

    def __exit__(self, *error):
        if self.stream is not None:
            self.stream.__exit__(*error)


def stream(stream):
    """`with stream(s):` sends the work inside to s."""
    return StreamContext(stream)


def current_blas_handle():
    """The handle of cuBLAS on the GPU in use, as a number.

    Raises:
        RuntimeError: there is no GPU, or no cuBLAS.
    """
    from pyxtorch import _cuda

    return _cuda.blas_handle(current_device())


# ------------------------------------------------------------------------------ typed tensors

def __getattr__(name):
    """`cuda.FloatTensor`, `cuda.FloatStorage` and their like, made when they are first named; `default_generators`, one for each GPU in use; `_initialized`."""
    if name == "_initialized":  # asked for by reversible networks
        return is_initialized()
    if name == "default_generators":
        from pyxtorch.ops.random import default_generator

        return (default_generator,) * (device_count() if is_initialized() else 0)
    if name.endswith(("Tensor", "Storage")):
        from pyxtorch._typed_tensors import typed

        found = typed(name, on_gpu=True)
        if found is not None:
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
