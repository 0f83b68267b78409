"""Checks of what transforms are made with, and draws of what they do, in torchvision's order of random numbers: for both generations of transforms."""
import math
import numbers
import warnings
from collections.abc import Sequence

import pyxtorch as torch


def uniform(low, high):
    """A float32 number between the two, as a float."""
    return torch.empty(1).uniform_(float(low), float(high)).item()


def integer(low, high):
    """A whole number from `low` to `high` - 1."""
    return int(torch.randint(low, high, size=(1,)).item())


def pair(size, message="Please provide only two dimensions (h, w) for size."):
    """(H, W) from a number, a sequence of one or of two."""
    if isinstance(size, numbers.Number):
        return (int(size), int(size))
    if isinstance(size, Sequence) and len(size) == 1:
        return (size[0], size[0])
    if len(size) != 2:
        raise ValueError(message)
    return size


def check_sequence(x, name, lengths):
    """A TypeError or ValueError unless `x` is a sequence of one of those lengths."""
    wanted = " or ".join(map(str, lengths))
    if not isinstance(x, Sequence):
        raise TypeError(f"{name} should be a sequence of length {wanted}.")
    if len(x) not in lengths:
        raise ValueError(f"{name} should be a sequence of length {wanted}.")


def check_erasing(scale, ratio, value):
    """A TypeError or ValueError unless rectangles can be drawn of these shares of the area and ratios of the sides, and filled with `value`."""
    if not isinstance(value, numbers.Number | str | tuple | list):
        raise TypeError("Argument value should be either a number or str or a sequence")
    if isinstance(value, str) and value != "random":
        raise ValueError("If value is str, it should be 'random'")
    for name, item in (("Scale", scale), ("Ratio", ratio)):
        if not isinstance(item, Sequence):
            raise TypeError(f"{name} should be a sequence")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warnings.warn("Scale and ratio should be of kind (min, max)", UserWarning, stacklevel=3)
    if scale[0] < 0 or scale[1] > 1:
        raise ValueError("Scale should be between 0 and 1")


def angles(x, name, lengths=(2,)):
    """A range of degrees: [-x, x] from a number."""
    if isinstance(x, numbers.Number):
        if x < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        x = [-x, x]
    check_sequence(x, name, lengths)
    return [float(d) for d in x]


def affine_ranges(translate, scale, center):
    """Check what an affine transform is drawn from."""
    if translate is not None:
        check_sequence(translate, "translate", (2,))
        if any(not 0.0 <= t <= 1.0 for t in translate):
            raise ValueError("translation values should be between 0 and 1")
    if scale is not None:
        check_sequence(scale, "scale", (2,))
        if any(s <= 0 for s in scale):
            raise ValueError("scale values should be positive")
    if center is not None:
        check_sequence(center, "center", (2,))


def color_range(value, name, center=1, bound=(0, float("inf")), clip=True):
    """(low, high) of a factor from a range or the distance from `center`; None where it is always `center`."""
    if isinstance(value, numbers.Number):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative.")
        value = [max(center - float(value), 0.0) if clip else center - float(value), center + float(value)]
    elif isinstance(value, tuple | list) and len(value) == 2:
        value = [float(value[0]), float(value[1])]
    else:
        raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
    if not bound[0] <= value[0] <= value[1] <= bound[1]:
        raise ValueError(f"{name} values should be between {bound}, but got {value}.")
    return None if value[0] == value[1] == center else tuple(value)


def deviations(sigma):
    """(low, high) of a blur's deviation."""
    if isinstance(sigma, numbers.Number):
        if sigma <= 0:
            raise ValueError("If sigma is a single number, it must be positive.")
        return (sigma, sigma)
    if not isinstance(sigma, Sequence) or len(sigma) != 2:
        raise ValueError("sigma should be a single number or a list/tuple with length 2.")
    if not 0.0 < sigma[0] <= sigma[1]:
        raise ValueError("sigma values should be positive and of the form (min, max).")
    return sigma


def two_floats(x, name):
    """[x, x] from a float, or the list of two floats that `x` is."""
    if isinstance(x, int | float) and not isinstance(x, bool):
        return [float(x)] * 2
    if not isinstance(x, Sequence):
        raise TypeError(f"{name} should be float or a sequence of floats. Got {type(x)}")
    if len(x) not in (1, 2):
        raise ValueError(f"If {name} is a sequence its length should be 2. Got {len(x)}")
    for element in x:
        if not isinstance(element, float):
            raise TypeError(f"{name} should be a sequence of floats. Got {type(element)}")
    return list(x) * (2 if len(x) == 1 else 1)


# ---------------------------------------------------------------------------- draws


def draw_crop(height, width, wanted):
    """(top, left) of a crop, drawn unless it is the whole image."""
    ch, cw = wanted
    if height < ch or width < cw:
        raise ValueError(f"Required crop size {(ch, cw)} is larger than input image size {(height, width)}")
    if (height, width) == (ch, cw):
        return 0, 0
    return integer(0, height - ch + 1), integer(0, width - cw + 1)


def _log(ratio):
    return torch.log(torch.tensor(ratio)).tolist()


def _exp(x):
    return torch.exp(torch.tensor(x)).item()


def draw_resized_crop(height, width, scale, ratio):
    """(top, left, height, width) of a crop with a share `scale` of the area and a `ratio` of width to height; the middle after ten vain draws."""
    low, high = _log(ratio)
    for _ in range(10):
        area = height * width * uniform(*scale)
        aspect = _exp(uniform(low, high))
        w, h = int(round(math.sqrt(area * aspect))), int(round(math.sqrt(area / aspect)))
        if 0 < w <= width and 0 < h <= height:
            return integer(0, height - h + 1), integer(0, width - w + 1), h, w
    h, w = height, width
    if width / height < min(ratio):
        h = int(round(w / min(ratio)))
    elif width / height > max(ratio):
        w = int(round(h * max(ratio)))
    return (height - h) // 2, (width - w) // 2, h, w


def draw_affine(degrees, translate, scales, shears, width, height):
    """(angle, (x, y), scale, (shear along x, y))."""
    angle = uniform(*degrees)
    moved = (0, 0)
    if translate is not None:
        moved = tuple(int(round(uniform(-float(part * size), float(part * size)))) for part, size in zip(translate, (width, height)))
    scale = 1.0 if scales is None else uniform(*scales)
    shear_x = 0.0 if shears is None else uniform(shears[0], shears[1])
    shear_y = uniform(shears[2], shears[3]) if shears is not None and len(shears) == 4 else 0.0
    return angle, moved, scale, (shear_x, shear_y)


def draw_perspective(width, height, distortion_scale):
    """(corners of the image, where they go): the four corners clockwise from the upper left, [x, y] each."""
    dx, dy = int(distortion_scale * (width // 2)), int(distortion_scale * (height // 2))
    left, top = (0, dx + 1), (0, dy + 1)
    right, bottom = (width - dx - 1, width), (height - dy - 1, height)
    moved = [[integer(*x), integer(*y)] for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
    return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], moved


def draw_erasing(shape, scale, ratio, value):
    """(top, left, height, width, values) of a rectangle with a share `scale` of the area; None after ten vain draws.

    `value` is a list for each channel, or None for normal numbers.
    """
    channels, height, width = shape
    low, high = _log(ratio)
    for _ in range(10):
        area = height * width * uniform(*scale)
        aspect = _exp(uniform(low, high))
        h, w = int(round(math.sqrt(area * aspect))), int(round(math.sqrt(area / aspect)))
        if h < height and w < width:
            v = torch.empty([channels, h, w], dtype=torch.float32).normal_() if value is None else torch.tensor(value)[:, None, None]
            return integer(0, height - h + 1), integer(0, width - w + 1), h, w, v
    return None


def draw_displacement(alpha, sigma, size, blur):
    """Smooth random displacements, (1, H, W, 2); `blur(x, kernel, sigma)` smooths."""
    parts = []
    for i in (0, 1):
        x = torch.rand([1, 1, *size]) * 2 - 1
        if sigma[i] > 0.0:
            kernel = int(8 * sigma[i] + 1)
            x = blur(x, [kernel + (kernel % 2 == 0)] * 2, [float(s) for s in sigma])
        parts.append(x * alpha[i] / size[1 - i])
    return torch.cat(parts, 1).permute([0, 2, 3, 1])
