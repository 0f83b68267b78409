"""The version of the interface for Cython and C modules, as a name: see `_interface.pxd`.

A compiled module asks for the class `Interface_N` of its version before anything else of pyxtorch.
"""


class Interface_1:
    """Stands for version 1."""


def __getattr__(name):
    if name.startswith("Interface_"):
        import pyxtorch

        raise ImportError(
            f"this module was built for version {name.removeprefix('Interface_')} of pyxtorch's Cython interface, but the installed pyxtorch "
            f"{pyxtorch.__version__} has version 1. Build the module again: pip install --force-reinstall --no-cache-dir --no-binary :all: it."
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
