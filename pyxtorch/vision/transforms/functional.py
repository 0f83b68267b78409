"""torchvision.transforms.functional: transforms of one image, a tensor (..., C, H, W) or an image of Pillow, as functions."""
import numbers
import warnings

import numpy as np

import pyxtorch as torch
from pyxtorch.vision._pillow import from_array, is_pil
from pyxtorch.vision.transforms import _functional_pil as F_pil
from pyxtorch.vision.transforms import _functional_tensor as F_t
from pyxtorch.vision.transforms._geometry import (
    affine_arguments,
    blur_arguments,
    center_crop_places,
    from_middle,
    inverse_affine_matrix,
    perspective_coefficients,
    resized_output_size,
)
from pyxtorch.vision.transforms._interpolation import PILLOW, InterpolationMode, interpolation_mode

pil_modes_mapping = PILLOW
NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def _of(img):
    """The module of functions for this kind of image."""
    return F_t if isinstance(img, torch.Tensor) else F_pil


def get_dimensions(img):
    """[C, H, W] of an image."""
    return _of(img).get_dimensions(img)


def get_image_size(img):
    """[W, H] of an image."""
    return _of(img).get_image_size(img)


def get_image_num_channels(img):
    """How many channels an image has."""
    return _of(img).get_image_num_channels(img)


# ---------------------------------------------------------------------------- from one kind to another

_DTYPES = {"I": np.int32, "I;16": np.int16, "F": np.float32}


def to_tensor(pic):
    """A tensor (C, H, W) from an image of Pillow or an array (H, W) or (H, W, C).

    Bytes become floating point of the default dtype, from 0 to 1; other values stay as they are.

    Raises:
        TypeError: neither of these. ValueError: an array of other dimensions.
    """
    if not is_pil(pic) and not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        img = torch.from_numpy((pic[:, :, None] if pic.ndim == 2 else pic).transpose((2, 0, 1))).contiguous()
    else:
        img = torch.from_numpy(np.array(pic, _DTYPES.get(pic.mode, np.uint8), copy=True))
        if pic.mode == "1":
            img = 255 * img
        img = img.view(pic.size[1], pic.size[0], F_pil.get_image_num_channels(pic)).permute((2, 0, 1)).contiguous()
    return img.to(dtype=torch.get_default_dtype()).div(255) if img.dtype == torch.uint8 else img


def pil_to_tensor(pic):
    """A tensor (C, H, W) of an image of Pillow, with its values."""
    if not is_pil(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    img = torch.as_tensor(np.array(pic, copy=True))
    return img.view(pic.size[1], pic.size[0], F_pil.get_image_num_channels(pic)).permute((2, 0, 1))


def convert_image_dtype(image, dtype=None):
    """A tensor in another dtype (float32), its values scaled to that one's range.

    Raises:
        TypeError: no tensor. RuntimeError: float32 to int32 or int64, float64 to int64, which would not be exact.
    """
    if not isinstance(image, torch.Tensor):
        raise TypeError("Input img should be Tensor Image")
    return F_t.convert_image_dtype(image, dtype)


# Number of channels to the modes that Pillow has for it, the first of which is meant where none is given.
_MODES = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}
_GREY = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}


def to_pil_image(pic, mode=None):
    """An image of Pillow from a tensor (H, W) or (C, H, W), or an array (H, W) or (H, W, C).

    Floating point from 0 to 1 becomes bytes, unless `mode` is "F".

    Raises:
        TypeError: neither of these, or a dtype that Pillow has not. ValueError: other dimensions or channels, a mode that does not fit.
    """
    if isinstance(pic, torch.Tensor):
        pic = (pic.permute((1, 2, 0)) if pic.ndim == 3 else pic).numpy(force=True)
    elif not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if pic.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    channels = 1 if pic.ndim == 2 else pic.shape[2]
    if channels > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {channels} channels.")
    if np.issubdtype(pic.dtype, np.floating) and mode != "F":
        pic = (pic * 255).astype(np.uint8)
    if channels == 1:
        pic = pic.reshape(pic.shape[:2])
        expected = _GREY.get(pic.dtype.name)
        if mode is not None and mode != expected:
            raise ValueError(f"Incorrect mode ({mode}) supplied for input type {pic.dtype}. Should be {expected}")
        mode = expected
    else:
        modes = _MODES[channels]
        if mode is not None and mode not in modes:
            raise ValueError(f"Only modes {list(modes)} are supported for {channels}D inputs")
        mode = modes[0] if mode is None and pic.dtype == np.uint8 else mode
    if mode is None:
        raise TypeError(f"Input type {pic.dtype} is not supported")
    return from_array(np.ascontiguousarray(pic), mode)


def normalize(tensor, mean, std, inplace=False):
    """(tensor - mean) / std by channel, of a floating-point tensor.

    Raises:
        TypeError: no floating-point tensor. ValueError: fewer than three dimensions, or a deviation that is 0.
    """
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    return F_t.normalize(tensor, mean, std, inplace)


# ---------------------------------------------------------------------------- places


def resize(img, size, interpolation=BILINEAR, max_size=None, antialias=True):
    """To `size` pixels: [H, W], or a number for the shorter side.

    Args:
        interpolation: an `InterpolationMode`.
        max_size: the longer side gets no longer.
        antialias: smooth what shrinks, of tensors with bilinear or bicubic interpolation; images of Pillow always are.
    Raises:
        TypeError: another kind of interpolation. ValueError: more than two numbers, or `max_size` with two.
    """
    interpolation = interpolation_mode(interpolation)
    if isinstance(size, list | tuple):
        if len(size) not in (1, 2):
            raise ValueError(f"Size must be an int or a 1 or 2 element tuple/list, not a {len(size)} element tuple/list")
        if max_size is not None and len(size) != 1:
            raise ValueError("max_size should only be passed if size is a single number, the length of the shorter edge")
    _, height, width = get_dimensions(img)
    wanted = resized_output_size((height, width), [size] if isinstance(size, int) else size, max_size)
    if [height, width] == wanted:
        return img
    if isinstance(img, torch.Tensor):
        return F_t.resize(img, wanted, interpolation.value, antialias)
    if antialias is False:
        warnings.warn("Anti-alias option is always applied for PIL Image input. Argument antialias is ignored.", UserWarning, stacklevel=2)
    return F_pil.resize(img, wanted, PILLOW[interpolation])


def pad(img, padding, fill=0, padding_mode="constant"):
    """Wider by `padding` pixels: a number, [left and right, top and bottom], or [left, top, right, bottom].

    Args:
        fill: a number, or for images of Pillow one for each channel, with "constant".
        padding_mode: "constant", "edge", "reflect" or "symmetric".
    """
    return _of(img).pad(img, padding, fill, padding_mode)


def crop(img, top, left, height, width):
    """A rectangle; what lies outside of the image is 0."""
    return _of(img).crop(img, top, left, height, width)


def _pair(size, message="Please provide only two dimensions (h, w) for size."):
    if isinstance(size, numbers.Number):
        return (int(size), int(size))
    if isinstance(size, tuple | list) and len(size) == 1:
        return (size[0], size[0])
    if len(size) != 2:
        raise ValueError(message)
    return size


def center_crop(img, output_size):
    """The middle of the image, [H, W] pixels or a square; 0 where the image is smaller."""
    height, width = output_size = _pair(output_size)
    _, h, w = get_dimensions(img)
    around, (top, left) = center_crop_places((h, w), output_size)
    if any(around):
        img = pad(img, around, fill=0)
        if get_dimensions(img)[1:] == [height, width]:
            return img
    return crop(img, top, left, height, width)


def resized_crop(img, top, left, height, width, size, interpolation=BILINEAR, antialias=True):
    """A rectangle, resized."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img):
    """Left to right."""
    return _of(img).hflip(img)


def vflip(img):
    """Upside down."""
    return _of(img).vflip(img)


def five_crop(img, size):
    """The four corners, [H, W] pixels, and the middle: a tuple of five.

    Raises:
        ValueError: the image is smaller.
    """
    height, width = size = _pair(size)
    _, h, w = get_dimensions(img)
    if width > w or height > h:
        raise ValueError(f"Requested crop size {tuple(size)} is bigger than input size {(h, w)}")
    corners = [crop(img, top, left, height, width) for top in (0, h - height) for left in (0, w - width)]
    return (*corners, center_crop(img, [height, width]))


def ten_crop(img, size, vertical_flip=False):
    """`five_crop` of the image and of it flipped, left to right or upside down."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def perspective(img, startpoints, endpoints, interpolation=BILINEAR, fill=None):
    """Seen so that the four corners `startpoints`, [x, y] each, come to `endpoints`."""
    coefficients = perspective_coefficients(startpoints, endpoints)
    interpolation = interpolation_mode(interpolation)
    how = interpolation.value if isinstance(img, torch.Tensor) else PILLOW[interpolation]
    return _of(img).perspective(img, coefficients, how, fill)


def rotate(img, angle, interpolation=NEAREST, expand=False, center=None, fill=None):
    """Turned counter-clockwise by `angle` degrees.

    Args:
        expand: into a box that holds all of the image.
        center: [x, y] in pixels, what stays where it is; the middle.
        fill: what comes in from outside; 0.
    """
    interpolation = interpolation_mode(interpolation)
    if not isinstance(angle, int | float):
        raise TypeError("Argument angle should be int or float")
    if center is not None and not isinstance(center, list | tuple):
        raise TypeError("Argument center should be a sequence")
    if not isinstance(img, torch.Tensor):
        return F_pil.rotate(img, angle, PILLOW[interpolation], expand, center, fill)
    matrix = inverse_affine_matrix(from_middle(center, *get_dimensions(img)[1:]), -angle, [0.0, 0.0], 1.0, [0.0, 0.0])
    return F_t.rotate(img, matrix, interpolation.value, expand, fill)


def affine(img, angle, translate, scale, shear, interpolation=NEAREST, fill=None, center=None):
    """Turned clockwise by `angle`, moved by `translate` [x, y] pixels, scaled, sheared along x (and y), all about `center`; angles in degrees."""
    interpolation = interpolation_mode(interpolation)
    angle, moved, shear = affine_arguments(angle, translate, scale, shear, center)
    _, height, width = get_dimensions(img)
    if isinstance(img, torch.Tensor):
        matrix = inverse_affine_matrix(from_middle(center, height, width), angle, moved, scale, shear)
        return F_t.affine(img, matrix, interpolation.value, fill)
    matrix = inverse_affine_matrix([width * 0.5, height * 0.5] if center is None else center, angle, translate, scale, shear)
    return F_pil.affine(img, matrix, PILLOW[interpolation], fill)


def elastic_transform(img, displacement, interpolation=BILINEAR, fill=None):
    """Each pixel is taken from its own place and `displacement`, (1, H, W, 2) in halves of the image's size."""
    interpolation = interpolation_mode(interpolation)
    if not isinstance(displacement, torch.Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    _, height, width = get_dimensions(img)
    if displacement.shape != (1, height, width, 2):
        raise ValueError(f"Argument displacement shape should be {(1, height, width, 2)}, but given {tuple(displacement.shape)}")
    return _through_tensor(img, lambda x: F_t.elastic_transform(x, displacement, interpolation.value, fill))


def _through_tensor(img, function):
    """`function` of a tensor, or of an image of Pillow by way of one."""
    if isinstance(img, torch.Tensor):
        return function(img)
    return to_pil_image(function(pil_to_tensor(img)), mode=img.mode)


def erase(img, i, j, h, w, v, inplace=False):
    """A tensor with the rectangle of `h` by `w` pixels from row `i` and column `j` on replaced by `v`."""
    if not isinstance(img, torch.Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    return F_t.erase(img, i, j, h, w, v, inplace)


def gaussian_blur(img, kernel_size, sigma=None):
    """Means weighted by a bell curve of deviation `sigma` over `kernel_size` pixels, a number or [along W, along H] each."""
    kernel_size, sigma = blur_arguments(kernel_size, sigma)
    if not isinstance(img, torch.Tensor) and not is_pil(img):
        raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
    return _through_tensor(img, lambda x: F_t.gaussian_blur(x, kernel_size, sigma))


# ---------------------------------------------------------------------------- colours


def adjust_brightness(img, brightness_factor):
    """Black for 0, the image for 1."""
    return _of(img).adjust_brightness(img, brightness_factor)


def adjust_contrast(img, contrast_factor):
    """The mean grey for 0, the image for 1."""
    return _of(img).adjust_contrast(img, contrast_factor)


def adjust_saturation(img, saturation_factor):
    """Grey for 0, the image for 1."""
    return _of(img).adjust_saturation(img, saturation_factor)


def adjust_hue(img, hue_factor):
    """Colours turned by that part of the circle of hues, -0.5 to 0.5."""
    return _of(img).adjust_hue(img, hue_factor)


def adjust_gamma(img, gamma, gain=1):
    """gain * value ** gamma, of values from 0 to 1."""
    return _of(img).adjust_gamma(img, gamma, gain)


def adjust_sharpness(img, sharpness_factor):
    """Blurred for 0, the image for 1."""
    return _of(img).adjust_sharpness(img, sharpness_factor)


def to_grayscale(img, num_output_channels=1):
    """An image of Pillow in grey, with one band or three equal ones."""
    if not is_pil(img):
        raise TypeError("Input should be PIL Image")
    return F_pil.to_grayscale(img, num_output_channels)


def rgb_to_grayscale(img, num_output_channels=1):
    """Grey, with one channel or three equal ones; a tensor of one channel keeps that."""
    if not isinstance(img, torch.Tensor):
        return F_pil.to_grayscale(img, num_output_channels)
    grey = F_t.rgb_to_grayscale(img, num_output_channels)
    return grey[..., :1, :, :] if img.shape[-3] == 1 else grey


def invert(img):
    """White less the image."""
    return _of(img).invert(img)


def posterize(img, bits):
    """The highest `bits` (0 to 8) of each value."""
    if not 0 <= bits <= 8:
        raise ValueError(f"The number if bits should be between 0 and 8. Got {bits}")
    return _of(img).posterize(img, bits)


def solarize(img, threshold):
    """Inverted from `threshold` on."""
    return _of(img).solarize(img, threshold)


def autocontrast(img):
    """Each channel stretched from black to white."""
    return _of(img).autocontrast(img)


def equalize(img):
    """Each channel's values spread so that all are about equally frequent."""
    return _of(img).equalize(img)
