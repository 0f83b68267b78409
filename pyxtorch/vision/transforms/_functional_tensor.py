"""Operations on images that are tensors, (..., C, H, W).

Values are 0 to 1 in floating-point images and 0 to the dtype's largest in others. Whole numbers are computed in float32, and
rounded where pixels are mixed in space, cut off where colours are mixed: as torchvision does it.
"""
import pyxtorch as torch
from pyxtorch.nn import functional as F


def get_dimensions(img):
    """[C, H, W]; an image without channels has 1."""
    assert_image(img)
    return [1 if img.ndim == 2 else img.shape[-3], img.shape[-2], img.shape[-1]]


def get_image_size(img):
    """[W, H]."""
    assert_image(img)
    return [img.shape[-1], img.shape[-2]]


def get_image_num_channels(img):
    """C; 1 for an image without channels."""
    return get_dimensions(img)[0]


def assert_image(img):
    """A TypeError unless `img` is a tensor of at least two dimensions."""
    if not isinstance(img, torch.Tensor) or img.ndim < 2:
        raise TypeError(f"Tensor is not a torch image: {tuple(img.shape) if isinstance(img, torch.Tensor) else type(img)}. It needs (..., H, W).")


def assert_channels(img, permitted=(1, 3)):
    """A TypeError unless the number of channels is one of those."""
    channels = get_dimensions(img)[0]
    if channels not in permitted:
        raise TypeError(f"Input image tensor permitted channel values are {list(permitted)}, but found {channels}")


def max_value(dtype):
    """What white is in that dtype: its largest whole number, 1 for floating point."""
    if dtype.is_floating_point or dtype.is_complex or dtype == torch.bool:
        return 1
    return torch.iinfo(dtype).max


def working_dtype(img):
    """What an image is computed in: its own floating-point dtype, or float32."""
    return img.dtype if img.is_floating_point() else torch.float32


def back(img, dtype):
    """Round, where `dtype` is one of whole numbers, and convert."""
    if img.dtype == dtype:
        return img
    return (img.round() if not dtype.is_floating_point else img).to(dtype)


def batched(function, img):
    """`function` of the image as (N, C, H, W), and its result in the shape of the image."""
    shape = img.shape
    result = function(img.reshape(-1, *shape[-3:]) if img.ndim != 4 else img) if img.ndim > 2 else function(img[None, None])
    return result.reshape(*shape[:-3], *result.shape[-3:]) if len(shape) > 2 else result[0, 0]


def convert_image_dtype(image, dtype=None):
    """Another dtype, with the values scaled to its range.

    Raises:
        RuntimeError: from a floating-point dtype to one of whole numbers that it does not resolve.
    """
    dtype = torch.float32 if dtype is None else dtype
    if image.dtype == dtype:
        return image
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        if (image.dtype == torch.float32 and dtype in (torch.int32, torch.int64)) or (image.dtype == torch.float64 and dtype == torch.int64):
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely.")
        return image.mul(max_value(dtype) + 1.0 - 1e-3).to(dtype)  # equal shares of 0 to 1 for each number
    before, after = max_value(image.dtype), max_value(dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / float(before)
    if before > after:
        return torch.div(image, int((float(before) + 1) // (after + 1)), rounding_mode="floor").to(dtype)
    return image.to(dtype) * int((float(after) + 1) // (before + 1))


# ---------------------------------------------------------------------------- places


def vflip(img):
    """Upside down."""
    assert_image(img)
    return img.flip(-2)


def hflip(img):
    """Left to right."""
    assert_image(img)
    return img.flip(-1)


def crop(img, top, left, height, width):
    """A rectangle; what lies outside of the image is 0."""
    _, h, w = get_dimensions(img)
    right, bottom = left + width, top + height
    if left >= 0 and top >= 0 and right <= w and bottom <= h:
        return img[..., top:bottom, left:right]
    inside = img[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    around = [max(-left + min(0, right), 0), max(right - max(w, left), 0), max(-top + min(0, bottom), 0), max(bottom - max(h, top), 0)]
    return F.pad(inside, around)


def parse_padding(padding):
    """[left, right, top, bottom] from a number, one, two (left and right, top and bottom) or four (left, top, right, bottom)."""
    if not isinstance(padding, int | tuple | list):
        raise TypeError("Got inappropriate padding arg")
    if isinstance(padding, int):
        padding = [padding]
    if len(padding) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple")
    left, top, right, bottom = {1: lambda p: p * 4, 2: lambda p: p * 2, 4: lambda p: p}[len(padding)](list(padding))
    return [left, right, top, bottom]


PADDINGS = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "symmetric": "symmetric"}


def pad(img, padding, fill=0, padding_mode="constant"):
    """Wider by borders of one value, of the edge's, or of the image mirrored without ("reflect") or with its edge ("symmetric")."""
    assert_image(img)
    if not isinstance(fill, int | float | None):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    around = parse_padding(padding)
    if padding_mode not in PADDINGS:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    if padding_mode == "symmetric":
        return _pad_symmetric(img, around)
    if padding_mode == "constant":
        return F.pad(img, around, value=float(fill or 0))
    dtype = img.dtype if img.dtype in (torch.float32, torch.float64) else torch.float32
    return batched(lambda x: F.pad(x.to(dtype), around, mode=PADDINGS[padding_mode]), img).to(img.dtype)


def _pad_symmetric(img, around):
    """By indices: mirrored with the edge, and cut off where a border is negative."""
    for dim, before, after in ((-1, around[0], around[1]), (-2, around[2], around[3])):
        size = img.shape[dim]
        places = torch.arange(max(-before, 0), size - max(-after, 0), device=img.device)
        start, end = places[: max(before, 0)].flip(0), places[places.numel() - max(after, 0) :].flip(0)
        if before > places.numel() or after > places.numel():
            raise ValueError(f"pad: a symmetric border of {max(before, after)} is wider than the image, {size}.")
        img = img.index_select(dim, torch.cat([start, places, end]))
    return img


def resize(img, size, interpolation="bilinear", antialias=True):
    """To [H, W] pixels."""
    assert_image(img)
    smooth = interpolation in ("bilinear", "bicubic")
    dtype = img.dtype if img.dtype in (torch.float32, torch.float64) else torch.float32
    how = {"align_corners": False, "antialias": bool(antialias)} if smooth else {}

    def scale(x):
        y = F.interpolate(x.to(dtype), size=list(size), mode=interpolation, **how)
        return y.clamp(0, 255) if interpolation == "bicubic" and img.dtype == torch.uint8 else y

    return back(batched(scale, img), img.dtype)


# ---------------------------------------------------------------------------- places by a grid


def _check_grid(img, interpolation, fill):
    assert_image(img)
    channels = get_dimensions(img)[0]
    if isinstance(fill, tuple | list) and len(fill) > 1 and len(fill) != channels:
        raise ValueError(f"The number of elements in 'fill' cannot broadcast to match the number of channels of the image ({len(fill)} != {channels})")
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"Interpolation mode '{interpolation}' is unsupported with Tensor input")


def sample(img, grid, mode, fill):
    """The image at the places `grid`, (1, H', W', 2), 0 to 1 from -1; what lies outside is `fill`."""

    def take(x):
        x = x.to(grid.dtype)
        n = x.shape[0]
        places = grid.expand(n, *grid.shape[1:])
        if fill is None:
            return F.grid_sample(x, places, mode=mode, padding_mode="zeros", align_corners=False)
        inside = torch.ones((n, 1, *x.shape[2:]), dtype=x.dtype, device=x.device)  # sampled too: how much of a pixel is the image's
        x = F.grid_sample(torch.cat((x, inside), 1), places, mode=mode, padding_mode="zeros", align_corners=False)
        x, inside = x[:, :-1], x[:, -1:]
        colour = torch.tensor(list(fill) if isinstance(fill, tuple | list) else [float(fill)], dtype=x.dtype, device=x.device).view(1, -1, 1, 1)
        if mode == "nearest":
            return torch.where(inside < 0.5, colour, x)
        return x * inside + (1.0 - inside) * colour

    return back(batched(take, img), img.dtype)


def affine_grid(matrix, size, out_size, dtype, device):
    """Where each pixel of the result, [H', W'], is taken from; `matrix` is in pixels from the middle of the image, [H, W]."""
    (h, w), (oh, ow) = size, out_size
    theta = torch.tensor(matrix, dtype=dtype, device=device).reshape(1, 2, 3)
    x = torch.linspace((1 - ow) * 0.5, (ow - 1) * 0.5, steps=ow, device=device).to(dtype)
    y = torch.linspace((1 - oh) * 0.5, (oh - 1) * 0.5, steps=oh, device=device).to(dtype)
    base = torch.stack([x.expand(oh, ow), y[:, None].expand(oh, ow), torch.ones(oh, ow, dtype=dtype, device=device)], -1)
    scaled = theta.transpose(1, 2) / torch.tensor([0.5 * w, 0.5 * h], dtype=dtype, device=device)
    return base.view(1, oh * ow, 3).bmm(scaled).view(1, oh, ow, 2)


def affine_output_size(matrix, w, h):
    """(W, H) of the box around the image after it has been turned by `matrix`."""
    corners = torch.tensor([[x * w, y * h, 1.0] for x, y in ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5))])
    places = corners @ torch.tensor(matrix, dtype=torch.float32).view(2, 3).T
    half = torch.tensor((w * 0.5, h * 0.5))
    low, high = places.amin(0) + half, places.amax(0) + half
    tolerance = 1e-4  # what is a whole number but for rounding stays one
    size = torch.ceil((high / tolerance).trunc() * tolerance) - torch.floor((low / tolerance).trunc() * tolerance)
    return int(size[0]), int(size[1])


def affine(img, matrix, interpolation="nearest", fill=None):
    """Moved by the inverse of `matrix`, six numbers."""
    _check_grid(img, interpolation, fill)
    size = tuple(img.shape[-2:])
    return sample(img, affine_grid(matrix, size, size, working_dtype(img), img.device), interpolation, fill)


def rotate(img, matrix, interpolation="nearest", expand=False, fill=None):
    """Moved by the inverse of `matrix`, into a box that holds all of it if `expand`."""
    _check_grid(img, interpolation, fill)
    h, w = img.shape[-2:]
    ow, oh = affine_output_size(matrix, w, h) if expand else (w, h)
    return sample(img, affine_grid(matrix, (h, w), (oh, ow), working_dtype(img), img.device), interpolation, fill)


def perspective_grid(coefficients, oh, ow, dtype, device):
    """Where each pixel of the result is taken from."""
    a, b, c, d, e, f, g, h = coefficients
    x = torch.linspace(0.5, ow - 0.5, steps=ow, device=device).to(dtype)
    y = torch.linspace(0.5, oh - 0.5, steps=oh, device=device).to(dtype)
    base = torch.stack([x.expand(oh, ow), y[:, None].expand(oh, ow), torch.ones(oh, ow, dtype=dtype, device=device)], -1).view(1, oh * ow, 3)
    above = torch.tensor([[[a, b, c], [d, e, f]]], dtype=dtype, device=device).transpose(1, 2) / torch.tensor([0.5 * ow, 0.5 * oh], dtype=dtype, device=device)
    below = torch.tensor([[[g, h, 1.0], [g, h, 1.0]]], dtype=dtype, device=device).transpose(1, 2)
    return (base.bmm(above) / base.bmm(below) - 1.0).view(1, oh, ow, 2)


def perspective(img, perspective_coeffs, interpolation="bilinear", fill=None):
    """Seen from elsewhere: pixel (x, y) is that at ((a x + b y + c) / (g x + h y + 1), (d x + e y + f) / (g x + h y + 1))."""
    _check_grid(img, interpolation, fill)
    if len(perspective_coeffs) != 8:
        raise ValueError("Argument coeffs should have 8 float values")
    grid = perspective_grid(perspective_coeffs, *img.shape[-2:], working_dtype(img), img.device)
    return sample(img, grid, interpolation, fill)


def identity_grid(size):
    """The grid that takes each pixel from its own place, (1, H, W, 2)."""
    y, x = torch.meshgrid(*(torch.linspace((1 - n) / n, (n - 1) / n, n) for n in size), indexing="ij")
    return torch.stack([x, y], -1).unsqueeze(0)


def elastic_transform(img, displacement, interpolation="bilinear", fill=None):
    """Each pixel is taken from its own place and `displacement`, (1, H, W, 2)."""
    _check_grid(img, interpolation, fill)
    grid = identity_grid(img.shape[-2:]).to(img.device) + displacement.to(img.device)
    return sample(img, grid, interpolation, fill)


# ---------------------------------------------------------------------------- colours


def blend(img1, img2, ratio):
    """ratio * img1 + (1 - ratio) * img2, within the range of the first one's dtype."""
    ratio = float(ratio)
    return (ratio * img1 + (1.0 - ratio) * img2).clamp(0, max_value(img1.dtype)).to(img1.dtype)


def _factor(name, value):
    if value < 0:
        raise ValueError(f"{name} ({value}) is not non-negative.")


def adjust_brightness(img, brightness_factor):
    """Black for 0, the image for 1."""
    _factor("brightness_factor", brightness_factor)
    assert_channels(img)
    return blend(img, torch.zeros_like(img), brightness_factor)


def rgb_to_grayscale(img, num_output_channels=1):
    """Weighted sums of red, green and blue (ITU-R 601), in one channel or three equal ones."""
    if img.ndim < 3:
        raise TypeError(f"Input image tensor should have at least 3 dimensions, but found {img.ndim}")
    assert_channels(img)
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if img.shape[-3] == 3:
        r, g, b = img.unbind(dim=-3)
        img = (0.2989 * r + 0.587 * g + 0.114 * b).to(img.dtype).unsqueeze(dim=-3)
    else:
        img = img.clone()
    return img.expand(*img.shape[:-3], num_output_channels, *img.shape[-2:]) if num_output_channels == 3 else img


def adjust_contrast(img, contrast_factor):
    """The mean grey for 0, the image for 1."""
    _factor("contrast_factor", contrast_factor)
    assert_channels(img)
    grey = rgb_to_grayscale(img) if get_dimensions(img)[0] == 3 else img
    return blend(img, grey.to(working_dtype(img)).mean(dim=(-3, -2, -1), keepdim=True), contrast_factor)


def adjust_saturation(img, saturation_factor):
    """Grey for 0, the image for 1."""
    _factor("saturation_factor", saturation_factor)
    assert_channels(img)
    return img if get_dimensions(img)[0] == 1 else blend(img, rgb_to_grayscale(img), saturation_factor)


def adjust_hue(img, hue_factor):
    """Colours turned by that part of the circle of hues, -0.5 to 0.5."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    assert_image(img)
    assert_channels(img)
    if get_dimensions(img)[0] == 1:
        return img
    h, s, v = rgb_to_hsv(convert_image_dtype(img, torch.float32)).unbind(dim=-3)
    return convert_image_dtype(hsv_to_rgb(torch.stack(((h + hue_factor) % 1.0, s, v), dim=-3)), img.dtype)


def rgb_to_hsv(img):
    """Hue, saturation and value, each 0 to 1, of a floating-point image (..., 3, H, W)."""
    r, g, b = img.unbind(dim=-3)
    high, low = img.amax(dim=-3), img.amin(dim=-3)
    grey, spread = high == low, high - low
    one = torch.ones_like(high)  # divided by where it does not matter: there is no hue of a grey
    saturation = spread / torch.where(grey, one, high)
    spread = torch.where(grey, one, spread)
    rc, gc, bc = (high - r) / spread, (high - g) / spread, (high - b) / spread
    red, green = high == r, high == g
    hue = torch.where(red, bc - gc, torch.where(green, 2.0 + rc - bc, 4.0 + gc - rc))
    return torch.stack((torch.fmod(hue / 6.0 + 1.0, 1.0), saturation, high), dim=-3)


def hsv_to_rgb(img):
    """The inverse of `rgb_to_hsv`."""
    h, s, v = img.unbind(dim=-3)
    sector = torch.floor(h * 6.0)
    part = h * 6.0 - sector
    sector = sector.to(torch.int64) % 6
    p, q, t = ((v * (1.0 - x)).clamp(0.0, 1.0) for x in (s, s * part, s * (1.0 - part)))
    # Which of v, q, p, t each of red, green and blue is, by sector.
    which = torch.tensor([[0, 1, 2, 2, 3, 0], [3, 0, 0, 1, 2, 2], [2, 2, 3, 0, 0, 1]], device=img.device)[:, sector].movedim(0, -3)
    return torch.stack((v, q, p, t), dim=-3).gather(-3, which)


def adjust_gamma(img, gamma, gain=1):
    """gain * value ** gamma, of values from 0 to 1."""
    assert_channels(img)
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    x = img if img.is_floating_point() else convert_image_dtype(img, torch.float32)
    return convert_image_dtype((gain * x.pow(gamma)).clamp(0, 1), img.dtype)


def _check_colours(img, only=None):
    assert_image(img)
    if img.ndim < 3:
        raise TypeError(f"Input image tensor should have at least 3 dimensions, but found {img.ndim}")
    if only is not None and img.dtype != only:
        raise TypeError(f"Only {only} image tensors are supported, but found {img.dtype}")
    assert_channels(img)


def invert(img):
    """White less the image."""
    _check_colours(img)
    return max_value(img.dtype) - img


def posterize(img, bits):
    """The highest `bits` of each value, of uint8."""
    _check_colours(img, torch.uint8)
    return img & (256 - 2 ** (8 - bits))


def solarize(img, threshold):
    """Inverted from `threshold` on."""
    _check_colours(img)
    if threshold > max_value(img.dtype):
        raise TypeError("Threshold should be less than bound of img.")
    return torch.where(img >= threshold, invert(img), img)


def adjust_sharpness(img, sharpness_factor):
    """Blurred for 0, the image for 1."""
    _factor("sharpness_factor", sharpness_factor)
    assert_image(img)
    assert_channels(img)
    if img.shape[-1] <= 2 or img.shape[-2] <= 2:
        return img
    kernel = torch.full((3, 3), 1.0, dtype=working_dtype(img), device=img.device)
    kernel[1, 1] = 5.0
    kernel /= kernel.sum()
    blurred = img.clone()  # the border stays
    channels = img.shape[-3]
    inner = batched(lambda x: F.conv2d(x.to(kernel.dtype), kernel.expand(channels, 1, 3, 3), groups=channels), img)
    blurred[..., 1:-1, 1:-1] = back(inner, img.dtype)
    return blend(img, blurred, sharpness_factor)


def autocontrast(img):
    """Each channel stretched from black to white; one of a single value stays."""
    _check_colours(img)
    bound, dtype = max_value(img.dtype), working_dtype(img)
    low, high = (extreme(dim=(-2, -1), keepdim=True).to(dtype) for extreme in (img.amin, img.amax))
    scale = bound / (high - low)
    flat = ~torch.isfinite(scale)
    low, scale = low.masked_fill(flat, 0), scale.masked_fill(flat, 1)
    return ((img - low) * scale).clamp(0, bound).to(img.dtype)


def equalize(img):
    """Each channel's values spread so that all are about equally frequent, of uint8."""
    _check_colours(img, torch.uint8)
    planes = img.reshape(-1, *img.shape[-2:])
    return torch.stack([_equalize(plane) for plane in planes]).view(img.shape) if planes.shape[0] else img


def _equalize(plane):
    counts = torch.bincount(plane.reshape(-1), minlength=256)
    found = counts[counts != 0]
    step = found[:-1].sum() // 255
    if step == 0:
        return plane
    table = (torch.cumsum(counts, 0) + step // 2) // step
    return F.pad(table, [1, 0])[:-1].clamp(0, 255)[plane.to(torch.int64)].to(torch.uint8)


def gaussian_kernel(size, sigma, dtype, device):
    """A bell curve of `size` places, whose sum is 1."""
    half = (size - 1) * 0.5
    x = torch.linspace(-half, half, steps=size, dtype=dtype, device=device)
    curve = torch.exp(-0.5 * (x / sigma).pow(2))
    return curve / curve.sum()


def gaussian_blur(img, kernel_size, sigma):
    """Means weighted by a bell curve; the image is mirrored at its border. `kernel_size` and `sigma` are [along W, along H]."""
    assert_image(img)
    dtype = working_dtype(img)
    along_x, along_y = (gaussian_kernel(k, s, dtype, img.device) for k, s in zip(kernel_size, sigma))
    kernel = torch.mm(along_y[:, None], along_x[None, :])
    around = [kernel_size[0] // 2] * 2 + [kernel_size[1] // 2] * 2

    def blur(x):
        x = F.pad(x.to(dtype), around, mode="reflect")
        return F.conv2d(x, kernel.expand(x.shape[1], 1, *kernel.shape), groups=x.shape[1])

    return back(batched(blur, img), img.dtype)


def normalize(tensor, mean, std, inplace=False):
    """(tensor - mean) / std by channel.

    Raises:
        TypeError: not floating point. ValueError: fewer than three dimensions, or a deviation that is 0.
    """
    assert_image(tensor)
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.size()}")
    mean, std = (torch.as_tensor(x, dtype=tensor.dtype, device=tensor.device) for x in (mean, std))
    if (std == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    mean, std = (x.view(-1, 1, 1) if x.ndim == 1 else x for x in (mean, std))
    return tensor.sub_(mean).div_(std) if inplace else tensor.sub(mean).div_(std)


def erase(img, i, j, h, w, v, inplace=False):
    """A rectangle replaced by `v`."""
    assert_image(img)
    img = img if inplace else img.clone()
    img[..., i : i + h, j : j + w] = v
    return img
