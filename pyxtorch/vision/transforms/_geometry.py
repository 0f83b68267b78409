"""Sizes and matrices of geometric transforms, as plain numbers."""
import math

import pyxtorch as torch


def resized_output_size(size, wanted, max_size=None):
    """[H, W] of an image of `size` (H, W) resized to `wanted`: two numbers, or one for the shorter side; None with `max_size` for the longer.

    Raises:
        ValueError: the shorter side would be as long as `max_size` allows, or None without `max_size`.
    """
    h, w = size
    short, long = min(h, w), max(h, w)
    if wanted is not None and len(wanted) == 2:
        return list(wanted)
    if wanted is None:
        if not isinstance(max_size, int):
            raise ValueError(f"max_size must be an integer when size is None, but got {max_size} instead.")
        new_short, new_long = int(max_size * short / long), max_size
    else:
        new_short, new_long = wanted[0], int(wanted[0] * long / short)
        if max_size is not None:
            if max_size <= new_short:
                raise ValueError(f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge size = {wanted}")
            if new_long > max_size:
                new_short, new_long = int(max_size * new_short / new_long), max_size
    return [new_long, new_short] if w <= h else [new_short, new_long]


def inverse_affine_matrix(center, angle, translate, scale, shear, inverted=True):
    """Six numbers of the map translate * center * rotation * shear * scale * center^-1, or of its inverse.

    Args:
        center, translate: (x, y) in pixels.
        angle, shear: degrees; shear along x, then y.
    """
    rot, sx, sy = (math.radians(x) for x in (angle, *shear))
    (cx, cy), (tx, ty) = center, translate
    a, c = math.cos(rot - sy) / math.cos(sy), math.sin(rot - sy) / math.cos(sy)
    b, d = -a * math.tan(sx) - math.sin(rot), -c * math.tan(sx) + math.cos(rot)
    if inverted:  # the determinant of (a, b; c, d) is 1
        m = [x / scale for x in (d, -b, 0.0, -c, a, 0.0)]
        m[2] += m[0] * (-cx - tx) + m[1] * (-cy - ty) + cx
        m[5] += m[3] * (-cx - tx) + m[4] * (-cy - ty) + cy
    else:
        m = [x * scale for x in (a, b, 0.0, c, d, 0.0)]
        m[2] += m[0] * -cx + m[1] * -cy + cx + tx
        m[5] += m[3] * -cx + m[4] * -cy + cy + ty
    return m


def perspective_coefficients(startpoints, endpoints):
    """Eight numbers of the projection that takes `endpoints` to `startpoints`, four corners [x, y] each: two linear equations for each corner."""
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError(f"Please provide exactly four corners, got {len(startpoints)} startpoints and {len(endpoints)} endpoints.")
    rows = []
    for (x, y), (u, v) in zip(endpoints, startpoints):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    right = torch.tensor(startpoints, dtype=torch.float64).view(8)
    return torch.linalg.lstsq(torch.tensor(rows, dtype=torch.float64), right, driver="gels").solution.to(torch.float32).tolist()


def affine_arguments(angle, translate, scale, shear, center):
    """The arguments of an affine transform, checked: (angle, [x, y], shear [x, y]).

    Raises:
        TypeError, ValueError: what is no number, or no pair of them; a scale that is not positive.
    """
    if not isinstance(angle, int | float):
        raise TypeError("Argument angle should be int or float")
    if not isinstance(translate, list | tuple):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    if not isinstance(shear, int | float | list | tuple):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    shear = [shear, 0.0] if isinstance(shear, int | float) else list(shear) * (2 if len(shear) == 1 else 1)
    if len(shear) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    if center is not None and not isinstance(center, list | tuple):
        raise TypeError("Argument center should be a sequence")
    return float(angle), [1.0 * t for t in translate], shear


def from_middle(center, height, width):
    """`center` in pixels from the middle of the image; the middle for None."""
    return [0.0, 0.0] if center is None else [1.0 * (c - s * 0.5) for c, s in zip(center, (width, height))]


def blur_arguments(kernel_size, sigma):
    """[along W, along H] of the kernel's size and its deviation, which is by default what the size suggests.

    Raises:
        TypeError, ValueError: a size that is not odd, a deviation that is not positive, other types and lengths.
    """
    if not isinstance(kernel_size, int | list | tuple):
        raise TypeError(f"kernel_size should be int or a sequence of integers. Got {type(kernel_size)}")
    kernel_size = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if len(kernel_size) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(kernel_size)}")
    if any(size % 2 == 0 or size < 0 for size in kernel_size):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {kernel_size}")
    if sigma is None:
        return kernel_size, [size * 0.15 + 0.35 for size in kernel_size]
    if not isinstance(sigma, int | float | list | tuple):
        raise TypeError(f"sigma should be either float or sequence of floats. Got {type(sigma)}")
    sigma = [float(sigma)] * 2 if isinstance(sigma, int | float) else list(sigma) * (2 if len(sigma) == 1 else 1)
    if len(sigma) != 2:
        raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(sigma)}")
    if any(s <= 0.0 for s in sigma):
        raise ValueError(f"sigma should have positive values. Got {sigma}")
    return kernel_size, sigma


def center_crop_places(size, wanted):
    """Borders [left, top, right, bottom] that an image (H, W) needs before, then (top, left) of the crop."""
    (h, w), (ch, cw) = size, wanted
    right, down = max(cw - w, 0), max(ch - h, 0)
    around = [right // 2, down // 2, (right + 1) // 2, (down + 1) // 2]
    h, w = h + down, w + right
    return around, (int(round((h - ch) / 2.0)), int(round((w - cw) / 2.0)))
