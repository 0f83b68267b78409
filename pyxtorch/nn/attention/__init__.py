"""torch.nn.attention: which way of computing attention may be taken, biases by name, and attention with functions of scores."""
import enum
from contextlib import contextmanager

from pyxtorch.backends import cuda as _switches

__all__ = [
    "SDPBackend", "WARN_FOR_UNFUSED_KERNELS", "activate_flash_attention_impl", "current_flash_attention_impl", "list_flash_attention_impls",
    "register_flash_attention_impl", "restore_flash_attention_impl", "sdpa_kernel",
]  # fmt: skip

WARN_FOR_UNFUSED_KERNELS = False  # whether to say why a fused kernel cannot be taken: there is one kernel, for all inputs


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


_implementations, _active = {}, [None, None]  # name to function; the active one's name and handle


def register_flash_attention_impl(impl, *, register_fn):
    """Offer another way of computing attention: `register_fn()` puts it in force, and may give a handle with `remove()`."""
    _implementations[impl] = register_fn


def list_flash_attention_impls():
    """The names of those that were offered, sorted."""
    return sorted(_implementations)


def activate_flash_attention_impl(impl):
    """Put one of them in force.

    Raises:
        ValueError: there is none of this name.
    """
    if impl not in _implementations:
        raise ValueError(f"Unknown flash attention impl '{impl}'. Available implementations: {list_flash_attention_impls()}")
    restore_flash_attention_impl(_raise_warn=False)
    _active[:] = impl, _implementations[impl]()


def current_flash_attention_impl():
    """The name of the one in force; None: the package's own."""
    return _active[0]


def restore_flash_attention_impl(_raise_warn=True):
    """The package's own way again; a warning where no other was in force."""
    name, handle = _active
    if name is None and _raise_warn:
        import warnings

        warnings.warn("Trying to restore the default attention, but no other was in force.", stacklevel=2)
    if handle is not None:
        handle.remove()
    _active[:] = None, None


def __getattr__(name):
    if name in ("bias", "flex_attention"):
        import importlib

        return importlib.import_module(f"pyxtorch.nn.attention.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
