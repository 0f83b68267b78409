"""torch.backends.cudnn: switches of a library that is not used; they are kept."""
from contextlib import contextmanager

__all__ = ["flags", "is_acceptable", "is_available", "version"]

enabled, benchmark, deterministic, allow_tf32 = True, False, False, False


def is_available():
    """False: this library is not used."""
    return False


def is_acceptable(tensor):
    """False, for whatever tensor."""
    return False


def version():
    """None."""


@contextmanager
def flags(enabled=False, benchmark=False, benchmark_limit=10, deterministic=False, allow_tf32=True, fp32_precision="none"):
    """Other switches within a `with` block."""
    space = globals()
    names = ("enabled", "benchmark", "deterministic", "allow_tf32")
    before = {name: space[name] for name in names}
    space.update(zip(names, (enabled, benchmark, deterministic, allow_tf32)))
    try:
        yield
    finally:
        space.update(before)
