"""torch.autograd.grad_mode: whether operations are recorded."""
from pyxtorch._tape.modes import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["enable_grad", "enforce_grad_layout_policy", "inference_mode", "no_grad", "set_grad_enabled", "set_multithreading_enabled"]


class set_multithreading_enabled:  # noqa: N801
    """Whether a backward may run nodes of several devices at once, from now on or within a `with` block. It runs one after the other."""

    def __init__(self, mode):
        if not isinstance(mode, bool):
            raise TypeError(f"set_multithreading_enabled: mode must be a bool, not {type(mode).__name__}.")
        self.mode = mode

    def __enter__(self):
        return None

    def __exit__(self, *error):
        return None


class enforce_grad_layout_policy:  # noqa: N801
    """Whether a gradient that is kept without a copy must have the strides of its parameter, from now on or within a `with` block.

    A gradient is kept as it comes, where nobody else can reach it, whatever its strides: there is nothing to enforce, and no warning.
    """

    def __init__(self, enable=True):
        self.mode = bool(enable)

    def __enter__(self):
        return None

    def __exit__(self, *error):
        return None
