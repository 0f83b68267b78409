"""What geometric transforms do to boxes and points: plain tensors, with their format and canvas (H, W). Those that change the canvas give it too."""
import pyxtorch as torch
from pyxtorch.vision.transforms import _functional_tensor as F_t
from pyxtorch.vision.transforms._geometry import affine_arguments, inverse_affine_matrix, perspective_coefficients, resized_output_size
from pyxtorch.vision.transforms._parameters import pair
from pyxtorch.vision.transforms.v2.functional import _rotated
from pyxtorch.vision.transforms.v2.functional._meta import clamp_plain, convert_plain
from pyxtorch.vision.tv_tensors import BoundingBoxFormat, is_rotated_bounding_format

XYXY, CORNERS = BoundingBoxFormat.XYXY, BoundingBoxFormat.XYXYXYXY


def _format(format):
    return BoundingBoxFormat[format.upper()] if isinstance(format, str) else format


def _by_points(boxes, format, canvas_size, clamping_mode, move, new_canvas=None, whole=""):
    """Boxes whose corners go where `move`, a function of points (M, 2), takes them: the upright box around them, or the turned one inside.

    Whole numbers are converted from their format and back to it in floating point, but where `whole` says "before" or "after".
    """
    format = _format(format)
    shape, dtype, rotated = boxes.shape, boxes.dtype, is_rotated_bounding_format(format)
    between = CORNERS if rotated else XYXY
    x = convert_plain(boxes, format, between) if "before" in whole else boxes
    x = x if x.is_floating_point() else x.float()
    x = x if "before" in whole else convert_plain(x, format, between)
    points = x.reshape(-1, 4, 2) if rotated else x.reshape(-1, 4)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
    points = move(points.reshape(-1, 2)).reshape(-1, 4, 2)
    x = _rotated.rectangle(points.flatten(1)) if rotated else torch.cat([points.amin(1), points.amax(1)], 1)
    x = clamp_plain(x.to(dtype) if "after" in whole else x, between, new_canvas or canvas_size, clamping_mode)
    return convert_plain(x, between, format).reshape(shape).to(dtype)


def _points(points, move):
    """Points moved, in their shape and dtype."""
    if points.numel() == 0:
        return points
    x = points if points.is_floating_point() else points.float()
    return move(x.reshape(-1, 2)).reshape(points.shape).to(points.dtype)


# ---------------------------------------------------------------------------- flips


def _flip(boxes, format, length, axis):
    """Mirrored along x (axis 0) or y (1); turned boxes turn the other way."""
    format = _format(format)
    x = list(boxes.unbind(-1))
    if format is XYXY:
        x[axis], x[axis + 2] = length - x[axis + 2], length - x[axis]
    elif format is BoundingBoxFormat.XYWH:
        x[axis] = length - x[axis] - x[axis + 2]
    elif format is BoundingBoxFormat.CXCYWH:
        x[axis] = length - x[axis]
    elif format is CORNERS:
        x = [length - value if i % 2 == axis else value for i, value in enumerate(x)]
        x = [x[i] for i in (2, 3, 0, 1, 6, 7, 4, 5)]
    else:
        if format is BoundingBoxFormat.XYWHR:  # the corner that comes first then is the next one
            angle = torch.deg2rad(x[4])
            x[0], x[1] = x[0] + x[2] * angle.cos(), x[1] - x[2] * angle.sin()
        x[axis] = length - x[axis]
        x[4] = -x[4] if axis == 0 else 180 - x[4]
    return torch.stack(x, -1)


def horizontal_flip_bounding_boxes(bounding_boxes, format, canvas_size):
    """Boxes mirrored left to right."""
    return _flip(bounding_boxes, format, canvas_size[1], 0)


def vertical_flip_bounding_boxes(bounding_boxes, format, canvas_size):
    """Boxes mirrored upside down."""
    return _flip(bounding_boxes, format, canvas_size[0], 1)


def horizontal_flip_keypoints(keypoints, canvas_size):
    """Points mirrored left to right: those of the first pixel come to the last."""
    x, y = keypoints.unbind(-1)
    return torch.stack((canvas_size[1] - 1 - x, y), -1)


def vertical_flip_keypoints(keypoints, canvas_size):
    """Points mirrored upside down."""
    x, y = keypoints.unbind(-1)
    return torch.stack((x, canvas_size[0] - 1 - y), -1)


# ---------------------------------------------------------------------------- sizes


def _ratios(canvas_size, size, max_size):
    new = tuple(resized_output_size(canvas_size, [size] if isinstance(size, int) else size, max_size))
    return new, torch.tensor([new[1] / canvas_size[1], new[0] / canvas_size[0]])


def resize_bounding_boxes(bounding_boxes, canvas_size, size, max_size=None, format=XYXY, clamping_mode="soft"):
    """(boxes, the new canvas)."""
    new, ratios = _ratios(canvas_size, size, max_size)
    if new == tuple(canvas_size):
        return bounding_boxes, canvas_size
    if is_rotated_bounding_format(format):
        move = lambda points: points * ratios.to(points)
        return _by_points(bounding_boxes, format, canvas_size, clamping_mode, move, new), new
    return bounding_boxes.mul(ratios.repeat(2).to(bounding_boxes.device)).to(bounding_boxes.dtype), new


def resize_keypoints(keypoints, size, canvas_size, max_size=None):
    """(points, the new canvas)."""
    new, ratios = _ratios(canvas_size, size, max_size)
    return (keypoints, canvas_size) if new == tuple(canvas_size) else (keypoints.mul(ratios.to(keypoints.device)).to(keypoints.dtype), new)


def _shift(boxes, format, x, y):
    """Boxes moved by whole pixels."""
    format = _format(format)
    places = {XYXY: 2, CORNERS: 4}.get(format, 1)
    shift = [x, y] * places
    return boxes + torch.tensor(shift + [0] * (boxes.shape[-1] - len(shift)), dtype=boxes.dtype, device=boxes.device)


def pad_bounding_boxes(bounding_boxes, format, canvas_size, padding, padding_mode="constant", clamping_mode="soft"):
    """(boxes, the new canvas); only a constant border is known for boxes."""
    if padding_mode != "constant":
        raise ValueError(f"Padding mode '{padding_mode}' is not supported with bounding boxes")
    left, right, top, bottom = F_t.parse_padding(padding)
    canvas = (canvas_size[0] + top + bottom, canvas_size[1] + left + right)
    return clamp_plain(_shift(bounding_boxes, format, left, top), _format(format), canvas, clamping_mode), canvas


def pad_keypoints(keypoints, canvas_size, padding, padding_mode="constant"):
    """(points, the new canvas)."""
    if padding_mode != "constant":
        raise ValueError(f"Padding mode '{padding_mode}' is not supported with KeyPoints (supported modes are constant)")
    left, right, top, bottom = F_t.parse_padding(padding)
    return _shift(keypoints, None, left, top), (canvas_size[0] + top + bottom, canvas_size[1] + left + right)


def crop_bounding_boxes(bounding_boxes, format, top, left, height, width, clamping_mode="soft"):
    """(boxes, the new canvas)."""
    format = _format(format)
    x = _shift(bounding_boxes, format, -left, -top)
    return clamp_plain(_rotated.rectangle(x) if format is CORNERS else x, format, (height, width), clamping_mode), (height, width)


def crop_keypoints(keypoints, top, left, height, width):
    """(points, the new canvas)."""
    return _shift(keypoints, None, -left, -top), (height, width)


def _middle(canvas_size, output_size):
    height, width = pair(output_size)
    return int(round((canvas_size[0] - height) / 2.0)), int(round((canvas_size[1] - width) / 2.0)), height, width


def center_crop_bounding_boxes(bounding_boxes, format, canvas_size, output_size, clamping_mode="soft"):
    """(boxes, the new canvas)."""
    return crop_bounding_boxes(bounding_boxes, format, *_middle(canvas_size, output_size), clamping_mode=clamping_mode)


def center_crop_keypoints(keypoints, canvas_size, output_size):
    """(points, the new canvas)."""
    return crop_keypoints(keypoints, *_middle(canvas_size, output_size))


def resized_crop_bounding_boxes(bounding_boxes, format, top, left, height, width, size, clamping_mode="soft"):
    """(boxes, the new canvas)."""
    x, canvas = crop_bounding_boxes(bounding_boxes, format, top, left, height, width, clamping_mode)
    return resize_bounding_boxes(x, canvas, size, format=format, clamping_mode=clamping_mode)


def resized_crop_keypoints(keypoints, top, left, height, width, size):
    """(points, the new canvas)."""
    x, canvas = crop_keypoints(keypoints, top, left, height, width)
    return resize_keypoints(x, size, canvas)


# ---------------------------------------------------------------------------- turned and bent


def _affine(canvas_size, angle, translate, scale, shear, center, expand=False):
    """(how points move, the new canvas)."""
    height, width = canvas_size
    angle, translate, shear = affine_arguments(angle, list(translate), scale, shear, center)
    center = [width * 0.5, height * 0.5] if center is None else center
    matrix = torch.tensor(inverse_affine_matrix(center, angle, translate, scale, shear, inverted=False)).view(2, 3)

    def move(points):
        m = matrix.to(points)
        return points @ m[:, :2].T + m[:, 2]

    if not expand:
        return move, canvas_size
    corners = move(torch.tensor([[0.0, 0.0], [0.0, height], [width, height], [width, 0.0]]))
    new = F_t.affine_output_size(inverse_affine_matrix(center, angle, translate, scale, shear), width, height)
    return (lambda points: move(points) - corners.amin(0).to(points)), (new[1], new[0])


def affine_bounding_boxes(bounding_boxes, format, canvas_size, angle, translate, scale, shear, center=None, clamping_mode="soft"):
    """Boxes around the moved ones."""
    if bounding_boxes.numel() == 0:
        return bounding_boxes
    return _by_points(bounding_boxes, format, canvas_size, clamping_mode, _affine(canvas_size, angle, translate, scale, shear, center)[0])


def affine_keypoints(keypoints, canvas_size, angle, translate, scale, shear, center=None):
    """Moved points; and the canvas, as it was."""
    return _points(keypoints, _affine(canvas_size, angle, translate, scale, shear, center)[0]), canvas_size


def rotate_bounding_boxes(bounding_boxes, format, canvas_size, angle, expand=False, center=None, clamping_mode="soft"):
    """(boxes around the turned ones, the new canvas)."""
    if bounding_boxes.numel() == 0:
        return bounding_boxes, canvas_size
    move, new = _affine(canvas_size, -angle, [0.0, 0.0], 1.0, [0.0, 0.0], center, expand)
    return _by_points(bounding_boxes, format, canvas_size, clamping_mode, move, new), new


def rotate_keypoints(keypoints, canvas_size, angle, expand=False, center=None):
    """(turned points, the new canvas)."""
    if keypoints.numel() == 0:
        return keypoints, canvas_size
    move, new = _affine(canvas_size, -angle, [0.0, 0.0], 1.0, [0.0, 0.0], center, expand)
    return _points(keypoints, move), new


def coefficients_of(startpoints, endpoints, coefficients):
    """The eight coefficients of a perspective, given or by the corners; a ValueError where both are given, or neither."""
    if coefficients is not None:
        if startpoints is not None and endpoints is not None:
            raise ValueError("The startpoints/endpoints and the coefficients shouldn't be defined concurrently.")
        if len(coefficients) != 8:
            raise ValueError("Argument coefficients should have 8 float values")
        return coefficients
    if startpoints is None or endpoints is None:
        raise ValueError("Either the startpoints/endpoints or the coefficients must have non `None` values.")
    return perspective_coefficients(startpoints, endpoints)


def _seen(startpoints, endpoints, coefficients):
    """How points move, by the inverse of the projection that pixels are taken by."""
    a, b, c, d, e, f, g, h = coefficients_of(startpoints, endpoints, coefficients)
    if a * e - b * d == 0:
        raise RuntimeError(f"Provided perspective_coeffs {[a, b, c, d, e, f, g, h]} can not be inverted: {a} * {e} - {b} * {d} is 0")
    inverse = torch.linalg.inv(torch.tensor([[a, b, c], [d, e, f], [g, h, 1.0]], dtype=torch.float64))

    def move(points):
        m = (inverse / inverse[2, 2]).to(points)
        moved = torch.cat([points, torch.ones_like(points[:, :1])], -1) @ m.T
        return moved[:, :2] / moved[:, 2:]

    return move


def perspective_bounding_boxes(bounding_boxes, format, canvas_size, startpoints, endpoints, coefficients=None, clamping_mode="soft"):
    """Boxes around those seen from elsewhere."""
    if bounding_boxes.numel() == 0:
        return bounding_boxes
    return _by_points(bounding_boxes, format, canvas_size, clamping_mode, _seen(startpoints, endpoints, coefficients), whole="before")


def perspective_keypoints(keypoints, canvas_size, startpoints, endpoints, coefficients=None):
    """Points seen from elsewhere."""
    return _points(keypoints, _seen(startpoints, endpoints, coefficients)) if keypoints.numel() else keypoints


def _bent(canvas_size, displacement):
    """How points move: against the displacement at their pixel, as long as it changes little from one pixel to the next."""
    wanted = (1, *canvas_size, 2)
    if not isinstance(displacement, torch.Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    if displacement.shape != wanted:
        raise ValueError(f"Argument displacement shape should be {wanted}, but given {tuple(displacement.shape)}")
    grid = F_t.identity_grid(canvas_size) - displacement.cpu()

    def move(points):
        column, row = (points[:, i].long().clamp(0, canvas_size[1 - i] - 1) for i in (0, 1))
        return (grid.to(points)[0, row, column] + 1) * (0.5 * torch.tensor(canvas_size[::-1]).to(points)) - 0.5

    return move


def elastic_bounding_boxes(bounding_boxes, format, canvas_size, displacement, clamping_mode="soft"):
    """Boxes around the bent ones; turned ones are moved by their middle."""
    move = _bent(canvas_size, displacement)
    if bounding_boxes.numel() == 0:
        return bounding_boxes
    format = _format(format)
    if not is_rotated_bounding_format(format):
        return _by_points(bounding_boxes, format, canvas_size, clamping_mode, lambda points: move(points.ceil()), whole="before and after")
    between = BoundingBoxFormat.CXCYWHR
    x = convert_plain(bounding_boxes, format, between)
    x = clamp_plain(torch.cat([move(x[:, :2].ceil()), x[:, 2:]], 1), between, canvas_size, clamping_mode)
    return convert_plain(x, between, format)


def elastic_keypoints(keypoints, canvas_size, displacement):
    """Bent points."""
    move = _bent(canvas_size, displacement)
    return _points(keypoints, move) if keypoints.numel() else keypoints
