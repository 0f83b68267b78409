"""What `compile` makes of a module."""
from pyxtorch._compiled import Compiled
from pyxtorch.nn import Module

__all__ = ["OptimizedModule"]


class OptimizedModule(Module):
    """A module around the one given to `compile`, `_orig_mod`: calls and attributes are those of it, names of parameters begin with it."""

    def __init__(self, mod, dynamo_ctx=None):
        super().__init__()
        self._orig_mod = mod
        self.__dict__["_engine"] = Compiled(mod)
        self.training = mod.training

    def forward(self, *args, **kwargs):
        return self._engine(*args, **kwargs)

    def explain(self):
        """What was recorded, and what was not and why."""
        return self._engine.explain()

    def _inner(self):
        return self.__dict__.get("_modules", {}).get("_orig_mod")

    def __getattr__(self, name):
        inner = self._inner()
        if inner is None:  # while it is being made
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        return inner if name == "_orig_mod" else getattr(inner, name)

    def __setattr__(self, name, value):
        inner = self._inner()
        if inner is None or name in self.__dict__:
            super().__setattr__(name, value)
        else:
            setattr(inner, name, value)

    def __delattr__(self, name):
        delattr(self._orig_mod, name)

    def __dir__(self):
        return sorted({*super().__dir__(), *dir(self._orig_mod)})
