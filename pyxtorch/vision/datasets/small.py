"""Data sets in a file or two: SVHN, STL10, USPS, SEMEION; and one of random numbers."""
import bz2
import os

import numpy as np

import pyxtorch as torch
from pyxtorch.vision._pillow import from_array, pillow
from pyxtorch.vision.datasets.utils import Files, damaged, missing, verify_str_arg
from pyxtorch.vision.datasets.vision import VisionDataset

__all__ = ["FakeData", "SEMEION", "STL10", "SVHN", "USPS"]


class FakeData(VisionDataset):
    """Images of normal numbers, each drawn from a seed of its own, and random classes.

    Args:
        size: how many. image_size: (C, H, W). num_classes: how many classes.
        random_offset: added to the index to make the seed.
    """

    def __init__(self, size=1000, image_size=(3, 224, 224), num_classes=10, transform=None, target_transform=None, random_offset=0):
        super().__init__(transform=transform, target_transform=target_transform)
        self.size, self.num_classes, self.image_size, self.random_offset = size, num_classes, image_size, random_offset

    def __getitem__(self, index):
        from pyxtorch.vision.transforms.functional import to_pil_image

        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        state = torch.get_rng_state()
        torch.manual_seed(index + self.random_offset)
        image = torch.randn(*self.image_size)
        target = torch.randint(0, self.num_classes, size=(1,), dtype=torch.int64)[0]
        torch.set_rng_state(state)
        image, target = self._transformed(to_pil_image(image), target)
        return image, target.item() if isinstance(target, torch.Tensor) else target

    def __len__(self):
        return self.size


class _Pictures(VisionDataset):
    """`data` of shape (N, C, H, W) and `labels`, of one of several splits."""

    def __getitem__(self, index):
        return self._transformed(pillow().fromarray(np.transpose(self.data[index], (1, 2, 0))), int(self.labels[index]))

    def __len__(self):
        return len(self.data)

    def extra_repr(self):
        return f"Split: {self.split}"


class SVHN(_Pictures):
    """House numbers, 32 by 32 pixels: `root`/train_32x32.mat, test_32x32.mat or extra_32x32.mat, read by SciPy.

    Args:
        split: "train", "test" or "extra".
    """

    split_list = {split: [f"http://ufldl.stanford.edu/housenumbers/{split}_32x32.mat", f"{split}_32x32.mat"] for split in ("train", "test", "extra")}

    def __init__(self, root, split="train", transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = verify_str_arg(split, "split", tuple(self.split_list))
        self.url, self.filename = self.split_list[split]
        path = os.path.join(self.root, self.filename)
        if not os.path.isfile(path):
            raise missing("SVHN", self.root, [self.filename], self.url, download)
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError

        try:
            found = loadmat(path)
            images, labels = found["X"], found["y"].astype(np.int64).reshape(-1)
        except (KeyError, ValueError, TypeError, OSError, NotImplementedError, MatReadError) as error:
            raise damaged(path, str(error)) from error
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != len(labels):
            raise damaged(path, f"images {images.dtype} {images.shape} and {len(labels)} labels")
        self.labels = np.where(labels == 10, 0, labels)  # the digit 0 is called 10 there
        self.data = np.transpose(images, (3, 2, 0, 1))


class STL10(_Pictures):
    """Pictures of 96 by 96 pixels, from the folder `root`/stl10_binary or the archive `root`/stl10_binary.tar.gz.

    Args:
        split: "train", "train+unlabeled", "unlabeled" (whose target is -1) or "test".
        folds: one of the ten parts, 0 to 9, of "train"; None takes all.
    """

    base_folder, filename = "stl10_binary", "stl10_binary.tar.gz"
    url = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
    splits = ("train", "train+unlabeled", "unlabeled", "test")

    def __init__(self, root, split="train", folds=None, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = verify_str_arg(split, "split", self.splits)
        if folds is not None and not isinstance(folds, int):
            raise ValueError(f"Expected type None or int for argument folds, but got type {type(folds)}.")
        if folds is not None and folds not in range(10):
            raise ValueError(f"Value for argument folds should be in the range [0, 10), but got {folds}.")
        self.folds = folds
        files = Files(self.root, self.base_folder, self.filename)
        parts = split.split("+")
        names = [f"{part}_{kind}.bin" for part in parts for kind in ("X", "y") if not (part == "unlabeled" and kind == "y")]
        names += ["fold_indices.txt"] * (folds is not None and "train" in parts)
        if files.lacking(names):
            raise missing("STL10", self.root, [self.filename, f"(or {', '.join(names)} in the folder {self.base_folder})"], self.url, download)
        loaded = [self._part(files, part) for part in parts]
        self.data, self.labels = (np.concatenate(arrays) for arrays in zip(*loaded))
        if not files.lacking(["class_names.txt"]):
            self.classes = files.read("class_names.txt", 2**20).decode().splitlines()

    def _part(self, files, part):
        data = np.frombuffer(files.read(f"{part}_X.bin", 2**32), np.uint8)
        if data.size % (3 * 96 * 96):
            raise damaged(f"{part}_X.bin", f"{data.size} bytes are no images of 3 x 96 x 96")
        images = data.reshape(-1, 3, 96, 96).transpose((0, 1, 3, 2))  # stored column by column
        if part == "unlabeled":
            return images, np.full(len(images), -1)
        labels = np.frombuffer(files.read(f"{part}_y.bin", 2**24), np.uint8) - 1
        if len(labels) != len(images):
            raise damaged(f"{part}_y.bin", f"{len(labels)} labels for {len(images)} images")
        if part == "train" and self.folds is not None:
            line = files.read("fold_indices.txt", 2**24).decode().splitlines()[self.folds]
            chosen = np.array(line.split(), dtype=np.int64)
            images, labels = images[chosen], labels[chosen]
        return images, labels


class USPS(VisionDataset):
    """Digits of the US postal service, 16 by 16 pixels: `root`/usps.bz2 and `root`/usps.t.bz2.

    Args:
        train: the 7,291 to learn from, or the 2,007 to test with.
    """

    split_list = {
        split: [f"https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/{name}", name] for split, name in (("train", "usps.bz2"), ("test", "usps.t.bz2"))
    }

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        url, name = self.split_list["train" if train else "test"]
        path = os.path.join(self.root, name)
        if not os.path.isfile(path):
            raise missing("USPS", self.root, [name], url, download)
        try:
            with bz2.open(path, "rt") as file:
                rows = [line.split() for line in file]
            values = np.array([[item.split(":")[-1] for item in row[1:]] for row in rows], dtype=np.float32).reshape(-1, 16, 16)
            self.targets = [int(row[0]) - 1 for row in rows]
        except (OSError, EOFError, ValueError, IndexError) as error:
            raise damaged(path, str(error)) from error
        self.data = ((values + 1) / 2 * 255).astype(np.uint8)

    def __getitem__(self, index):
        return self._transformed(from_array(self.data[index], "L"), int(self.targets[index]))

    def __len__(self):
        return len(self.data)


class SEMEION(VisionDataset):
    """1,593 handwritten digits, 16 by 16 pixels: `root`/semeion.data."""

    url, filename = "http://archive.ics.uci.edu/ml/machine-learning-databases/semeion/semeion.data", "semeion.data"

    def __init__(self, root, transform=None, target_transform=None, download=True):
        super().__init__(root, transform=transform, target_transform=target_transform)
        path = os.path.join(self.root, self.filename)
        if not os.path.isfile(path):
            raise missing("SEMEION", self.root, [self.filename], self.url, download)
        rows = np.loadtxt(path, ndmin=2)
        if rows.shape[1] != 266:
            raise damaged(path, f"rows of {rows.shape[1]} numbers, not 266")
        self.data = (rows[:, :256] * 255).astype(np.uint8).reshape(-1, 16, 16)
        self.labels = np.nonzero(rows[:, 256:])[1]

    def __getitem__(self, index):
        return self._transformed(from_array(self.data[index], "L"), int(self.labels[index]))

    def __len__(self):
        return len(self.data)
