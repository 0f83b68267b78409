"""Transforms of tensors: against definitions, and the order of random numbers against torchvision's, written out."""
import math
import random

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.vision import transforms as T
from pyxtorch.vision.transforms import functional as F
from pyxtorch.vision.transforms._presets import ImageClassification

BILINEAR = T.InterpolationMode.BILINEAR


def picture(h=13, w=17, channels=3):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (channels, h, w), dtype=np.uint8))


def test_places():
    x = picture()
    assert torch.equal(F.hflip(x), x.flip(-1)) and torch.equal(F.vflip(x), x.flip(-2)) and F.get_dimensions(x) == [3, 13, 17] and F.get_image_size(x) == [17, 13]
    assert torch.equal(F.crop(x, -2, 3, 6, 20)[:, 2:, :14], x[:, :4, 3:]) and not F.crop(x, -2, 3, 6, 20)[:, :2].any() and not F.crop(x, 20, 20, 2, 2).any()
    assert torch.equal(F.center_crop(x, 5), x[:, 4:9, 6:11]) and F.center_crop(x, (20, 5)).shape == (3, 20, 5)
    a = x.numpy()
    for ours, theirs in (("constant", "constant"), ("edge", "edge"), ("reflect", "reflect"), ("symmetric", "symmetric")):
        assert np.array_equal(F.pad(x, [1, 2, 3, 4], padding_mode=ours).numpy(), np.pad(a, ((0, 0), (2, 4), (1, 3)), mode=theirs))
    assert F.pad(x, 2, fill=9)[0, 0, 0].item() == 9 and F.pad(x, [-1, -2]).shape == (3, 9, 15) and F.pad(x, [-1, 2], padding_mode="symmetric").shape == (3, 17, 15)
    corners = F.five_crop(x, (4, 5))
    assert torch.equal(corners[1], x[:, :4, -5:]) and torch.equal(corners[2], x[:, -4:, :5]) and len(F.ten_crop(x, 4)) == 10
    assert F.resize(x, 26).shape == (3, 26, 34) and F.resize(x, 26, max_size=30).shape == (3, 22, 30) and F.resize(x, (5, 6)).dtype == torch.uint8
    assert torch.equal(F.resize(x, (26, 34), T.InterpolationMode.NEAREST), x.repeat_interleave(2, 1).repeat_interleave(2, 2)) and F.resize(x, 13) is x
    grey = torch.full((1, 4, 4), 77, dtype=torch.uint8)
    for size in (2, 9):
        for mode in (BILINEAR, T.InterpolationMode.BICUBIC):
            assert (F.resize(grey, size, mode) == 77).all()
    assert torch.equal(F.rotate(x, 90, expand=True), x.rot90(1, (1, 2))) and torch.equal(F.rotate(x, 180), x.flip((1, 2)))
    assert torch.equal(F.affine(x, 0, [2, -3], 1.0, 0)[:, :-3, 2:], x[:, 3:, :-2]) and F.affine(x, 0, [2, 0], 1.0, 0, fill=[5])[0, 0, 0] == 5
    corners = [[0, 0], [16, 0], [16, 12], [0, 12]]
    assert torch.equal(F.perspective(x, corners, corners), x) and torch.equal(F.perspective(x, corners, [[17 - c[0], c[1]] for c in corners]), x.flip(-1))
    assert torch.equal(F.elastic_transform(x, torch.zeros(1, 13, 17, 2)), x)
    linear = torch.arange(9.0).expand(1, 7, 9).clone()
    assert torch.allclose(F.gaussian_blur(linear, 3, 1.0)[..., 1:-1], linear[..., 1:-1], atol=1e-5)
    for call, error, message in (
        (lambda: F.five_crop(x, 30), ValueError, "bigger"), (lambda: F.resize(x, (1, 2, 3)), ValueError, "1 or 2"), (lambda: F.pad(x, [1, 2, 3]), ValueError, "3 element"),
        (lambda: F.pad(x, 1, padding_mode="x"), ValueError, "symmetric"), (lambda: F.resize(x, 5, "bilinear"), TypeError, "InterpolationMode"),
        (lambda: F.gaussian_blur(x, 4), ValueError, "odd"), (lambda: F.affine(x, 0, [0, 0], 0, 0), ValueError, "positive"), (lambda: F.rotate(x, "1"), TypeError, "angle"),
        (lambda: F.perspective(x, corners[:3], corners), ValueError, "four corners"), (lambda: F.hflip("x"), TypeError, "PIL"), (lambda: F.hflip(torch.ones(3)), TypeError, "image"),
        (lambda: F.resize(x, 20, max_size=20), ValueError, "greater"), (lambda: F.rotate(x, 1, fill=[1, 2]), ValueError, "2 != 3"),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            call()


def test_colours():
    x = picture()
    y = x / 255
    assert torch.equal(F.invert(x), 255 - x) and torch.equal(F.adjust_brightness(x, 0), x * 0) and torch.equal(F.adjust_brightness(x, 1), x)
    assert torch.allclose(F.adjust_brightness(y, 0.5), y * 0.5) and torch.allclose(F.adjust_contrast(y, 0), F.rgb_to_grayscale(y).mean().expand_as(y))
    assert torch.allclose(F.adjust_saturation(y, 0), F.rgb_to_grayscale(y, 3)) and torch.allclose(F.adjust_hue(y, 0.0), y, atol=1e-5)
    assert torch.allclose(F.adjust_hue(y, 1 / 3), y[[2, 0, 1]], atol=1e-5) and torch.allclose(F.adjust_gamma(y, 2), y * y)
    assert torch.equal(F.posterize(x, 3), x // 32 * 32) and torch.equal(F.solarize(x, 128), torch.where(x >= 128, 255 - x, x))
    stretched = F.autocontrast(x // 2 + 20)
    assert stretched.amin((1, 2)).tolist() == [0] * 3 and stretched.amax((1, 2)).tolist() == [255] * 3 and torch.equal(F.autocontrast(x * 0 + 5), x * 0 + 5)
    even = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)
    fours = (even // 4).repeat(1, 4, 4)
    assert torch.equal(F.equalize(even), even) and torch.equal(F.equalize(fours), F.equalize(fours * 3)) and torch.equal(F.adjust_sharpness(x, 1.0), x)
    assert torch.equal(F.rgb_to_grayscale(x), (0.2989 * x[:1] + 0.587 * x[1:2] + 0.114 * x[2:]).to(torch.uint8))
    for call, error in ((lambda: F.adjust_hue(x, 0.6), ValueError), (lambda: F.adjust_contrast(x, -1), ValueError), (lambda: F.posterize(y, 2), TypeError),
                        (lambda: F.invert(x[:2]), TypeError), (lambda: F.posterize(x, 9), ValueError), (lambda: F.solarize(y, 2), TypeError)):  # fmt: skip
        with pytest.raises(error):
            call()


def test_kinds_of_images():
    x = picture()
    assert torch.equal(F.to_tensor(x.permute(1, 2, 0).numpy()), x / 255) and F.to_tensor(np.zeros((2, 3))).shape == (1, 2, 3)
    assert F.convert_image_dtype(x, torch.float64).dtype == torch.float64 and torch.equal(F.convert_image_dtype(F.convert_image_dtype(x), torch.uint8), x)
    assert F.convert_image_dtype(torch.tensor([255], dtype=torch.uint8), torch.int16).item() == 255 * 128 and F.convert_image_dtype(torch.tensor([1.0]), torch.uint8).item() == 255
    assert F.convert_image_dtype(torch.tensor([32767], dtype=torch.int16), torch.uint8).item() == 255
    mean, std = [0.1, 0.2, 0.3], [0.5, 2.0, 4.0]
    y = x / 255
    assert torch.allclose(F.normalize(y, mean, std), (y - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1))
    assert T.Normalize(mean, std, inplace=True)(y) is y
    with pytest.raises(ImportError, match=r"pyxtorch\[vision\]") if not pillow_is_there() else pytest.raises(TypeError):
        F.to_pil_image(x) if not pillow_is_there() else F.to_pil_image("x")
    for call, error, message in (
        (lambda: F.normalize(x, mean, std), TypeError, "float"), (lambda: F.normalize(y, mean, [0, 1, 1]), ValueError, "zero"), (lambda: F.to_tensor(x), TypeError, "ndarray"),
        (lambda: F.convert_image_dtype(y, torch.int32), RuntimeError, "safely"), (lambda: F.to_tensor(np.zeros(3)), ValueError, "2/3"), (lambda: F.pil_to_tensor(x), TypeError, "PIL"),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            call()


def pillow_is_there():
    import importlib.util

    return importlib.util.find_spec("PIL") is not None


def replay(seed):
    torch.manual_seed(seed)
    return lambda low, high: torch.empty(1).uniform_(low, high).item()


@pytest.mark.parametrize("seed", range(3))
def test_order_of_random_numbers(seed):
    """Each transform draws what torchvision's draws, in its order: a program's seeds mean the same."""
    x = picture(20, 30)

    def run(transform):
        torch.manual_seed(seed)
        return transform(x)

    def number(low, high):
        return torch.randint(low, high, (1,)).item()

    found = run(T.RandomCrop(8, padding=2))
    replay(seed)
    top, left = number(0, 17), number(0, 27)
    assert torch.equal(found, F.crop(F.pad(x, 2), top, left, 8, 8))
    found = run(T.RandomResizedCrop(9))
    uniform = replay(seed)
    area, aspect = 600 * uniform(0.08, 1.0), math.exp(uniform(math.log(3 / 4), math.log(4 / 3)))
    w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
    if h <= 20 and w <= 30:
        assert torch.equal(found, F.resize(F.crop(x, number(0, 21 - h), number(0, 31 - w), h, w), (9, 9)))
    found = run(T.ColorJitter(0.3, (0.5, 2), 0.1, 0.2))
    uniform = replay(seed)
    order = torch.randperm(4).tolist()
    factors = [uniform(0.7, 1.3), uniform(0.5, 2), uniform(0.9, 1.1), uniform(-0.2, 0.2)]
    y = x
    for i in order:
        y = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)[i](y, factors[i])
    assert torch.equal(found, y)
    found = run(T.RandomAffine(10, (0.1, 0.2), (0.5, 2), (1, 2, 3, 4)))
    uniform = replay(seed)
    arguments = uniform(-10, 10), [round(uniform(-3, 3)), round(uniform(-4, 4))], uniform(0.5, 2), [uniform(1, 2), uniform(3, 4)]
    assert torch.equal(found, F.affine(x, *arguments))
    found = run(T.RandomErasing(0.9, value=3))
    uniform = replay(seed)
    if torch.rand(1) < 0.9:
        area, aspect = 600 * uniform(0.02, 0.33), math.exp(uniform(math.log(0.3), math.log(3.3)))
        h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if h < 20 and w < 30:
            assert torch.equal(found, F.erase(x, number(0, 21 - h), number(0, 31 - w), h, w, torch.tensor(3.0)))
    found = run(T.RandAugment())
    replay(seed)
    from pyxtorch.vision.transforms import _operations as operations

    space, y = operations.rand_augment_space(31, (20, 30)), x
    for _ in range(2):
        name = list(space)[number(0, 14)]
        strengths, signed = space[name]
        strength = strengths[9].item() if strengths.ndim else 0.0
        y = operations.apply(F, y, name, -strength if signed and number(0, 2) else strength, T.InterpolationMode.NEAREST, None)
    assert len(space) == 14 and torch.equal(found, y)
    for transform, p, function in ((T.RandomHorizontalFlip(), 0.5, F.hflip), (T.RandomVerticalFlip(0.3), 0.3, F.vflip), (T.RandomInvert(), 0.5, F.invert),
                                   (T.RandomGrayscale(0.4), 0.4, lambda t: F.rgb_to_grayscale(t, 3))):  # fmt: skip
        found = run(transform)
        replay(seed)
        assert torch.equal(found, function(x) if torch.rand(1) < p else x)


def test_chains():
    x = picture(channels=3)
    random.seed(0)
    torch.manual_seed(0)
    chain = T.Compose([T.RandomApply([T.RandomInvert(1.0)], p=0.5), T.RandomChoice([T.CenterCrop(4), T.CenterCrop((5, 6))]), T.RandomOrder([T.RandomInvert(1.0), T.Lambda(lambda t: t)])])
    shapes = {tuple(chain(x).shape) for _ in range(20)}
    assert shapes == {(3, 4, 4), (3, 5, 6)} and repr(chain).startswith("Compose(\n    RandomApply(\n    p=0.5\n    RandomInvert(p=1.0)\n)\n    RandomChoice(")
    images = [T.AutoAugment(policy)(x) for policy in T.AutoAugmentPolicy] + [T.TrivialAugmentWide()(x), T.AugMix()(x), T.AugMix(all_ops=False)(x[None]), T.GaussianBlur(3)(x),
              T.ElasticTransform(10.0, 2.0)(x), T.RandomPerspective(p=1)(x), T.RandomRotation((5, 50), expand=True)(x), T.RandomEqualize(1)(x), T.RandomPosterize(2, 1)(x),
              T.RandomSolarize(9, 1)(x), T.RandomAutocontrast(1)(x), T.RandomAdjustSharpness(2, 1)(x)]  # fmt: skip
    assert all(y.dtype == torch.uint8 for y in images) and [len(T.AutoAugment(p).policies) for p in T.AutoAugmentPolicy] == [25] * 3
    whiten = T.LinearTransformation(torch.eye(12) * 2, torch.ones(12))
    assert torch.equal(whiten(torch.ones(3, 2, 2) * 3), torch.full((3, 2, 2), 4.0))
    preset = ImageClassification(crop_size=8, resize_size=10)
    assert preset(x).shape == (3, 8, 8) and "resize_size=[10]" in repr(preset) and "8" in preset.describe()
    assert repr(T.Resize(5)) == "Resize(size=5, interpolation=bilinear, max_size=None, antialias=True)" and repr(T.RandomSolarize(3)) == "RandomSolarize(threshold=3,p=0.5)"
    assert repr(T.RandomAffine(5, (0.1, 0.2))) == "RandomAffine(degrees=[-5.0, 5.0], translate=(0.1, 0.2))"
    for call, error in (
        (lambda: T.RandomCrop(40)(x), ValueError), (lambda: T.ColorJitter(hue=0.7), ValueError), (lambda: T.RandomRotation(-1), ValueError), (lambda: T.Lambda(3), TypeError),
        (lambda: T.RandomErasing(value="x"), ValueError), (lambda: T.GaussianBlur(2), ValueError), (lambda: T.RandomAffine(1, translate=(2, 0)), ValueError),
        (lambda: T.Resize(2.5), TypeError), (lambda: T.Pad(1, padding_mode="x"), ValueError), (lambda: T.AugMix(severity=11), ValueError),
        (lambda: T.ElasticTransform(alpha=(1, 2)), TypeError), (lambda: T.RandomErasing(1, value=(1, 2))(x), ValueError), (lambda: T.AutoAugment("imagenet"), ValueError),
    ):  # fmt: skip
        with pytest.raises(error):
            call()
    with pytest.warns(UserWarning, match="min, max"):
        T.RandomResizedCrop(4, scale=(1, 0.5))
