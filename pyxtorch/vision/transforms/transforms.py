"""The transforms of torchvision.transforms: objects that take one image, a tensor or one of Pillow, and give another."""
import numbers
import random
import warnings
from collections.abc import Sequence

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.transforms import _parameters as draw
from pyxtorch.vision.transforms import functional as F
from pyxtorch.vision.transforms._interpolation import InterpolationMode, interpolation_mode

__all__ = [
    "CenterCrop", "ColorJitter", "Compose", "ConvertImageDtype", "ElasticTransform", "FiveCrop", "GaussianBlur", "Grayscale", "InterpolationMode", "Lambda",
    "LinearTransformation", "Normalize", "PILToTensor", "Pad", "RandomAdjustSharpness", "RandomAffine", "RandomApply", "RandomAutocontrast", "RandomChoice",
    "RandomCrop", "RandomEqualize", "RandomErasing", "RandomGrayscale", "RandomHorizontalFlip", "RandomInvert", "RandomOrder", "RandomPerspective",
    "RandomPosterize", "RandomResizedCrop", "RandomRotation", "RandomSolarize", "RandomVerticalFlip", "Resize", "TenCrop", "ToPILImage", "ToTensor",
]  # fmt: skip
NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def _lines(transforms, first=""):
    return first + "".join(f"\n    {t}" for t in transforms) + "\n"


def _fill_for(img, fill):
    """`fill` as a list of floats for each channel, where the image is a tensor."""
    if not isinstance(img, torch.Tensor) or fill is None:
        return fill
    return [float(fill)] * F.get_dimensions(img)[0] if isinstance(fill, int | float) else [float(f) for f in fill]


def _check_fill(fill):
    if fill is not None and not isinstance(fill, Sequence | numbers.Number):
        raise TypeError("Fill should be either a sequence or a number.")
    return 0 if fill is None else fill


# ---------------------------------------------------------------------------- several transforms


class Compose:
    """One transform after the other."""

    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, img):
        for t in self.transforms:
            img = t(img)
        return img

    def __repr__(self):
        return f"{type(self).__name__}({_lines(self.transforms)})"


class RandomTransforms:
    """What has several transforms and chooses among them."""

    def __init__(self, transforms):
        if not isinstance(transforms, Sequence):
            raise TypeError("Argument transforms should be a sequence")
        self.transforms = transforms

    def __call__(self, *args, **kwargs):
        raise NotImplementedError

    def __repr__(self):
        return f"{type(self).__name__}({_lines(self.transforms)})"


class RandomApply(nn.Module):
    """All of the transforms with probability `p`, or none."""

    def __init__(self, transforms, p=0.5):
        super().__init__()
        self.transforms, self.p = transforms, p

    def forward(self, img):
        if self.p < torch.rand(1):
            return img
        for t in self.transforms:
            img = t(img)
        return img

    def __repr__(self):
        return f"{type(self).__name__}({_lines(self.transforms, f'{chr(10)}    p={self.p}')})"


class RandomOrder(RandomTransforms):
    """All of the transforms, in an order drawn by Python's `random`."""

    def __call__(self, img):
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        for i in order:
            img = self.transforms[i](img)
        return img


class RandomChoice(RandomTransforms):
    """One of the transforms, drawn by Python's `random` with weights `p`."""

    def __init__(self, transforms, p=None):
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError("Argument p should be a sequence")
        self.p = p

    def __call__(self, *args):
        return random.choices(self.transforms, weights=self.p)[0](*args)

    def __repr__(self):
        return f"{super().__repr__()}(p={self.p})"


class Lambda:
    """A function as a transform."""

    def __init__(self, lambd):
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img):
        return self.lambd(img)

    def __repr__(self):
        return f"{type(self).__name__}()"


# ---------------------------------------------------------------------------- from one kind to another


class ToTensor:
    """`functional.to_tensor`: bytes become floating point from 0 to 1."""

    def __call__(self, pic):
        return F.to_tensor(pic)

    def __repr__(self):
        return f"{type(self).__name__}()"


class PILToTensor:
    """`functional.pil_to_tensor`: values stay as they are."""

    def __call__(self, pic):
        return F.pil_to_tensor(pic)

    def __repr__(self):
        return f"{type(self).__name__}()"


class ConvertImageDtype(nn.Module):
    """`functional.convert_image_dtype`: another dtype, values scaled to its range."""

    def __init__(self, dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, image):
        return F.convert_image_dtype(image, self.dtype)


class ToPILImage:
    """`functional.to_pil_image`, in a mode of Pillow or the one that fits."""

    def __init__(self, mode=None):
        self.mode = mode

    def __call__(self, pic):
        return F.to_pil_image(pic, self.mode)

    def __repr__(self):
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


class Normalize(nn.Module):
    """(x - mean) / std by channel."""

    def __init__(self, mean, std, inplace=False):
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor):
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self):
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"


class LinearTransformation(nn.Module):
    """(x - mean_vector) @ transformation_matrix of flattened images; whitening, say.

    Args:
        transformation_matrix: (D, D), D = C * H * W. mean_vector: (D).
    """

    def __init__(self, transformation_matrix, mean_vector):
        super().__init__()
        shape, length = tuple(transformation_matrix.shape), mean_vector.shape[0]
        if shape[0] != shape[1]:
            raise ValueError(f"transformation_matrix should be square. Got {shape} rectangular matrix.")
        if length != shape[0]:
            raise ValueError(f"mean_vector should have the same length {length} as any one of the dimensions of the transformation_matrix [{shape}]")
        if transformation_matrix.device != mean_vector.device:
            raise ValueError(f"Input tensors should be on the same device. Got {transformation_matrix.device} and {mean_vector.device}")
        if transformation_matrix.dtype != mean_vector.dtype:
            raise ValueError(f"Input tensors should have the same dtype. Got {transformation_matrix.dtype} and {mean_vector.dtype}")
        self.transformation_matrix, self.mean_vector = transformation_matrix, mean_vector

    def forward(self, tensor):
        c, h, w = tensor.shape[-3:]
        if c * h * w != self.transformation_matrix.shape[0]:
            raise ValueError(f"Input tensor and transformation matrix have incompatible shape.[{c} x {h} x {w}] != {self.transformation_matrix.shape[0]}")
        flat = tensor.reshape(-1, c * h * w) - self.mean_vector
        return torch.mm(flat, self.transformation_matrix.to(flat.dtype)).view(tensor.shape)

    def __repr__(self):
        return f"{type(self).__name__}(transformation_matrix={self.transformation_matrix.tolist()}, mean_vector={self.mean_vector.tolist()})"


# ---------------------------------------------------------------------------- places


class Resize(nn.Module):
    """`functional.resize` to [H, W], or to a number for the shorter side."""

    def __init__(self, size, interpolation=BILINEAR, max_size=None, antialias=True):
        super().__init__()
        if not isinstance(size, int | Sequence):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError("If size is a sequence, it should have 1 or 2 values")
        self.size, self.max_size, self.antialias = size, max_size, antialias
        self.interpolation = interpolation_mode(interpolation)

    def forward(self, img):
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self):
        return f"{type(self).__name__}(size={self.size}, interpolation={self.interpolation.value}, max_size={self.max_size}, antialias={self.antialias})"


class CenterCrop(nn.Module):
    """The middle, [H, W] pixels or a square."""

    def __init__(self, size):
        super().__init__()
        self.size = draw.pair(size)

    def forward(self, img):
        return F.center_crop(img, self.size)

    def __repr__(self):
        return f"{type(self).__name__}(size={self.size})"


class Pad(nn.Module):
    """`functional.pad`: borders around the image."""

    def __init__(self, padding, fill=0, padding_mode="constant"):
        super().__init__()
        if not isinstance(padding, numbers.Number | tuple | list):
            raise TypeError("Got inappropriate padding arg")
        if not isinstance(fill, numbers.Number | tuple | list):
            raise TypeError("Got inappropriate fill arg")
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
        if isinstance(padding, Sequence) and len(padding) not in (1, 2, 4):
            raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple")
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img):
        return F.pad(img, self.padding, self.fill, self.padding_mode)

    def __repr__(self):
        return f"{type(self).__name__}(padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode})"


class RandomCrop(nn.Module):
    """A crop of `size` anywhere, after `padding`, or padded only where the image is too small (`pad_if_needed`)."""

    def __init__(self, size, padding=None, pad_if_needed=False, fill=0, padding_mode="constant"):
        super().__init__()
        self.size = tuple(draw.pair(size))
        self.padding, self.pad_if_needed, self.fill, self.padding_mode = padding, pad_if_needed, fill, padding_mode

    @staticmethod
    def get_params(img, output_size):
        """(top, left, height, width); a ValueError where the image is smaller."""
        _, h, w = F.get_dimensions(img)
        return (*draw.draw_crop(h, w, output_size), *output_size)

    def forward(self, img):
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, height, width = F.get_dimensions(img)
        if self.pad_if_needed and width < self.size[1]:
            img = F.pad(img, [self.size[1] - width, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and height < self.size[0]:
            img = F.pad(img, [0, self.size[0] - height], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))

    def __repr__(self):
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


class RandomResizedCrop(nn.Module):
    """A crop with a random share of the area and a random shape, resized to `size`."""

    def __init__(self, size, scale=(0.08, 1.0), ratio=(3.0 / 4.0, 4.0 / 3.0), interpolation=BILINEAR, antialias=True):
        super().__init__()
        self.size = draw.pair(size)
        for name, value in (("Scale", scale), ("Ratio", ratio)):
            if not isinstance(value, Sequence):
                raise TypeError(f"{name} should be a sequence")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn("Scale and ratio should be of kind (min, max)", UserWarning, stacklevel=2)
        self.interpolation, self.antialias = interpolation_mode(interpolation), antialias
        self.scale, self.ratio = scale, ratio

    @staticmethod
    def get_params(img, scale, ratio):
        """(top, left, height, width)."""
        return draw.draw_resized_crop(*F.get_dimensions(img)[1:], scale, ratio)

    def forward(self, img):
        i, j, h, w = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, i, j, h, w, self.size, self.interpolation, antialias=self.antialias)

    def __repr__(self):
        scale, ratio = (tuple(round(x, 4) for x in pair) for pair in (self.scale, self.ratio))
        return f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, interpolation={self.interpolation.value}, antialias={self.antialias})"


class FiveCrop(nn.Module):
    """The corners and the middle, a tuple of five."""

    def __init__(self, size):
        super().__init__()
        self.size = draw.pair(size)

    def forward(self, img):
        return F.five_crop(img, self.size)

    def __repr__(self):
        return f"{type(self).__name__}(size={self.size})"


class TenCrop(nn.Module):
    """The corners and the middle, and those of the flipped image, a tuple of ten."""

    def __init__(self, size, vertical_flip=False):
        super().__init__()
        self.size, self.vertical_flip = draw.pair(size), vertical_flip

    def forward(self, img):
        return F.ten_crop(img, self.size, self.vertical_flip)

    def __repr__(self):
        return f"{type(self).__name__}(size={self.size}, vertical_flip={self.vertical_flip})"


class RandomPerspective(nn.Module):
    """With probability `p`, seen so that each corner moves inwards by up to half of `distortion_scale` of the image."""

    def __init__(self, distortion_scale=0.5, p=0.5, interpolation=BILINEAR, fill=0):
        super().__init__()
        self.p, self.distortion_scale = p, distortion_scale
        self.interpolation, self.fill = interpolation_mode(interpolation), _check_fill(fill)

    @staticmethod
    def get_params(width, height, distortion_scale):
        """(the corners, where they go)."""
        return draw.draw_perspective(width, height, distortion_scale)

    def forward(self, img):
        fill = _fill_for(img, self.fill)
        _, height, width = F.get_dimensions(img)
        if torch.rand(1) < self.p:
            return F.perspective(img, *self.get_params(width, height, self.distortion_scale), self.interpolation, fill)
        return img

    def __repr__(self):
        return f"{type(self).__name__}(p={self.p})"


class RandomRotation(nn.Module):
    """Turned by an angle drawn from `degrees`, a range or the largest."""

    def __init__(self, degrees, interpolation=NEAREST, expand=False, center=None, fill=0):
        super().__init__()
        self.degrees = draw.angles(degrees, "degrees")
        draw.affine_ranges(None, None, center)
        self.interpolation, self.expand, self.center, self.fill = interpolation_mode(interpolation), expand, center, _check_fill(fill)

    @staticmethod
    def get_params(degrees):
        """The angle."""
        return draw.uniform(*degrees)

    def forward(self, img):
        fill = _fill_for(img, self.fill)
        return F.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand, self.center, fill)

    def __repr__(self):
        center = "" if self.center is None else f", center={self.center}"
        return f"{type(self).__name__}(degrees={self.degrees}, interpolation={self.interpolation.value}, expand={self.expand}{center}, fill={self.fill})"


class RandomAffine(nn.Module):
    """Turned, moved, scaled and sheared at random.

    Args:
        degrees, shear: ranges in degrees, or the largest; shear along x, or along x and y with four numbers.
        translate: largest parts of width and height. scale: a range.
    """

    def __init__(self, degrees, translate=None, scale=None, shear=None, interpolation=NEAREST, fill=0, center=None):
        super().__init__()
        self.degrees = draw.angles(degrees, "degrees")
        draw.affine_ranges(translate, scale, center)
        self.shear = None if shear is None else draw.angles(shear, "shear", (2, 4))
        self.translate, self.scale, self.center = translate, scale, center
        self.interpolation, self.fill = interpolation_mode(interpolation), _check_fill(fill)

    @staticmethod
    def get_params(degrees, translate, scale_ranges, shears, img_size):
        """(angle, (x, y), scale, (shear x, shear y)); `img_size` is [W, H]."""
        return draw.draw_affine(degrees, translate, scale_ranges, shears, *img_size)

    def forward(self, img):
        fill = _fill_for(img, self.fill)
        _, height, width = F.get_dimensions(img)
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, [width, height])
        return F.affine(img, *drawn, interpolation=self.interpolation, fill=fill, center=self.center)

    def __repr__(self):
        parts = [f"degrees={self.degrees}"] + [f"{name}={value}" for name in ("translate", "scale", "shear") if (value := getattr(self, name)) is not None]
        parts += [f"interpolation={self.interpolation.value}"] * (self.interpolation != NEAREST) + [f"fill={self.fill}"] * (self.fill != 0)
        parts += [f"center={self.center}"] * (self.center is not None)
        return f"{type(self).__name__}({', '.join(parts)})"


class ElasticTransform(nn.Module):
    """Each pixel moved by smooth random displacements of size `alpha` and smoothness `sigma`, a number or [x, y] each."""

    def __init__(self, alpha=50.0, sigma=5.0, interpolation=BILINEAR, fill=0):
        super().__init__()
        self.alpha, self.sigma = draw.two_floats(alpha, "alpha"), draw.two_floats(sigma, "sigma")
        self.interpolation = interpolation_mode(interpolation)
        if not isinstance(fill, int | float | list | tuple):
            raise TypeError(f"fill should be int or float or a list or tuple of them. Got {type(fill)}")
        self.fill = [float(fill)] if isinstance(fill, int | float) else [float(f) for f in fill]

    @staticmethod
    def get_params(alpha, sigma, size):
        """The displacements, (1, H, W, 2)."""
        return draw.draw_displacement(alpha, sigma, size, F.gaussian_blur)

    def forward(self, tensor):
        displacement = self.get_params(self.alpha, self.sigma, F.get_dimensions(tensor)[1:])
        return F.elastic_transform(tensor, displacement, self.interpolation, self.fill)

    def __repr__(self):
        return f"{type(self).__name__}(alpha={self.alpha}, sigma={self.sigma}, interpolation={self.interpolation}, fill={self.fill})"


class RandomErasing(nn.Module):
    """With probability `p`, a rectangle of a random size replaced by `value`: a number, one for each channel, or "random" normal numbers."""

    def __init__(self, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False):
        super().__init__()
        draw.check_erasing(scale, ratio, value)
        if p < 0 or p > 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    @staticmethod
    def get_params(img, scale, ratio, value=None):
        """(top, left, height, width, values)."""
        drawn = draw.draw_erasing(img.shape[-3:], scale, ratio, value)
        return (0, 0, img.shape[-2], img.shape[-1], img) if drawn is None else drawn

    def forward(self, img):
        if not torch.rand(1) < self.p:
            return img
        value = self.value
        value = None if isinstance(value, str) else [float(value)] if isinstance(value, int | float) else [float(v) for v in value]
        if value is not None and len(value) not in (1, img.shape[-3]):
            raise ValueError(f"If value is a sequence, it should have either a single value or {img.shape[-3]} (number of input channels)")
        return F.erase(img, *self.get_params(img, self.scale, self.ratio, value), self.inplace)

    def __repr__(self):
        return f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, inplace={self.inplace})"


class GaussianBlur(nn.Module):
    """`functional.gaussian_blur` with a deviation drawn from `sigma`, a range or a number."""

    def __init__(self, kernel_size, sigma=(0.1, 2.0)):
        super().__init__()
        self.kernel_size = draw.pair(kernel_size, "Kernel size should be a tuple/list of two integers")
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        self.sigma = draw.deviations(sigma)

    @staticmethod
    def get_params(sigma_min, sigma_max):
        """The deviation."""
        return draw.uniform(sigma_min, sigma_max)

    def forward(self, img):
        sigma = self.get_params(*self.sigma)
        return F.gaussian_blur(img, list(self.kernel_size), [sigma, sigma])

    def __repr__(self):
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"


# ---------------------------------------------------------------------------- colours


class ColorJitter(nn.Module):
    """Brightness, contrast, saturation and hue changed at random, in a random order.

    Args:
        brightness, contrast, saturation: the range of the factor, or its largest distance from 1. hue: from 0, at most 0.5.
    """

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0):
        super().__init__()
        self.brightness = draw.color_range(brightness, "brightness")
        self.contrast = draw.color_range(contrast, "contrast")
        self.saturation = draw.color_range(saturation, "saturation")
        self.hue = draw.color_range(hue, "hue", center=0, bound=(-0.5, 0.5), clip=False)

    @staticmethod
    def get_params(brightness, contrast, saturation, hue):
        """(the order, and the four factors, None where there is no range)."""
        order = torch.randperm(4)
        return (order, *(None if limits is None else draw.uniform(*limits) for limits in (brightness, contrast, saturation, hue)))

    def forward(self, img):
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        adjust = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for i in order.tolist():
            if factors[i] is not None:
                img = adjust[i](img, factors[i])
        return img

    def __repr__(self):
        return f"{type(self).__name__}(brightness={self.brightness}, contrast={self.contrast}, saturation={self.saturation}, hue={self.hue})"


class Grayscale(nn.Module):
    """Grey, with one channel or three equal ones."""

    def __init__(self, num_output_channels=1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img):
        return F.rgb_to_grayscale(img, num_output_channels=self.num_output_channels)

    def __repr__(self):
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class RandomGrayscale(nn.Module):
    """Grey with probability `p`, with as many channels as before."""

    def __init__(self, p=0.1):
        super().__init__()
        self.p = p

    def forward(self, img):
        channels = F.get_dimensions(img)[0]
        return F.rgb_to_grayscale(img, num_output_channels=channels) if torch.rand(1) < self.p else img

    def __repr__(self):
        return f"{type(self).__name__}(p={self.p})"


class _Sometimes(nn.Module):
    """One function of the image, with probability `p`; the class says which, and the names of its argument, if any."""

    function, argument = None, None

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, img):
        if not torch.rand(1) < self.p:
            return img
        function = getattr(F, self.function)
        return function(img) if self.argument is None else function(img, getattr(self, self.argument))

    def __repr__(self):
        return f"{type(self).__name__}({'' if self.argument is None else f'{self.argument}={getattr(self, self.argument)},'}p={self.p})"


class RandomHorizontalFlip(_Sometimes):
    """Left to right with probability `p`."""

    function = "hflip"


class RandomVerticalFlip(_Sometimes):
    """Upside down with probability `p`."""

    function = "vflip"


class RandomInvert(_Sometimes):
    """White less the image, with probability `p`."""

    function = "invert"


class RandomAutocontrast(_Sometimes):
    """Each channel stretched from black to white, with probability `p`."""

    function = "autocontrast"


class RandomEqualize(_Sometimes):
    """Each channel's values made equally frequent, with probability `p`."""

    function = "equalize"


class RandomPosterize(_Sometimes):
    """The highest `bits` of each value, with probability `p`."""

    function, argument = "posterize", "bits"

    def __init__(self, bits, p=0.5):
        super().__init__(p)
        self.bits = bits


class RandomSolarize(_Sometimes):
    """Inverted from `threshold` on, with probability `p`."""

    function, argument = "solarize", "threshold"

    def __init__(self, threshold, p=0.5):
        super().__init__(p)
        self.threshold = threshold


class RandomAdjustSharpness(_Sometimes):
    """Sharpened by `sharpness_factor`, with probability `p`."""

    function, argument = "adjust_sharpness", "sharpness_factor"

    def __init__(self, sharpness_factor, p=0.5):
        super().__init__(p)
        self.sharpness_factor = sharpness_factor
