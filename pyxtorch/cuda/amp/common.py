"""Whether mixed precision can be had on "cuda"."""
from pyxtorch import _cuda

__all__ = ["amp_definitely_not_available"]


def amp_definitely_not_available():
    """Whether there is no GPU that could do it."""
    return not _cuda.is_available()
