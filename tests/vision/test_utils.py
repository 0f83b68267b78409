"""Grids of images; with Pillow, files of images and drawings."""
import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.vision import io, utils


def test_grid():
    x = torch.arange(5 * 3 * 2 * 4, dtype=torch.float32).reshape(5, 3, 2, 4)
    grid = utils.make_grid(x, nrow=3, padding=1, pad_value=-1)
    assert grid.shape == (3, 2 * 3 + 1, 3 * 5 + 1) and torch.equal(grid[:, 1:3, 6:10], x[1]) and torch.equal(grid[:, 4:6, 1:5], x[3]) and (grid[:, 4:6, 11:15] == -1).all()
    assert utils.make_grid(x[0]).shape == (3, 2, 4) and utils.make_grid(x[0, 0]).shape == (3, 2, 4) and utils.make_grid([x[0], x[1]], padding=0).shape == (3, 2, 8)
    whole = utils.make_grid(x, normalize=True, padding=0)
    assert whole.min() == 0 and whole.max() == 1 and x[0, 0, 0, 0] == 0 and x.max() == 119
    each = utils.make_grid(x, nrow=5, normalize=True, scale_each=True, padding=0)
    assert torch.equal(each[:, :, :4], each[:, :, 4:8]) and utils.make_grid(x, normalize=True, value_range=(0, 10), padding=0).mean() > 0.9
    for bad in ("x", ["x"]):
        with pytest.raises(TypeError, match="list of tensors"):
            utils.make_grid(bad)
    with pytest.raises(TypeError, match="value_range"):
        utils.make_grid(x, normalize=True, value_range=[0, 1])


def test_masks_and_flow():
    image = torch.full((3, 4, 4), 100, dtype=torch.uint8)
    masks = torch.zeros(2, 4, 4, dtype=torch.bool)
    masks[0, :2], masks[1, 1:3] = True, True
    drawn = utils.draw_segmentation_masks(image, masks, alpha=0.5, colors=[(200, 0, 0), (0, 200, 0)])
    assert drawn[:, 0, 0].tolist() == [150, 50, 50] and drawn[:, 2, 0].tolist() == [50, 150, 50] and drawn[:, 1, 0].tolist() == [50] * 3 and drawn[:, 3, 0].tolist() == [100] * 3
    assert utils.draw_segmentation_masks(image / 255, masks).dtype == torch.float32
    with pytest.warns(UserWarning, match="No mask"):
        assert utils.draw_segmentation_masks(image, masks[:0]) is image
    for bad in ((image, masks.float()), (image[:1], masks), (image, masks[:, :3]), (image.long(), masks), (image[None], masks)):
        with pytest.raises(ValueError):
            utils.draw_segmentation_masks(*bad)
    flow = torch.zeros(2, 3, 3)
    flow[0, 0, 0], flow[0, 0, 1] = 1.0, -1.0
    shown = utils.flow_to_image(flow)
    assert shown[:, 1, 1].tolist() == [255] * 3 and shown[:, 0, 0].tolist() == [255, 0, 0] and shown[0, 0, 1] == 0 and utils.flow_to_image(flow[None]).shape == (1, 3, 3, 3)
    with pytest.raises(ValueError, match="float"):
        utils.flow_to_image(flow.double())


def test_without_pillow():
    import importlib.util

    if importlib.util.find_spec("PIL"):
        pytest.skip("Pillow is installed")
    for call in (lambda: utils.save_image(torch.rand(3, 4, 4), "x.png"), lambda: io.encode_png(torch.zeros(3, 4, 4, dtype=torch.uint8)),
                 lambda: io.decode_image(torch.zeros(9, dtype=torch.uint8))):  # fmt: skip
        with pytest.raises(ImportError, match=r"pip install pyxtorch\[vision\]"):
            call()


def test_files_of_images(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    x = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 9, 7), dtype=np.uint8))
    io.write_png(x, str(tmp_path / "a.png"))
    assert torch.equal(io.read_image(str(tmp_path / "a.png")), x) and torch.equal(io.decode_png(io.read_file(tmp_path / "a.png")), x)
    assert io.read_image(tmp_path / "a.png", "GRAY").shape == (1, 9, 7) and io.read_image(tmp_path / "a.png", io.ImageReadMode.RGB_ALPHA)[3].min() == 255
    smooth = torch.arange(63, dtype=torch.uint8).reshape(1, 9, 7).expand(3, -1, -1)
    io.write_jpeg(smooth, tmp_path / "a.jpg", quality=95)
    assert (io.read_image(tmp_path / "a.jpg").int() - smooth.int()).abs().max() < 6 and len(io.decode_jpeg([io.encode_jpeg(x)] * 2)) == 2
    deep = (np.arange(63).reshape(9, 7) * 1000).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "d.png")
    assert io.read_image(tmp_path / "d.png").dtype == torch.uint16 and np.array_equal(io.read_image(tmp_path / "d.png").numpy()[0], deep)
    frames = [Image.fromarray(np.full((4, 5, 3), v, np.uint8)) for v in (0, 255)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert io.read_image(tmp_path / "a.gif").shape == (2, 3, 4, 5)
    utils.save_image(x / 255, tmp_path / "b.png")
    assert torch.equal(io.read_image(tmp_path / "b.png"), x)
    for call, error, message in (
        (lambda: io.decode_image(torch.zeros(30, dtype=torch.uint8)), RuntimeError, "not an image"), (lambda: io.decode_png(io.encode_jpeg(x)), RuntimeError, "PNG"),
        (lambda: io.decode_jpeg(x), RuntimeError, "one dimension"), (lambda: io.encode_png(x.float()), RuntimeError, "uint8"), (lambda: io.encode_jpeg(x, 0), ValueError, "quality"),
        (lambda: io.encode_png(x[:2]), RuntimeError, "channels"), (lambda: io.decode_png("x"), TypeError, "tensor"), (lambda: io.decode_jpeg([]), ValueError, "at least one"),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            call()


def test_boxes_and_points():
    pytest.importorskip("PIL")
    image = torch.zeros(3, 20, 20, dtype=torch.uint8)
    box = torch.tensor([[2, 3, 10, 12]])
    drawn = utils.draw_bounding_boxes(image, box, colors="red")
    assert drawn[:, 3, 5].tolist() == [255, 0, 0] and not drawn[:, 5, 5].any() and drawn[1:].max() == 0
    assert utils.draw_bounding_boxes(image, box, colors=(0, 9, 0), fill=True)[1, 6, 6] > 0 and utils.draw_bounding_boxes(image, box, labels=["A"], colors="red", fill_labels=True)[0, 5:].sum() > 4 * 255
    assert utils.draw_bounding_boxes(image[:1] / 255, box).shape == (3, 20, 20)
    assert utils.draw_bounding_boxes(image, torch.tensor([[2, 2, 10, 2, 10, 8, 2, 8]]), colors="white")[0, 8, 5] == 255
    points = utils.draw_keypoints(image, torch.tensor([[[5.0, 6.0], [15.0, 6.0]]]), connectivity=[(0, 1)], colors="blue", radius=1)
    assert points[2, 6, 5] == 255 and points[0, 6, 10] == 255
    hidden = utils.draw_keypoints(image, torch.tensor([[[5.0, 6.0], [15.0, 6.0]]]), colors="blue", visibility=torch.tensor([[True, False]]))
    assert hidden[2, 6, 5] == 255 and not hidden[:, 6, 15].any()
    with pytest.warns(UserWarning, match="No box"):
        utils.draw_bounding_boxes(image, box[:0])
    for call in (lambda: utils.draw_bounding_boxes(image, box.flip(1)), lambda: utils.draw_bounding_boxes(image, box, labels=["a", "b"]), lambda: utils.draw_bounding_boxes(image, box, colors=[]),
                 lambda: utils.draw_keypoints(image, box)):  # fmt: skip
        with pytest.raises(ValueError):
            call()
