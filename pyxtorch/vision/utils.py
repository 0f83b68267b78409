"""torchvision.utils: images side by side, in files, and with boxes, masks and points drawn on them."""
import math
import warnings

import numpy as np

import pyxtorch as torch
from pyxtorch.vision._pillow import pillow

__all__ = ["draw_bounding_boxes", "draw_keypoints", "draw_segmentation_masks", "flow_to_image", "make_grid", "save_image"]


@torch.no_grad()
def make_grid(tensor, nrow=8, padding=2, normalize=False, value_range=None, scale_each=False, pad_value=0.0):
    """Images beside and below each other.

    Args:
        tensor: (N, C, H, W), (C, H, W), (H, W), or a list of images of one shape; one channel becomes three equal ones.
        nrow: how many stand in a row.
        padding: pixels between them, and around all, of `pad_value`.
        normalize: shift and scale values to 0 to 1, from `value_range` (low, high) or from their own range.
        scale_each: the range is each image's own.
    Returns:
        (C, H', W'); a single image as it is.
    Raises:
        TypeError: no tensor and no list of tensors; `value_range` that is no tuple.
    """
    if isinstance(tensor, list):
        for item in tensor:
            if not isinstance(item, torch.Tensor):
                raise TypeError(f"tensor or list of tensors expected, got a list containing {type(item)}")
        tensor = torch.stack(tensor, dim=0)
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    while tensor.ndim < 4:
        tensor = tensor.unsqueeze(0)
    if tensor.shape[1] == 1:
        tensor = torch.cat((tensor,) * 3, 1)
    if normalize is True:
        if value_range is not None and not isinstance(value_range, tuple):
            raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
        tensor = tensor.clone()
        for part in tensor if scale_each is True else [tensor]:
            low, high = (float(part.min()), float(part.max())) if value_range is None else value_range
            part.clamp_(min=low, max=high).sub_(low).div_(max(high - low, 1e-5))
    count, channels, height, width = tensor.shape
    if count == 1:
        return tensor.squeeze(0)
    columns = min(nrow, count)
    height, width = height + padding, width + padding
    grid = tensor.new_full((channels, height * math.ceil(count / columns) + padding, width * columns + padding), pad_value)
    for i, image in enumerate(tensor):
        top, left = i // columns * height + padding, i % columns * width + padding
        grid[:, top : top + height - padding, left : left + width - padding] = image
    return grid


@torch.no_grad()
def save_image(tensor, fp, format=None, **kwargs):
    """Write images, values from 0 to 1, side by side into one file.

    Args:
        fp: path or open file. format: Pillow's name of it, if the path does not say.
        **kwargs: those of `make_grid`.
    """
    grid = make_grid(tensor, **kwargs)
    pixels = grid.mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to("cpu", torch.uint8).numpy()
    pillow().fromarray(np.ascontiguousarray(pixels)).save(fp, format=format)


# ---------------------------------------------------------------------------- drawing


def _check_image(image, channels):
    if not isinstance(image, torch.Tensor):
        raise TypeError(f"The image must be a tensor, got {type(image)}")
    if not (image.dtype == torch.uint8 or image.is_floating_point()):
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.ndim != 3:
        raise ValueError("Pass individual images, not batches")
    if image.shape[0] not in channels:
        raise ValueError("Pass an RGB image. Other Image formats are not supported" if channels == (3,) else "Only grayscale and RGB images are supported")


def _colors(colors, count, dtype=torch.uint8):
    """One colour, three numbers, for each of `count` objects, from Pillow's names, triplets, or a palette of our own."""
    if colors is None:
        palette = (2**25 - 1, 2**15 - 1, 2**21 - 1)
        colors = [tuple(i * p % 255 for p in palette) for i in range(count)]
    elif isinstance(colors, list):
        if len(colors) < count:
            raise ValueError(f"Number of colors must be equal or larger than the number of objects, but got {len(colors)} < {count}.")
    elif not isinstance(colors, tuple | str):
        raise ValueError(f"colors must be a tuple or a string, or a list thereof, but got {colors}.")
    elif isinstance(colors, tuple) and len(colors) != 3:
        raise ValueError(f"If passed as tuple, colors should be an RGB triplet, but got {colors}.")
    else:
        colors = [colors] * count
    colors = [pillow("ImageColor").getrgb(color) if isinstance(color, str) else color for color in colors]
    return [tuple(v / 255 for v in color) for color in colors] if dtype.is_floating_point else colors


def _to_pillow(image):
    """An image of Pillow, RGB, from a tensor of bytes or of 0 to 1."""
    from pyxtorch.vision.transforms.functional import convert_image_dtype, to_pil_image

    return to_pil_image(convert_image_dtype(image.tile(3, 1, 1) if image.shape[0] == 1 else image, torch.uint8))


def _from_pillow(drawn, dtype):
    from pyxtorch.vision.transforms.functional import convert_image_dtype, pil_to_tensor

    return convert_image_dtype(pil_to_tensor(drawn), dtype)


def _dashed_line(draw, start, end, width, color, dash=5):
    """Dashes and gaps of five pixels."""
    (x, y), (to_x, to_y) = start, end
    length, on = math.hypot(to_x - x, to_y - y), True
    angle = math.atan2(to_y - y, to_x - x)
    while length > 0:
        step = min(length, dash)
        next_x, next_y = x + math.cos(angle) * step, y + math.sin(angle) * step
        if on:
            draw.line([(x, y), (next_x, next_y)], color, width)
        length, x, y, on = length - step, next_x, next_y, not on


def _oriented_rectangle(draw, xy, fill, outline, width):
    """Four corners; the side from the first to the second is dashed."""
    corners = [tuple(xy[i : i + 2]) for i in range(0, len(xy), 2)]
    _dashed_line(draw, corners[0], corners[1], width, outline)
    for i in range(1, len(corners)):
        draw.line((corners[i], corners[(i + 1) % len(corners)]), width=width, fill=outline)
    draw.polygon(xy, fill=fill, outline=None, width=0)


@torch.no_grad()
def draw_bounding_boxes(image, boxes, labels=None, colors=None, fill=False, width=1, font=None, font_size=None, label_colors=None, label_background_colors=None,
                        fill_labels=False):  # fmt: skip
    """An image with rectangles on it.

    Args:
        image: (3, H, W) or (1, H, W), uint8 or floating point from 0 to 1.
        boxes: (N, 4), left, top, right, bottom, or (N, 8), four corners, in pixels.
        labels: a text for each box.
        colors, label_colors, label_background_colors: a name, a triplet, or a list with one for each box.
        fill: tint the inside. fill_labels: put a background under the texts.
        width: of the lines. font, font_size: a file of a TrueType font, and its size.
    Returns:
        (3, H, W), of the image's dtype.
    Raises:
        ValueError: another dtype or shape, boxes whose right is left of their left, too few labels or colours.
    """
    if not isinstance(image, torch.Tensor):
        raise TypeError(f"Tensor expected, got {type(image)}")
    _check_image(image, (1, 3))
    if boxes.shape[-1] == 4 and ((boxes[:, 0] > boxes[:, 2]).any() or (boxes[:, 1] > boxes[:, 3]).any()):
        raise ValueError("Boxes need to be in (xmin, ymin, xmax, ymax) format. Use torchvision.ops.box_convert to convert them")
    count = boxes.shape[0]
    if count == 0:
        warnings.warn("boxes doesn't contain any box. No box was drawn", UserWarning, stacklevel=2)
        return image
    if labels is not None and len(labels) != count:
        raise ValueError(f"Number of boxes ({count}) and labels ({len(labels)}) mismatch. Please specify labels for each box.")
    colors = _colors(colors, count)
    text_colors = _colors(label_colors or "black", count) if label_colors or fill_labels else colors
    grounds = _colors(label_background_colors, count) if fill_labels and label_background_colors else colors
    fonts = pillow("ImageFont")
    if font is None:
        if font_size is not None:
            warnings.warn("Argument 'font_size' will be ignored since 'font' is not set.", UserWarning, stacklevel=2)
        letters = fonts.load_default()
    else:
        letters = fonts.truetype(font=font, size=font_size or 10)
    drawn = _to_pillow(image)
    draw = pillow("ImageDraw").Draw(drawn, "RGBA" if fill else None)
    for box, color, label, text, ground in zip(boxes.to(torch.int64).tolist(), colors, labels or [None] * count, text_colors, grounds):
        inside = color + (100,) if fill else None
        if len(box) > 4:
            _oriented_rectangle(draw, box, inside, color, width)
        else:
            draw.rectangle(box, width=width, outline=color, fill=inside)
        if label is not None:
            place = (box[0] + width + 1, box[1] + width + 1)
            if fill_labels:
                left, top, right, bottom = draw.textbbox(place, label, font=letters)
                draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=ground)
            draw.text(place, label, fill=text, font=letters)
    return _from_pillow(drawn, image.dtype)


@torch.no_grad()
def draw_segmentation_masks(image, masks, alpha=0.8, colors=None):
    """An image tinted where masks are.

    Args:
        image: (3, H, W), uint8 or floating point from 0 to 1.
        masks: bool, (H, W) or (N, H, W); where two of them are, there is black.
        alpha: 0 shows the image, 1 the masks.
        colors: a name, a triplet, or a list with one for each mask.
    Returns:
        (3, H, W), of the image's dtype.
    """
    _check_image(image, (3,))
    if masks.ndim == 2:
        masks = masks[None]
    if masks.ndim != 3:
        raise ValueError("masks must be of shape (H, W) or (batch_size, H, W)")
    if masks.dtype != torch.bool:
        raise ValueError(f"The masks must be of dtype bool. Got {masks.dtype}")
    if masks.shape[-2:] != image.shape[-2:]:
        raise ValueError("The image and the masks must have the same height and width")
    if masks.shape[0] == 0:
        warnings.warn("masks doesn't contain any mask. No mask was drawn", UserWarning, stacklevel=2)
        return image
    painted = image.detach().clone()
    for mask, color in zip(masks, _colors(colors, masks.shape[0], image.dtype)):
        painted[:, mask] = torch.tensor(color, dtype=image.dtype, device=image.device)[:, None]
    painted[:, masks.sum(dim=0) > 1] = 0
    return (image * (1 - alpha) + painted * alpha).to(image.dtype)


@torch.no_grad()
def draw_keypoints(image, keypoints, connectivity=None, colors=None, radius=2, width=3, visibility=None):
    """An image with points on it, and lines between them.

    Args:
        image: (3, H, W), uint8 or floating point from 0 to 1.
        keypoints: (instances, K, 2), x and y in pixels.
        connectivity: pairs of numbers of points that a line joins.
        colors: of the points, a name or a triplet.
        visibility: bool, (instances, K), which points are drawn; all.
    Returns:
        (3, H, W), of the image's dtype.
    """
    _check_image(image, (3,))
    if keypoints.ndim != 3:
        raise ValueError("keypoints must be of shape (num_instances, K, 2)")
    visibility = torch.ones(keypoints.shape[:-1], dtype=torch.bool) if visibility is None else visibility
    visibility = visibility.squeeze(-1) if visibility.ndim == 3 else visibility
    if visibility.ndim != 2:
        raise ValueError(f"visibility must be of shape (num_instances, K). Got ndim={visibility.ndim}")
    if visibility.shape != keypoints.shape[:-1]:
        raise ValueError(f"keypoints and visibility must have the same dimensionality for num_instances and K. Got {visibility.shape} and {keypoints.shape}")
    drawn = _to_pillow(image)
    draw = pillow("ImageDraw").Draw(drawn)
    for points, seen in zip(keypoints.to(torch.int64).tolist(), visibility.cpu().bool().tolist()):
        for (x, y), shown in zip(points, seen):
            if shown:
                draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colors, outline=None, width=0)
        for a, b in connectivity or ():
            if seen[a] and seen[b]:
                draw.line((tuple(points[a]), tuple(points[b])), width=width)
    return _from_pillow(drawn, image.dtype)


# ---------------------------------------------------------------------------- optical flow


def _colorwheel():
    """Colours around the circle of directions, (55, 3): Baker et al., "A Database and Evaluation Methodology for Optical Flow" (2011)."""
    rows = []
    # From a colour to the next: how many steps, which channel rises (or falls), which is full meanwhile.
    for steps, channel, falls, full in ((15, 1, False, 0), (6, 0, True, 1), (4, 2, False, 1), (11, 1, True, 2), (13, 0, False, 2), (6, 2, True, 0)):
        for i in range(steps):
            color = [0.0, 0.0, 0.0]
            color[full] = 255.0
            part = math.floor(255 * i / steps)
            color[channel] = float(255 - part if falls else part)
            rows.append(color)
    return torch.tensor(rows)


@torch.no_grad()
def flow_to_image(flow):
    """Displacements as colours: the hue is the direction, the saturation the length.

    Args:
        flow: float32, (N, 2, H, W) or (2, H, W).
    Returns:
        uint8, (N, 3, H, W) or (3, H, W).
    """
    if flow.dtype != torch.float32:
        raise ValueError(f"Flow should be of dtype torch.float, got {flow.dtype}.")
    batch = flow[None] if flow.ndim == 3 else flow
    if batch.ndim != 4 or batch.shape[1] != 2:
        raise ValueError(f"Input flow should have shape (2, H, W) or (N, 2, H, W), got {tuple(flow.shape)}.")
    batch = batch / (batch.pow(2).sum(dim=1).sqrt().max() + torch.finfo(flow.dtype).eps)
    wheel = _colorwheel().to(flow.device) / 255.0
    length = batch.pow(2).sum(dim=1).sqrt().unsqueeze(1)
    place = (torch.atan2(-batch[:, 1], -batch[:, 0]) / math.pi + 1) / 2 * (len(wheel) - 1)
    before = torch.floor(place).to(torch.int64)
    part = (place - before).unsqueeze(1)
    low, high = (wheel[k].movedim(-1, 1) for k in (before, (before + 1) % len(wheel)))
    colors = 1 - length * (1 - ((1 - part) * low + part * high))
    image = torch.floor(255 * colors).to(torch.uint8)
    return image[0] if flow.ndim == 3 else image
