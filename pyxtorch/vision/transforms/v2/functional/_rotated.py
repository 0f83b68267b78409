"""Boxes that are turned, as four corners (N, 8), clockwise on the screen from the first: cut off at the canvas, and made rectangles again."""
import math

import pyxtorch as torch


def rectangle(corners):
    """The rectangles inside of parallelograms: each keeps the direction of the longer side."""
    dtype = corners.dtype
    x = corners if dtype in (torch.float32, torch.float64) else corners.float()
    x1, y1, x2, y2, x3, y3, x4, y4 = x.unbind(-1)
    cx, cy = (x1 + x3) / 2, (y1 + y3) / 2
    first, last = ((x2 - x1) ** 2 + (y2 - y1) ** 2).sqrt(), ((x4 - x1) ** 2 + (y4 - y1) ** 2).sqrt()
    a12, a14 = torch.atan2(y1 - y2, x2 - x1), torch.atan2(y1 - y4, x4 - x1)
    between = a12 - a14
    sign = torch.where(between > math.pi / 2, -1, 1)
    cos, sin = between.cos(), between.sin()
    w = torch.where(first < last, first * sin, first + last * cos * sign) / 2
    h = torch.where(first > last, last * sin, last + first * cos * sign) / 2
    angle = torch.where(last > first, a14 + math.pi / 2, a12)
    cos, sin = angle.cos(), angle.sin()
    places = [(cx + dx * cos + dy * sin, cy - dx * sin + dy * cos) for dx, dy in ((-w, -h), (w, -h), (w, h), (-w, h))]
    return torch.stack([value for place in places for value in place], -1).to(dtype)


def _leftmost_first(boxes, order=None):
    """The corners in an order that begins with the leftmost (the highest of equals), or in a given one, and the order."""
    if order is None:
        x, y = boxes[:, 0::2], boxes[:, 1::2]
        start = (y / y.abs().amax(1, keepdim=True) + x / x.abs().amax(1, keepdim=True) * 100).min(1).indices
        order = (start[:, None] * 2 + torch.arange(8, device=boxes.device)) % 8
    return boxes.gather(1, order), order


def _lines(boxes):
    """Slope and intercept of the four sides, (N, 4) each."""
    x, y = boxes[:, 0::2], boxes[:, 1::2]
    slope = (y.roll(-1, 1) - y) / (x.roll(-1, 1) - x)
    return slope, y - slope * x


def _moved_intercepts(boxes, original, canvas_size, mode):
    """Where the sides cut x = 0 after they have been moved onto the canvas, and no further out than at first."""
    height, width = canvas_size
    a, b = (part.unbind(-1) for part in _lines(boxes))
    (a1, a2, a3, a4), (b1, b2, b3, b4) = a, b
    m1, m2, m3, m4 = _lines(original)[1].unbind(-1)
    b1 = b2.clamp(b1, b3).clamp(0, height)
    b4 = b3.clamp(b2, b4).clamp(0, height)
    if mode == "hard":
        b1 = b4 = (b1 + b4) / 2
        b2 = torch.stack([b1 * a2 / a1, b3 * a2 / a3, (a1 - a2) * width + b1, (a3 - a2) * width + b3], 1).amax(1).clamp(max=b2)
        b3 = torch.stack([height * (1 - a3 / a4) + b4 * a3 / a4, height * (1 - a3 / a2) + b2 * a3 / a2, (a2 - a3) * width + b2, (a4 - a3) * width + b4], 1).amin(1).clamp(min=b3)
    return torch.stack([b1.clamp(m1, m3), b2.clamp(m2, m4), b3.clamp(m1, m3), b4.clamp(m2, m4)], -1)


def _clamp_left(boxes, original, canvas_size, mode):
    """Boxes whose leftmost corner comes first, cut off at x = 0."""
    a, _ = _lines(boxes)
    b = _moved_intercepts(boxes, original, canvas_size, mode)
    x = (b.roll(1, 1) - b) / (a - a.roll(1, 1))
    met = torch.stack((x, a * x + b), -1).flatten(1)
    upright = torch.cat([boxes[:, :1].clamp(min=0), boxes[:, 1:6], boxes[:, 6:7].clamp(min=0), boxes[:, 7:]], 1)
    x1, y1, x2, y2, x3, y3, x4, y4 = boxes.unbind(-1)
    flat = y1.isclose(y2) | y3.isclose(y4)
    gone = (boxes[:, 0::2] <= 0).all(1) | y1.isclose(y4) | y2.isclose(y3) | (flat & x1.isclose(x2))
    for where, instead in (((x1 < 0) & ~met.isnan().any(-1), met), (flat, upright), (gone, torch.zeros_like(boxes))):
        boxes = torch.where(where[:, None], instead, boxes)
    return boxes


def _quarter(boxes, width):
    """The canvas turned by a quarter: (x, y) to (y, width - x)."""
    return torch.stack((boxes[:, 1::2], width - boxes[:, 0::2]), -1).flatten(1)


def clamp(corners, canvas_size, mode):
    """Cut off at the four borders of the canvas (H, W), one after the other; "hard" keeps whole boxes inside, "soft" lets corners stand out."""
    shape = corners.shape
    boxes = original = corners.reshape(-1, 8)
    for _ in range(4):
        boxes, order = _leftmost_first(boxes)
        original, _ = _leftmost_first(original, order)
        boxes = _clamp_left(boxes, original, canvas_size, mode)
        boxes, original = (_quarter(x.gather(1, order), canvas_size[1]) for x in (boxes, original))
        canvas_size = (canvas_size[1], canvas_size[0])
    return boxes.reshape(shape)
