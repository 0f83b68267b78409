"""Operations on boxes and regions against definitions."""
import math

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.autograd import gradcheck
from pyxtorch.vision import ops


def boxes(count, seed=0):
    rng = np.random.default_rng(seed)
    corner, size = rng.random((count, 2)) * 40, rng.random((count, 2)) * 20 + 1
    return torch.from_numpy(np.concatenate([corner, corner + size], 1))


def iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inter = max(width, 0) * max(height, 0)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


def test_overlaps():
    a, b = boxes(6), boxes(5, 1)
    expected = torch.tensor([[iou(x, y) for y in b.tolist()] for x in a.tolist()], dtype=torch.float64)
    found = ops.box_iou(a, b)
    assert torch.allclose(found, expected)
    for fmt in ("xywh", "cxcywh"):
        assert torch.allclose(ops.box_iou(*(ops.box_convert(x, "xyxy", fmt) for x in (a, b)), fmt=fmt), expected)
    assert (ops.generalized_box_iou(a, b) <= found).all() and torch.allclose(ops.generalized_box_iou(a, a).diagonal(), torch.ones(6, dtype=torch.float64))
    assert (ops.complete_box_iou(a, b) <= ops.distance_box_iou(a, b)).all() and (ops.distance_box_iou(a, b) <= found).all()
    # Turned by a quarter, a box is one of swapped sides; two squares turned by an eighth meet in a regular octagon.
    square = torch.tensor([[0.0, 0, 2, 2, 0], [0, 0, 2, 4, 0]], dtype=torch.float64)
    turned = torch.tensor([[0.0, 0, 2, 2, 45], [0, 0, 4, 2, 90]], dtype=torch.float64)
    octagon, cut = 8 * (math.sqrt(2) - 1), 4 - 2 * (math.sqrt(2) - 1) ** 2
    expected = torch.tensor([[octagon / (8 - octagon), 0.5], [cut / (12 - cut), 1]], dtype=torch.float64)
    assert torch.allclose(ops.box_iou(square, turned, "cxcywhr"), expected)
    for loss in (ops.generalized_box_iou_loss, ops.distance_box_iou_loss, ops.complete_box_iou_loss):
        assert torch.allclose(loss(a, a), torch.zeros(6, dtype=torch.float64), atol=1e-6) and loss(a, a, reduction="sum").ndim == 0
        assert loss(a[:0], a[:0], reduction="mean").item() == 0
        with pytest.raises(ValueError, match="reduction"):
            loss(a, a, reduction="most")
    assert torch.allclose(1 - ops.generalized_box_iou_loss(a[:5], b), ops.generalized_box_iou(a[:5], b).diagonal(), atol=1e-6)


def test_formats_of_boxes():
    a = boxes(4)
    for fmt in ("xyxy", "xywh", "cxcywh"):
        there = ops.box_convert(a, "xyxy", fmt)
        assert torch.allclose(ops.box_convert(there, fmt, "xyxy"), a) and torch.allclose(ops.box_area(there, fmt), ops.box_area(a))
    turned = torch.tensor([[10.0, 10, 4, 2, 0], [10, 10, 4, 2, 90], [3, 4, 5, 6, 30]], dtype=torch.float64)
    corners = ops.box_convert(turned, "cxcywhr", "xyxyxyxy")
    assert torch.allclose(corners[0], torch.tensor([8.0, 9, 12, 9, 12, 11, 8, 11], dtype=torch.float64))
    for fmt in ("xywhr", "xyxyxyxy"):
        assert torch.allclose(ops.box_convert(ops.box_convert(turned, "cxcywhr", fmt), fmt, "cxcywhr"), turned)
    with pytest.raises(ValueError, match="xyxyxyxy"):
        ops.box_convert(a, "xyxy", "xyxyxyxy")
    assert ops.box_area(torch.tensor([[0, 0, 200, 200]], dtype=torch.uint8)).item() == 40000
    assert ops.clip_boxes_to_image(torch.tensor([[-1.0, 2, 30, 40]]), (20, 10)).tolist() == [[0, 2, 10, 20]]
    assert ops.remove_small_boxes(torch.tensor([[0.0, 0, 1, 5], [0, 0, 5, 5]]), 2).tolist() == [1]
    masks = torch.zeros(2, 5, 6, dtype=torch.bool)
    masks[0, 1:3, 2:6] = True
    assert ops.masks_to_boxes(masks).tolist() == [[2, 1, 5, 2], [0, 0, 0, 0]] and ops.masks_to_boxes(masks[:0]).shape == (0, 4)


def test_nms():
    def slow(a, scores, threshold):
        order, kept = sorted(range(len(a)), key=lambda i: -scores[i]), []
        for i in order:
            if all(iou(a[i], a[j]) <= threshold for j in kept):
                kept.append(i)
        return kept

    a, scores = boxes(60), torch.from_numpy(np.random.default_rng(2).random(60))
    for threshold in (0.0, 0.3, 0.7):
        assert ops.nms(a, scores, threshold).tolist() == slow(a.tolist(), scores.tolist(), threshold)
    kinds = torch.arange(60) % 3
    kept = ops.batched_nms(a, scores, kinds, 0.3)
    by_kind = [i for k in range(3) for i in torch.where(kinds == k)[0][ops.nms(a[kinds == k], scores[kinds == k], 0.3)].tolist()]
    assert sorted(kept.tolist()) == sorted(by_kind) and (scores[kept].diff() <= 0).all()
    many = boxes(1100)
    assert ops.batched_nms(many, torch.arange(1100.0), torch.zeros(1100), 0.5).tolist() == ops.nms(many, torch.arange(1100.0), 0.5).tolist()
    assert ops.nms(a[:0], scores[:0], 0.5).shape == (0,) and ops.batched_nms(a[:0], scores[:0], kinds[:0], 0.5).dtype == torch.int64
    for bad in ((a[:, :3], scores), (a, scores[:5])):
        with pytest.raises(RuntimeError, match="nms"):
            ops.nms(*bad, 0.5)


def test_regions():
    x = torch.arange(2 * 3 * 8 * 8, dtype=torch.float64).reshape(2, 3, 8, 8)
    rois = torch.tensor([[0.0, 0, 0, 8, 8], [1, 2, 2, 6, 4]], dtype=torch.float64)
    # Linear values: each bin is the value in its middle.
    found = ops.roi_align(x, rois, (2, 2), sampling_ratio=2, aligned=True)
    assert found[1, 0].tolist() == [[192 + 8 * y + z for z in (2.5, 4.5)] for y in (2, 3)] and found.shape == (2, 3, 2, 2)
    assert torch.allclose(ops.roi_align(x, [rois[:1, 1:], rois[1:, 1:]], 2, aligned=True), ops.roi_align(x, rois, 2, aligned=True))
    pooled = ops.roi_pool(x, torch.tensor([[0.0, 0, 0, 7, 7]], dtype=torch.float64), (2, 4))
    assert torch.equal(pooled[0], nn.functional.adaptive_max_pool2d(x[0], (2, 4)))
    sensitive = torch.stack([torch.full((9, 9), float(i)) for i in range(8)]).unsqueeze(0)
    for function in (ops.ps_roi_align, ops.ps_roi_pool):
        assert torch.allclose(function(sensitive, torch.tensor([[0.0, 1, 1, 7, 7]]), (2, 2)).flatten(), torch.arange(8.0))
    small = torch.randn(1, 4, 5, 6, dtype=torch.float64, requires_grad=True)
    box = torch.tensor([[0, 0.3, 0.7, 4.2, 3.9], [0, -2.0, 1.0, 9.0, 2.0]], dtype=torch.float64)
    for function in (ops.roi_align, ops.roi_pool, ops.ps_roi_align, ops.ps_roi_pool):
        assert gradcheck(lambda t, f=function: f(t, box, (2, 2)), (small,))
    assert ops.roi_align(x, rois[:0], 3).shape == (0, 3, 3, 3)
    for bad, message in (((x, rois.float(), 2), "same type"), ((x[0], rois, 2), "needs"), ((x, rois + 1, 2), "outside of the 2")):
        with pytest.raises(RuntimeError, match=message):
            ops.roi_align(*bad)
    with pytest.raises(AssertionError, match=r"Tensor\[K, 5\]"):
        ops.roi_align(x, rois[:, 1:], 2)
    assert repr(ops.RoIAlign(7, 0.5, 2)) == "RoIAlign(output_size=7, spatial_scale=0.5, sampling_ratio=2, aligned=False)"
    assert torch.equal(ops.RoIPool(2, 1.0)(x, rois), ops.roi_pool(x, rois, 2)) and ops.PSRoIPool(2, 1.0)(sensitive, torch.tensor([[0.0, 1, 1, 7, 7]])).shape == (1, 2, 2, 2)
    pool = ops.MultiScaleRoIAlign(["a", "b"], 3, 2)
    out = pool({"a": torch.rand(2, 4, 64, 64), "b": torch.rand(2, 4, 32, 32), "c": torch.rand(1)}, [torch.tensor([[0.0, 0, 50, 50]]), torch.tensor([[0.0, 0, 200, 200]])], [(256, 256)] * 2)
    assert out.shape == (2, 4, 3, 3) and pool.scales == [0.25, 0.125]


def test_deformable_convolution():
    torch.manual_seed(0)
    x, w, b = torch.randn(2, 4, 7, 6, dtype=torch.float64), torch.randn(6, 2, 3, 2, dtype=torch.float64), torch.randn(6, dtype=torch.float64)
    how = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}
    plain = nn.functional.conv2d(x, w, b, groups=2, **how)
    offset = torch.zeros(2, 2 * 2 * 6, *plain.shape[2:], dtype=torch.float64)
    assert torch.allclose(ops.deform_conv2d(x, offset, w, b, **how), plain)
    mask = torch.full((2, 2 * 6, *plain.shape[2:]), 0.5, dtype=torch.float64)
    assert torch.allclose(ops.deform_conv2d(x, offset, w, None, mask=mask, **how), 0.5 * nn.functional.conv2d(x, w, groups=2, **how))
    shifted = offset.clone()
    shifted[:, 1::2] = 1.0  # one pixel to the right
    assert torch.allclose(ops.deform_conv2d(x, shifted, w, b, **how)[..., :-1], plain[..., 1:])
    args = [t.requires_grad_() for t in (x[:1].detach(), (offset[:1] + 0.3).detach(), w.detach(), b.detach())]
    assert gradcheck(lambda *a: ops.deform_conv2d(*a, **how), args)
    layer = ops.DeformConv2d(4, 6, (3, 2), bias=False)
    assert layer(x.float(), torch.zeros(2, 12, 5, 5)).shape == (2, 6, 5, 5) and "bias=False" in repr(layer)
    with pytest.raises(RuntimeError, match="offset"):
        ops.deform_conv2d(x, offset[:, :3], w, b, **how)


def test_small_modules():
    torch.manual_seed(0)
    x = torch.randn(4, 6, 5, 5)
    norm = nn.BatchNorm2d(6)
    norm(x)
    frozen = ops.FrozenBatchNorm2d(6)
    frozen.load_state_dict(norm.state_dict())
    assert torch.allclose(frozen(x), norm.eval()(x), atol=1e-6) and not list(frozen.parameters()) and repr(frozen) == "FrozenBatchNorm2d(6, eps=1e-05)"
    assert ops.Conv2dNormActivation(6, 8, 5, stride=2, dilation=2)(x).shape == (4, 8, 3, 3) and ops.Conv2dNormActivation(6, 8, norm_layer=None)[0].bias is not None
    assert ops.Conv3dNormActivation(6, 2)(x[:, :, None].expand(-1, -1, 3, -1, -1)).shape == (4, 2, 3, 5, 5)
    assert [type(m).__name__ for m in ops.MLP(3, [4, 5], nn.LayerNorm)] == ["Linear", "LayerNorm", "ReLU", "Dropout", "Linear", "Dropout"]
    assert ops.SqueezeExcitation(6, 2)(x).shape == x.shape and ops.Permute([0, 2, 3, 1])(x).shape == (4, 5, 5, 6)
    kept = ops.stochastic_depth(torch.ones(1000, 2), 0.25, "row")
    assert set(kept.unique().tolist()) == {0.0, torch.tensor(4 / 3).item()} and (kept[:, 0] == kept[:, 1]).all() and abs(kept.mean() - 1) < 0.1
    assert ops.stochastic_depth(x, 0.5, "batch", training=False) is x and not ops.stochastic_depth(x, 1.0, "batch").any()
    dropped = ops.drop_block2d(torch.ones(8, 8, 20, 20), 0.2, 3)
    assert 0.05 < (dropped == 0).float().mean() < 0.35 and dropped.mean().item() == pytest.approx(1, abs=1e-4)
    assert ops.DropBlock3d(0.1, 2)(torch.ones(2, 2, 6, 6, 6)).shape == (2, 2, 6, 6, 6) and ops.DropBlock2d(0.1, 2).eval()(x) is x
    for call, message in ((lambda: ops.stochastic_depth(x, 2, "row"), "p is 2"), (lambda: ops.stochastic_depth(x, 0.5, "col"), "col"), (lambda: ops.drop_block2d(x, -1, 3), "-1"),
                          (lambda: ops.sigmoid_focal_loss(x, x, alpha=2), "alpha"), (lambda: ops.FeaturePyramidNetwork([0], 2), "in_channels")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            call()
    scores, targets = torch.randn(5, dtype=torch.float64, requires_grad=True), torch.tensor([0.0, 1, 1, 0, 1], dtype=torch.float64)
    plain = nn.functional.binary_cross_entropy_with_logits(scores, targets, reduction="none")
    assert torch.allclose(ops.sigmoid_focal_loss(scores, targets, alpha=-1, gamma=0), plain) and gradcheck(lambda s: ops.sigmoid_focal_loss(s, targets), (scores,))
    pyramid = ops.FeaturePyramidNetwork([2, 3], 4, ops.feature_pyramid_network.LastLevelP6P7(4, 4))
    out = pyramid({"a": torch.rand(1, 2, 8, 8), "b": torch.rand(1, 3, 4, 4)})
    assert {k: tuple(v.shape[1:]) for k, v in out.items()} == {"a": (4, 8, 8), "b": (4, 4, 4), "p6": (4, 2, 2), "p7": (4, 1, 1)}
