"""Tensors without memory that say they are elsewhere. A tensor on the device meta says where it is, so none is one of these."""

__all__ = ["FakeTensor", "is_fake"]


class FakeTensor:
    """The class that programs ask for by `isinstance`. No tensor is one.

    Raises:
        RuntimeError: always where one is to be made.
    """

    def __new__(cls, *args, **kwargs):
        raise RuntimeError("FakeTensor: use a tensor on the device meta, which has a shape and a dtype and no memory.")


def is_fake(x):
    """Whether `x` is such a tensor: no."""
    return False
