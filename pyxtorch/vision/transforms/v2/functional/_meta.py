"""Sizes, formats of boxes, and what lies on the canvas."""
import pyxtorch as torch
from pyxtorch.vision import tv_tensors
from pyxtorch.vision.ops.boxes import box_convert
from pyxtorch.vision.transforms import _functional_pil as F_pil
from pyxtorch.vision.transforms import _functional_tensor as F_t
from pyxtorch.vision.transforms.v2.functional import _rotated
from pyxtorch.vision.transforms.v2.functional._registry import dispatch, is_pure_tensor, register_plain
from pyxtorch.vision.tv_tensors import BoundingBoxFormat, is_rotated_bounding_format


def get_dimensions(inpt):
    """[C, H, W] of an image or a video."""
    return dispatch(get_dimensions, inpt)


def get_num_channels(inpt):
    """How many channels an image or a video has."""
    return dispatch(get_num_channels, inpt)


def get_size(inpt):
    """[H, W] of an image, a video or masks, or of the canvas of boxes or points."""
    return dispatch(get_size, inpt)


def get_num_frames(inpt):
    """How many frames a video, (..., T, C, H, W), has."""
    return dispatch(get_num_frames, inpt)


def get_dimensions_image(image):
    """[C, H, W] of a tensor."""
    return F_t.get_dimensions(image)


def get_num_channels_image(image):
    """C of a tensor."""
    return F_t.get_image_num_channels(image)


def get_size_image(image):
    """[H, W] of a tensor."""
    F_t.assert_image(image)
    return list(image.shape[-2:])


def get_size_bounding_boxes(bounding_box):
    """[H, W] of the canvas of boxes."""
    return list(bounding_box.canvas_size)


def get_num_frames_video(video):
    """T of a tensor (..., T, C, H, W)."""
    return video.shape[-4]


get_dimensions_video, get_num_channels_video, get_size_video, get_size_mask = get_dimensions_image, get_num_channels_image, get_size_image, get_size_image
get_size_keypoints, get_image_num_channels = get_size_bounding_boxes, get_num_channels


register_plain(get_dimensions, F_pil.get_dimensions, get_dimensions_image)
register_plain(get_num_channels, F_pil.get_image_num_channels, get_num_channels_image)
register_plain(get_num_frames, None, get_num_frames_video)
register_plain(get_size, lambda image: [image.height, image.width], get_size_image, (tv_tensors.Mask, get_size_image),
               (tv_tensors.BoundingBoxes, get_size_bounding_boxes), (tv_tensors.KeyPoints, get_size_keypoints))  # fmt: skip


def _format(format):
    return BoundingBoxFormat[format.upper()] if isinstance(format, str) else format


def convert_plain(boxes, old, new):
    """Boxes of one format in another; a ValueError where one of the two is of boxes that are turned, the other not."""
    if old == new:
        return boxes
    if is_rotated_bounding_format(old) != is_rotated_bounding_format(new):
        raise ValueError("Cannot convert between rotated and unrotated bounding boxes.")
    if not boxes.is_floating_point() and not is_rotated_bounding_format(old):
        return _convert_whole(boxes, old, new)
    return box_convert(boxes, old.value.lower(), new.value.lower())


def _convert_whole(boxes, old, new):
    """Whole numbers: edges towards 0, middles down."""
    a, b, c, d = boxes.unbind(-1)
    if old is BoundingBoxFormat.XYWH:
        c, d = a + c, b + d
    elif old is BoundingBoxFormat.CXCYWH:
        (a, c), (b, d) = (((m - size / 2).to(boxes.dtype), (m + size / 2).to(boxes.dtype)) for m, size in ((a, c), (b, d)))
    if new is BoundingBoxFormat.XYWH:
        return torch.stack((a, b, c - a, d - b), -1)
    if new is BoundingBoxFormat.CXCYWH:
        return torch.stack((torch.div(a + c, 2, rounding_mode="floor"), torch.div(b + d, 2, rounding_mode="floor"), c - a, d - b), -1)
    return torch.stack((a, b, c, d), -1)


def convert_bounding_box_format(inpt, old_format=None, new_format=None, inplace=False):
    """Boxes in another format.

    Args:
        inpt: `BoundingBoxes`, or a tensor, of which `old_format` must be given.
        inplace: taken for PyTorch's sake; the result has memory of its own.
    """
    if new_format is None:
        raise TypeError("convert_bounding_box_format() missing 1 required argument: 'new_format'")
    old_format, new_format = _format(old_format), _format(new_format)
    if is_pure_tensor(inpt):
        if old_format is None:
            raise ValueError("For pure tensor inputs, `old_format` has to be passed.")
        return convert_plain(inpt, old_format, new_format)
    if not isinstance(inpt, tv_tensors.BoundingBoxes):
        raise TypeError(f"Input can either be a plain tensor or a bounding box tv_tensor, but got {type(inpt)} instead.")
    if old_format is not None:
        raise ValueError("For bounding box tv_tensor inputs, `old_format` must not be passed.")
    return tv_tensors.wrap(convert_plain(inpt.as_subclass(torch.Tensor), inpt.format, new_format), like=inpt, format=new_format)


def clamp_plain(boxes, format, canvas_size, clamping_mode):
    """Boxes cut off at the border of the canvas."""
    if clamping_mode is None:
        return boxes.clone()
    if is_rotated_bounding_format(format):
        corners = convert_plain(boxes, format, BoundingBoxFormat.XYXYXYXY)
        return convert_plain(_rotated.clamp(corners, canvas_size, clamping_mode), BoundingBoxFormat.XYXYXYXY, format)
    x = convert_plain(boxes if boxes.is_floating_point() else boxes.float(), format, BoundingBoxFormat.XYXY)
    x = torch.stack((x[..., 0::2].clamp(0, canvas_size[1]), x[..., 1::2].clamp(0, canvas_size[0])), -1).flatten(-2)
    return convert_plain(x, BoundingBoxFormat.XYXY, format).to(boxes.dtype)


def clamp_bounding_boxes(inpt, format=None, canvas_size=None, clamping_mode="auto"):
    """Boxes cut off at the border of the canvas.

    Args:
        inpt: `BoundingBoxes`, or a tensor, of which `format`, `canvas_size` and `clamping_mode` must be given.
        clamping_mode: "auto" is that of the boxes; None leaves them.
    """
    if clamping_mode not in (None, "soft", "hard", "auto"):
        raise ValueError(f"clamping_mode must be soft, hard, auto or None, got {clamping_mode}")
    if is_pure_tensor(inpt):
        if format is None or canvas_size is None or clamping_mode == "auto":
            raise ValueError("For pure tensor inputs, `format`, `canvas_size` and `clamping_mode` have to be passed.")
        return clamp_plain(inpt, _format(format), canvas_size, clamping_mode)
    if not isinstance(inpt, tv_tensors.BoundingBoxes):
        raise TypeError(f"Input can either be a plain tensor or a bounding box tv_tensor, but got {type(inpt)} instead.")
    if format is not None or canvas_size is not None:
        raise ValueError("For bounding box tv_tensor inputs, `format` and `canvas_size` must not be passed.")
    mode = inpt.clamping_mode if clamping_mode == "auto" else clamping_mode
    return tv_tensors.wrap(clamp_plain(inpt.as_subclass(torch.Tensor), inpt.format, inpt.canvas_size, mode), like=inpt)


def clamp_keypoints(inpt, canvas_size=None):
    """Points moved to the nearest pixel of the canvas; of a tensor `canvas_size` must be given."""
    if is_pure_tensor(inpt):
        if canvas_size is None:
            raise ValueError("For pure tensor inputs, `canvas_size` has to be passed.")
        x, y = inpt.unbind(-1)
        return torch.stack((x.clamp(0, canvas_size[1] - 1), y.clamp(0, canvas_size[0] - 1)), -1)
    if not isinstance(inpt, tv_tensors.KeyPoints):
        raise TypeError(f"Input can either be a plain tensor or a keypoints tv_tensor, but got {type(inpt)} instead.")
    if canvas_size is not None:
        raise ValueError("For keypoints tv_tensor inputs, `canvas_size` must not be passed.")
    return tv_tensors.wrap(clamp_keypoints(inpt.as_subclass(torch.Tensor), inpt.canvas_size), like=inpt)


def boxes_that_are_sane(boxes, format, canvas_size, min_size=1.0, min_area=1.0):
    """Which boxes lie on the canvas and are large enough: bool, (N)."""
    height, width = canvas_size
    if is_rotated_bounding_format(format):
        x = convert_plain(boxes, format, BoundingBoxFormat.XYXYXYXY)
        ws = ((x[..., 0] - x[..., 2]) ** 2 + (x[..., 1] - x[..., 3]) ** 2).sqrt()
        hs = ((x[..., 2] - x[..., 4]) ** 2 + (x[..., 3] - x[..., 5]) ** 2).sqrt()
    else:
        x = convert_plain(boxes, format, BoundingBoxFormat.XYXY)
        ws, hs = x[..., 2] - x[..., 0], x[..., 3] - x[..., 1]
    large = (ws >= min_size) & (hs >= min_size) & (ws * hs >= min_area)
    return large & (x >= 0).all(-1) & (x[..., 0::2] <= width).all(-1) & (x[..., 1::2] <= height).all(-1)


def _on_its_canvas(name, inpt, kind, **given):
    """The plain tensor, and what is known of it: from itself, or given with a plain one."""
    if is_pure_tensor(inpt):
        if any(value is None for value in given.values()):
            raise ValueError(f"{' and '.join(given)} cannot be None if {name} is a pure tensor. Got {given}.")
        return inpt, given
    if not isinstance(inpt, kind):
        raise ValueError(f"{name} must be a tv_tensors.{kind.__name__} instance or a pure tensor.")
    if any(value is not None for value in given.values()):
        raise ValueError(f"{' and '.join(given)} must be None when {name} is a tv_tensors.{kind.__name__} instance. Got {given}.")
    return inpt.as_subclass(torch.Tensor), {key: getattr(inpt, key) for key in given}


def sanitize_bounding_boxes(bounding_boxes, format=None, canvas_size=None, min_size=1.0, min_area=1.0):
    """(the boxes that lie on the canvas and are large enough, which they are)."""
    boxes, known = _on_its_canvas("bounding_boxes", bounding_boxes, tv_tensors.BoundingBoxes, format=_format(format), canvas_size=canvas_size)
    valid = boxes_that_are_sane(boxes, **known, min_size=min_size, min_area=min_area)
    return (boxes[valid] if boxes is bounding_boxes else tv_tensors.wrap(boxes[valid], like=bounding_boxes)), valid


def points_that_are_sane(points, canvas_size):
    """Which points, or groups of points, (N, ..., 2), lie on the canvas: bool, (N)."""
    x, y = points.unbind(-1)
    valid = (x >= 0) & (x < canvas_size[1]) & (y >= 0) & (y < canvas_size[0])
    return valid.flatten(1).all(1) if valid.ndim > 1 else valid


def sanitize_keypoints(key_points, canvas_size=None):
    """(the points that lie on the canvas, which they are)."""
    points, known = _on_its_canvas("key_points", key_points, tv_tensors.KeyPoints, canvas_size=canvas_size)
    valid = points_that_are_sane(points, **known)
    return (points[valid] if points is key_points else tv_tensors.wrap(points[valid], like=key_points)), valid
