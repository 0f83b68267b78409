"""Geometric transforms of images, masks, boxes and points."""
import inspect

import pyxtorch as torch
from pyxtorch.vision.transforms import _functional_pil as F_pil
from pyxtorch.vision.transforms import _functional_tensor as F_t
from pyxtorch.vision.transforms import functional as F
from pyxtorch.vision.transforms._geometry import affine_arguments, from_middle, inverse_affine_matrix, resized_output_size
from pyxtorch.vision.transforms._interpolation import PILLOW, InterpolationMode
from pyxtorch.vision.transforms.v2.functional import _boxes as B
from pyxtorch.vision.transforms.v2.functional._boxes import *  # noqa: F403
from pyxtorch.vision.transforms.v2.functional._registry import dispatch, mode_of, register

NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def _of_mask(name, kernel):
    """A kernel of masks from that of images, with (H, W) as one channel."""

    def call(mask, *args, **kwargs):
        if mask.ndim < 3:
            return kernel(mask.unsqueeze(0), *args, **kwargs).squeeze(0)
        return kernel(mask, *args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__signature__ = inspect.signature(kernel)
    call.__doc__ = f"`{kernel.__name__}` of masks, (..., H, W)."
    return call


# ---------------------------------------------------------------------------- flips


def horizontal_flip(inpt):
    """Left to right."""
    return dispatch(horizontal_flip, inpt)


def vertical_flip(inpt):
    """Upside down."""
    return dispatch(vertical_flip, inpt)


def horizontal_flip_image(image):
    """Left to right."""
    return image.flip(-1)


def vertical_flip_image(image):
    """Upside down."""
    return image.flip(-2)


hflip, vflip = horizontal_flip, vertical_flip
horizontal_flip_mask = horizontal_flip_video = horizontal_flip_image
vertical_flip_mask = vertical_flip_video = vertical_flip_image
register(horizontal_flip, horizontal_flip_image, F_pil.hflip, horizontal_flip_mask, B.horizontal_flip_bounding_boxes, B.horizontal_flip_keypoints)
register(vertical_flip, vertical_flip_image, F_pil.vflip, vertical_flip_mask, B.vertical_flip_bounding_boxes, B.vertical_flip_keypoints)


# ---------------------------------------------------------------------------- sizes


def resize(inpt, size, interpolation=BILINEAR, max_size=None, antialias=True):
    """To `size` pixels: [H, W], [shorter side], or None with `max_size` for the longer side.

    Args:
        interpolation: an `InterpolationMode`, its name or Pillow's number; masks are resized by "nearest".
        antialias: smooth what shrinks, of tensors; images of Pillow always are.
    """
    return dispatch(resize, inpt, size=size, interpolation=interpolation, max_size=max_size, antialias=antialias)


def _new_size(old, size, max_size):
    return resized_output_size(old, [size] if isinstance(size, int) else size, max_size)


def resize_image(image, size, interpolation=BILINEAR, max_size=None, antialias=True):
    """`resize` of a tensor, (..., C, H, W)."""
    mode = mode_of(interpolation)
    new = _new_size(image.shape[-2:], size, max_size)
    if list(image.shape[-2:]) == new:
        return image
    if image.numel() == 0:
        return image.reshape(*image.shape[:-2], *new)
    if image.dtype == torch.uint8 and mode in (BILINEAR, InterpolationMode.BICUBIC):
        return _resize_bytes(_resize_bytes(image, [image.shape[-2], new[1]], mode, antialias), new, mode, antialias)
    return F_t.resize(image, new, mode.value, bool(antialias))


def _resize_bytes(image, size, mode, antialias):
    """Along one side, with whole numbers after it, halves rounded up: as the kernel of torchvision for bytes, and Pillow, do it."""
    x = F_t.resize(image.float(), size, mode.value, bool(antialias))
    return (x + 0.5).floor_().clamp_(0, 255).to(torch.uint8)


def _resize_pil(image, size, interpolation=BILINEAR, max_size=None, antialias=True):
    new = _new_size((image.height, image.width), size, max_size)
    return image if [image.height, image.width] == new else F_pil.resize(image, new, PILLOW[mode_of(interpolation)])


def resize_mask(mask, size, interpolation=NEAREST, max_size=None):
    """`resize` of masks, by the nearest pixel."""
    mode = mode_of(interpolation)
    x = mask.unsqueeze(0) if mask.ndim < 3 else mask
    x = resize_image(x, size, mode if mode is InterpolationMode.NEAREST_EXACT else NEAREST, max_size)
    return x.squeeze(0) if mask.ndim < 3 else x


resize_video = resize_image
register(resize, resize_image, _resize_pil, resize_mask, B.resize_bounding_boxes, B.resize_keypoints)


def pad(inpt, padding, fill=None, padding_mode="constant"):
    """Wider by `padding` pixels: a number, [left and right, top and bottom], or [left, top, right, bottom].

    Args:
        fill: a number, or one for each channel, with "constant"; 0.
        padding_mode: "constant", "edge", "reflect" or "symmetric".
    """
    return dispatch(pad, inpt, padding=padding, fill=fill, padding_mode=padding_mode)


def pad_image(image, padding, fill=None, padding_mode="constant"):
    """`pad` of a tensor."""
    if isinstance(fill, list | tuple) and len(fill) > 1:
        if padding_mode != "constant":
            raise ValueError(f"Padding mode '{padding_mode}' is not supported if fill is not scalar")
        left, right, top, bottom = F_t.parse_padding(padding)
        x = F_t.pad(image, padding)
        inside = torch.zeros(x.shape[-2:], dtype=torch.bool, device=x.device)
        inside[max(top, 0) : x.shape[-2] - max(bottom, 0), max(left, 0) : x.shape[-1] - max(right, 0)] = True
        return torch.where(inside, x, torch.tensor(fill, device=x.device).to(x.dtype).view(-1, 1, 1))
    fill = fill[0] if isinstance(fill, list | tuple) else fill
    return F_t.pad(image, padding, 0 if fill is None else fill, padding_mode)


def pad_mask(mask, padding, fill=None, padding_mode="constant"):
    """`pad` of masks, by one number."""
    if isinstance(fill, tuple | list):
        raise ValueError("Non-scalar fill value is not supported")
    return _of_mask("pad_mask", pad_image)(mask, padding, fill, padding_mode)


pad_video = pad_image
register(pad, pad_image, lambda image, padding, fill=None, padding_mode="constant": F_pil.pad(image, padding, fill, padding_mode), pad_mask,
         B.pad_bounding_boxes, B.pad_keypoints)  # fmt: skip


def crop(inpt, top, left, height, width):
    """A rectangle; what lies outside of the image is 0."""
    return dispatch(crop, inpt, top=top, left=left, height=height, width=width)


def crop_image(image, top, left, height, width):
    """`crop` of a tensor."""
    return F_t.crop(image, top, left, height, width)


crop_mask, crop_video = _of_mask("crop_mask", crop_image), crop_image
register(crop, crop_image, F_pil.crop, crop_mask, B.crop_bounding_boxes, B.crop_keypoints)


def center_crop(inpt, output_size):
    """The middle, [H, W] pixels or a square; 0 where the image is smaller."""
    return dispatch(center_crop, inpt, output_size=output_size)


def center_crop_image(image, output_size):
    """`center_crop` of a tensor."""
    return F.center_crop(image, output_size)


center_crop_mask, center_crop_video = _of_mask("center_crop_mask", center_crop_image), center_crop_image
register(center_crop, center_crop_image, F.center_crop, center_crop_mask, B.center_crop_bounding_boxes, B.center_crop_keypoints)


def resized_crop(inpt, top, left, height, width, size, interpolation=BILINEAR, antialias=True):
    """A rectangle, resized."""
    return dispatch(resized_crop, inpt, top=top, left=left, height=height, width=width, size=size, interpolation=interpolation, antialias=antialias)


def resized_crop_image(image, top, left, height, width, size, interpolation=BILINEAR, antialias=True):
    """`resized_crop` of a tensor."""
    return resize_image(crop_image(image, top, left, height, width), size, interpolation, antialias=antialias)


def _resized_crop_pil(image, top, left, height, width, size, interpolation=BILINEAR, antialias=True):
    return _resize_pil(F_pil.crop(image, top, left, height, width), size, interpolation)


def resized_crop_mask(mask, top, left, height, width, size):
    """`resized_crop` of masks."""
    return resize_mask(crop_mask(mask, top, left, height, width), size)


resized_crop_video = resized_crop_image
register(resized_crop, resized_crop_image, _resized_crop_pil, resized_crop_mask, B.resized_crop_bounding_boxes, B.resized_crop_keypoints)


def five_crop(inpt, size):
    """The four corners and the middle: a tuple of five."""
    return dispatch(five_crop, inpt, size=size)


def five_crop_image(image, size):
    """`five_crop` of a tensor."""
    return F.five_crop(image, size)


def ten_crop(inpt, size, vertical_flip=False):
    """`five_crop` of the image and of it flipped: a tuple of ten."""
    return dispatch(ten_crop, inpt, size=size, vertical_flip=vertical_flip)


def ten_crop_image(image, size, vertical_flip=False):
    """`ten_crop` of a tensor."""
    return F.ten_crop(image, size, vertical_flip)


five_crop_video, ten_crop_video = five_crop_image, ten_crop_image
register(five_crop, five_crop_image, F.five_crop)
register(ten_crop, ten_crop_image, F.ten_crop)


# ---------------------------------------------------------------------------- turned and bent


def affine(inpt, angle, translate, scale, shear, interpolation=NEAREST, fill=None, center=None):
    """Turned clockwise by `angle`, moved by `translate` [x, y] pixels, scaled, sheared along x (and y), all about `center`; angles in degrees."""
    return dispatch(affine, inpt, angle=angle, translate=translate, scale=scale, shear=shear, interpolation=interpolation, fill=fill, center=center)


def affine_image(image, angle, translate, scale, shear, interpolation=NEAREST, fill=None, center=None):
    """`affine` of a tensor."""
    angle, translate, shear = affine_arguments(angle, translate, scale, shear, center)
    matrix = inverse_affine_matrix(from_middle(center, *image.shape[-2:]), angle, translate, scale, shear)
    return F_t.affine(image, matrix, mode_of(interpolation).value, fill)


def _affine_pil(image, angle, translate, scale, shear, interpolation=NEAREST, fill=None, center=None):
    return F.affine(image, angle, translate, scale, shear, mode_of(interpolation), fill, center)


def affine_mask(mask, angle, translate, scale, shear, fill=None, center=None):
    """`affine` of masks, by the nearest pixel."""
    return _of_mask("affine_mask", affine_image)(mask, angle, translate, scale, shear, NEAREST, fill, center)


affine_video = affine_image
register(affine, affine_image, _affine_pil, affine_mask, B.affine_bounding_boxes, B.affine_keypoints)


def rotate(inpt, angle, interpolation=NEAREST, expand=False, center=None, fill=None):
    """Turned counter-clockwise by `angle` degrees, about `center`, into a box that holds all of it if `expand`."""
    return dispatch(rotate, inpt, angle=angle, interpolation=interpolation, expand=expand, center=center, fill=fill)


def rotate_image(image, angle, interpolation=NEAREST, expand=False, center=None, fill=None):
    """`rotate` of a tensor."""
    return F.rotate(image, angle, mode_of(interpolation), expand, center, fill)


def rotate_mask(mask, angle, expand=False, center=None, fill=None):
    """`rotate` of masks, by the nearest pixel."""
    return _of_mask("rotate_mask", rotate_image)(mask, angle, NEAREST, expand, center, fill)


rotate_video = rotate_image
register(rotate, rotate_image, rotate_image, rotate_mask, B.rotate_bounding_boxes, B.rotate_keypoints)


def perspective(inpt, startpoints, endpoints, interpolation=BILINEAR, fill=None, coefficients=None):
    """Seen so that the four corners `startpoints`, [x, y] each, come to `endpoints`; or by eight coefficients."""
    return dispatch(perspective, inpt, startpoints=startpoints, endpoints=endpoints, interpolation=interpolation, fill=fill, coefficients=coefficients)


def perspective_image(image, startpoints, endpoints, interpolation=BILINEAR, fill=None, coefficients=None):
    """`perspective` of a tensor."""
    return F_t.perspective(image, B.coefficients_of(startpoints, endpoints, coefficients), mode_of(interpolation).value, fill)


def _perspective_pil(image, startpoints, endpoints, interpolation=BILINEAR, fill=None, coefficients=None):
    return F_pil.perspective(image, B.coefficients_of(startpoints, endpoints, coefficients), PILLOW[mode_of(interpolation)], fill)


def perspective_mask(mask, startpoints, endpoints, fill=None, coefficients=None):
    """`perspective` of masks, by the nearest pixel."""
    return _of_mask("perspective_mask", perspective_image)(mask, startpoints, endpoints, NEAREST, fill, coefficients)


perspective_video = perspective_image
register(perspective, perspective_image, _perspective_pil, perspective_mask, B.perspective_bounding_boxes, B.perspective_keypoints)


def elastic(inpt, displacement, interpolation=BILINEAR, fill=None):
    """Each pixel is taken from its own place and `displacement`, (1, H, W, 2) in halves of the image's size."""
    return dispatch(elastic, inpt, displacement=displacement, interpolation=interpolation, fill=fill)


def elastic_image(image, displacement, interpolation=BILINEAR, fill=None):
    """`elastic` of a tensor."""
    return F.elastic_transform(image, displacement, mode_of(interpolation), fill)


def elastic_mask(mask, displacement, fill=None):
    """`elastic` of masks, by the nearest pixel."""
    return _of_mask("elastic_mask", elastic_image)(mask, displacement, NEAREST, fill)


elastic_transform, elastic_video = elastic, elastic_image
register(elastic, elastic_image, elastic_image, elastic_mask, B.elastic_bounding_boxes, B.elastic_keypoints)
