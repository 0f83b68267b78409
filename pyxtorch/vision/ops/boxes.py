"""Boxes (N, 4): left, top, right and bottom in pixels, where nothing else is said."""
import math

import numpy as np

import pyxtorch as torch

__all__ = [
    "batched_nms", "box_area", "box_convert", "box_iou", "clip_boxes_to_image", "complete_box_iou", "distance_box_iou", "generalized_box_iou", "masks_to_boxes",
    "nms", "remove_small_boxes",
]  # fmt: skip


def nms(boxes, scores, iou_threshold):
    """Indices of boxes that overlap no better one by more than `iou_threshold` of their union, the best first.

    Args:
        boxes: (N, 4). scores: (N).
    Returns:
        int64, (K). Not differentiable.
    Raises:
        RuntimeError: other shapes.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise RuntimeError(f"nms: boxes should be (N, 4), got {tuple(boxes.shape)}.")
    if scores.ndim != 1 or scores.shape[0] != boxes.shape[0]:
        raise RuntimeError(f"nms: boxes and scores should have same number of elements in dimension 0, got {boxes.shape[0]} and {tuple(scores.shape)}.")
    order = scores.detach().sort(descending=True, stable=True).indices.cpu().numpy()
    kind = boxes.detach().cpu()
    x1, y1, x2, y2 = (kind.float() if kind.dtype in (torch.float16, torch.bfloat16) else kind).numpy().T
    areas = (x2 - x1) * (y2 - y1)
    alive = np.ones(len(order), bool)
    kept = []
    for place, i in enumerate(order):  # each kept box suppresses those after it, all at once
        if not alive[place]:
            continue
        kept.append(i)
        rest = order[place + 1 :][alive[place + 1 :]]
        width = np.maximum(0, np.minimum(x2[i], x2[rest]) - np.maximum(x1[i], x1[rest]))
        height = np.maximum(0, np.minimum(y2[i], y2[rest]) - np.maximum(y1[i], y1[rest]))
        inter = width * height
        with np.errstate(divide="ignore", invalid="ignore"):
            over = inter / (areas[i] + areas[rest] - inter) > iou_threshold
        alive[place + 1 :][alive[place + 1 :]] = ~over
    return torch.tensor(np.array(kept, dtype=np.int64), device=boxes.device)


def batched_nms(boxes, scores, idxs, iou_threshold):
    """`nms` within each class: boxes with different `idxs`, (N), do not suppress each other."""
    if boxes.numel() == 0:
        return torch.empty((0,), dtype=torch.int64, device=boxes.device)
    if boxes.numel() > 4000:
        keep = torch.zeros_like(scores, dtype=torch.bool)
        for kind in torch.unique(idxs):
            of_kind = torch.where(idxs == kind)[0]
            keep[of_kind[nms(boxes[of_kind], scores[of_kind], iou_threshold)]] = True
        kept = torch.where(keep)[0]
        return kept[scores[kept].sort(descending=True)[1]]
    apart = idxs.to(boxes) * (boxes.max() + 1)  # far enough that classes do not touch
    return nms(boxes + apart[:, None], scores, iou_threshold)


def remove_small_boxes(boxes, min_size):
    """Indices of boxes (..., 4) whose sides are both at least `min_size`."""
    keep = (boxes[..., 2] - boxes[..., 0] >= min_size) & (boxes[..., 3] - boxes[..., 1] >= min_size)
    return torch.where(keep)[0]


def clip_boxes_to_image(boxes, size):
    """Boxes (..., 4) cut off at the image's border, `size` (H, W)."""
    height, width = size
    return torch.stack((boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)), dim=-1).reshape(boxes.shape)


# ---------------------------------------------------------------------------- formats of boxes


def _cxcywh_to_xyxy(boxes):
    cx, cy, w, h = boxes.unbind(-1)
    return torch.stack((cx - 0.5 * w, cy - 0.5 * h, cx + 0.5 * w, cy + 0.5 * h), dim=-1)


def _xyxy_to_cxcywh(boxes):
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack(((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1), dim=-1)


def _xywh_to_xyxy(boxes):
    x, y, w, h = boxes.unbind(-1)
    return torch.stack((x, y, x + w, y + h), dim=-1)


def _xyxy_to_xywh(boxes):
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack((x1, y1, x2 - x1, y2 - y1), dim=-1)


def _turned(x, y, dx, dy, r):
    """From (x, y) by dx along the box and dy across it, which is turned by r radians."""
    return x + dx * r.cos() + dy * r.sin(), y - dx * r.sin() + dy * r.cos()


def _rounded(convert):
    """The same of whole numbers, rounded."""
    return lambda boxes: convert(boxes) if boxes.is_floating_point() else convert(boxes).round().to(boxes.dtype)


@_rounded
def _cxcywhr_to_xywhr(boxes):
    cx, cy, w, h, r = boxes.unbind(-1)
    x, y = _turned(cx, cy, -w / 2, -h / 2, torch.deg2rad(r))
    return torch.stack((x, y, w, h, r), dim=-1)


@_rounded
def _xywhr_to_cxcywhr(boxes):
    x, y, w, h, r = boxes.unbind(-1)
    cx, cy = _turned(x, y, w / 2, h / 2, torch.deg2rad(r))
    return torch.stack((cx, cy, w, h, r), dim=-1)


@_rounded
def _xywhr_to_corners(boxes):
    x, y, w, h, r = boxes.unbind(-1)
    zero, r = torch.zeros_like(w), torch.deg2rad(r)
    corners = [_turned(x, y, dx, dy, r) for dx, dy in ((zero, zero), (w, zero), (w, h), (zero, h))]
    return torch.stack([value for corner in corners for value in corner], dim=-1)


@_rounded
def _corners_to_xywhr(boxes):
    x1, y1, x2, y2, x3, y3, _, _ = boxes.unbind(-1)
    r = torch.rad2deg(torch.atan2(y1 - y2, x2 - x1))
    return torch.stack((x1, y1, ((x2 - x1) ** 2 + (y2 - y1) ** 2).sqrt(), ((x3 - x2) ** 2 + (y3 - y2) ** 2).sqrt(), r), dim=-1)


# To the first format of each kind, and from it.
_UPRIGHT = {"xyxy": (None, None), "xywh": (_xywh_to_xyxy, _xyxy_to_xywh), "cxcywh": (_cxcywh_to_xyxy, _xyxy_to_cxcywh)}
_ROTATED = {"xywhr": (None, None), "cxcywhr": (_cxcywhr_to_xywhr, _xywhr_to_cxcywhr), "xyxyxyxy": (_corners_to_xywhr, _xywhr_to_corners)}


def box_convert(boxes, in_fmt, out_fmt):
    """Boxes (..., 4), (..., 5) or (..., 8) in another format.

    Args:
        in_fmt, out_fmt: "xyxy" (left, top, right, bottom), "xywh" (left, top, width, height) or "cxcywh" (middle, width, height); or, of
            boxes that are turned by degrees counter-clockwise, "xywhr", "cxcywhr" or "xyxyxyxy" (four corners).
    Raises:
        ValueError: another format, or one of each kind.
    """
    table = next((t for t in (_UPRIGHT, _ROTATED) if in_fmt in t and out_fmt in t), None)
    if table is None:
        raise ValueError(f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt} and out_fmt {out_fmt}")
    if in_fmt == out_fmt:
        return boxes.clone()
    to, back = table[in_fmt][0], table[out_fmt][1]
    boxes = to(boxes) if to else boxes
    return back(boxes) if back else boxes


# ---------------------------------------------------------------------------- areas


def _wide(x):
    """In a dtype in which products of two values fit."""
    if x.is_floating_point():
        return x if x.dtype in (torch.float32, torch.float64) else x.float()
    return x if x.dtype in (torch.int32, torch.int64) else x.int()


def box_area(boxes, fmt="xyxy"):
    """Areas, (N), of boxes (N, 4) in the format "xyxy", "xywh" or "cxcywh"."""
    boxes = _wide(boxes)
    if fmt in ("xywh", "cxcywh"):
        return boxes[..., 2] * boxes[..., 3]
    if fmt != "xyxy":
        raise ValueError(f"Unsupported format {fmt}")
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _pairs(boxes1, boxes2):
    """The boxes (N, 4) and (M, 4) as (N, 1, 4) and (1, M, 4)."""
    return boxes1[..., :, None, :], boxes2[..., None, :, :]


def _hull(boxes1, boxes2):
    """Width and height of the box around each pair, (N, M, 2)."""
    a, b = _pairs(boxes1, boxes2)
    return _wide(torch.max(a[..., 2:], b[..., 2:]) - torch.min(a[..., :2], b[..., :2])).clamp(min=0)


def _inter_union(boxes1, boxes2, fmt="xyxy"):
    areas = box_area(boxes1, fmt)[..., :, None] + box_area(boxes2, fmt)[..., None, :]
    a, b = _pairs(*(boxes if fmt == "xyxy" else box_convert(boxes, fmt, "xyxy") for boxes in (boxes1, boxes2)))
    size = _wide(torch.min(a[..., 2:], b[..., 2:]) - torch.max(a[..., :2], b[..., :2])).clamp(min=0)
    inter = size[..., 0] * size[..., 1]
    return inter, areas - inter


def box_iou(boxes1, boxes2, fmt="xyxy"):
    """Intersection over union of all pairs: (N, 4) and (M, 4) to (N, M).

    Args:
        fmt: any of `box_convert`. Of turned boxes, whose intersections are polygons, there is no gradient.
    """
    if fmt in _ROTATED:
        return _rotated_iou(*(box_convert(boxes, fmt, "xyxyxyxy") for boxes in (boxes1, boxes2)))
    if fmt not in _UPRIGHT:
        raise ValueError(f"Unsupported format '{fmt}'. Supported formats: {(*_UPRIGHT, *_ROTATED)}.")
    inter, union = _inter_union(boxes1, boxes2, fmt)
    return inter / union


def _clip(polygon, start, end):
    """The part of a convex polygon, corners (K, 2), to one side of the line through two points (Sutherland and Hodgman, 1974)."""
    if not len(polygon):
        return polygon
    along = end - start
    side = along[0] * (polygon[:, 1] - start[1]) - along[1] * (polygon[:, 0] - start[0])
    found = []
    for i, (point, s) in enumerate(zip(polygon, side)):
        before, t = polygon[i - 1], side[i - 1]
        if (s >= 0) != (t >= 0):
            found.append(before + (point - before) * (t / (t - s)))
        if s >= 0:
            found.append(point)
    return np.array(found).reshape(-1, 2)


def _area(polygon):
    x, y = polygon.T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2 if len(polygon) > 2 else 0.0


def _rotated_iou(corners1, corners2):
    dtype = corners1.dtype if corners1.is_floating_point() else torch.float32
    first, second = (corners.detach().cpu().double().reshape(-1, 4, 2).numpy() for corners in (corners1, corners2))
    result = np.zeros((len(first), len(second)))
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            inner = a
            for k in range(4):  # the corners of a box go clockwise on the screen, so that its inside is to this side
                inner = _clip(inner, b[k], b[(k + 1) % 4])
            inter = _area(inner)
            union = _area(a) + _area(b) - inter
            result[i, j] = inter / union if union > 0 else 0.0
    return torch.from_numpy(result).to(dtype).to(corners1.device)


def generalized_box_iou(boxes1, boxes2):
    """`box_iou` less the part of the hull that belongs to neither box (Rezatofighi et al., "Generalized Intersection over Union", 2019)."""
    inter, union = _inter_union(boxes1, boxes2)
    hull = _hull(boxes1, boxes2).prod(-1)
    return inter / union - (hull - union) / hull


def _distance(boxes1, boxes2, eps):
    """(IoU less the squared distance of the middles in squared diagonals of the hull, IoU)."""
    iou = box_iou(boxes1, boxes2)
    a, b = _pairs(boxes1, boxes2)
    size = _hull(boxes1, boxes2)
    diagonal = size[..., 0] ** 2 + size[..., 1] ** 2 + eps
    apart = _wide((a[..., :2] + a[..., 2:]) / 2 - (b[..., :2] + b[..., 2:]) / 2)
    return iou - (apart[..., 0] ** 2 + apart[..., 1] ** 2) / diagonal, iou


def distance_box_iou(boxes1, boxes2, eps=1e-7):
    """`box_iou` less the distance of the middles (Zheng et al., "Distance-IoU Loss", 2020)."""
    return _distance(_wide(boxes1), _wide(boxes2), eps)[0]


def complete_box_iou(boxes1, boxes2, eps=1e-7):
    """`distance_box_iou` less the difference of the shapes (Zheng et al., "Enhancing Geometric Factors", 2021)."""
    boxes1, boxes2 = _wide(boxes1), _wide(boxes2)
    diou, iou = _distance(boxes1, boxes2, eps)
    first, second = (torch.atan((boxes[..., 2] - boxes[..., 0]) / (boxes[..., 3] - boxes[..., 1])) for boxes in (boxes1, boxes2))
    v = (4 / math.pi**2) * (first[..., :, None] - second[..., None, :]) ** 2
    with torch.no_grad():
        alpha = v / (1 - iou + v + eps)
    return diou - alpha * v


def masks_to_boxes(masks):
    """The boxes around masks (N, H, W): float32, (N, 4), all 0 where a mask has no pixels."""
    if masks.numel() == 0:
        return torch.zeros((0, 4), device=masks.device, dtype=torch.float32)
    n, h, w = masks.shape
    rows, columns = masks.bool().any(dim=2), masks.bool().any(dim=1)
    first = [x.int().argmax(dim=1) for x in (columns, rows)]
    last = [size - 1 - x.int().flip(dims=[1]).argmax(dim=1) for x, size in ((columns, w), (rows, h))]
    return torch.stack(first + last, dim=1).float() * rows.any(dim=1, keepdim=True)
