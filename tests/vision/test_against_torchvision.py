"""The same calls here and in torchvision, where that is installed and works; torchvision draws its random numbers from pyxtorch's generator."""
import random
import warnings

import numpy as np
import pytest

import pyxtorch

try:
    import torch
    import torchvision
except Exception:  # noqa: BLE001  (one that was built for another torch fails in many ways)
    pytest.skip("torchvision is not installed", allow_module_level=True)
Image = pytest.importorskip("PIL.Image")
from torchvision.transforms import v2 as theirs_v2  # noqa: E402

from pyxtorch import vision  # noqa: E402
from pyxtorch.vision.transforms import v2 as ours_v2  # noqa: E402

H, W = 37, 45
BOTH = ((torch, torchvision), (pyxtorch, vision))


@pytest.fixture(autouse=True)
def one_stream_of_numbers(monkeypatch):
    """Let torch's functions draw what pyxtorch's draw."""

    def back(x):
        return torch.from_numpy(np.ascontiguousarray(x.numpy())) if x.ndim else torch.tensor(x.item())

    def there(x):
        return pyxtorch.from_numpy(np.ascontiguousarray(x.as_subclass(torch.Tensor).numpy()))

    for name in ("rand", "randint", "randperm"):
        monkeypatch.setattr(torch, name, lambda *a, name=name, **k: back(getattr(pyxtorch, name)(*a, **{key: v for key, v in k.items() if key in ("size", "low", "high")})))
    monkeypatch.setattr(torch, "_sample_dirichlet", lambda x: back(pyxtorch._sample_dirichlet(there(x))))
    monkeypatch.setattr(torch, "multinomial", lambda x, n: back(pyxtorch.multinomial(there(x), n)))
    monkeypatch.setattr(torch, "randn_like", lambda x, dtype=None: back(pyxtorch.randn_like(there(x), dtype=pyxtorch.float32)))
    for name in ("uniform_", "normal_"):

        def fill(self, *a, name=name, generator=None, **k):
            drawn = getattr(pyxtorch.empty(tuple(self.shape)), name)(*(float(v) for v in a), **{key: float(v) for key, v in k.items()})
            return self.copy_(back(drawn))

        monkeypatch.setattr(torch.Tensor, name, fill)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def pictures():
    """Kind to a picture: bytes, floats, a batch, grey ones, and Pillow's."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:H, 0:W]
    noise, smooth = rng.integers(0, 256, (3, H, W), dtype=np.uint8), np.stack([x * 5 % 256, y * 6 % 256, (x + y) * 3 % 256]).astype(np.uint8)
    floats = (noise / 255).astype(np.float32)
    return {"noise": noise, "smooth": smooth, "floats": floats, "batch": np.stack([floats, floats[::-1]]), "grey": noise[:1],
            "pillow": Image.fromarray(np.ascontiguousarray(smooth.transpose(1, 2, 0))), "pillow grey": Image.fromarray(noise[0])}  # fmt: skip


def outcome(function, library, value):
    """The result as a list of arrays, or the error."""
    t, lib = library
    x = t.from_numpy(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value
    pyxtorch.manual_seed(5)
    random.seed(5)
    try:
        result = function(t, lib)(x)
    except Exception as error:  # noqa: BLE001
        return error
    parts = result if isinstance(result, tuple) else (result,)
    return [np.asarray(p) if hasattr(p, "getbands") else p.as_subclass(t.Tensor).numpy() for p in parts]


def agree(function, value, name, tolerance=5e-5):
    theirs, ours = (outcome(function, library, value) for library in BOTH)
    if isinstance(theirs, Exception) or isinstance(ours, Exception):
        assert type(theirs) is type(ours), (name, theirs, ours)
        return
    for a, b in zip(theirs, ours, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype, name
        if a.size:
            apart = np.abs(a.astype(np.float64) - b.astype(np.float64)).max()
            assert apart <= (2 if a.dtype == np.uint8 else tolerance), (name, apart)


CORNERS = [[0, 0], [44, 0], [44, 36], [0, 36]], [[3, 5], [40, 2], [42, 33], [1, 30]]
FUNCTIONS = {
    **{f"resize {size} {mode} {smooth}": lambda F, M, size=size, mode=mode, smooth=smooth: lambda x: F.resize(x, size, getattr(M, mode), antialias=smooth)
       for size in (20, [16, 50], [80, 90]) for mode in ("NEAREST", "NEAREST_EXACT", "BILINEAR", "BICUBIC") for smooth in (True, False)},
    **{f"pad {padding} {mode}": lambda F, M, padding=padding, mode=mode: lambda x: F.pad(x, padding, padding_mode=mode)
       for padding in (3, [2, 4], [1, 2, 3, 5]) for mode in ("constant", "edge", "reflect", "symmetric")},
    **{f"rotate {angle} {mode} {expand}": lambda F, M, angle=angle, mode=mode, expand=expand: lambda x: F.rotate(x, angle, getattr(M, mode), expand=expand)
       for angle in (30, -77.5, 90) for mode in ("NEAREST", "BILINEAR") for expand in (True, False)},
    **{f"{name} {factor}": lambda F, M, name=name, factor=factor: lambda x: getattr(F, f"adjust_{name}")(x, factor)
       for name in ("brightness", "contrast", "saturation", "sharpness", "gamma") for factor in (0, 0.5, 1.7)},
    **{f"hue {factor}": lambda F, M, factor=factor: lambda x: F.adjust_hue(x, factor) for factor in (-0.4, 0.1, 0.5)},
    **{name: lambda F, M, name=name: getattr(F, name) for name in ("hflip", "vflip", "invert", "autocontrast", "equalize", "rgb_to_grayscale")},
    "crop": lambda F, M: lambda x: F.crop(x, -3, 4, 20, 60), "center_crop": lambda F, M: lambda x: F.center_crop(x, [50, 20]), "ten_crop": lambda F, M: lambda x: F.ten_crop(x, (12, 9)),
    "affine": lambda F, M: lambda x: F.affine(x, 20, [3, -4], 1.2, [10, 5], M.BILINEAR, center=[3, 4]), "affine filled": lambda F, M: lambda x: F.affine(x, 20, [3, -4], 0.8, 10, fill=[1]),
    "perspective": lambda F, M: lambda x: F.perspective(x, *CORNERS), "gaussian_blur": lambda F, M: lambda x: F.gaussian_blur(x, [5, 3]), "posterize": lambda F, M: lambda x: F.posterize(x, 3),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    for kind, value in pictures().items():
        agree(lambda t, lib: FUNCTIONS[name](lib.transforms.functional, lib.transforms.InterpolationMode), value, f"{name}, {kind}")


TRANSFORMS = {
    "RandomCrop": (20, 4), "RandomResizedCrop": (24,), "RandomHorizontalFlip": (), "RandomVerticalFlip": (), "ColorJitter": (0.4, 0.4, 0.4, 0.2), "RandomRotation": (40,), "RandomPerspective": (),
    "RandomAffine": (20, (0.1, 0.2), (0.8, 1.2), (1, 5, 2, 8)), "GaussianBlur": (5,), "RandomGrayscale": (0.5,), "ElasticTransform": (20.0, 3.0), "RandomInvert": (), "RandomEqualize": (),
    "RandomAutocontrast": (), "RandomPosterize": (3,), "RandomAdjustSharpness": (2,), "AutoAugment": (), "RandAugment": (), "TrivialAugmentWide": (), "AugMix": (), "RandomErasing": (1.0,),
}  # fmt: skip
SECOND = {
    "RandomZoomOut": (), "ScaleJitter": ((40, 40),), "RandomShortestSize": ([20, 30], 40), "RandomResize": (20, 40), "RandomPhotometricDistort": (), "RandomChannelPermutation": (), "GaussianNoise": (),
    "JPEG": ((30, 90),),
}  # fmt: skip


@pytest.mark.parametrize("name", [*TRANSFORMS, *(f"v2.{name}" for name in (*TRANSFORMS, *SECOND))])
def test_random_transforms(name):
    arguments = {**TRANSFORMS, **SECOND}[name.removeprefix("v2.")]
    for kind, value in pictures().items():

        def make(t, lib):
            return getattr(lib.transforms.v2 if name.startswith("v2.") else lib.transforms, name.removeprefix("v2."))(*arguments)

        agree(make, value, f"{name}, {kind}")


GEOMETRY = {
    "horizontal_flip": {}, "vertical_flip": {}, "resize": {"size": [20, 30]}, "pad": {"padding": [1, 2, 3, 4]}, "crop": {"top": -3, "left": 4, "height": 20, "width": 60},
    "center_crop": {"output_size": [20, 60]}, "resized_crop": {"top": 3, "left": 4, "height": 20, "width": 22, "size": [10, 30]}, "rotate": {"angle": 30, "expand": True},
    "affine": {"angle": 20, "translate": [3, -4], "scale": 1.2, "shear": [10, 5]}, "perspective": dict(zip(("startpoints", "endpoints"), CORNERS)),
}  # fmt: skip


@pytest.mark.parametrize("name", GEOMETRY)
def test_boxes_masks_and_points(name):
    rng = np.random.default_rng(1)
    corner = rng.random((6, 2)) * 25
    boxes = np.concatenate([corner, corner + rng.random((6, 2)) * 18 + 1], 1).astype(np.float32)
    turned = np.concatenate([rng.random((6, 2)) * 20 + 10, rng.random((6, 2)) * 10 + 3, rng.random((6, 1)) * 180 - 90], 1).astype(np.float32)
    points = (rng.random((4, 3, 2)) * 30).astype(np.float32)
    for format in ("XYXY", "XYWH", "CXCYWH", "XYWHR", "CXCYWHR", "XYXYXYXY"):
        start = "cxcywhr" if format.endswith("R") or len(format) == 8 else "xyxy"
        data = vision.ops.box_convert(pyxtorch.from_numpy(turned if start == "cxcywhr" else boxes), start, format.lower()).numpy()
        for values in (data, data.astype(np.int64)) if start == "xyxy" else (data,):

            def make(t, lib, format=format):
                return lambda x: getattr(lib.transforms.v2.functional, name)(lib.tv_tensors.BoundingBoxes(x, format=format, canvas_size=(H, W)), **GEOMETRY[name])

            agree(make, values, f"{name}, {format}", tolerance=0 if values.dtype == np.int64 else 5e-3 if start == "cxcywhr" else 5e-5)
    agree(lambda t, lib: lambda x: getattr(lib.transforms.v2.functional, name)(lib.tv_tensors.KeyPoints(x, canvas_size=(H, W)), **GEOMETRY[name]), points, name)
    masks = (rng.random((2, H, W)) > 0.7).astype(np.int64)
    for values in (masks, masks[0]):
        agree(lambda t, lib: lambda x: getattr(lib.transforms.v2.functional, name)(lib.tv_tensors.Mask(x), **GEOMETRY[name]), values, name, tolerance=0)


@pytest.mark.parametrize("name", ["roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool"])
def test_regions(name):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((2, 24, 21, 17)).astype(np.float32)
    corner = rng.random((9, 2)) * 15 - 3
    rois = np.concatenate([rng.integers(0, 2, (9, 1)), corner, corner + rng.random((9, 2)) * 12 + 0.5], 1).astype(np.float32)
    for scale in (1.0, 0.5):
        agree(lambda t, lib, scale=scale: lambda v: getattr(lib.ops, name)(v, t.from_numpy(rois), (4, 3), scale), x, name, tolerance=1e-5)


def test_boxes():
    rng = np.random.default_rng(3)
    corner = rng.random((60, 2)) * 50
    boxes, scores = np.concatenate([corner, corner + rng.random((60, 2)) * 30 + 0.5], 1).astype(np.float32), rng.random(60).astype(np.float32)
    agree(lambda t, lib: lambda x: lib.ops.nms(x, t.from_numpy(scores), 0.4), boxes, "nms", tolerance=0)
    agree(lambda t, lib: lambda x: lib.ops.batched_nms(x, t.from_numpy(scores), t.arange(60) % 3, 0.4), boxes, "batched_nms", tolerance=0)
    for name in ("box_iou", "generalized_box_iou", "distance_box_iou", "complete_box_iou", "generalized_box_iou_loss", "distance_box_iou_loss", "complete_box_iou_loss"):
        agree(lambda t, lib, name=name: lambda x: getattr(lib.ops, name)(x, x.flip(0)), boxes, name, tolerance=1e-5)
    offset, weight = rng.standard_normal((1, 36, 8, 9)).astype(np.float32), rng.standard_normal((6, 2, 3, 3)).astype(np.float32)
    agree(lambda t, lib: lambda x: lib.ops.deform_conv2d(x, t.from_numpy(offset), t.from_numpy(weight), padding=1), rng.standard_normal((1, 4, 8, 9)).astype(np.float32), "deform_conv2d", tolerance=1e-4)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny", "vit_b_32", "swin_v2_t"])
def test_networks_with_the_weights_of_torchvision(name):
    theirs, ours = torchvision.models.get_model(name).eval(), vision.models.get_model(name).eval()
    ours.load_state_dict({key: pyxtorch.from_numpy(value.numpy()) for key, value in theirs.state_dict().items()}, strict=True)
    x = np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)
    with torch.no_grad(), pyxtorch.no_grad():
        a, b = theirs(torch.from_numpy(x)).numpy(), ours(pyxtorch.from_numpy(x)).numpy()
    assert np.abs(a - b).max() <= 1e-5 * max(np.abs(a).max(), 1)


def test_weights_are_described_as_there():
    for name in vision.models.list_models():
        theirs, ours = torchvision.models.get_model_weights(name), vision.models.get_model_weights(name)
        assert list(theirs.__members__) == list(ours.__members__) and theirs.DEFAULT.name == ours.DEFAULT.name
        for member in theirs:
            meta = {key: value for key, value in member.meta.items() if key != "_docs"}
            assert ours[member.name].url == member.url and repr({key: ours[member.name].meta[key] for key in meta}) == repr(meta)


def test_names():
    """Every name of these modules is served."""
    for path in ("transforms", "transforms.functional", "transforms.v2", "transforms.v2.functional", "ops", "io", "utils", "tv_tensors"):
        theirs, ours = torchvision, vision
        for part in path.split("."):
            theirs, ours = getattr(theirs, part), getattr(ours, part)
        public = [n for n in getattr(theirs, "__all__", dir(theirs)) if not n.startswith("_") and getattr(getattr(theirs, n), "__module__", "").startswith("torchvision")]
        assert [n for n in public if not hasattr(ours, n)] == [], path
    assert theirs_v2 is not ours_v2


def test_drawings(tmp_path):
    rng = np.random.default_rng(4)
    image = rng.integers(0, 256, (3, 40, 50), dtype=np.uint8)
    boxes, points, masks = np.array([[3, 4, 20, 30], [10, 2, 45, 38]]), np.array([[[5.0, 6], [30, 20]]], np.float32), rng.random((2, 40, 50)) > 0.6
    agree(lambda t, lib: lambda x: lib.utils.draw_bounding_boxes(x, t.from_numpy(boxes), labels=["a", "b"], width=2, fill=True), image, "boxes")
    agree(lambda t, lib: lambda x: lib.utils.draw_keypoints(x, t.from_numpy(points), connectivity=[(0, 1)], colors="red"), image, "points")
    agree(lambda t, lib: lambda x: lib.utils.draw_segmentation_masks(x, t.from_numpy(masks), alpha=0.4), image, "masks")
    agree(lambda t, lib: lambda x: lib.utils.flow_to_image(x), rng.standard_normal((2, 2, 9, 8)).astype(np.float32), "flow")
    agree(lambda t, lib: lambda x: lib.utils.make_grid(x, nrow=3, normalize=True, scale_each=True), rng.standard_normal((5, 3, 6, 7)).astype(np.float32), "grid")
    Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).save(tmp_path / "a.png")
    Image.fromarray(image[0]).save(tmp_path / "b.jpg")
    for name in ("a.png", "b.jpg"):
        for mode in ("UNCHANGED", "RGB", "GRAY"):
            agree(lambda t, lib, name=name, mode=mode: lambda x: lib.io.read_image(str(tmp_path / name), lib.io.ImageReadMode[mode]), image, f"{name} {mode}")
