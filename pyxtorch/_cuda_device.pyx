"""What a program sees of a GPU: its figures, memory statistics, streams and events."""
import threading as _threading

cimport cython
from libc.stdint cimport uintptr_t
from pyxtorch._core cimport *
from pyxtorch._cuda cimport (
    NOT_READY, Statistic, check, check_device, keep_for, of_this_process, raise_pending, streams_of_thread, the_devices, the_driver, the_pools,
    use,
)

from pyxtorch import _core
from pyxtorch._cuda import get_current_device, get_device_name, load, set_current_device


def driver_version():
    """The CUDA version that the driver supports, as 1000 * major + 10 * minor."""
    cdef int v = 0
    load()
    the_driver.driver_version(&v)
    return v


def mem_get_info(int index):
    """(free, total) bytes of GPU memory."""
    cdef size_t available = 0, total = 0
    use(index)
    check(the_driver.memory_info(&available, &total), b"cuMemGetInfo")
    return available, total


def device_info(int index):
    """Figures of a GPU: total memory, capability, multiprocessors, limits."""
    cdef size_t total = 0
    cdef int value = 0
    check_device(index)
    check(the_driver.device_memory(&total, the_devices[index].handle), b"cuDeviceTotalMem")
    info = {"name": get_device_name(index), "total_memory": total, "major": the_devices[index].capability // 10,
            "minor": the_devices[index].capability % 10, "multi_processor_count": the_devices[index].multiprocessors}
    for name, number in (("max_threads_per_block", 1), ("shared_memory_per_block", 8), ("warp_size", 10),
                         ("max_threads_per_multi_processor", 39), ("L2_cache_size", 38)):
        the_driver.device_attribute(&value, number, the_devices[index].handle)
        info[name] = value
    return info


_STATISTICS = ("allocation", "segment", "active", "inactive_split", "allocated_bytes", "reserved_bytes", "active_bytes",
               "inactive_split_bytes", "requested_bytes")


def memory_stats(int index):
    """All statistics of the GPU's caching allocator, by PyTorch's names."""
    cdef int i, k
    cdef Statistic* s
    check_device(index)
    stats = {}
    for i in range(9):
        for k, pool in enumerate(("all", "large_pool", "small_pool")):
            s = &the_pools[index].statistics[i][k]
            name = f"{_STATISTICS[i]}.{pool}"
            stats[f"{name}.current"] = s.current
            stats[f"{name}.peak"] = s.peak
            stats[f"{name}.allocated"] = s.allocated
            stats[f"{name}.freed"] = s.freed
    stats["num_alloc_retries"] = the_pools[index].retries
    stats["num_ooms"] = the_pools[index].failures
    return dict(sorted(stats.items()))


def reset_peak_memory_stats(int index):
    """Count peaks from now on."""
    cdef int i, k
    check_device(index)
    for i in range(9):
        for k in range(3):
            the_pools[index].statistics[i][k].peak = the_pools[index].statistics[i][k].current


def reset_accumulated_memory_stats(int index):
    """Count allocations, retries and failures from now on."""
    cdef int i, k
    check_device(index)
    for i in range(9):
        for k in range(3):
            the_pools[index].statistics[i][k].allocated = the_pools[index].statistics[i][k].freed = 0
    the_pools[index].retries = the_pools[index].failures = 0


def set_memory_limit(int index, nbytes):
    """Let tensors use at most this many bytes of the GPU; None: no limit."""
    check_device(index)
    the_pools[index].limit = 0x7fffffffffffffff if nbytes is None else nbytes


def record_stream(TensorBase x not None, Stream stream not None):
    """Keep the memory of `x` from reuse until the work that `stream` has now is done."""
    if x.dev != CUDA:
        raise RuntimeError("record_stream: is for CUDA tensors; this one is on the CPU.")
    keep_for(x, stream.handle)


# ------------------------------------------------------------------------ streams and events

@cython.binding(False)  # methods that check the type of their self, called as Class.method(x)
cdef class Stream:
    """A queue of GPU work. Work of one stream runs in order; streams run beside each other.

    Args:
        device: the GPU (default: the current one).
        priority: lower numbers run first.
    """

    def __init__(self, device=None, int priority=0):
        cdef int index
        load()
        if device is None:
            self.device_index = get_current_device()
        else:
            if parse_device(device, &index) != CUDA:
                raise ValueError(f"Stream: expected a CUDA device, not {device}.")
            self.device_index = index
        use(self.device_index)
        check(the_driver.stream_create(&self.handle, 1, priority), b"cuStreamCreateWithPriority")
        self.owned = True
        self.before = []

    def __dealloc__(self):
        if self.owned and self.handle != NULL and of_this_process():
            if streams_of_thread()[self.device_index] == self.handle:
                streams_of_thread()[self.device_index] = NULL
            the_driver.stream_destroy(self.handle)

    @property
    def device(self):
        return device_of_index(self.device_index)

    @property
    def cuda_stream(self):
        """The driver's handle, as an integer."""
        return <uintptr_t>self.handle

    def synchronize(self):
        """Wait until all work of the stream is done."""
        cdef int rc
        use(self.device_index)
        with nogil:
            rc = the_driver.stream_synchronize(self.handle)
        check(rc, b"cuStreamSynchronize")
        raise_pending()

    def query(self):
        """Whether all work of the stream is done."""
        cdef int rc
        use(self.device_index)
        rc = the_driver.stream_query(self.handle)
        if rc == NOT_READY:
            return False
        check(rc, b"cuStreamQuery")
        return True

    def record_event(self, Event event=None):
        """Record an event (a new one if none is given) after the work that the stream has now."""
        if event is None:
            event = Event()
        event.record(self)
        return event

    def wait_event(self, Event event not None):
        """Work given to this stream from now on waits for the event."""
        event.wait(self)

    def wait_stream(self, Stream stream not None):
        """Work given to this stream from now on waits for all work that `stream` has now."""
        self.wait_event(stream.record_event())

    def __enter__(self):
        if self.before is None:
            self.before = []
        self.before.append((get_current_device(), get_current_stream(self.device_index)))
        set_current_device(self.device_index)
        set_current_stream(self)
        return self

    def __exit__(self, *error):
        device, stream = self.before.pop()
        set_current_stream(stream)
        set_current_device(device)

    def __eq__(self, other):
        return isinstance(other, Stream) and self.handle == (<Stream>other).handle and self.device_index == (<Stream>other).device_index

    def __hash__(self):
        return hash((<uintptr_t>self.handle, self.device_index))

    def __repr__(self):
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


cdef device device_of_index(int index):
    return _core.device("cuda", index)


_thread = _threading.local()    # keeps the Python objects of current streams alive


def get_current_stream(int index):
    """The stream that new work of this thread goes to on a GPU."""
    cdef Stream s
    check_device(index)
    kept = getattr(_thread, "streams", None)
    if kept is not None and index in kept:
        return kept[index]
    s = Stream.__new__(Stream)
    s.device_index = index
    s.handle = streams_of_thread()[index]
    return s


def default_stream(int index):
    """A GPU's default stream (the legacy stream 0, as PyTorch's)."""
    cdef Stream s = Stream.__new__(Stream)
    check_device(index)
    s.device_index = index
    return s


def set_current_stream(Stream stream not None):
    """Send new work of this thread to a stream."""
    if not hasattr(_thread, "streams"):
        _thread.streams = {}
    _thread.streams[stream.device_index] = stream
    streams_of_thread()[stream.device_index] = stream.handle


@cython.binding(False)
cdef class Event:
    """A mark in a stream: to wait for, or to take times by.

    Args:
        enable_timing: whether `elapsed_time` will be asked for.
        blocking: whether `synchronize` sleeps instead of spinning.
    """
    cdef void* handle
    cdef unsigned flags
    cdef int device_index

    def __init__(self, enable_timing=False, blocking=False, interprocess=False):
        if interprocess:
            raise RuntimeError("Event: events between processes are not supported; leave interprocess=False.")
        self.flags = (0 if enable_timing else 2) | (1 if blocking else 0)
        self.device_index = -1

    def __dealloc__(self):
        if self.handle != NULL and of_this_process():
            the_driver.event_destroy(self.handle)

    def record(self, Stream stream=None):
        """Mark the place where a stream (default: the current one) is now."""
        load()
        if stream is None:
            stream = get_current_stream(get_current_device())
        use(stream.device_index)
        if self.handle == NULL:
            check(the_driver.event_create(&self.handle, self.flags), b"cuEventCreate")
            self.device_index = stream.device_index
        elif self.device_index != stream.device_index:
            raise RuntimeError(f"Event.record: the event belongs to cuda:{self.device_index}, the stream to cuda:{stream.device_index}.")
        check(the_driver.event_record(self.handle, stream.handle), b"cuEventRecord")

    def wait(self, Stream stream=None):
        """Let work given to a stream (default: the current one) from now on wait for this event."""
        load()
        if stream is None:
            stream = get_current_stream(get_current_device())
        if self.handle != NULL:
            use(stream.device_index)
            check(the_driver.stream_wait_event(stream.handle, self.handle, 0), b"cuStreamWaitEvent")

    def query(self):
        """Whether the work before the mark is done."""
        cdef int rc
        if self.handle == NULL:
            return True
        rc = the_driver.event_query(self.handle)
        if rc == NOT_READY:
            return False
        check(rc, b"cuEventQuery")
        return True

    def synchronize(self):
        """Wait until the work before the mark is done."""
        cdef int rc
        if self.handle == NULL:
            return
        with nogil:
            rc = the_driver.event_synchronize(self.handle)
        check(rc, b"cuEventSynchronize")
        raise_pending()

    def ipc_handle(self):
        """Of events between processes, which are not there.

        Raises:
            RuntimeError: always; `multiprocessing` passes on tensors of the CPU.
        """
        raise RuntimeError("Event.ipc_handle: events between processes are not supported. Let each process wait for its own work: torch.cuda.synchronize().")

    def elapsed_time(self, Event end_event not None):
        """Milliseconds from this mark to another; both with enable_timing=True, and both passed."""
        cdef float ms = 0
        if (self.flags | end_event.flags) & 2:
            raise ValueError("Event.elapsed_time: both events must be created with enable_timing=True.")
        if self.handle == NULL or end_event.handle == NULL:
            raise ValueError("Event.elapsed_time: both events must be recorded first.")
        check(the_driver.event_elapsed(&ms, self.handle, end_event.handle), b"cuEventElapsedTime")
        return ms

    def __repr__(self):
        return f"<torch.cuda.Event {<uintptr_t>self.handle:#x}>"


def dlpack_stream(int index):
    """This thread's current stream on a GPU as DLPack counts: 1 is the legacy default stream."""
    load()
    check_device(index)
    return <uintptr_t>streams_of_thread()[index] or 1


def let_wait(int index, stream):
    """Let a borrower's stream, as DLPack counts, wait for the work of this thread's current stream.

    Args:
        stream: None or 1: the legacy default stream; 2: the default stream of each thread; -1: nothing
            has to wait; else a handle.
    """
    cdef void* borrower
    cdef Event event
    if stream == -1:
        return
    if stream == 0:
        raise ValueError("__dlpack__: stream 0 is ambiguous; use 1 (legacy default) or 2 (default of each thread).")
    borrower = NULL if stream is None or stream == 1 else <void*><uintptr_t>stream
    load()
    use(index)
    if borrower == streams_of_thread()[index]:
        return
    event = Event()
    event.record(get_current_stream(index))
    check(the_driver.stream_wait_event(borrower, event.handle, 0), b"cuStreamWaitEvent")
