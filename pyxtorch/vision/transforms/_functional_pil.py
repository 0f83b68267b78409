"""The same operations on images of Pillow, by Pillow."""
import numbers

import numpy as np

from pyxtorch.vision._pillow import from_array, is_pil, pillow
from pyxtorch.vision.transforms._functional_tensor import PADDINGS, parse_padding

_is_pil_image = is_pil


def check(img):
    """A TypeError unless `img` is an image of Pillow."""
    if not is_pil(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")
    return img


def get_dimensions(img):
    """[C, H, W]."""
    return [len(check(img).getbands()), img.height, img.width]


def get_image_size(img):
    """[W, H]."""
    return list(check(img).size)


def get_image_num_channels(img):
    """How many bands the image has."""
    return get_dimensions(img)[0]


def hflip(img):
    """Left to right."""
    return check(img).transpose(pillow().Transpose.FLIP_LEFT_RIGHT)


def vflip(img):
    """Upside down."""
    return check(img).transpose(pillow().Transpose.FLIP_TOP_BOTTOM)


def _enhance(what):
    def adjust(img, factor):
        return getattr(pillow("ImageEnhance"), what)(check(img)).enhance(factor)

    adjust.__doc__ = f"PIL.ImageEnhance.{what} by a factor."
    return adjust


adjust_brightness, adjust_contrast, adjust_saturation, adjust_sharpness = map(_enhance, ("Brightness", "Contrast", "Color", "Sharpness"))


def adjust_hue(img, hue_factor):
    """Colours turned by that part of the circle of hues, -0.5 to 0.5."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if check(img).mode in {"L", "1", "I", "F"}:
        return img
    h, s, v = img.convert("HSV").split()
    turned = np.array(h, dtype=np.uint8) + np.int32(hue_factor * 255).astype(np.uint8)  # wraps around, as hues do
    return pillow().merge("HSV", (from_array(turned, "L"), s, v)).convert(img.mode)


def adjust_gamma(img, gamma, gain=1.0):
    """gain * value ** gamma, of values from 0 to 1."""
    check(img)
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    table = [int((255 + 1 - 1e-3) * gain * pow(value / 255.0, gamma)) for value in range(256)]
    return img.convert("RGB").point(table * 3).convert(img.mode)


def fill_of(fill, img):
    """The colour that Pillow takes for `fill`: a number or a tuple with one for each band."""
    bands = get_image_num_channels(img)
    fill = 0 if fill is None else fill
    if isinstance(fill, int | float) and bands > 1:
        fill = (fill,) * bands
    if isinstance(fill, list | tuple):
        fill = tuple(fill) * bands if len(fill) == 1 else tuple(fill)
        if len(fill) != bands:
            raise ValueError(f"The number of elements in 'fill' does not match the number of channels of the image ({len(fill)} != {bands})")
    if img.mode == "F":
        return fill
    return tuple(map(int, fill)) if isinstance(fill, tuple) else int(fill)


def pad(img, padding, fill=0, padding_mode="constant"):
    """Wider by borders; see `_functional_tensor.pad`."""
    check(img)
    if not isinstance(padding, numbers.Number | tuple | list):
        raise TypeError("Got inappropriate padding arg")
    if not isinstance(fill, numbers.Number | tuple | list | None):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    left, right, top, bottom = parse_padding(padding)
    if padding_mode not in PADDINGS:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    palette = img.getpalette() if img.mode == "P" else None
    if padding_mode == "constant":
        padded = pillow("ImageOps").expand(img, border=(left, top, right, bottom), fill=fill_of(fill, img))
    else:
        cut = [max(-x, 0) for x in (left, top, right, bottom)]
        if any(cut):
            img = img.crop((cut[0], cut[1], img.width - cut[2], img.height - cut[3]))
        around = [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))]
        array = np.asarray(img)
        padded = pillow().fromarray(np.pad(array, around + [(0, 0)] * (array.ndim - 2), mode=padding_mode))
    if palette is not None:
        padded.putpalette(palette)
    return padded


def crop(img, top, left, height, width):
    """A rectangle; what lies outside of the image is 0."""
    return check(img).crop((left, top, left + width, top + height))


def resize(img, size, interpolation=2):
    """To [H, W] pixels, by Pillow's number of a filter."""
    if not (isinstance(size, list) and len(size) == 2):
        raise TypeError(f"Got inappropriate size arg: {size}")
    return check(img).resize(tuple(size[::-1]), interpolation)


def affine(img, matrix, interpolation=0, fill=None):
    """Moved by the inverse of `matrix`, six numbers."""
    return check(img).transform(img.size, pillow().Transform.AFFINE, matrix, interpolation, fillcolor=fill_of(fill, img))


def rotate(img, angle, interpolation=0, expand=False, center=None, fill=None):
    """Turned counter-clockwise by degrees."""
    return check(img).rotate(angle, interpolation, expand, center, fillcolor=fill_of(fill, img))


def perspective(img, perspective_coeffs, interpolation=3, fill=None):
    """Seen from elsewhere, by eight coefficients."""
    return check(img).transform(img.size, pillow().Transform.PERSPECTIVE, perspective_coeffs, interpolation, fillcolor=fill_of(fill, img))


def to_grayscale(img, num_output_channels=1):
    """Grey, in one band or three equal ones."""
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    grey = check(img).convert("L")
    return grey if num_output_channels == 1 else pillow().merge("RGB", (grey,) * 3)


def _image_operation(name):
    def operation(img):
        return getattr(pillow("ImageOps"), name)(check(img))

    operation.__doc__ = f"PIL.ImageOps.{name}."
    return operation


invert, autocontrast, equalize = map(_image_operation, ("invert", "autocontrast", "equalize"))


def posterize(img, bits):
    """The highest `bits` of each value."""
    return pillow("ImageOps").posterize(check(img), bits)


def solarize(img, threshold):
    """Inverted from `threshold` on."""
    return pillow("ImageOps").solarize(check(img), threshold)
