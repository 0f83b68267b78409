"""Pillow, which is an extra: imported when an image of it is first needed."""
import importlib
import sys


def pillow(what="Image"):
    """The module PIL.`what`.

    Raises:
        ImportError: Pillow is not installed.
    """
    try:
        return importlib.import_module(f"PIL.{what}")
    except ImportError as error:
        if error.name is None or not error.name.startswith("PIL"):
            raise
        raise ImportError("pyxtorch.vision: images in files and of Pillow need Pillow. Install it: pip install pyxtorch[vision].", name="PIL") from error


def is_pil(x):
    """Whether `x` is an image of Pillow, which is not imported for that."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(x, module.Image)


def from_array(array, mode=None):
    """An image of Pillow from a NumPy array, (H, W) or (H, W, C); `mode` must be what the array's shape and dtype say, or a mode of the same layout."""
    Image = pillow()
    image = Image.fromarray(array)
    if mode is not None and image.mode != mode:
        image = Image.frombytes(mode, image.size, array.tobytes())
    return image
