"""Colours, values and dtypes of images; what else they are become."""
import pyxtorch as torch
from pyxtorch.vision import tv_tensors
from pyxtorch.vision.transforms import _functional_pil as F_pil
from pyxtorch.vision.transforms import _functional_tensor as F_t
from pyxtorch.vision.transforms import functional as F
from pyxtorch.vision.transforms._geometry import blur_arguments
from pyxtorch.vision.transforms.v2.functional._registry import dispatch, register

pil_to_tensor, to_pil_image = F.pil_to_tensor, F.to_pil_image


def _through_tensor(kernel):
    """A kernel of images of Pillow by way of tensors."""
    return lambda image, *args, **kwargs: to_pil_image(kernel(pil_to_tensor(image), *args, **kwargs), mode=image.mode)


# ---------------------------------------------------------------------------- colours


def adjust_brightness(inpt, brightness_factor):
    """Black for 0, the image for 1."""
    return dispatch(adjust_brightness, inpt, brightness_factor=brightness_factor)


def adjust_brightness_image(image, brightness_factor):
    """`adjust_brightness` of a tensor."""
    return F_t.adjust_brightness(image, brightness_factor)


def adjust_contrast(inpt, contrast_factor):
    """The mean grey for 0, the image for 1."""
    return dispatch(adjust_contrast, inpt, contrast_factor=contrast_factor)


def adjust_contrast_image(image, contrast_factor):
    """`adjust_contrast` of a tensor."""
    return F_t.adjust_contrast(image, contrast_factor)


def adjust_saturation(inpt, saturation_factor):
    """Grey for 0, the image for 1."""
    return dispatch(adjust_saturation, inpt, saturation_factor=saturation_factor)


def adjust_saturation_image(image, saturation_factor):
    """`adjust_saturation` of a tensor."""
    return F_t.adjust_saturation(image, saturation_factor)


def adjust_sharpness(inpt, sharpness_factor):
    """Blurred for 0, the image for 1."""
    return dispatch(adjust_sharpness, inpt, sharpness_factor=sharpness_factor)


def adjust_sharpness_image(image, sharpness_factor):
    """`adjust_sharpness` of a tensor."""
    return F_t.adjust_sharpness(image, sharpness_factor)


for _name in ("brightness", "contrast", "saturation", "sharpness"):  # Pillow's enhancers call every factor so
    _pil = (lambda adjust, key: lambda image, **kwargs: adjust(image, kwargs[key]))(getattr(F_pil, f"adjust_{_name}"), f"{_name}_factor")
    register(globals()[f"adjust_{_name}"], globals()[f"adjust_{_name}_image"], _pil)


def adjust_hue(inpt, hue_factor):
    """Colours turned by that part of the circle of hues, -0.5 to 0.5."""
    return dispatch(adjust_hue, inpt, hue_factor=hue_factor)


def adjust_hue_image(image, hue_factor):
    """`adjust_hue` of a tensor."""
    return F_t.adjust_hue(image, hue_factor)


register(adjust_hue, adjust_hue_image, F_pil.adjust_hue)


def adjust_gamma(inpt, gamma, gain=1):
    """gain * value ** gamma, of values from 0 to 1."""
    return dispatch(adjust_gamma, inpt, gamma=gamma, gain=gain)


def adjust_gamma_image(image, gamma, gain=1.0):
    """`adjust_gamma` of a tensor."""
    return F_t.adjust_gamma(image, gamma, gain)


register(adjust_gamma, adjust_gamma_image, F_pil.adjust_gamma)


def rgb_to_grayscale(inpt, num_output_channels=1):
    """Grey, with one channel or three equal ones."""
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels must be 1 or 3, got {num_output_channels}.")
    return dispatch(rgb_to_grayscale, inpt, num_output_channels=num_output_channels)


def rgb_to_grayscale_image(image, num_output_channels=1):
    """`rgb_to_grayscale` of a tensor."""
    return F_t.rgb_to_grayscale(image, num_output_channels)


register(rgb_to_grayscale, rgb_to_grayscale_image, F_pil.to_grayscale, kinds=[tv_tensors.Image])  # videos stay, as with torchvision
to_grayscale = F.to_grayscale


def grayscale_to_rgb(inpt):
    """Three equal channels, of an image with one."""
    return dispatch(grayscale_to_rgb, inpt)


def grayscale_to_rgb_image(image):
    """`grayscale_to_rgb` of a tensor."""
    return rgb_to_grayscale_image(image, 3) if image.shape[-3] == 1 else image


register(grayscale_to_rgb, grayscale_to_rgb_image, lambda image: image.convert("RGB"), kinds=[tv_tensors.Image])


def invert(inpt):
    """White less the image."""
    return dispatch(invert, inpt)


def invert_image(image):
    """`invert` of a tensor."""
    return F_t.max_value(image.dtype) - image


register(invert, invert_image, F_pil.invert)


def posterize(inpt, bits):
    """The highest `bits` of each value."""
    return dispatch(posterize, inpt, bits=bits)


def posterize_image(image, bits):
    """`posterize` of a tensor; of floating point, into 2 ** bits levels."""
    if image.is_floating_point():
        levels = 1 << bits
        return image.mul(levels).floor_().clamp_(0, levels - 1).mul_(1.0 / levels)
    most = torch.iinfo(image.dtype).bits - (image.dtype not in (torch.uint8, torch.uint16))
    return image if bits >= most else image & (((1 << bits) - 1) << (most - bits))


register(posterize, posterize_image, F_pil.posterize)


def solarize(inpt, threshold):
    """Inverted from `threshold` on."""
    return dispatch(solarize, inpt, threshold=threshold)


def solarize_image(image, threshold):
    """`solarize` of a tensor."""
    if threshold > F_t.max_value(image.dtype):
        raise TypeError(f"Threshold should be less or equal the maximum value of the dtype, but got {threshold}")
    return torch.where(image >= threshold, invert_image(image), image)


register(solarize, solarize_image, F_pil.solarize)


def autocontrast(inpt):
    """Each channel stretched from black to white."""
    return dispatch(autocontrast, inpt)


def autocontrast_image(image):
    """`autocontrast` of a tensor."""
    return F_t.autocontrast(image)


register(autocontrast, autocontrast_image, F_pil.autocontrast)


def equalize(inpt):
    """Each channel's values spread so that all are about equally frequent."""
    return dispatch(equalize, inpt)


def equalize_image(image):
    """`equalize` of a tensor, in 256 levels."""
    if image.numel() == 0:
        return image
    planes = to_dtype_image(image, torch.uint8, scale=True).reshape(-1, 1, *image.shape[-2:])
    return to_dtype_image(F_t.equalize(planes).reshape(image.shape), image.dtype, scale=True)


register(equalize, equalize_image, F_pil.equalize)


def permute_channels(inpt, permutation):
    """The channels in another order."""
    return dispatch(permute_channels, inpt, permutation=permutation)


def permute_channels_image(image, permutation):
    """`permute_channels` of a tensor."""
    permutation = permutation.tolist() if isinstance(permutation, torch.Tensor) else list(permutation)
    if len(permutation) != image.shape[-3]:
        raise ValueError(f"Length of permutation does not match number of channels: {len(permutation)} != {image.shape[-3]}")
    return image[..., permutation, :, :]


register(permute_channels, permute_channels_image, _through_tensor(permute_channels_image))


# ---------------------------------------------------------------------------- values


def normalize(inpt, mean, std, inplace=False):
    """(x - mean) / std by channel."""
    return dispatch(normalize, inpt, mean=mean, std=std, inplace=inplace)


def normalize_image(image, mean, std, inplace=False):
    """`normalize` of a tensor."""
    return F_t.normalize(image, mean, std, inplace)


register(normalize, normalize_image)


def gaussian_blur(inpt, kernel_size, sigma=None):
    """Means weighted by a bell curve of deviation `sigma` over `kernel_size` pixels, a number or [along W, along H] each."""
    return dispatch(gaussian_blur, inpt, kernel_size=kernel_size, sigma=sigma)


def gaussian_blur_image(image, kernel_size, sigma=None):
    """`gaussian_blur` of a tensor."""
    kernel_size, sigma = blur_arguments(kernel_size, sigma)
    return F_t.gaussian_blur(image, kernel_size, sigma) if image.numel() else image


register(gaussian_blur, gaussian_blur_image, _through_tensor(gaussian_blur_image))


def gaussian_noise(inpt, mean=0.0, sigma=0.1, clip=True):
    """Normal numbers added, of values from 0 to 1 (or 0 to 255), which are kept in that range if `clip`."""
    return dispatch(gaussian_noise, inpt, mean=mean, sigma=sigma, clip=clip)


def gaussian_noise_image(image, mean=0.0, sigma=0.1, clip=True):
    """`gaussian_noise` of a tensor, floating point or uint8."""
    if sigma < 0:
        raise ValueError(f"sigma shouldn't be negative. Got {sigma}")
    if image.is_floating_point():
        noisy = image + (mean + torch.randn_like(image) * sigma)
        return noisy.clamp(0, 1) if clip else noisy
    if image.dtype != torch.uint8:
        raise ValueError(f"Input tensor is expected to be in uint8 or float dtype, got dtype={image.dtype}")
    noisy = image + (mean * 255 + torch.randn_like(image, dtype=torch.float32) * (sigma * 255)).to(torch.int16)
    return (noisy.clamp(0, 255) if clip else noisy).to(torch.uint8)


def _no_noise(image, mean=0.0, sigma=0.1, clip=True):
    raise ValueError("Gaussian Noise is not implemented for PIL images.")


register(gaussian_noise, gaussian_noise_image, _no_noise)


def erase(inpt, i, j, h, w, v, inplace=False):
    """The rectangle of `h` by `w` pixels from row `i` and column `j` on replaced by `v`."""
    return dispatch(erase, inpt, i=i, j=j, h=h, w=w, v=v, inplace=inplace)


def erase_image(image, i, j, h, w, v, inplace=False):
    """`erase` of a tensor."""
    return F_t.erase(image, i, j, h, w, v, inplace)


register(erase, erase_image, _through_tensor(erase_image))


def jpeg(image, quality):
    """What JPEG of that quality, 1 to 100, makes of the image."""
    return dispatch(jpeg, image, quality=quality)


def jpeg_image(image, quality):
    """`jpeg` of a tensor, uint8."""
    from pyxtorch.vision.io import decode_jpeg, encode_jpeg

    images = image.reshape(-1, *image.shape[-3:])
    return torch.stack([decode_jpeg(encode_jpeg(x, quality)) for x in images]).view(image.shape) if len(images) else image.clone()


register(jpeg, jpeg_image, _through_tensor(jpeg_image))


def uniform_temporal_subsample(inpt, num_samples):
    """So many frames of a video, evenly spread."""
    return dispatch(uniform_temporal_subsample, inpt, num_samples=num_samples)


def uniform_temporal_subsample_video(video, num_samples):
    """`uniform_temporal_subsample` of a tensor (..., T, C, H, W)."""
    places = torch.linspace(0, video.shape[-4] - 1, num_samples, device=video.device).long()
    return torch.index_select(video, -4, places)


register(uniform_temporal_subsample, uniform_temporal_subsample_video, kinds=[tv_tensors.Video])


# ---------------------------------------------------------------------------- dtypes


def to_dtype(inpt, dtype=None, scale=False):
    """Another dtype (float32), with the values of images scaled to its range if `scale`."""
    return dispatch(to_dtype, inpt, dtype=torch.float32 if dtype is None else dtype, scale=scale)


def _bits(dtype):
    """How many bits of a whole number are values."""
    try:
        return {torch.uint8: 8, torch.int8: 7, torch.int16: 15, torch.uint16: 16, torch.int32: 31, torch.int64: 63}[dtype]
    except KeyError:
        raise TypeError(f"Number of value bits is only defined for integer dtypes, but got {dtype}.") from None


def to_dtype_image(image, dtype=None, scale=False):
    """`to_dtype` of a tensor."""
    dtype = torch.float32 if dtype is None else dtype
    if image.dtype == dtype:
        return image
    if not scale:
        return image.to(dtype)
    if image.is_floating_point():
        return F_t.convert_image_dtype(image, dtype)
    if dtype.is_floating_point:
        return image.to(dtype).mul_(1.0 / F_t.max_value(image.dtype))
    before, after = _bits(image.dtype), _bits(dtype)
    if before > after:
        shifted = image.to(torch.int32) if image.dtype == torch.uint16 else image
        return shifted.bitwise_right_shift(before - after).to(dtype)
    if dtype == torch.uint16:
        return (image.to(torch.int32) * 2 ** (after - before)).to(dtype)
    return image.to(dtype).bitwise_left_shift(after - before)


def _to_dtype_alone(inpt, dtype, scale=False):
    return inpt.to(dtype)


register(to_dtype, to_dtype_image, None, _to_dtype_alone, lambda boxes, dtype: boxes.to(dtype), lambda points, dtype: points.to(dtype))


def convert_image_dtype(image, dtype=None):
    """`to_dtype_image` with the values scaled."""
    return to_dtype_image(image, dtype, scale=True)


def to_image(inpt):
    """A `tv_tensors.Image` from a tensor, an image of Pillow or an array (H, W) or (H, W, C)."""
    import numpy as np

    from pyxtorch.vision._pillow import is_pil

    if isinstance(inpt, np.ndarray):
        inpt = torch.from_numpy(np.atleast_3d(inpt).transpose(2, 0, 1)).contiguous()
    elif is_pil(inpt):
        inpt = pil_to_tensor(inpt)
    elif not isinstance(inpt, torch.Tensor):
        raise TypeError(f"Input can either be a pure Tensor, a numpy array, or a PIL image, but got {type(inpt)} instead.")
    return tv_tensors.Image(inpt)


def to_tensor(inpt):
    """`to_image` and `to_dtype` with scaling, in one: an older name.

    Warns:
        UserWarning: that it is.
    """
    import warnings

    warnings.warn("to_tensor(...) is deprecated: use v2.functional.to_image(...) and to_dtype(..., dtype=torch.float32, scale=True).", UserWarning, stacklevel=2)
    return F.to_tensor(inpt)


def get_image_size(inpt):
    """[W, H] of an image: an older name of `get_size`, whose order is the other.

    Warns:
        UserWarning: that it is.
    """
    import warnings

    from pyxtorch.vision.transforms.v2.functional._meta import get_size

    warnings.warn("get_image_size(...) is deprecated: use get_size(...), which returns [h, w] instead of [w, h].", UserWarning, stacklevel=2)
    return get_size(inpt)[::-1]


for _name in ("adjust_brightness", "adjust_contrast", "adjust_saturation", "adjust_sharpness", "adjust_hue", "adjust_gamma", "invert", "posterize", "solarize", "autocontrast",
              "equalize", "permute_channels", "normalize", "gaussian_blur", "gaussian_noise", "erase", "jpeg", "to_dtype"):  # fmt: skip
    globals()[f"{_name}_video"] = globals()[f"{_name}_image"]
