"""Transforms of samples: kinds of tensors, boxes, masks and points in the same way as the image."""
import copy
import pickle

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.vision import ops, tv_tensors
from pyxtorch.vision.transforms import functional as F1
from pyxtorch.vision.transforms import v2
from pyxtorch.vision.transforms.v2 import functional as F

H, W = 20, 30


def picture():
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, H, W), dtype=np.uint8))


def boxes(format="XYXY", **options):
    data = torch.tensor([[2.0, 3, 10, 12], [15, 1, 28, 19], [0, 0, 30, 20]])
    return tv_tensors.BoundingBoxes(ops.box_convert(data, "xyxy", format.lower()), format=format, canvas_size=(H, W), **options)


def plain(x):
    return x.as_subclass(torch.Tensor)


def test_kinds_of_tensors():
    image, mask = tv_tensors.Image(picture()), tv_tensors.Mask(torch.zeros(2, H, W))
    for x in (image, mask, boxes(), tv_tensors.KeyPoints([[1.0, 2.0]], canvas_size=(H, W)), tv_tensors.Video(torch.zeros(2, 3, H, W))):
        assert type(x + 1) is torch.Tensor and type(x.clone()) is type(x.to(torch.float64)) is type(x.detach()) is type(copy.deepcopy(x)) is type(x)
        assert x.shape == plain(x).shape and type(plain(x)) is torch.Tensor
        with tv_tensors.set_return_type("TVTensor"):
            assert type(x * 2) is type(x)
        assert type(x * 2) is torch.Tensor
    kept = boxes().to(torch.float64)
    assert kept.format is tv_tensors.BoundingBoxFormat.XYXY and kept.canvas_size == (H, W) and "canvas_size=(20, 30)" in repr(kept)
    assert tv_tensors.wrap(torch.zeros(1, 4), like=kept, canvas_size=(1, 2)).canvas_size == (1, 2) and tv_tensors.Image(torch.zeros(4, 5)).shape == (1, 4, 5)
    assert torch.equal(plain(pickle.loads(pickle.dumps(image))), plain(image))
    for call in (lambda: tv_tensors.Image([1]), lambda: tv_tensors.BoundingBoxes(torch.zeros(1, 1, 4), format="XYXY", canvas_size=(1, 1)), lambda: tv_tensors.Video(torch.zeros(3, 4, 4)),
                 lambda: tv_tensors.KeyPoints(torch.zeros(1, 3), canvas_size=(1, 1)), lambda: tv_tensors.set_return_type("x"), lambda: boxes(clamping_mode="x"),
                 lambda: tv_tensors.BoundingBoxes([[1, 2, 3, 4, 5]], format="XYWHR", canvas_size=(1, 1))):  # fmt: skip
        with pytest.raises(ValueError):
            call()


GEOMETRY = {
    "horizontal_flip": {}, "vertical_flip": {}, "resize": {"size": [40, 60]}, "pad": {"padding": [1, 2, 3, 4]}, "crop": {"top": -3, "left": 2, "height": 25, "width": 20},
    "center_crop": {"output_size": [10, 40]}, "resized_crop": {"top": 1, "left": 2, "height": 10, "width": 20, "size": [20, 40]}, "rotate": {"angle": 90, "expand": True},
    "affine": {"angle": 0, "translate": [4, -2], "scale": 1.0, "shear": [0, 0]},
    "perspective": {"startpoints": [[0, 0], [29, 0], [29, 19], [0, 19]], "endpoints": [[2, 1], [31, 1], [31, 20], [2, 20]]},
}  # fmt: skip


@pytest.mark.parametrize("name", GEOMETRY)
@pytest.mark.parametrize("format", ["XYXY", "XYWH", "CXCYWH"])
def test_boxes_go_with_masks(name, format):
    """A box around a mask is, after the transform, the box around the transformed mask."""
    functional, arguments = getattr(F, name), GEOMETRY[name]
    x = boxes(format)
    corners = plain(F.convert_bounding_box_format(x, new_format="XYXY")).long().tolist()
    masks = torch.zeros(3, H, W, dtype=torch.uint8)
    for mask, (left, top, right, bottom) in zip(masks, corners):
        mask[top:bottom, left:right] = 1
    moved, found = functional(tv_tensors.Mask(masks), **arguments), functional(x, **arguments)
    expected = ops.masks_to_boxes(plain(moved))
    expected[:, 2:] += 1  # the last pixel belongs to the box
    assert type(moved) is tv_tensors.Mask and found.format.value == format and found.canvas_size == tuple(moved.shape[-2:]) == tuple(F.get_size(moved))
    assert torch.allclose(plain(F.convert_bounding_box_format(found, new_format="XYXY")), expected, atol=1e-4)
    image = functional(tv_tensors.Image(picture()), **arguments)
    assert type(image) is tv_tensors.Image and image.shape[-2:] == moved.shape[-2:] and torch.equal(plain(image), functional(picture(), **arguments))
    points = functional(tv_tensors.KeyPoints([[2.0, 3.0]], canvas_size=(H, W)), **arguments)
    assert points.canvas_size == tuple(moved.shape[-2:])


def test_boxes_that_are_turned():
    turned = torch.tensor([[15.0, 10, 8, 4, 30], [10, 10, 4, 4, 0]])
    for format in ("CXCYWHR", "XYWHR", "XYXYXYXY"):
        x = tv_tensors.BoundingBoxes(ops.box_convert(turned, "cxcywhr", format.lower()), format=format, canvas_size=(H, W))

        def back(y):
            return plain(F.convert_bounding_box_format(y, new_format="CXCYWHR"))

        flipped = back(F.horizontal_flip(x))
        assert torch.allclose(flipped[0], torch.tensor([15.0, 10, 8, 4, -30]), atol=1e-4)
        assert torch.allclose(plain(F.horizontal_flip(F.horizontal_flip(x))), plain(x), atol=1e-4)
        assert torch.allclose(back(F.resize(x, [40, 60]))[0], torch.tensor([30.0, 20, 16, 8, 30]), atol=1e-4)
        assert torch.allclose(back(F.rotate(x, 20))[0, 2:], torch.tensor([8.0, 4, 50]), atol=1e-3)
        assert torch.allclose(back(F.pad(x, 3))[:, :2], turned[:, :2] + 3, atol=1e-4)
        cut = F.clamp_bounding_boxes(F.affine(x, 0, [-12, 0], 1.0, 0), clamping_mode="hard")
        corners = plain(F.convert_bounding_box_format(cut, new_format="XYXYXYXY"))
        assert (corners >= -1e-3).all()
        _, valid = F.sanitize_bounding_boxes(x, min_size=3.5)
        assert valid.tolist() == [True, True] and F.sanitize_bounding_boxes(x, min_size=5)[1].tolist() == [False, False]
    with pytest.raises(ValueError, match="rotated"):
        F.convert_bounding_box_format(x, new_format="XYXY")


def test_what_is_transformed_in_a_sample():
    """Images, boxes and masks; the first plain tensor only where there is no image; all else is passed through."""
    sample = {"image": tv_tensors.Image(picture()), "target": [boxes(), tv_tensors.Mask(torch.ones(1, H, W)), torch.arange(3)], "name": "x"}
    out = v2.RandomHorizontalFlip(1.0)(sample)
    assert torch.equal(plain(out["image"]), picture().flip(-1)) and torch.equal(plain(out["target"][0])[0], torch.tensor([20.0, 3, 28, 12]))
    assert out["target"][2] is sample["target"][2] and out["name"] == "x"
    first, second = v2.RandomHorizontalFlip(1.0)(picture(), picture())
    assert torch.equal(first, picture().flip(-1)) and torch.equal(second, picture())
    torch.manual_seed(0)
    image, found = v2.Compose([v2.RandomCrop((10, 12), padding=2), v2.RandomRotation(20), v2.RandomAffine(5, (0.1, 0.1)), v2.ColorJitter(0.2)])(tv_tensors.Image(picture()), boxes())
    assert image.shape == (3, 10, 12) and found.canvas_size == (10, 12) and (plain(found) >= 0).all() and (plain(found)[:, 2] <= 12).all()
    same = [v2.RandomPerspective(p=0.0)(sample), v2.RandomApply([v2.RandomHorizontalFlip(1.0)], p=0.0)(sample)]
    assert all(s is sample for s in same)
    pair = v2.RandomOrder([v2.RandomInvert(1.0), v2.RandomChoice([v2.Identity()])])(tv_tensors.Image(picture()), boxes())
    assert torch.equal(plain(pair[0]), 255 - picture())
    with pytest.raises(TypeError, match="supports inputs of type"):
        F.normalize(boxes(), [0.5], [0.5])
    with pytest.raises(ValueError, match="multiple"):
        v2.RandomCrop(5)(tv_tensors.Image(picture()), tv_tensors.Mask(torch.ones(1, 5, 5)))


def test_the_second_gives_what_the_first_gives():
    """With the same numbers the transforms of both generations do the same, but for the rounding of resized bytes."""
    from pyxtorch.vision import transforms as v1

    x = picture() / 255
    for name, arguments in {
        "RandomResizedCrop": (10,), "ColorJitter": (0.3, 0.3, 0.3, 0.1), "RandomAffine": (20, (0.1, 0.2), (0.5, 2), 5), "RandomRotation": (30,), "GaussianBlur": (3,), "RandomPerspective": (),
        "RandomErasing": (), "ElasticTransform": (10.0, 2.0), "Resize": (7,), "CenterCrop": (7,), "Pad": (3,), "Grayscale": (3,), "RandomSolarize": (0.5,), "RandomAdjustSharpness": (2,),
    }.items():  # fmt: skip
        pair = []
        for library in (v1, v2):
            torch.manual_seed(3)
            pair.append(getattr(library, name)(*arguments)(x))
        assert torch.allclose(*pair, atol=1e-5), name
    assert (F.resize(picture(), [9, 11]).int() - F1.resize(picture(), [9, 11]).int()).abs().max() <= 1
    assert v2.RandomCrop.get_params(picture(), (H, W)) == (0, 0, H, W)


def test_dtypes_and_values():
    x = picture()
    out = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.25] * 3), v2.ToPureTensor()])(x)
    assert type(out) is torch.Tensor and torch.allclose(out, (x / 255 - 0.5) / 0.25, atol=1e-6)
    assert F.to_dtype(x, torch.int16, scale=True).max() <= 32767 and torch.equal(F.to_dtype(F.to_dtype(x, torch.int32, scale=True), torch.uint8, scale=True), x)
    sample = v2.ToDtype({tv_tensors.Image: torch.float64, tv_tensors.Mask: torch.int64, "others": None}, scale=True)(tv_tensors.Image(x), tv_tensors.Mask(x[0]), boxes())
    assert [s.dtype for s in sample] == [torch.float64, torch.int64, torch.float32] and sample[0].max() <= 1
    assert torch.equal(F.posterize(x, 2), x // 64 * 64) and F.posterize(x / 255, 1).unique().tolist() == [0, 0.5] and torch.equal(F.permute_channels(x, [2, 0, 1]), x[[2, 0, 1]])
    noisy = F.gaussian_noise(x / 255, sigma=0.1)
    assert noisy.min() >= 0 and noisy.max() <= 1 and 0.01 < (noisy - x / 255).std() < 0.2 and F.gaussian_noise(x).dtype == torch.uint8
    assert F.uniform_temporal_subsample(tv_tensors.Video(torch.arange(7.0).view(7, 1, 1, 1)), 3).flatten().tolist() == [0, 3, 6]
    assert F.equalize(x / 255).dtype == torch.float32 and F.to_image(x.permute(1, 2, 0).numpy()).shape == x.shape
    with pytest.warns(UserWarning, match="deprecated"):
        v2.ToTensor()


def test_boxes_and_labels_that_are_sane():
    found = tv_tensors.BoundingBoxes([[0, 0, 5, 5], [1, 1, 1, 4], [2, 2, 40, 5], [-1, 0, 4, 4]], format="XYXY", canvas_size=(H, W))
    sample = {"boxes": found, "labels": torch.arange(4), "masks": tv_tensors.Mask(torch.ones(4, H, W)), "image": tv_tensors.Image(picture())}
    out = v2.SanitizeBoundingBoxes()(sample)
    assert out["labels"].tolist() == [0] and len(out["boxes"]) == len(out["masks"]) == 1 and out["boxes"].format is found.format and out["image"] is sample["image"]
    assert len(v2.SanitizeBoundingBoxes(labels_getter=None)(sample)["labels"]) == 4
    assert plain(v2.ClampBoundingBoxes()(found)).tolist()[2:] == [[2, 2, 30, 5], [0, 0, 4, 4]] and v2.SetClampingMode(None)(found).clamping_mode is None
    assert plain(v2.ConvertBoundingBoxFormat("XYWH")(found)).tolist()[2] == [2, 2, 38, 3]
    points = tv_tensors.KeyPoints([[1.0, 2], [31, 2]], canvas_size=(H, W))
    assert len(v2.SanitizeKeyPoints()(points)) == 1 and plain(v2.ClampKeyPoints()(points)).tolist() == [[1, 2], [29, 2]]
    with pytest.raises(ValueError, match="labels"):
        v2.SanitizeBoundingBoxes()({"boxes": found, "image": picture()})
    torch.manual_seed(0)
    for _ in range(5):
        image, kept, labels = v2.Compose([v2.RandomIoUCrop(), v2.SanitizeBoundingBoxes(labels_getter=lambda s: s[2])])(tv_tensors.Image(picture()), boxes(), torch.arange(3))
        assert len(kept) == len(labels) and image.shape[-2:] == kept.canvas_size
    image, kept = v2.RandomZoomOut(p=1.0)(tv_tensors.Image(picture()), boxes())
    assert image.shape[-2:] == kept.canvas_size and kept.canvas_size[0] >= H


def test_mixtures():
    x, labels = torch.stack([torch.full((3, 8, 8), float(i)) for i in range(4)]), torch.arange(4)
    torch.manual_seed(0)
    for mix in (v2.MixUp(num_classes=4), v2.CutMix(num_classes=4, alpha=0.5)):
        images, targets = mix(x, labels)
        assert targets.shape == (4, 4) and torch.allclose(targets.sum(1), torch.ones(4)) and torch.equal(targets.argsort(1, descending=True)[:, 0] // 1 >= 0, torch.ones(4, dtype=torch.bool))
        expected = (targets * torch.arange(4.0)).sum(1)
        assert torch.allclose(images.mean((1, 2, 3)), expected, atol=1e-5)  # the shares of the pixels are those of the labels
    for call, message in ((lambda: v2.MixUp()(x, labels), "num_classes"), (lambda: v2.MixUp(num_classes=4)(x[0], labels), "batched"), (lambda: v2.CutMix(num_classes=3)(x, torch.eye(4)), "num_classes"),
                          (lambda: v2.CutMix(num_classes=4)({"image": x, "boxes": boxes(), "labels": labels}), "does not support")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            call()


def test_automatic_augmentations():
    torch.manual_seed(0)
    for transform in (v2.AutoAugment(), v2.AutoAugment(v2.AutoAugmentPolicy.SVHN, fill=3), v2.RandAugment(), v2.TrivialAugmentWide(), v2.AugMix(), v2.RandomPhotometricDistort(), v2.ScaleJitter((20, 20)),
                      v2.RandomShortestSize([10, 12], 20), v2.RandomResize(10, 12)):  # fmt: skip
        image, label = transform(tv_tensors.Image(picture()), 7)
        assert type(image) is tv_tensors.Image and image.dtype == torch.uint8 and label == 7
    with pytest.raises(TypeError, match="BoundingBoxes"):
        v2.RandAugment()(tv_tensors.Image(picture()), boxes())
    with pytest.raises(TypeError, match="no image"):
        v2.RandAugment()(3)


def test_kinds_of_ones_own():
    class Depth(tv_tensors.TVTensor):
        pass

    @F.register_kernel(F.horizontal_flip, Depth)
    def flip(inpt, *args, **kwargs):
        return tv_tensors.wrap(inpt.as_subclass(torch.Tensor).flip(-1) * 10, like=inpt)

    depth = torch.arange(3.0).as_subclass(Depth)
    assert plain(v2.RandomHorizontalFlip(1.0)(depth)).tolist() == [20, 10, 0] and v2.RandomVerticalFlip(1.0)(depth) is depth
    for bad in ((F.resize, tv_tensors.Image), (len, Depth), ("nope", Depth), (F.resize, int)):
        with pytest.raises(ValueError):
            F.register_kernel(*bad)
    with pytest.raises(TypeError, match="Depth"):
        F.resize(depth, [2, 2])


def test_images_of_pillow():
    Image = pytest.importorskip("PIL.Image")
    image = Image.fromarray(np.ascontiguousarray(picture().permute(1, 2, 0).numpy()))
    out, found = v2.Compose([v2.RandomHorizontalFlip(1.0), v2.Resize((10, 15)), v2.RandomPosterize(4, p=1.0), v2.RandomSolarize(100, p=1.0), v2.JPEG(80)])(image, boxes())
    assert out.size == (15, 10) and found.canvas_size == (10, 15) and v2.ToImage()(image).shape == (3, H, W) and v2.ToPILImage()(tv_tensors.Image(picture())).size == (W, H)
    assert np.array_equal(np.asarray(F.hflip(image)), np.asarray(image)[:, ::-1]) and F.get_size(image) == [H, W]
    for transform in (v2.RandAugment(), v2.AutoAugment(), v2.AugMix(), v2.TrivialAugmentWide(), v2.GaussianBlur(3), v2.RandomErasing(1.0), v2.ElasticTransform(5.0, 2.0)):
        assert transform(image).size == (W, H)
    with pytest.raises(TypeError, match="PIL"):
        v2.Normalize([0.5], [0.5])(image)
