"""The default generator: seeding it, keeping its state and putting it back."""
import contextlib

from pyxtorch.ops.random import default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state", "thread_safe_generator"]


def thread_safe_generator():
    """The generator of this thread where it is a worker of a DataLoader: None, as workers are processes, whose default generator is their own."""


@contextlib.contextmanager
def fork_rng(devices=None, enabled=True, _caller="fork_rng", _devices_kw="devices", device_type="cuda"):
    """Within the `with`, the default generator goes its own way; afterwards it is where it was before.

    Args:
        devices: accepted for PyTorch's sake: one generator serves all devices.
        enabled: False does nothing.
    """
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
