"""save and load: what goes in comes out, in PyTorch's format; nothing that a file says is executed or trusted."""
import collections
import io
import os
import pickle
import pickletools
import struct
import sys
import zipfile
import zlib
from collections import OrderedDict

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import nn, serialization
from pyxtorch.serialization.archive import Reader, Writer
from pyxtorch.serialization.checksum import crc32

DTYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16,
          torch.float32, torch.float64, torch.complex64, torch.complex128]
DAMAGE = (RuntimeError, pickle.UnpicklingError, EOFError)


def saved(value, **options):
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def again(value, **options):
    return torch.load(io.BytesIO(saved(value)), **options)


def numbers(dtype):
    x = torch.arange(24).reshape(2, 3, 4) % 2 if dtype is torch.bool else torch.arange(24).reshape(2, 3, 4)
    return x.to(dtype)


# --------------------------------------------------------------------------------- what is kept

@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensors_of_every_dtype(dtype):
    x = numbers(dtype)
    for y in (x, x.transpose(0, 2), x[:, 1], x[0, 0, 0], x[:0], x[:, :, ::2]):
        z = again(y)
        assert z.dtype == dtype and z.shape == y.shape and z.stride() == y.stride() and torch.equal(z, y)


def test_python_values():
    value = {
        "numbers": [0, -1, 255, 256, 70000, -(2**31), 2**40, -(10**30), 0.5, float("inf"), 1j, True, None],
        "text": ["", "ä ☃ 𝄞", "x" * 300], "bytes": [b"", b"\x00\xff", bytearray(b"ab")],
        ("a", 1): (1, (2, (3,)), ()), 3: {1, 2}, None: OrderedDict(b=1, a=2), 1.5: collections.Counter("aab"),
    }
    value["itself"] = value["numbers"]
    for protocol in (2, 3, 4, 5):
        loaded = torch.load(io.BytesIO(saved(value, pickle_protocol=protocol)))
        assert loaded == value and loaded["itself"] is loaded["numbers"]
        assert type(loaded[None]) is OrderedDict and type(loaded["bytes"][2]) is bytearray
    assert again(frozenset([1, 2])) == frozenset([1, 2])


def test_torch_values():
    value = {"dtype": torch.bfloat16, "size": torch.Size([1, 2]), "device": torch.device("cpu"), "layout": torch.strided}
    loaded = again(value)
    assert loaded == value and loaded["dtype"] is torch.bfloat16 and type(loaded["size"]) is torch.Size


def test_shared_memory_stays_shared():
    x = torch.arange(6.0)
    loaded = again({"x": x, "row": x.view(2, 3)[1], "bits": x.view(torch.int32), "twice": x, "bytes": x.untyped_storage()})
    assert loaded["x"] is loaded["twice"]
    loaded["x"].fill_(1.0)
    assert loaded["row"].tolist() == [1.0] * 3
    assert loaded["bits"].tolist() == [0x3F800000] * 6
    assert bytes(loaded["bytes"]) == struct.pack("<6f", *[1.0] * 6)
    assert x.tolist() == [0, 1, 2, 3, 4, 5]


def test_bytes_that_do_not_fill_the_dtype():
    odd = torch.arange(10, dtype=torch.uint8)
    x = odd[:8].view(torch.int32)
    loaded = again([x, odd])
    assert torch.equal(loaded[0], x) and torch.equal(loaded[1], odd)


def test_storage_first_then_tensors():
    x = torch.ones(3)
    storage, y = again([x.untyped_storage(), x])
    assert storage == y.untyped_storage() and torch.equal(x, y)


def test_parameters_and_attributes():
    p, frozen, x = nn.Parameter(torch.ones(2)), nn.Parameter(torch.zeros(1), requires_grad=False), torch.zeros(1, requires_grad=True)
    p.note, x.tags = "mine", ["a"]
    b = nn.Buffer(torch.ones(1), persistent=False)
    p2, frozen2, x2, b2 = again([p, frozen, x, b])
    assert type(p2) is nn.Parameter and p2.requires_grad and p2.note == "mine" and torch.equal(p2, p)
    assert type(frozen2) is nn.Parameter and not frozen2.requires_grad
    assert type(x2) is torch.Tensor and x2.requires_grad and x2.tags == ["a"]
    assert type(b2) is nn.Buffer and b2.persistent is False


def test_state_of_model_and_optimizer():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    x = torch.randn(8, 3)

    def step(model, optimizer):
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()

    step(model, optimizer)
    rng = torch.get_rng_state()
    loaded = again({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": rng})
    assert loaded["model"]._metadata == model.state_dict()._metadata
    fresh = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    fresh.load_state_dict(loaded["model"])
    optimizer2 = torch.optim.Adam(fresh.parameters(), lr=0.5)
    optimizer2.load_state_dict(loaded["optimizer"])
    step(model, optimizer)
    step(fresh, optimizer2)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), fresh.state_dict().values()))
    assert torch.equal(loaded["rng"], rng)


def test_lazy_parameters():
    module = nn.LazyLinear(3)
    state = again(module.state_dict())
    assert type(state["weight"]) is nn.UninitializedParameter


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 2), nn.ReLU())

    def forward(self, x):
        return self.layers(x)


class Marked(torch.Tensor):
    pass


class Point:
    __slots__ = ("x",)

    def __init__(self, x):
        self.x = x


def test_whole_modules_once_their_class_is_allowed():
    net, x = Net(), torch.ones(1, 2)
    with pytest.raises(pickle.UnpicklingError, match="Net"):
        again(net)
    with serialization.safe_globals([Net]), pytest.raises(pickle.UnpicklingError, match="Sequential"):
        again(net)
    with serialization.safe_globals([Net, nn.Sequential, nn.Linear, nn.ReLU]):
        loaded = again(net)
    assert torch.equal(loaded(x), net(x)) and list(loaded.state_dict()) == list(net.state_dict())
    assert serialization.get_safe_globals() == []


def test_allowed_classes():
    point, marked = Point([1]), torch.ones(2).as_subclass(Marked)
    marked.requires_grad_(True)
    for value in (point, marked, [Point]):
        with pytest.raises(pickle.UnpicklingError, match="not an allowed global"):
            again(value)
    serialization.add_safe_globals([Point, (Marked, f"{__name__}.Marked")])
    try:
        loaded = again([point, marked, Point])
        with pytest.raises(pickle.UnpicklingError, match="makes or changes"):  # allowed, not its relatives
            torch.load(io.BytesIO(archive(pickle.PROTO + b"\x02" + b"ccollections\nOrderedDict\n)\x81.")))
    finally:
        serialization.clear_safe_globals()
    assert loaded[0].x == [1] and loaded[2] is Point
    assert type(loaded[1]) is Marked and loaded[1].requires_grad and torch.equal(loaded[1], marked)
    with pytest.raises(ValueError, match="can never be allowed"):
        serialization.add_safe_globals([os.system])
    with pytest.raises(TypeError):
        serialization.add_safe_globals([3])


# --------------------------------------------------------------------------------- the format

def test_layout_of_the_file():
    data = saved({"a": torch.arange(5), "b": torch.ones(100)})
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        assert z.testzip() is None
        assert {"archive/data.pkl", "archive/version", "archive/byteorder", "archive/data/0", "archive/data/1"} <= set(z.namelist())
        assert z.read("archive/version") == b"3\n" and z.read("archive/byteorder") == sys.byteorder.encode()
        assert z.read("archive/data/0") == np.arange(5).tobytes()
        for info in z.infolist():
            name, extra = struct.unpack_from("<2H", data, info.header_offset + 26)
            assert (info.header_offset + 30 + name + extra) % 64 == 0 and info.compress_type == zipfile.ZIP_STORED
        ops = [op for op, _, _ in pickletools.genops(z.read("archive/data.pkl"))]
    assert ops[0].name == "PROTO" and all(op.proto <= 2 for op in ops)


def archive(pickled, records=(), order=b"little", **more):
    """A checkpoint with this pickle and these records."""
    file = io.BytesIO()
    writer = Writer(file.write)
    writer.add("archive/data.pkl", pickled)
    writer.add("archive/byteorder", order)
    for key, data in records:
        writer.add(f"archive/data/{key}", data)
    for name, data in more.items():
        writer.add(f"archive/{name}", data)
    writer.finish()
    return file.getvalue()


def tensor_pickle(storage="FloatStorage", key="0", location="cpu", count=6, offset=0, size=(2, 3), stride=(3, 1), end=b"."):
    """The pickle of one tensor as PyTorch 2 writes it."""
    def text(s):
        return b"X" + struct.pack("<I", len(s)) + s.encode()

    def integer(n):
        data = n.to_bytes(n.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8a" + bytes([len(data)]) + data

    def integers(t):
        return b"(" + b"".join(integer(n) for n in t) + b"t"

    return (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + b"ctorch\n" + storage.encode() + b"\n" + text(key)
            + text(location) + integer(count) + b"tQ" + integer(offset) + integers(size) + integers(stride)
            + b"\x89ccollections\nOrderedDict\n)RtR" + end)


SIX = struct.pack("<6f", *range(6))


def loads(data, **options):
    return torch.load(io.BytesIO(data), **options)


def test_a_file_of_pytorch():
    assert loads(archive(tensor_pickle(), [("0", SIX)])).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert loads(archive(tensor_pickle(offset=1, size=(2,), stride=(2,)), [("0", SIX)])).tolist() == [1, 3]


def test_the_other_byte_order():
    data = archive(tensor_pickle(), [("0", struct.pack(">6f", *range(6)))], order=b"big")
    assert loads(data).tolist() == [[0, 1, 2], [3, 4, 5]]
    data = archive(tensor_pickle("ComplexFloatStorage", count=3, size=(3,), stride=(1,)), [("0", struct.pack(">6f", *range(6)))], order=b"big")
    assert loads(data).tolist() == [1j, 2 + 3j, 4 + 5j]
    with pytest.raises(RuntimeError, match="endian"):
        loads(archive(tensor_pickle(), [("0", SIX)], order=b"middle"))


def test_a_file_after_other_bytes():
    file = io.BytesIO(b"before" + saved([1, torch.ones(2)]))
    file.seek(6)
    assert torch.load(file)[1].tolist() == [1, 1]


class Trickle(io.RawIOBase):
    """A file that reads and writes little at a time."""

    def __init__(self):
        self.file = io.BytesIO()

    def write(self, data):
        return self.file.write(bytes(data[:7]))

    def read(self, n=-1):
        return self.file.read(n)

    def readinto(self, memory):
        return self.file.readinto(memory[:5])

    def seek(self, *where):
        return self.file.seek(*where)

    def tell(self):
        return self.file.tell()


def test_slow_files():
    file = Trickle()
    torch.save(torch.arange(100), file)
    file.seek(0)
    assert torch.equal(torch.load(file), torch.arange(100))


def test_numbers_of_more_than_32_bits(monkeypatch):
    """The same writer and reader with a limit that small files pass."""
    value = [torch.arange(10), torch.ones(200)]
    from pyxtorch.serialization import archive as module

    monkeypatch.setattr(module, "_LIMIT", 1000)
    data = saved(value)
    assert data.count(b"PK\6\6") == 1 and data.count(b"PK\6\7") == 1
    loaded = loads(data)
    assert all(torch.equal(a, b) for a, b in zip(loaded, value))


def test_checksum():
    data = np.random.default_rng(0).integers(0, 256, 5000, np.uint8).tobytes()
    for size in (0, 1, 15, 63, 64, 127, 128, 129, 191, 192, 193, 1000, 4097):
        for start in (0, 1, 7):
            piece = data[start : start + size]
            assert crc32(piece) == zlib.crc32(piece) and crc32(piece, 123) == zlib.crc32(piece, 123)


# --------------------------------------------------------------------------------- where tensors go

def test_map_location():
    data = archive(tensor_pickle(location="cuda:0"), [("0", SIX)])
    for where in ("cpu", torch.device("cpu"), {"cuda:0": "cpu"}, lambda storage, location: storage):
        assert loads(data, map_location=where).tolist() == [[0, 1, 2], [3, 4, 5]]
    seen = []
    loads(data, map_location=lambda storage, location: seen.append((type(storage), location)) or storage)
    assert seen == [(torch.UntypedStorage, "cuda:0")]
    with pytest.raises(TypeError, match="map_location"):
        loads(data, map_location=1.5)
    with pytest.raises(TypeError, match="at least 24 bytes"):
        loads(data, map_location=lambda storage, location: torch.UntypedStorage(3))
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="map_location"):
            loads(data)


def test_mmap(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"a": torch.arange(1000.0), "empty": torch.zeros(0)}, path)
    before = path.read_bytes()
    loaded = torch.load(path, mmap=True)
    assert torch.equal(loaded["a"], torch.arange(1000.0)) and loaded["empty"].shape == (0,)
    loaded["a"].zero_()
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="file path"):
        torch.load(io.BytesIO(before), mmap=True)


# --------------------------------------------------------------------------------- writing to paths

def test_paths(tmp_path):
    for path in (tmp_path / "a.pt", str(tmp_path / "b.pt")):
        torch.save(torch.ones(2), path)
        assert torch.load(path).tolist() == [1, 1]
    (tmp_path / "link").symlink_to(tmp_path / "a.pt")
    torch.save(torch.zeros(2), tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and torch.load(tmp_path / "a.pt").tolist() == [0, 0]
    torch.save(1, os.devnull)
    assert sorted(os.listdir(tmp_path)) == ["a.pt", "b.pt", "link"]


def test_mode_of_the_file_is_kept(tmp_path):
    path = tmp_path / "a.pt"
    torch.save(1, path)
    path.chmod(0o640)
    torch.save(2, path)
    assert path.stat().st_mode & 0o777 == 0o640 and torch.load(path) == 2


def test_a_failure_leaves_the_earlier_file(tmp_path, monkeypatch):
    path = tmp_path / "a.pt"
    torch.save([1, 2], path)
    before = path.read_bytes()
    with pytest.raises(Exception, match="pickle"):
        torch.save([torch.ones(10), lambda: 0], path)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RuntimeError, match="No space left"):
        torch.save(torch.ones(10), path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.pt"]


def test_unwritable_paths(tmp_path):
    with pytest.raises(RuntimeError, match="Parent directory .* does not exist"):
        torch.save(1, tmp_path / "none" / "a.pt")
    with pytest.raises(RuntimeError, match="cannot write"):
        torch.save(1, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(RuntimeError, match="save"):
        torch.save(1, tmp_path / "file" / "a.pt")
    if os.geteuid():
        tmp_path.chmod(0o500)
        with pytest.raises(RuntimeError, match="Permission denied"):
            torch.save(1, tmp_path / "a.pt")
        tmp_path.chmod(0o700)


def test_wrong_arguments(tmp_path):
    with pytest.raises(AttributeError, match="write"):
        torch.save(1, 3)
    with pytest.raises(AttributeError, match="seek"):
        torch.load(3)
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        torch.load(tmp_path)
    with pytest.raises(ValueError, match="pickle_protocol"):
        torch.save(1, io.BytesIO(), pickle_protocol=1)
    with pytest.raises(TypeError, match="unexpected"):
        torch.load(io.BytesIO(), foo=1)


# --------------------------------------------------------------------------------- files that are hostile

@pytest.fixture
def canary(monkeypatch):
    """Fails the test when a file gets anything executed."""
    called = []
    for module, name in ((os, "system"), (os, "remove"), (os, "popen")):
        monkeypatch.setattr(module, name, lambda *a, name=name, **k: called.append((name, a)))
    yield called
    assert not called


CHECKPOINT = {"w": torch.arange(12.0).reshape(3, 4), "p": nn.Parameter(torch.ones(3)), "o": OrderedDict(a=[1, (2, {3})], b="text"), "n": 2.5}


def test_truncated_files():
    data = saved(CHECKPOINT)
    for twentieth in range(20):
        cut = data[: len(data) * twentieth // 20]
        with pytest.raises(DAMAGE):
            loads(cut)
    for cut in (data[:-1], data[1:], data + b"x", data[:4]):
        with pytest.raises(DAMAGE):
            loads(cut)


@pytest.mark.parametrize("content", [b"", b"x", b"hello, I am no checkpoint", b"\x00" * 1000, b"PK\3\4", b"PK\5\6" + b"\0" * 18, b"\x80\x02."])
def test_foreign_files(content):
    with pytest.raises(DAMAGE):
        loads(content)
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as z:
        z.writestr("a/b.txt", content)
    with pytest.raises(RuntimeError, match="data.pkl"):
        loads(other.getvalue())


def damaged_pickles():
    """Every byte of the pickle changed in several ways, with a right checksum."""
    with zipfile.ZipFile(io.BytesIO(saved(CHECKPOINT))) as z:
        pickled, records = z.read("archive/data.pkl"), [(n.split("/")[-1], z.read(n)) for n in z.namelist() if "/data/" in n]
    for place in range(len(pickled)):
        for mask in (0x01, 0x08, 0x40, 0xFF):
            changed = bytearray(pickled)
            changed[place] ^= mask
            yield bytes(changed), records


def test_flipped_bits_in_the_pickle(canary):
    refused = total = 0
    for pickled, records in damaged_pickles():
        total += 1
        try:
            loads(archive(pickled, records))
        except (*DAMAGE, KeyError):
            refused += 1
    assert refused > total // 2


def test_flipped_bits_in_the_file(canary):
    data = saved(CHECKPOINT)
    for place in range(0, len(data), 3):
        changed = bytearray(data)
        changed[place] ^= 0x21
        try:
            loads(bytes(changed))
        except DAMAGE:
            pass
    changed = bytearray(data)
    changed[data.index(b"_rebuild_tensor_v2")] ^= 1
    with pytest.raises(RuntimeError, match="checksum"):
        loads(bytes(changed))


class Evil:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


EVIL = [Evil(os.system, "true"), Evil(eval, "1"), Evil(exec, "1"), Evil(getattr, [], "append"), Evil(print, "x"), Evil(zlib.decompress, b""),
        Evil(__import__, "os"), Evil(open, "x"), Evil(os.remove, "x"), Evil(pickle.loads, b"."), Evil(type, "x", (), {})]


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("evil", EVIL, ids=lambda e: e.reduced[0].__name__)
def test_calls_of_the_file_are_refused(evil, protocol, canary):
    with pytest.raises(pickle.UnpicklingError, match="not an allowed global|not allowed"):
        loads(archive(pickle.dumps({"a": [evil]}, protocol)))
    with pytest.raises(pickle.UnpicklingError, match="not an allowed global|not allowed"):
        loads(archive(pickle.dumps(evil, protocol)), weights_only=True)
    with pytest.raises(pickle.UnpicklingError):
        loads(archive(pickle.dumps(evil, 0)))


def text(s):
    return b"X" + struct.pack("<I", len(s)) + s.encode()


HOSTILE_PICKLES = {
    "call a tensor class": b"ctorch\nTensor\n(I",
    "call a number": b"K\x01)R",
    "call a class that is only named": b"ctorch.nn.parameter\nParameter\n)R",
    "build a class": b"ctorch\nSize\n}" + text("numel") + b"K\x01sb",
    "build a function": b"ctorch._utils\n_rebuild_parameter\nN}" + text("__defaults__") + b"Ns\x86b",
    "build a dtype": b"ctorch\nfloat32\n}" + text("code") + b"K\x05sb",
    "build a list": b"]}" + text("a") + b"K\x05sb",
    "new object of a builtin": b"c__builtin__\nset\n)\x81",
    "instance opcode": b"(ios\nsystem\n",
    "extension registry": b"\x82\x01",
    "out-of-band buffer": b"\x97",
    "text opcodes": b"I1\n",
    "append to a dict": b"}K\x01a",
    "set an item of a list": b"]K\x01K\x02s",
    "a list as key": b"}]K\x01s",
    "empty stack": b"",
    "two on an empty stack": b"\x86",
    "mark missing": b"t",
    "memo missing": b"h\x07",
    "gigabytes of text": b"X\xff\xff\xff\xff",
    "exabytes of bytes": b"\x8e" + b"\xff" * 8,
    "exabytes of bytearray": b"\x96" + b"\xff" * 7 + b"\x7f",
    "negative long": b"\x8b\xff\xff\xff\xff",
    "frame too long": b"\x95" + b"\xff" * 8,
    "bytes of a size": b"c__builtin__\nbytes\nJ\xff\xff\xff\x7f\x85R",
    "bytearray of a size": b"c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R",
    "persistent id of another kind": text("storage") + b"\x85Q",
    "storage of no type": b"(" + text("storage") + b"K\x01" + text("0") + text("cpu") + b"K\x06tQ",
    "protocol of tomorrow": b"\x80\x63",
    "tensor from a list": b"ctorch._utils\n_rebuild_tensor_v2\n(]K\x00))\x89NtR",
    "parameter from a string": b"ctorch._utils\n_rebuild_parameter\n(" + text("x") + b"\x88NtR",
    "layout unknown": b"ctorch.serialization\n_get_layout\n" + text("x") + b"\x85R",
    "device unknown": b"ctorch\ndevice\n" + text("os") + b"\x85R",
    "nested module path": b"cpyxtorch.os\nsystem\n",
    "dotted name": b"ctorch\nTensor.__init__\n",
    "Sequential": b"cpyxtorch.nn.modules.container\nSequential\n)\x81",
}


@pytest.mark.parametrize("pickled", HOSTILE_PICKLES.values(), ids=HOSTILE_PICKLES)
def test_hostile_pickles(pickled, canary):
    with pytest.raises((pickle.UnpicklingError, RuntimeError)):
        loads(archive(b"\x80\x02" + pickled + b".", [("0", SIX)]))


def test_a_huge_memo_number_costs_nothing():
    assert loads(archive(b"\x80\x02K\x05r\xff\xff\xff\xff0j\xff\xff\xff\xff.")) == 5


def test_deep_nesting():
    """Many levels are read and freed; as a key they are refused, since hashing them would recurse."""
    deep = b"\x80\x02)" + b"\x85" * 300_000
    loaded = loads(archive(deep + b"."))
    assert isinstance(loaded, tuple)
    del loaded
    with pytest.raises(pickle.UnpicklingError, match="as a key"):
        loads(archive(b"\x80\x02}" + deep[2:] + b"K\x01s."))
    with pytest.raises(pickle.UnpicklingError, match="as a key"):
        loads(archive(b"\x80\x02c__builtin__\nset\n]" + deep[2:] + b"a\x85R."))
    wide = b")" + b"".join(b"q\x000" + b"(" + b"h\x00" * 50 + b"t" for _ in range(50))
    with pytest.raises(pickle.UnpicklingError, match="as a key"):
        loads(archive(b"\x80\x02}" + wide + b"K\x01s."))


def test_copies_are_limited():
    """A short file cannot ask for the same long list to be copied again and again."""
    pickled = b"\x80\x02](" + b"K\x01" * 10_000 + b"eq\x000(" + b"c__builtin__\nset\nh\x00\x85R" * 10_000 + b"l"
    with pytest.raises(pickle.UnpicklingError, match="copies more|opcode"):
        loads(archive(pickled + b"."))
    pickled = b"\x80\x02](" + b"K\x01" * 10_000 + b"eq\x000](" + b"c__builtin__\nset\nh\x00\x85R" * 10_000 + b"e."
    with pytest.raises(pickle.UnpicklingError, match="copies more"):
        loads(archive(pickled))


@pytest.mark.parametrize("wrong", [
    dict(offset=1), dict(offset=-1), dict(offset=2**62), dict(offset=2**70), dict(size=(2, 4)), dict(size=(-1, 3)), dict(stride=(-3, 1)),
    dict(stride=(3, 2)), dict(stride=(2**61, 1)), dict(size=(2**62, 4), stride=(0, 0)), dict(size=(2**32, 2**32), stride=(0, 0)),
    dict(size=(2**63, 1)), dict(size=(2,)), dict(size=(1,) * 65, stride=(1,) * 65), dict(count=7), dict(count=-1), dict(count=2**62),
    dict(count=2**70), dict(key="1"), dict(key="../data.pkl"), dict(location="os:0"), dict(location="cpu:x"), dict(storage="DoubleStorage"),
    dict(storage="QInt8Storage"), dict(storage="UntypedStorage"),
], ids=str)  # fmt: skip
def test_tensors_outside_their_storage(wrong):
    with pytest.raises((RuntimeError, pickle.UnpicklingError)):
        loads(archive(tensor_pickle(**wrong), [("0", SIX)]))


def patched(data, name, **fields):
    """The archive with changed fields in the directory's entry of a record."""
    at = data.index(b"PK\1\2")
    while True:
        length, extra, comment = struct.unpack_from("<3H", data, at + 28)
        if data[at + 46 : at + 46 + length] == name:
            break
        at += 46 + length + extra + comment
    places = {"method": (10, "<H"), "flags": (8, "<H"), "crc": (16, "<L"), "packed": (20, "<L"), "size": (24, "<L"), "place": (42, "<L")}
    data = bytearray(data)
    for field, value in fields.items():
        struct.pack_into(places[field][1], data, at + places[field][0], value)
    return bytes(data)


def test_archives_that_lie():
    data = archive(tensor_pickle(), [("0", SIX), ("1", SIX)])
    name = b"archive/data/0"
    for fields in (dict(method=8), dict(flags=1), dict(packed=12), dict(packed=2**31, size=2**31), dict(place=2**31), dict(place=0),
                   dict(packed=0xFFFFFFFF, size=0xFFFFFFFF), dict(packed=200, size=200)):
        with pytest.raises(RuntimeError):
            loads(patched(data, name, **fields))
    with pytest.raises(RuntimeError, match="checksum"):
        loads(patched(data, b"archive/data.pkl", crc=1))
    with pytest.raises(RuntimeError, match="two records"):
        loads(archive(tensor_pickle(), [("0", SIX), ("0", SIX)]))
    with pytest.raises(RuntimeError, match="TorchScript"):
        loads(archive(tensor_pickle(), [("0", SIX)], **{"constants.pkl": b""}))
    end = data.rindex(b"PK\5\6")
    for place, form, value in ((10, "<H", 2**16 - 1), (10, "<H", 3), (12, "<L", 2**31), (16, "<L", 2**31), (16, "<L", 5), (4, "<H", 1)):
        changed = bytearray(data)
        struct.pack_into(form, changed, end + place, value)
        with pytest.raises(RuntimeError):
            loads(bytes(changed))


def test_zip_bombs():
    """Compressed records are refused before anything is unpacked, records that lie over each other too."""
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("archive/data.pkl", tensor_pickle(count=10_000_000, size=(10_000_000,), stride=(1,)))
        z.writestr("archive/data/0", bytes(40_000_000))
    with pytest.raises(RuntimeError, match="compressed"):
        loads(bomb.getvalue())
    data = archive(tensor_pickle(), [("0", SIX), ("1", SIX)])
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        place = z.getinfo("archive/data/0").header_offset
    with pytest.raises(RuntimeError, match="reaches over"):
        loads(patched(data, b"archive/data/1", place=place))


def test_names_are_never_paths(tmp_path):
    file = io.BytesIO()
    writer = Writer(file.write)
    for name in ("archive/data.pkl", "/etc/passwd", "../../x", f"archive/data/{tmp_path}/x", "archive/byteorder"):
        writer.add(name, pickle.dumps(1, 2) if name.endswith(".pkl") else b"little")
    writer.finish()
    assert loads(file.getvalue()) == 1 and not list(tmp_path.iterdir())
    assert "/etc/passwd" in Reader(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize("depth", [400, 900])
def test_deeply_nested_lists(depth):
    nested = torch.ones(2)
    for _ in range(depth):
        nested = [nested]
    file = io.BytesIO()
    torch.save(nested, file)
    file.seek(0)
    loaded = torch.load(file)
    for _ in range(depth):
        (loaded,) = loaded
    assert torch.equal(loaded, torch.ones(2))


def test_builtins_that_only_hold_may_be_allowed():
    with torch.serialization.safe_globals([dict, list, (set, "builtins.set")]):
        assert dict in torch.serialization.get_safe_globals()
    for wrong in (eval, getattr, type):
        with pytest.raises(ValueError, match="never be allowed"):
            torch.serialization.add_safe_globals([wrong])
