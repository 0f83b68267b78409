"""GPU memory: what the caching allocator holds, and how to make it let go."""
from pyxtorch import _cuda, _cuda_device


def _index(device):
    from pyxtorch.cuda import _index

    return _index(device)


def empty_cache():
    """Give cached memory that no tensor uses back to the driver."""
    _cuda.empty_cache()


def memory_stats(device=None):
    """All counts of the caching allocator, as {"allocated_bytes.all.current": ..., ...}; empty before the GPU is used."""
    return _cuda_device.memory_stats(_index(device)) if _cuda.is_loaded() else {}


def _count(name, device):
    return memory_stats(device).get(name, 0)


def memory_allocated(device=None):
    """Bytes in use by tensors (rounded up to blocks)."""
    return _count("allocated_bytes.all.current", device)


def max_memory_allocated(device=None):
    """The most that `memory_allocated` has been since the start or `reset_peak_memory_stats`."""
    return _count("allocated_bytes.all.peak", device)


def memory_reserved(device=None):
    """Bytes taken from the driver, cached ones among them."""
    return _count("reserved_bytes.all.current", device)


def max_memory_reserved(device=None):
    """The most that `memory_reserved` has been since the start or `reset_peak_memory_stats`."""
    return _count("reserved_bytes.all.peak", device)


def reset_peak_memory_stats(device=None):
    """Start the peaks again from the present values."""
    _cuda_device.reset_peak_memory_stats(_index(device))


def reset_accumulated_memory_stats(device=None):
    """Start the counts of allocations, frees, retries and failures again from 0."""
    _cuda_device.reset_accumulated_memory_stats(_index(device))


def mem_get_info(device=None):
    """(free, total) bytes of a GPU's memory, as its driver sees them."""
    return _cuda_device.mem_get_info(_index(device))


def set_per_process_memory_fraction(fraction, device=None):
    """Let tensors have at most this share (0 to 1) of a GPU's memory.

    Raises:
        ValueError: the share is outside 0 to 1.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    index = _index(device)
    _cuda_device.set_memory_limit(index, int(fraction * mem_get_info(index)[1]))


def memory_summary(device=None, abbreviated=False):
    """The main counts as a table of text."""
    stats = memory_stats(device)
    lines = [f"{'bytes':<16}{'now':>16}{'peak':>16}{'taken in all':>16}{'freed in all':>16}"]
    pools = ("all",) if abbreviated else ("all", "large_pool", "small_pool")
    for what in ("allocated", "reserved", "active", "requested"):
        for pool in pools:
            figures = [stats.get(f"{what}_bytes.{pool}.{k}", 0) for k in ("current", "peak", "allocated", "freed")]
            name = what if pool == "all" else "  " + pool
            lines.append(f"{name:<16}" + "".join(f"{n:>16,}" for n in figures))
    return "\n".join(lines)
