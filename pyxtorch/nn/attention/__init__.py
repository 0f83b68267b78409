"""torch.nn.attention: which way of computing attention may be taken, biases by name, and attention with functions of scores."""
import enum
from contextlib import contextmanager

from pyxtorch.backends import cuda as _switches

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(enum.IntEnum):
    """PyTorch's ways of computing `scaled_dot_product_attention`. There is one way here, with the results of all of them."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    __str__ = enum.Enum.__str__


_SWITCHES = {SDPBackend.MATH: "math", SDPBackend.FLASH_ATTENTION: "flash", SDPBackend.EFFICIENT_ATTENTION: "mem_efficient", SDPBackend.CUDNN_ATTENTION: "cudnn"}


@contextmanager
def sdpa_kernel(backends, set_priority=False):
    """Allow these ways alone within a `with` block: the switches of `backends.cuda` say so, and go back after it.

    Args:
        backends: an SDPBackend or a list of them. set_priority: the list is in the order in which to try them.
    Raises:
        AssertionError: something that is no SDPBackend.
    """
    chosen = backends if isinstance(backends, list) else [backends]
    if not all(isinstance(one, SDPBackend) for one in chosen):
        raise AssertionError("Backend must be an instance of SDPBackend or a list of SDPBackend instances")
    before = {name: getattr(_switches, f"{name}_sdp_enabled")() for name in _SWITCHES.values()}
    try:
        for backend, name in _SWITCHES.items():
            getattr(_switches, f"enable_{name}_sdp")(backend in chosen)
        yield
    finally:
        for name, enabled in before.items():
            getattr(_switches, f"enable_{name}_sdp")(enabled)


def __getattr__(name):
    if name in ("bias", "flex_attention"):
        import importlib

        return importlib.import_module(f"pyxtorch.nn.attention.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
