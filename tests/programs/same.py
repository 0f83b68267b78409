"""What the programs share: numbers that do not depend on who draws them, and figures that are compared."""
import numpy as np


def fill(module, seed=0):
    """Parameters of NumPy's random numbers, of the size that PyTorch's own would have."""
    rng = np.random.RandomState(seed)
    for p in module.parameters():
        bound = 1 / max(1, p[0].numel() if p.dim() > 1 else p.numel()) ** 0.5
        p.data.copy_(p.data.new_tensor(rng.uniform(-bound, bound, tuple(p.shape))))
    return module


def say(name, value):
    """A figure that is the same by PyTorch, to a rounding."""
    print(f"{name} {float(value):.8g}", flush=True)
