"""How pixels between pixels are found."""
from enum import Enum

__all__ = ["InterpolationMode"]


class InterpolationMode(Enum):
    """Kinds of interpolation; "box", "hamming" and "lanczos" are Pillow's alone."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


# Pillow's numbers of the modes.
PILLOW = {
    InterpolationMode.NEAREST: 0, InterpolationMode.BILINEAR: 2, InterpolationMode.BICUBIC: 3, InterpolationMode.NEAREST_EXACT: 0,
    InterpolationMode.BOX: 4, InterpolationMode.HAMMING: 5, InterpolationMode.LANCZOS: 1,
}  # fmt: skip


def interpolation_mode(value):
    """An InterpolationMode from itself or from Pillow's number; a TypeError for anything else."""
    if isinstance(value, InterpolationMode):
        return value
    if isinstance(value, int):
        for mode, number in PILLOW.items():
            if number == value:
                return mode
    raise TypeError(f"Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant, got {value!r}")
