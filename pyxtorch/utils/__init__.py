"""Helpers around training: loading data, checkpoints that save memory, exchange with other libraries."""
_NAMESPACES = ("checkpoint", "data", "dlpack", "hooks")


def __getattr__(name):
    if name in _NAMESPACES:
        import importlib

        return importlib.import_module(f"pyxtorch.utils.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_NAMESPACES})
