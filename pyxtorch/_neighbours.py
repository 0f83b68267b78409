"""Packages that want to be told of tensors when the program imports them; nothing of theirs is imported before."""
import sys

# Their module: ours that tells it.
_TOLD = {"einops._backends": "pyxtorch._einops", "matplotlib.units": "pyxtorch._matplotlib"}


class _Finder:
    """Finds those modules as ever, and calls ours as soon as they have run."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """The spec of such a module; None for all others."""
        ours = _TOLD.get(name)
        if ours is None:
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module):
                run(module)
                _tell(ours, module)

            spec.loader.exec_module = exec_module
        return spec


def _tell(ours, module):
    from importlib import import_module

    import_module(ours).tell(module)


def install():
    """Tell those that are imported already, and wait for the others."""
    for theirs, ours in _TOLD.items():
        if theirs in sys.modules:
            _tell(ours, sys.modules[theirs])
    sys.meta_path.insert(0, _Finder)
