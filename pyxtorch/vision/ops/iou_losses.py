"""Losses of pairs of boxes (N, 4), left, top, right and bottom: one minus how well they fit."""
import math

import pyxtorch as torch
from pyxtorch.vision.ops._utils import reduced

__all__ = ["complete_box_iou_loss", "distance_box_iou_loss", "generalized_box_iou_loss"]


def _floating(boxes):
    return boxes if boxes.dtype in (torch.float32, torch.float64) else boxes.float()


def _inter_union(a, b):
    """Areas of the intersection and of the union of each pair."""
    size = torch.min(a[..., 2:], b[..., 2:]) - torch.max(a[..., :2], b[..., :2])
    inter = torch.where((size > 0).all(-1), size[..., 0] * size[..., 1], 0.0)
    areas = sum((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]) for boxes in (a, b))
    return inter, areas - inter


def _hull(a, b):
    """Width and height of the box around each pair, (N, 2)."""
    return torch.max(a[..., 2:], b[..., 2:]) - torch.min(a[..., :2], b[..., :2])


def _mean(loss, reduction):
    return 0.0 * loss.sum() if reduction == "mean" and loss.numel() == 0 else reduced(loss, reduction)


def generalized_box_iou_loss(boxes1, boxes2, reduction="none", eps=1e-7):
    """1 - IoU + the part of the hull that belongs to neither box (Rezatofighi et al., 2019): (N), or reduced by "mean" or "sum"."""
    a, b = _floating(boxes1), _floating(boxes2)
    inter, union = _inter_union(a, b)
    hull = _hull(a, b).prod(-1)
    return _mean(1 - (inter / (union + eps) - (hull - union) / (hull + eps)), reduction)


def _distance(a, b, eps):
    inter, union = _inter_union(a, b)
    iou = inter / (union + eps)
    diagonal = _hull(a, b).pow(2).sum(-1) + eps
    apart = ((a[..., :2] + a[..., 2:]) / 2 - (b[..., :2] + b[..., 2:]) / 2).pow(2).sum(-1)
    return 1 - iou + apart / diagonal, iou


def distance_box_iou_loss(boxes1, boxes2, reduction="none", eps=1e-7):
    """1 - IoU + the distance of the middles (Zheng et al., "Distance-IoU Loss", 2020): (N), or reduced by "mean" or "sum"."""
    return _mean(_distance(_floating(boxes1), _floating(boxes2), eps)[0], reduction)


def complete_box_iou_loss(boxes1, boxes2, reduction="none", eps=1e-7):
    """`distance_box_iou_loss` + the difference of the shapes (Zheng et al., "Enhancing Geometric Factors", 2021)."""
    a, b = _floating(boxes1), _floating(boxes2)
    loss, iou = _distance(a, b, 1e-7)
    first, second = (torch.atan((boxes[..., 2] - boxes[..., 0]) / (boxes[..., 3] - boxes[..., 1])) for boxes in (a, b))
    v = (4 / math.pi**2) * (second - first) ** 2
    with torch.no_grad():
        alpha = v / (1 - iou + v + eps)
    return _mean(loss + alpha * v, reduction)
