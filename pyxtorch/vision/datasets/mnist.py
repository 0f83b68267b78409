"""MNIST and the data sets in its format, "idx": whole numbers of a type, some sizes, and the values."""
import math
import os
import string
import warnings

import numpy as np

import pyxtorch as torch
from pyxtorch.vision._pillow import from_array
from pyxtorch.vision.datasets.utils import damaged, missing, read_packed, verify_str_arg
from pyxtorch.vision.datasets.vision import VisionDataset

__all__ = ["EMNIST", "FashionMNIST", "KMNIST", "MNIST", "QMNIST"]

# The types' codes, and how numbers of them are stored: the highest byte first.
SN3_PASCALVINCENT_TYPEMAP = {8: torch.uint8, 9: torch.int8, 11: torch.int16, 12: torch.int32, 13: torch.float32, 14: torch.float64}
_STORED = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_LIMIT = 2**32


def read_sn3_pascalvincent_tensor(path, strict=True):
    """The tensor in a file in the format idx, or in that file with `.gz` at the end.

    Raises:
        RuntimeError: the file is damaged: another type, 0 or more than 3 sizes, or other than as many values as they say
            (with `strict` off, more values are let be).
    """
    data = read_packed(path, _LIMIT)
    if data is None:
        raise FileNotFoundError(f"{path} is not there")
    kind, count = (data[2], data[3]) if len(data) >= 4 and data[:2] == b"\0\0" else (0, 0)
    if kind not in _STORED or not 1 <= count <= 3 or len(data) < 4 + 4 * count:
        raise damaged(path, "not in the format idx")
    sizes = [int(n) for n in np.frombuffer(data, ">u4", count, 4)]
    stored = np.dtype(_STORED[kind])
    held = (len(data) - 4 - 4 * count) // stored.itemsize
    if held < math.prod(sizes) or (strict and held != math.prod(sizes)):
        raise damaged(path, f"{held} values for the sizes {sizes}")
    values = np.frombuffer(data, stored, math.prod(sizes), 4 + 4 * count).reshape(sizes)
    return torch.from_numpy(values.astype(stored.newbyteorder("=")))


def _of_bytes(path, dimensions):
    x = read_sn3_pascalvincent_tensor(path, strict=False)
    if x.dtype != torch.uint8:
        raise TypeError(f"{path}: x should be of dtype torch.uint8 instead of {x.dtype}")
    if x.ndim != dimensions:
        raise ValueError(f"{path}: x should have {dimensions} dimension instead of {x.ndim}")
    return x


def read_label_file(path):
    """Labels, int64, (N)."""
    return _of_bytes(path, 1).long()


def read_image_file(path):
    """Images, uint8, (N, H, W)."""
    return _of_bytes(path, 3)


def _old_name(name, new):
    def get(self):
        warnings.warn(f"{name} has been renamed {new}", UserWarning, stacklevel=2)
        return getattr(self, new)

    get.__doc__ = f"An older name of `{new}`."
    return property(get)


class MNIST(VisionDataset):
    """Handwritten digits, 28 by 28 pixels: `root`/MNIST/raw/train-images-idx3-ubyte and so on, packed (`.gz`) or not.

    Args:
        train: the 60,000 to learn from, or the 10,000 to test with.
    Raises:
        RuntimeError: files are not there, whatever `download` is, or damaged.
    """

    mirrors = ["https://ossci-datasets.s3.amazonaws.com/mnist/"]
    resources = [(f"{part}-{what}-ubyte.gz", None) for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")]
    training_file, test_file = "training.pt", "test.pt"
    classes = [f"{i} - {name}" for i, name in enumerate("zero one two three four five six seven eight nine".split())]
    train_labels, test_labels = _old_name("train_labels", "targets"), _old_name("test_labels", "targets")
    train_data, test_data = _old_name("train_data", "data"), _old_name("test_data", "data")

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        processed = [os.path.join(self.processed_folder, name) for name in (self.training_file, self.test_file)]
        if all(map(os.path.isfile, processed)):  # what torchvision wrote before 2020
            self.data, self.targets = torch.load(processed[0 if train else 1], weights_only=True)
            return
        if not self._check_exists():
            raise missing(type(self).__name__, self.raw_folder, self._names(), self._source(), download)
        self.data, self.targets = self._load_data()
        if len(self.data) != len(self.targets):
            raise damaged(self.raw_folder, f"{len(self.data)} images and {len(self.targets)} labels")

    def _names(self):
        """The files that are needed, images first."""
        return [f"{'train' if self.train else 't10k'}-{what}-ubyte" for what in ("images-idx3", "labels-idx1")]

    def _source(self):
        return self.mirrors[0]

    def _paths(self):
        return [os.path.join(self.raw_folder, name) for name in self._names()]

    def _check_exists(self):
        return all(os.path.isfile(path) or os.path.isfile(f"{path}.gz") for path in self._paths())

    def _load_data(self):
        images, labels = self._paths()
        return read_image_file(images), read_label_file(labels)

    def download(self):
        """Nothing is downloaded: an error unless the files are there."""
        if not self._check_exists():
            raise missing(type(self).__name__, self.raw_folder, self._names(), self._source(), True)

    def __getitem__(self, index):
        return self._transformed(from_array(self.data[index].numpy(), "L"), int(self.targets[index]))

    def __len__(self):
        return len(self.data)

    @property
    def raw_folder(self):
        """Where the files are."""
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def processed_folder(self):
        """Where older versions of torchvision put tensors."""
        return os.path.join(self.root, type(self).__name__, "processed")

    @property
    def class_to_idx(self):
        """Name of a class to its number."""
        return {name: i for i, name in enumerate(self.classes)}

    def extra_repr(self):
        return f"Split: {'Train' if self.train is True else 'Test'}"


class FashionMNIST(MNIST):
    """Clothes, in MNIST's format: `root`/FashionMNIST/raw."""

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


class KMNIST(MNIST):
    """Japanese letters, in MNIST's format: `root`/KMNIST/raw."""

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


class EMNIST(MNIST):
    """Letters and digits, in MNIST's format: `root`/EMNIST/raw/emnist-SPLIT-train-images-idx3-ubyte and so on.

    Args:
        split: "byclass", "bymerge", "balanced", "letters", "digits" or "mnist".
    """

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    splits = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    _all_classes = set(string.digits + string.ascii_letters)
    _merged_classes = set("cijklmopsuvwxyz")
    classes_split_dict = {
        "byclass": sorted(_all_classes), "bymerge": sorted(_all_classes - _merged_classes), "balanced": sorted(_all_classes - _merged_classes),
        "letters": ["N/A", *string.ascii_lowercase], "digits": list(string.digits), "mnist": list(string.digits),
    }  # fmt: skip

    def __init__(self, root, split, **kwargs):
        self.split = verify_str_arg(split, "split", self.splits)
        self.training_file, self.test_file = f"training_{split}.pt", f"test_{split}.pt"
        super().__init__(root, **kwargs)
        self.classes = self.classes_split_dict[split]

    def _names(self):
        return [f"emnist-{self.split}-{'train' if self.train else 'test'}-{what}-ubyte" for what in ("images-idx3", "labels-idx1")]

    def _source(self):
        return self.url

    @property
    def images_file(self):
        """The file of images."""
        return self._paths()[0]

    @property
    def labels_file(self):
        """The file of labels."""
        return self._paths()[1]


class QMNIST(MNIST):
    """MNIST with more digits and more known of each: `root`/QMNIST/raw.

    Args:
        what: "train", "test", "test10k", "test50k" or "nist"; by `train`, if it is None.
        compat: targets are numbers; else the eight that are known of each image.
    """

    subsets = {"train": "train", "test": "test", "test10k": "test", "test50k": "test", "nist": "nist"}
    mirrors = ["https://raw.githubusercontent.com/facebookresearch/qmnist/master/"]

    def __init__(self, root, what=None, compat=True, train=True, **kwargs):
        what = ("train" if train else "test") if what is None else what
        self.what, self.compat = verify_str_arg(what, "what", tuple(self.subsets)), compat
        self.training_file = self.test_file = f"{what}.pt"
        super().__init__(root, train, **kwargs)

    def _names(self):
        start = {"train": "qmnist-train", "test": "qmnist-test", "nist": "xnist"}[self.subsets[self.what]]
        return [f"{start}-images-idx3-ubyte", f"{start}-labels-idx2-int"]

    def _load_data(self):
        images, labels = self._paths()
        data, targets = _of_bytes(images, 3), read_sn3_pascalvincent_tensor(labels).long()
        if targets.ndim != 2:
            raise ValueError(f"targets should have 2 dimensions instead of {targets.ndim}")
        part = {"test10k": slice(0, 10000), "test50k": slice(10000, None)}.get(self.what, slice(None))
        return data[part].clone(), targets[part].clone()

    def __getitem__(self, index):
        target = self.targets[index]
        return self._transformed(from_array(self.data[index].numpy(), "L"), int(target[0]) if self.compat else target)

    def extra_repr(self):
        return f"Split: {self.what}"
