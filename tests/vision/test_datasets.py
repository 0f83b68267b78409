"""Data sets over files that are made here."""
import gzip
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

import pyxtorch as torch
from pyxtorch.vision import datasets


def idx(array, code=8):
    return struct.pack(">BBBB", 0, 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def mnist_files(folder, prefix=("train", "t10k"), images=None, zipped=False):
    folder.mkdir(parents=True)
    images = np.arange(3 * 28 * 28, dtype=np.uint64).astype(np.uint8).reshape(3, 28, 28) if images is None else images
    for start in prefix:
        for name, array in ((f"{start}-images-idx3-ubyte", images), (f"{start}-labels-idx1-ubyte", np.array([3, 1, 2], np.uint8))):
            if zipped:
                (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
            else:
                (folder / name).write_bytes(idx(array))
    return images


@pytest.mark.parametrize("kind", ["MNIST", "FashionMNIST", "KMNIST"])
def test_mnist(kind, tmp_path):
    images = mnist_files(tmp_path / kind / "raw", zipped=kind == "KMNIST")
    data = getattr(datasets, kind)(tmp_path, train=False, download=True)
    assert len(data) == 3 and data.data.dtype == torch.uint8 and np.array_equal(data.data.numpy(), images) and data.targets.tolist() == [3, 1, 2] and data.targets.dtype == torch.int64
    assert len(data.classes) == 10 and data.class_to_idx[data.classes[4]] == 4
    assert repr(data) == f"Dataset {kind}\n    Number of datapoints: 3\n    Root location: {tmp_path}\n    Split: Test"
    with pytest.warns(UserWarning, match="renamed targets"):
        assert data.test_labels is data.targets


def test_mnist_in_a_loader(tmp_path):
    pytest.importorskip("PIL")
    from pyxtorch.vision import transforms as T

    images = mnist_files(tmp_path / "MNIST" / "raw")
    data = datasets.MNIST(str(tmp_path), transform=T.ToTensor(), target_transform=lambda t: t + 10)
    x, y = next(iter(torch.utils.data.DataLoader(data, batch_size=3)))
    assert np.allclose(x.numpy()[:, 0] * 255, images) and y.tolist() == [13, 11, 12] and "Transform: ToTensor()" in repr(data)


def test_emnist_and_qmnist(tmp_path):
    mnist_files(tmp_path / "EMNIST" / "raw", prefix=("emnist-letters-train", "emnist-letters-test"))
    data = datasets.EMNIST(tmp_path, "letters")
    assert len(data) == 3 and data.classes[1] == "a" and len(datasets.EMNIST.classes_split_dict["bymerge"]) == 47
    with pytest.raises(ValueError, match="bymerge"):
        datasets.EMNIST(tmp_path, "all")
    raw = tmp_path / "QMNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "qmnist-train-images-idx3-ubyte").write_bytes(idx(np.zeros((2, 28, 28), np.uint8)))
    (raw / "qmnist-train-labels-idx2-int").write_bytes(idx(np.arange(16, dtype=">i4").reshape(2, 8), code=12))
    assert datasets.QMNIST(tmp_path).targets[1].tolist() == list(range(8, 16))


def test_what_is_missing_or_damaged(tmp_path):
    with pytest.raises(RuntimeError, match=r"download=True, but nothing is downloaded.*train-images-idx3-ubyte.*MNIST/raw"):
        datasets.MNIST(tmp_path, download=True)
    with pytest.raises(RuntimeError, match="Dataset not found"):
        datasets.MNIST(tmp_path)
    raw = tmp_path / "MNIST" / "raw"
    mnist_files(raw)
    good = (raw / "train-images-idx3-ubyte").read_bytes()
    for bad in (b"", good[:3], good[:20], b"\0\0\x08\x05" + good[4:], b"\0\0\x07" + good[3:], good[:4] + b"\xff" * 12 + good[16:], b"\x80\x04K\x00."):
        (raw / "train-images-idx3-ubyte").write_bytes(bad)
        with pytest.raises(RuntimeError, match="corrupted"):
            datasets.MNIST(tmp_path)
    (raw / "train-images-idx3-ubyte").unlink()
    (raw / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(good)[:-20])
    with pytest.raises(RuntimeError, match="corrupted"):
        datasets.MNIST(tmp_path)


def cifar(folder, hundred=False, protocol=2):
    """Files as those of CIFAR, four images each; what they hold."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    names = ["train", "test"] if hundred else [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    label = b"fine_labels" if hundred else b"labels"
    kept = {}
    for name in names:
        kept[name] = {b"data": rng.integers(0, 256, (4, 3072), dtype=np.uint8), label: [1, 2, 3, 4], b"batch_label": b"x"}
        (folder / name).write_bytes(pickle.dumps(kept[name], protocol=protocol))
    meta = {b"fine_label_names" if hundred else b"label_names": [b"a", b"b", b"c", b"d", b"e"]}
    (folder / ("meta" if hundred else "batches.meta")).write_bytes(pickle.dumps(meta, protocol=protocol))
    return kept


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_cifar(tmp_path, protocol):
    kept = cifar(tmp_path / "cifar-10-batches-py", protocol=protocol)
    data = datasets.CIFAR10(tmp_path)
    assert len(data) == 20 and data.data.shape == (20, 32, 32, 3) and data.targets == [1, 2, 3, 4] * 5 and data.classes == list("abcde")
    assert np.array_equal(data.data[5], kept["data_batch_2"][b"data"][1].reshape(3, 32, 32).transpose(1, 2, 0))
    kept = cifar(tmp_path / "made" / "cifar-100-python", hundred=True, protocol=protocol)
    with tarfile.open(tmp_path / "cifar-100-python.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "made" / "cifar-100-python", "cifar-100-python")
    data = datasets.CIFAR100(tmp_path, train=False, download=True)  # read from the archive as it is
    assert len(data) == 4 and np.array_equal(data.data[0], kept["test"][b"data"][0].reshape(3, 32, 32).transpose(1, 2, 0)) and data.class_to_idx["c"] == 2
    with pytest.raises(RuntimeError, match="cifar-10-python.tar.gz.*nowhere"):
        datasets.CIFAR10(tmp_path / "nowhere", download=True)


def test_cifar_of_python_2(tmp_path):
    """As the published files are: strings of bytes, and numpy.core.multiarray."""
    data = bytes(range(256)) * 12
    pickled = (b"\x80\x02}q\x01(U\x06labelsq\x02]q\x03K\x07aU\x04dataq\x04cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85U\x01b\x87Rq\x07(K\x01K\x01M\x00\x0c\x86"
               b"cnumpy\ndtype\nq\x08U\x02u1K\x00K\x01\x87Rq\x09(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T" + struct.pack("<i", len(data)) + data + b"tbu.")  # fmt: skip
    assert pickle.loads(pickled, encoding="latin1")["data"].shape == (1, 3072)
    folder = tmp_path / "cifar-10-batches-py"
    cifar(folder)
    (folder / "test_batch").write_bytes(pickled)
    found = datasets.CIFAR10(tmp_path, train=False)
    assert found.targets == [7] and found.data.transpose(0, 3, 1, 2).tobytes() == data


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


def test_hostile_cifar(tmp_path):
    """Nothing that a file names is called, and arrays are as large as their bytes."""
    folder = tmp_path / "cifar-10-batches-py"
    cifar(folder)
    objects = np.array([Evil()], dtype=object)
    good = {b"data": np.zeros((1, 3072), np.uint8), b"labels": [1]}
    huge = pickle.dumps(good, protocol=2).replace(b"K\x01M\x00\x0c\x86", b"J\xff\xff\xff\x7fM\x00\x0c\x86")
    for bad in (pickle.dumps(Evil()), pickle.dumps({b"data": objects, b"labels": [1]}), pickle.dumps({b"labels": [1]}), pickle.dumps([1]), pickle.dumps({**good, b"labels": [1, 2]}),
                pickle.dumps({**good, b"data": np.zeros((1, 3072), np.float64)}), huge, b"", b"\x80\x04", pickle.dumps(good)[:-10]):  # fmt: skip
        (folder / "test_batch").write_bytes(bad)
        with pytest.raises(RuntimeError, match="corrupted"):
            datasets.CIFAR10(tmp_path, train=False)


def test_folders(tmp_path):
    for name in ("b/1.txt", "b/deep/0.txt", "a/x.txt", "a/y.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    data = datasets.DatasetFolder(tmp_path, loader=lambda p: Path(p).read_text(), extensions=(".txt",), transform=str.upper)
    assert [data[i] for i in range(3)] == [("A/X.TXT", 0), ("B/1.TXT", 1), ("B/DEEP/0.TXT", 1)] and data.classes == ["a", "b"] and data.targets == [0, 1, 1]
    assert datasets.ImageFolder(tmp_path, is_valid_file=lambda p: p.endswith("jpg"), allow_empty=True).imgs == [(str(tmp_path / "a/y.jpg"), 0)]
    with pytest.raises(FileNotFoundError, match="classes b. Supported extensions are: .jpg"):
        datasets.ImageFolder(tmp_path)
    with pytest.raises(FileNotFoundError, match="class folder"):
        datasets.ImageFolder(tmp_path / "a")
    with pytest.raises(ValueError, match="transforms"):
        datasets.VisionDataset(tmp_path, transforms=len, transform=len)


def test_pictures_in_folders(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    (tmp_path / "cat").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "cat" / "1.PNG")
    image, target = datasets.ImageFolder(tmp_path)[0]
    assert np.array_equal(np.asarray(image), pixels) and target == 0


def test_small_ones(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), dtype=np.uint8)
    savemat(tmp_path / "test_32x32.mat", {"X": images, "y": np.array([[1], [10], [3], [4]], np.uint8)})
    data = datasets.SVHN(tmp_path, split="test")
    assert data.labels.tolist() == [1, 0, 3, 4] and np.array_equal(data.data[2], images[..., 2].transpose(2, 0, 1))
    with pytest.raises(RuntimeError, match="train_32x32.mat"):
        datasets.SVHN(tmp_path, download=True)
    (tmp_path / "extra_32x32.mat").write_bytes(b"no")
    with pytest.raises(RuntimeError, match="corrupted"):
        datasets.SVHN(tmp_path, "extra")
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    stored = np.arange(2 * 3 * 96 * 96, dtype=np.uint64).astype(np.uint8).reshape(2, 3, 96, 96)
    for name in ("train_X.bin", "unlabeled_X.bin"):
        (folder / name).write_bytes(stored.tobytes())
    (folder / "train_y.bin").write_bytes(bytes([1, 10]))
    (folder / "fold_indices.txt").write_text("1\n" * 10)
    (folder / "class_names.txt").write_text("airplane\nbird\n")
    data = datasets.STL10(tmp_path, "train+unlabeled")
    assert data.labels.tolist() == [0, 9, -1, -1] and np.array_equal(data.data[0, 0], stored[0, 0].T) and data.classes == ["airplane", "bird"]
    assert datasets.STL10(tmp_path, folds=3).labels.tolist() == [9]
    with pytest.raises(RuntimeError, match="test_X.bin"):
        datasets.STL10(tmp_path, "test")
    import bz2

    (tmp_path / "usps.bz2").write_bytes(bz2.compress(b"\n".join(b"3 " + b" ".join(b"%d:%.1f" % (i, v) for i in range(1, 257)) for v in (-1, 1))))
    data = datasets.USPS(tmp_path)
    assert data.targets == [2, 2] and data.data[0].max() == 0 and data.data[1].min() == 255
    row = ["1.0"] * 256 + ["0"] * 4 + ["1"] + ["0"] * 5
    (tmp_path / "semeion.data").write_text(" ".join(row) + "\n" + " ".join(row) + "\n")
    assert datasets.SEMEION(tmp_path).labels.tolist() == [4, 4]
    if __import__("importlib.util").util.find_spec("PIL"):
        fake = datasets.FakeData(3, (3, 4, 5), num_classes=2)
        torch.manual_seed(5)
        before = torch.get_rng_state()
        assert np.array_equal(np.asarray(fake[1][0]), np.asarray(fake[1][0])) and fake[0][0].size == (5, 4) and torch.equal(torch.get_rng_state(), before)
        with pytest.raises(IndexError):
            fake[3]
