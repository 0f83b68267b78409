"""Calls of functions in other processes, of which there are none."""

__all__ = ["is_available"]


def is_available():
    """Whether functions of other processes can be called: no."""
    return False
