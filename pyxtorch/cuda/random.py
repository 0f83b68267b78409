"""Random numbers on the GPU: the numbers of the one default generator, which serves all devices."""
from pyxtorch.ops import random as _random


def manual_seed(seed):
    """Seed the default generator; it serves CPU and GPU, so this is `torch.manual_seed`."""
    _random.manual_seed(seed)


manual_seed_all = manual_seed


def seed():
    """Seed the default generator from the system's entropy."""
    _random.seed()


seed_all = seed


def initial_seed():
    """The seed of the default generator."""
    return _random.initial_seed()


def get_rng_state(device="cuda"):
    """The state of the default generator, a uint8 tensor on the CPU."""
    return _random.get_rng_state()


def set_rng_state(new_state, device="cuda"):
    """Put the default generator back into a state."""
    _random.set_rng_state(new_state)


def get_rng_state_all():
    """The state for each GPU: they share one."""
    from pyxtorch.cuda import device_count

    return [get_rng_state()] * device_count()


def set_rng_state_all(new_states):
    """Put the default generator back into a state of `get_rng_state_all`."""
    for state in new_states:
        set_rng_state(state)
