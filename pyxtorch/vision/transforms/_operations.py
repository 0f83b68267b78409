"""What the automatic augmentations are made of: operations by name, their strengths, and AutoAugment's policies."""
import math
from enum import Enum

import pyxtorch as torch


class AutoAugmentPolicy(Enum):
    """The data set that a policy was learned on."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


# Pairs of operations, each with its probability and its strength (of ten, or none).
_POLICIES = {
    AutoAugmentPolicy.IMAGENET: """
        Posterize 0.4 8, Rotate 0.6 9; Solarize 0.6 5, AutoContrast 0.6 -; Equalize 0.8 -, Equalize 0.6 -; Posterize 0.6 7, Posterize 0.6 6;
        Equalize 0.4 -, Solarize 0.2 4; Equalize 0.4 -, Rotate 0.8 8; Solarize 0.6 3, Equalize 0.6 -; Posterize 0.8 5, Equalize 1.0 -;
        Rotate 0.2 3, Solarize 0.6 8; Equalize 0.6 -, Posterize 0.4 6; Rotate 0.8 8, Color 0.4 0; Rotate 0.4 9, Equalize 0.6 -;
        Equalize 0.0 -, Equalize 0.8 -; Invert 0.6 -, Equalize 1.0 -; Color 0.6 4, Contrast 1.0 8; Rotate 0.8 8, Color 1.0 2;
        Color 0.8 8, Solarize 0.8 7; Sharpness 0.4 7, Invert 0.6 -; ShearX 0.6 5, Equalize 1.0 -; Color 0.4 0, Equalize 0.6 -;
        Equalize 0.4 -, Solarize 0.2 4; Solarize 0.6 5, AutoContrast 0.6 -; Invert 0.6 -, Equalize 1.0 -; Color 0.6 4, Contrast 1.0 8;
        Equalize 0.8 -, Equalize 0.6 -""",
    AutoAugmentPolicy.CIFAR10: """
        Invert 0.1 -, Contrast 0.2 6; Rotate 0.7 2, TranslateX 0.3 9; Sharpness 0.8 1, Sharpness 0.9 3; ShearY 0.5 8, TranslateY 0.7 9;
        AutoContrast 0.5 -, Equalize 0.9 -; ShearY 0.2 7, Posterize 0.3 7; Color 0.4 3, Brightness 0.6 7; Sharpness 0.3 9, Brightness 0.7 9;
        Equalize 0.6 -, Equalize 0.5 -; Contrast 0.6 7, Sharpness 0.6 5; Color 0.7 7, TranslateX 0.5 8; Equalize 0.3 -, AutoContrast 0.4 -;
        TranslateY 0.4 3, Sharpness 0.2 6; Brightness 0.9 6, Color 0.2 8; Solarize 0.5 2, Invert 0.0 -; Equalize 0.2 -, AutoContrast 0.6 -;
        Equalize 0.2 -, Equalize 0.6 -; Color 0.9 9, Equalize 0.6 -; AutoContrast 0.8 -, Solarize 0.2 8; Brightness 0.1 3, Color 0.7 0;
        Solarize 0.4 5, AutoContrast 0.9 -; TranslateY 0.9 9, TranslateY 0.7 9; AutoContrast 0.9 -, Solarize 0.8 3; Equalize 0.8 -, Invert 0.1 -;
        TranslateY 0.7 9, AutoContrast 0.9 -""",
    AutoAugmentPolicy.SVHN: """
        ShearX 0.9 4, Invert 0.2 -; ShearY 0.9 8, Invert 0.7 -; Equalize 0.6 -, Solarize 0.6 6; Invert 0.9 -, Equalize 0.6 -;
        Equalize 0.6 -, Rotate 0.9 3; ShearX 0.9 4, AutoContrast 0.8 -; ShearY 0.9 8, Invert 0.4 -; ShearY 0.9 5, Solarize 0.2 6;
        Invert 0.9 -, AutoContrast 0.8 -; Equalize 0.6 -, Rotate 0.9 3; ShearX 0.9 4, Solarize 0.3 3; ShearY 0.8 8, Invert 0.7 -;
        Equalize 0.9 -, TranslateY 0.6 6; Invert 0.9 -, Equalize 0.6 -; Contrast 0.3 3, Rotate 0.8 4; Invert 0.8 -, TranslateY 0.0 2;
        ShearY 0.7 6, Solarize 0.4 8; Invert 0.6 -, Rotate 0.8 4; ShearY 0.3 7, TranslateX 0.9 3; ShearX 0.1 6, Invert 0.6 -;
        Solarize 0.7 2, TranslateY 0.6 7; ShearY 0.8 4, Invert 0.8 -; ShearX 0.7 9, TranslateY 0.8 3; ShearY 0.8 5, AutoContrast 0.7 -;
        ShearX 0.7 2, Invert 0.1 -""",
}


def policies(policy):
    """The pairs of a policy: ((name, probability, strength or None), ...).

    Raises:
        ValueError: no `AutoAugmentPolicy`.
    """
    if policy not in _POLICIES:
        raise ValueError(f"The provided policy {policy} is not recognized.")

    def parse(words):
        name, probability, strength = words.split()
        return name, float(probability), None if strength == "-" else int(strength)

    return [tuple(map(parse, line.split(","))) for line in _POLICIES[policy].split(";")]


def strengths(bins, size, *, shear=0.3, translate=(150.0 / 331.0, 150.0 / 331.0), rotate=30.0, color=0.9, posterize=(8, 4), white=255.0):
    """Every operation's strengths, `bins` of them (or one, 0), and whether they go both ways.

    Args:
        size: (H, W) of the image.
        translate: parts of the width and the height, or pixels where `size` is None.
        posterize: bits of the weakest, and by how many the strongest has fewer.
        white: the threshold of the weakest solarize.
    """
    width, height = (translate[0] * size[1], translate[1] * size[0]) if size is not None else translate
    found = {
        "Identity": (torch.tensor(0.0), False),
        "ShearX": (torch.linspace(0.0, shear, bins), True), "ShearY": (torch.linspace(0.0, shear, bins), True),
        "TranslateX": (torch.linspace(0.0, width, bins), True), "TranslateY": (torch.linspace(0.0, height, bins), True),
        "Rotate": (torch.linspace(0.0, rotate, bins), True),
    }  # fmt: skip
    found.update((name, (torch.linspace(0.0, color, bins), True)) for name in ("Brightness", "Color", "Contrast", "Sharpness"))
    most, fewer = posterize
    found["Posterize"] = (most - (torch.arange(bins) / ((bins - 1) / fewer)).round().int(), False)
    found["Solarize"] = (torch.linspace(white, 0.0, bins), False)
    found.update((name, (torch.tensor(0.0), False)) for name in ("AutoContrast", "Equalize", "Invert"))
    return found


def auto_augment_space(bins, size, white=255.0):
    """What AutoAugment draws from."""
    return {name: value for name, value in strengths(bins, size, white=white).items() if name != "Identity"}


def rand_augment_space(bins, size, white=255.0):
    """What RandAugment draws from."""
    return {name: value for name, value in strengths(bins, size, white=white).items() if name != "Invert"}


def trivial_augment_space(bins, white=255.0):
    """What TrivialAugmentWide draws from."""
    found = strengths(bins, None, shear=0.99, translate=(32.0, 32.0), rotate=135.0, color=0.99, posterize=(8, 6), white=white)
    return {name: value for name, value in found.items() if name != "Invert"}


def augmix_space(bins, size, all_ops, white=255.0):
    """What AugMix draws from."""
    found = strengths(bins, size, translate=(1 / 3, 1 / 3), posterize=(4, 4), white=white)
    colors = ("Brightness", "Color", "Contrast", "Sharpness")
    names = ["ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Posterize", "Solarize", "AutoContrast", "Equalize", *(colors if all_ops else ())]
    found["TranslateX"] = (torch.linspace(0.0, size[1] / 3.0, bins), True)
    found["TranslateY"] = (torch.linspace(0.0, size[0] / 3.0, bins), True)
    return {name: found[name] for name in names}


# How each operation of colours is called, and what its strength means there.
_COLORS = {
    "Brightness": ("adjust_brightness", lambda m: (1.0 + m,)), "Color": ("adjust_saturation", lambda m: (1.0 + m,)),
    "Contrast": ("adjust_contrast", lambda m: (1.0 + m,)), "Sharpness": ("adjust_sharpness", lambda m: (1.0 + m,)),
    "Posterize": ("posterize", lambda m: (int(m),)), "AutoContrast": ("autocontrast", lambda m: ()), "Equalize": ("equalize", lambda m: ()),
    "Invert": ("invert", lambda m: ()),
}  # fmt: skip


def apply(F, img, name, magnitude, interpolation, fill, threshold=None):
    """One operation by the functions of `F`.

    Args:
        threshold: what a strength of solarize means; itself.
    Raises:
        ValueError: no such operation.
    """
    how = {"interpolation": interpolation, "fill": fill}
    if name == "Identity":
        return img
    if name in ("ShearX", "ShearY"):
        degrees = math.degrees(math.atan(magnitude))
        shear = [degrees, 0.0] if name == "ShearX" else [0.0, degrees]
        return F.affine(img, angle=0.0, translate=[0, 0], scale=1.0, shear=shear, center=[0, 0], **how)
    if name in ("TranslateX", "TranslateY"):
        moved = [int(magnitude), 0] if name == "TranslateX" else [0, int(magnitude)]
        return F.affine(img, angle=0.0, translate=moved, scale=1.0, shear=[0.0, 0.0], **how)
    if name == "Rotate":
        return F.rotate(img, angle=magnitude, **how)
    if name == "Solarize":
        return F.solarize(img, magnitude if threshold is None else threshold(magnitude))
    if name not in _COLORS:
        raise ValueError(f"The provided operator {name} is not recognized.")
    function, arguments = _COLORS[name]
    return getattr(F, function)(img, *arguments(magnitude))
