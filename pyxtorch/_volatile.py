"""What `Variable(data, volatile=True)` of early PyTorch makes: a tensor of which nothing is recorded, nor of what is computed from it.

It is of a class that overrides operations. As those look at their arguments while such a class lives, it is made when it is asked for, and
goes with the last of its tensors.
"""
import weakref

from pyxtorch._tape.modes import no_grad
from pyxtorch.tensor import Tensor

_known = [lambda: None]  # a weak reference


def _make():
    class Volatile(Tensor):
        """A tensor whose operations run under `no_grad`, and give such tensors again."""

        volatile = True

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            with no_grad():
                return super().__torch_function__(func, types, args, kwargs or {})

    Volatile.__qualname__ = "Volatile"
    _known[0] = weakref.ref(Volatile)
    return Volatile


def __getattr__(name):
    if name == "Volatile":
        return _known[0]() or _make()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
