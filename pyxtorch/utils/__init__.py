"""Helpers around training: loading data, exchange with other libraries."""
_NAMESPACES = ("data", "dlpack")


def __getattr__(name):
    if name in _NAMESPACES:
        import importlib

        return importlib.import_module(f"pyxtorch.utils.{name}")
    raise AttributeError(f"module 'pyxtorch.utils' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_NAMESPACES})
