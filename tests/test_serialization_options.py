"""Settings of save and load, and places of storages."""
import io
import mmap
import os
import sys
import types

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import serialization
from pyxtorch.serialization import LoadEndianness


def saved(x):
    buffer = io.BytesIO()
    torch.save(x, buffer)
    buffer.seek(0)
    return buffer


def test_files_that_do_not_say_their_byte_order():
    buffer = io.BytesIO()
    archive = serialization.Writer(buffer.write)
    source = serialization.Reader(saved(torch.tensor([1.0, 2.0])))
    other = "big" if sys.byteorder == "little" else "little"
    for name in source:
        if not name.endswith("byteorder"):
            data = source.read(name) if "/data/" not in name else np.array([1.0, 2.0], "f4").byteswap().tobytes()
            archive.add(name, data)
    archive.finish()
    assert serialization.get_default_load_endianness() is None
    try:
        serialization.set_default_load_endianness(LoadEndianness[other.upper()])
        buffer.seek(0)
        assert torch.load(buffer).tolist() == [1, 2]
        serialization.set_default_load_endianness(LoadEndianness.NATIVE)
        buffer.seek(0)
        assert torch.load(buffer).tolist() != [1, 2] and serialization.get_default_load_endianness() is LoadEndianness.NATIVE
    finally:
        serialization.set_default_load_endianness(None)
    with pytest.raises(TypeError, match="set_default_load_endianness"):
        serialization.set_default_load_endianness("big")


def test_maps_that_write_to_the_file(tmp_path):
    path = tmp_path / "x.pt"
    torch.save(torch.zeros(4), path)
    torch.load(path, mmap=True).fill_(3)
    assert torch.load(path).tolist() == [0] * 4 and serialization.get_default_mmap_options() == mmap.MAP_PRIVATE
    with serialization.set_default_mmap_options(mmap.MAP_SHARED):
        torch.load(path, mmap=True).fill_(3)
    assert torch.load(path).tolist() == [3] * 4 and serialization.get_default_mmap_options() == mmap.MAP_PRIVATE
    with pytest.raises(ValueError, match="MAP_PRIVATE"):
        serialization.set_default_mmap_options(77)


def test_without_checksums():
    import zipfile

    x = torch.arange(100.0)
    serialization.set_crc32_options(False)
    try:
        buffer = saved(x)
        assert not serialization.get_crc32_options()
    finally:
        serialization.set_crc32_options(True)
    assert torch.equal(torch.load(buffer), x)
    buffer.seek(0)
    assert zipfile.ZipFile(buffer).getinfo("archive/data/0").CRC == 0 != zipfile.ZipFile(saved(x)).getinfo("archive/data/0").CRC


def test_room_without_data():
    x = torch.arange(1000.0)
    with serialization.skip_data():
        buffer = saved({"x": x})
    assert len(buffer.getvalue()) == len(saved({"x": x}).getvalue()) and torch.load(buffer)["x"].shape == (1000,) and np.arange(1000.0, dtype="f4").tobytes() not in buffer.getvalue()
    with serialization.skip_data():
        empty = torch.load(saved({"x": x}))["x"]
    assert empty.shape == (1000,) and not torch.equal(empty, x)
    assert torch.equal(torch.load(saved({"x": x}))["x"], x)


class Own:
    pass


def test_what_a_file_names(tmp_path):
    torch.save({"x": torch.ones(1), "own": Own(), "path": os.path.join}, tmp_path / "x.pt")
    names = serialization.get_unsafe_globals_in_checkpoint(tmp_path / "x.pt")
    assert names == [f"{Own.__module__}.Own", f"{os.path.join.__module__}.join"] or set(names) == {f"{Own.__module__}.Own", f"{os.path.join.__module__}.join"}
    with serialization.safe_globals([Own]):
        assert f"{Own.__module__}.Own" not in serialization.get_unsafe_globals_in_checkpoint(tmp_path / "x.pt")
    assert serialization.get_unsafe_globals_in_checkpoint(saved([torch.ones(2, dtype=torch.int8), torch.Size([1])])) == []


def test_places_of_ones_own():
    moved = []
    before = list(serialization.options._packages)
    serialization.register_package(5, lambda storage: "shelf" if storage.nbytes() == 12 else None, lambda storage, place: moved.append(place) or storage if place == "shelf" else None)
    try:
        buffer = saved([torch.ones(3), torch.ones(2)])
        assert [x.tolist() for x in torch.load(buffer)] == [[1, 1, 1], [1, 1]] and moved == ["shelf"]
        assert serialization.location_tag(torch.ones(3).untyped_storage()) == "shelf" and serialization.location_tag(torch.ones(1).untyped_storage()) == "cpu"
    finally:
        serialization.options._packages[:] = before
    storage = torch.ones(3).untyped_storage()
    assert serialization.default_restore_location(storage, "cpu") is storage
    with pytest.raises(RuntimeError, match="shelf"):
        serialization.default_restore_location(storage, "shelf")


def test_types_and_versions():
    storage = torch.ones(1).storage()
    assert serialization.storage_to_tensor_type(storage) is torch.FloatTensor and serialization.normalize_storage_type(torch.LongStorage) is torch.LongStorage
    module = types.SimpleNamespace(__name__="m", __version__="1.10.2")
    check = serialization.check_module_version_greater_or_equal
    assert check(module, (1, 9)) and check(module, (1, 10, 2)) and not check(module, (1, 11))
    module.__version__ = "x.y"
    with pytest.raises(RuntimeError, match="malformed"):
        check(module, (1, 0))
    with pytest.warns(UserWarning, match="malformed"):
        assert check(module, (1, 0), error_if_malformed=False)
    with serialization.mkdtemp() as folder:
        assert os.path.isdir(folder)
    assert not os.path.exists(folder)
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="map_location"):
            serialization.validate_cuda_device("cuda:0")
