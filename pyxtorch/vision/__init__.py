"""torchvision: transforms, data sets, networks, operations and files of images (docs/vision.md).

`python -m pyxtorch.run` serves it as `torchvision`. Images in files and of Pillow need Pillow: `pip install pyxtorch[vision]`.
"""
import importlib

from pyxtorch.vision.version import __version__

_NAMESPACES = ("datasets", "io", "models", "ops", "transforms", "tv_tensors", "utils", "version")


def __getattr__(name):
    if name in _NAMESPACES:
        return importlib.import_module(f"pyxtorch.vision.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_NAMESPACES})


def set_image_backend(backend):
    """Choose the package that reads images; there is "PIL" alone.

    Raises:
        ValueError: another one.
    """
    if backend != "PIL":
        raise ValueError(f"Invalid backend '{backend}'. Options are 'PIL'.")


def get_image_backend():
    """The package that reads images."""
    return "PIL"


def disable_beta_transforms_warning():
    """Does nothing: the transforms of version 2 give no such warning."""
