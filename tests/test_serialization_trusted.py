"""load(weights_only=False): a file that is trusted gives whatever pickle can; and the records of a file, one by one."""
import datetime
import io
import os
import pickle

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.distributions import constraints
from pyxtorch.serialization.archive import Reader, Writer


def again(value, **options):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, **options)


class Point:
    """With slots, a state of its own, and arguments when it is made."""

    __slots__ = ("x", "y")

    def __new__(cls, x):
        self = super().__new__(cls)
        self.x = x
        return self

    def __getnewargs__(self):
        return (self.x,)

    def __getstate__(self):
        return {"y": self.y}

    def __setstate__(self, state):
        self.y = state["y"] * 2


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Flatten(), nn.InstanceNorm1d(3))
        self.note = Point(1)
        self.note.y = self.layers[0].weight

    def forward(self, x):
        return self.layers(x)


class Calls:
    def __reduce__(self):
        return divmod, (7, 2)


def test_whole_modules_and_objects():
    net, x = Net().eval(), torch.ones(4, 2)
    loaded = again(net, weights_only=False)
    assert type(loaded) is Net and not loaded.training and torch.equal(loaded.layers[:2](x), net.layers[:2](x))
    assert loaded.note.x == 1 and torch.equal(loaded.note.y, 2 * net.layers[0].weight)
    values = {"when": datetime.date(2020, 1, 2), "array": np.arange(3.0), "number": np.float32(2.5), "range": range(3), "called": Calls(),
              "kind": Net, "exact": constraints.greater_than(0.5), "path": os.path.join}  # fmt: skip
    loaded = again(values, weights_only=False)
    assert loaded["when"] == values["when"] and loaded["array"].tolist() == [0, 1, 2] and loaded["number"] == 2.5 and loaded["called"] == (3, 1)
    assert loaded["kind"] is Net and loaded["exact"].lower_bound == 0.5 and loaded["path"] is os.path.join
    for value in (net, *values.values()):
        if not isinstance(value, range):
            with pytest.raises(pickle.UnpicklingError, match="weights_only=False|not allowed"):
                again(value)


def test_tensors_among_them_share_memory():
    x = torch.arange(6.0)
    marked = nn.Parameter(torch.ones(2), requires_grad=False)
    marked.note = "mine"
    loaded = again([x, x[2:], x.view(torch.int32), marked, nn.Buffer(x), x.to_sparse(), torch.float16, x.untyped_storage()], weights_only=False)
    loaded[0].fill_(1)
    assert loaded[1].tolist() == [1] * 4 and loaded[2].tolist() == [0x3F800000] * 6 and type(loaded[4]) is nn.Buffer
    assert loaded[3].note == "mine" and not loaded[3].requires_grad and loaded[5].is_sparse and loaded[6] is torch.float16
    assert again(x, weights_only=False, map_location="meta").is_meta


def test_names_of_pytorch():
    """As PyTorch writes them, where its files are divided otherwise."""
    file = io.BytesIO()
    torch.save({"a": nn.Flatten(), "b": nn.Upsample(scale_factor=2)}, file)
    names = {b"pyxtorch.nn.modules.linear\nFlatten\n": b"torch.nn.modules.flatten\nFlatten\n"}
    # A pickle has no lengths of its lines, but the archive has one of the record, and its checksum: written anew.
    out, archive = io.BytesIO(), Reader(io.BytesIO(file.getvalue()))
    writer = Writer(out.write)
    for name in archive:
        data = archive.read(name)
        for ours, theirs in names.items():
            data = data.replace(ours, theirs)
        writer.add(name, data)
    writer.finish()
    assert b"torch.nn.modules.flatten" in out.getvalue() and b"linear\nFlatten" not in out.getvalue()
    loaded = torch.load(io.BytesIO(out.getvalue()), weights_only=False)
    assert type(loaded["a"]) is nn.Flatten and loaded["b"](torch.ones(1, 1, 2)).shape == (1, 1, 4)


def archive_of(pickled):
    out = io.BytesIO()
    writer = Writer(out.write)
    for name, data in (("data.pkl", pickled), ("byteorder", b"little"), ("version", b"3\n")):
        writer.add(f"archive/{name}", data)
    writer.finish()
    return io.BytesIO(out.getvalue())


def test_what_is_not_there_is_named():
    with pytest.raises(AttributeError, match=r"torch\.nn\.quantized\.Linear"):
        torch.load(archive_of(b"ctorch.nn.quantized\nLinear\n."), weights_only=False)
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        torch.load(archive_of(b"cnowhere\nThing\n."), weights_only=False)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(archive_of(b"]"), weights_only=False)
    with pytest.raises(pickle.UnpicklingError, match="storage"):
        torch.load(archive_of(b"K\x01Q."), weights_only=False)


def test_another_pickle_module():
    class Reading(pickle.Unpickler):
        def find_class(self, module, name):
            return str if module == "elsewhere" else super().find_class(module, name)

    class module:
        Unpickler = Reading

    assert torch.load(archive_of(b"celsewhere\nThing\n."), weights_only=False, pickle_module=module) is str
    with pytest.raises(ValueError, match="weights_only=False"):
        torch.load(archive_of(b"N."), pickle_module=module)
    old = b"U\x01\xe9."  # a string of Python 2
    assert torch.load(archive_of(old), weights_only=False, encoding="latin1") == "é"
    assert torch.load(archive_of(old), weights_only=False, encoding="bytes") == b"\xe9"


@pytest.mark.parametrize("by_path", [True, False])
def test_records_one_by_one(tmp_path, by_path):
    path = tmp_path / "x.pt"
    torch.save({"a": torch.arange(3.0)}, path)
    reader = torch.PyTorchFileReader(str(path) if by_path else io.BytesIO(path.read_bytes()))
    assert {"data.pkl", "byteorder", "version", "data/0"} <= set(reader.get_all_records())
    assert reader.has_record("data/0") and not reader.has_record("data/1") and reader.get_record("version") == b"3\n"
    assert reader.get_record_size("data/0") == 12 and reader.get_record_offset("data/0") % 64 == 0 and reader.serialization_id() == ""
    offset = reader.get_record_offset("data/0")
    assert path.read_bytes()[offset : offset + 12] == reader.get_record("data/0") == np.arange(3, dtype=np.float32).tobytes()
    for dtype, count in ((torch.float32, 3), (torch.UntypedStorage, 12)):
        x = reader.get_storage_from_record("data/0", count, dtype)
        assert x.shape == (0,) and x.dtype == (torch.float32 if count == 3 else torch.uint8)
        assert bytes(x.untyped_storage()) == reader.get_record("data/0")
    with pytest.raises(RuntimeError, match="12 bytes, not those of 5"):
        reader.get_storage_from_record("data/0", 5, torch.float32)
    with pytest.raises(RuntimeError, match="nix"):
        reader.get_record("nix")
