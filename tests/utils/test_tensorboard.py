"""utils.tensorboard: files that TensorBoard reads. Without the package tensorboard the error names the extra."""
import importlib.util
import math

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.utils.tensorboard import FileWriter, RecordWriter, SummaryWriter

if importlib.util.find_spec("tensorboard") is None:

    def test_without_the_package(tmp_path):
        for make in (SummaryWriter, FileWriter, lambda path: RecordWriter(path / "x")):
            with pytest.raises(ModuleNotFoundError, match=r"pip install pyxtorch\[tensorboard\]"):
                make(tmp_path)

    pytest.skip("the package tensorboard is not installed", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("default")


def read(folder):
    """The values of all events in the files of a folder, by tag."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event

    found = {}
    for path in sorted(folder.glob("events*")):
        for data in RawEventFileLoader(str(path)).Load():
            event = Event.FromString(data)
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value))
            if event.graph_def:
                found["graph"] = event.graph_def
    return found


def test_numbers(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss", torch.tensor(0.5 * step), step)
        writer.add_scalar("new", np.float32(2), new_style=True)
        writer.add_scalars("both", {"a": 1, "b": 2}, 7)
        writer.add_tensor("t", torch.ones(2, 3))
        assert writer.get_logdir() == str(tmp_path)
        with pytest.raises(AssertionError, match="0D"):
            writer.add_scalar("x", torch.ones(2))
    found = read(tmp_path)
    assert [(step, v.simple_value) for step, v in found["loss"]] == [(0, 0), (1, 0.5), (2, 1.0)] and found["new"][0][1].tensor.float_val[0] == 2
    assert [d.size for d in found["t"][0][1].tensor.tensor_shape.dim] == [2, 3] and read(tmp_path / "both_b")["both"][0][1].simple_value == 2


def test_distributions(tmp_path):
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("h", x, 3)
        writer.add_histogram("auto", x, bins="auto", max_bins=5)
        writer.add_histogram_raw("raw", 0, 2, 3, 3.0, 5.0, [1, 2], [1, 2])
        writer.add_pr_curve("pr", torch.tensor([0, 1, 1, 0]), torch.tensor([0.1, 0.9, 0.6, 0.4], dtype=torch.float64), num_thresholds=11)
        with pytest.raises(ValueError, match="no element"):
            writer.add_histogram("x", torch.empty(0))
    found = read(tmp_path)
    h = found["h"][0][1].histo
    assert sum(h.bucket) == 1000 == h.num and math.isclose(h.sum, x.double().sum().item(), abs_tol=1e-6) and math.isclose(h.sum_squares, (x.double() ** 2).sum().item()) and len(h.bucket) == len(h.bucket_limit)
    assert h.min == x.min().item() and sum(found["auto"][0][1].histo.bucket) == 1000 and list(found["raw"][0][1].histo.bucket) == [1, 2]
    rows = np.array(found["pr"][0][1].tensor.float_val).reshape(6, 11)
    assert rows[0].tolist() == [2] * 7 + [1] * 3 + [0] and rows[1, 0] == 2 and rows[4, 5] == 1 and rows[5, 0] == 1


def test_pictures_and_sounds(tmp_path):
    pytest.importorskip("PIL")
    from io import BytesIO

    from PIL import Image

    picture = torch.zeros(3, 4, 6)
    picture[0] = 1
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("chw", picture)
        writer.add_image("hw", (picture[0] * 255).byte(), dataformats="HW")
        writer.add_images("many", torch.ones(3, 1, 4, 4))
        writer.add_image_with_boxes("boxes", torch.zeros(3, 20, 20), torch.tensor([[2, 2, 9, 9]]), labels="a")
        writer.add_video("video", torch.rand(2, 3, 3, 4, 4))
        writer.add_audio("sound", torch.sin(torch.arange(100.0)), sample_rate=8000)
        with pytest.raises(AssertionError, match="dataformats"):
            writer.add_image("x", picture, dataformats="HW")
    found = read(tmp_path)
    shown = np.asarray(Image.open(BytesIO(found["chw"][0][1].image.encoded_image_string)))
    assert shown.shape == (4, 6, 3) and (shown[..., 0] == 255).all() and (shown[..., 1:] == 0).all()
    assert (found["many"][0][1].image.height, found["many"][0][1].image.width) == (8, 8) and np.asarray(Image.open(BytesIO(found["boxes"][0][1].image.encoded_image_string)))[2, 5, 0] == 255
    assert found["video"][0][1].image.encoded_image_string[:3] == b"GIF" and found["sound"][0][1].audio.length_frames == 100


def test_figures(tmp_path):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    with SummaryWriter(tmp_path) as writer:
        writer.add_figure("one", pyplot.figure(figsize=(2, 1), dpi=50))
        writer.add_figure("two", [pyplot.figure(figsize=(1, 1), dpi=20) for _ in range(2)])
    assert (read(tmp_path)["one"][0][1].image.width, read(tmp_path)["one"][0][1].image.height) == (100, 50) and not pyplot.get_fignums()


def test_texts_and_settings(tmp_path):
    with SummaryWriter(tmp_path, purge_step=5) as writer:
        writer.add_text("note", "**bold**", 1)
        writer.add_hparams({"lr": 0.1, "net": "small", "flag": True, "n": torch.tensor(3)}, {"acc": 0.9}, {"net": ["small", "large"]}, run_name="run")
        writer.add_custom_scalars_multilinechart(["a", "b"])
        writer.add_custom_scalars({"c": {"m": ["Margin", ["v", "l", "u"]]}})
        writer.add_mesh("mesh", torch.zeros(1, 4, 3), faces=torch.zeros(1, 2, 3, dtype=torch.int32))
        with pytest.raises(ValueError, match="should be one of"):
            writer.add_hparams({"x": []}, {})
        with pytest.raises(TypeError, match="dictionaries"):
            writer.add_hparams([], {})
    found = read(tmp_path)
    assert found["note/text_summary"][0][1].tensor.string_val[0] == b"**bold**" and found["custom_scalars__config__"] and "mesh_VERTEX" in found
    run = read(tmp_path / "run")
    assert run["acc"][0][1].simple_value == pytest.approx(0.9) and run["_hparams_/session_start_info"]


def test_programs_and_points(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_graph(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), torch.ones(1, 2))
        writer.add_embedding(torch.eye(3), metadata=["a", "b", "c"])
        with pytest.raises(AssertionError, match="#labels"):
            writer.add_embedding(torch.eye(3), metadata=["a"])
    assert b"linear" in read(tmp_path)["graph"] and (tmp_path / "projector_config.pbtxt").read_text().startswith("embeddings {")
    assert (tmp_path / "00000" / "default" / "metadata.tsv").read_text() == "a\nb\nc\n" and (tmp_path / "00000" / "default" / "tensors.tsv").read_text().splitlines()[1] == "0.0\t1.0\t0.0"


def test_records(tmp_path):
    writer = RecordWriter(tmp_path / "x")
    writer.write(b"abc")
    writer.close()
    assert (tmp_path / "x").read_bytes()[12:15] == b"abc"
