"""CIFAR-10 and CIFAR-100: pickles of arrays, of which nothing is executed."""
import os
from pickle import UnpicklingError

import numpy as np

from pyxtorch.vision._pillow import pillow
from pyxtorch.vision.datasets._pickles import load
from pyxtorch.vision.datasets.utils import Files, damaged, missing
from pyxtorch.vision.datasets.vision import VisionDataset

__all__ = ["CIFAR10", "CIFAR100"]

_LIMIT = 2**30


class CIFAR10(VisionDataset):
    """Pictures of ten classes, 32 by 32 pixels, from the folder `root`/cifar-10-batches-py or the archive `root`/cifar-10-python.tar.gz.

    Args:
        train: the 50,000 to learn from, or the 10,000 to test with.
    Raises:
        RuntimeError: files are not there, whatever `download` is, or damaged.
    """

    base_folder, filename = "cifar-10-batches-py", "cifar-10-python.tar.gz"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    train_list = [[f"data_batch_{i}", None] for i in range(1, 6)]
    test_list = [["test_batch", None]]
    meta = {"filename": "batches.meta", "key": "label_names"}

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        files = Files(self.root, self.base_folder, self.filename)
        names = [name for name, _ in (self.train_list if train else self.test_list)]
        if files.lacking([*names, self.meta["filename"]]):
            wanted = [self.filename, f"(or its files {', '.join([*names, self.meta['filename']])} in the folder {self.base_folder})"]
            raise missing(type(self).__name__, self.root, wanted, self.url, download)
        parts, self.targets = [], []
        for name in names:
            data, labels = self._batch(files, name)
            parts.append(data)
            self.targets.extend(labels)
        self.data = np.vstack(parts).reshape(-1, 3, 32, 32).transpose((0, 2, 3, 1))
        meta = self._read(files, self.meta["filename"])
        self.classes = meta.get(self.meta["key"])
        if not isinstance(self.classes, list):
            raise damaged(self.meta["filename"], f"no list of {self.meta['key']}")
        self.classes = [name.decode() if isinstance(name, bytes) else name for name in self.classes]
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

    def _read(self, files, name):
        try:
            entry = load(files.read(name, _LIMIT))
        except UnpicklingError as error:
            raise damaged(os.path.join(self.root, self.base_folder, name), str(error)) from error
        if not isinstance(entry, dict):
            raise damaged(name, "no dict")
        return entry

    def _batch(self, files, name):
        entry = self._read(files, name)
        data, labels = entry.get("data"), entry.get("labels", entry.get("fine_labels"))
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
            raise damaged(name, "no images of 3072 bytes")
        if not isinstance(labels, list) or len(labels) != len(data):
            raise damaged(name, f"not one label for each of {len(data)} images")
        return data, labels

    def __getitem__(self, index):
        return self._transformed(pillow().fromarray(self.data[index]), self.targets[index])

    def __len__(self):
        return len(self.data)

    def extra_repr(self):
        return f"Split: {'Train' if self.train is True else 'Test'}"


class CIFAR100(CIFAR10):
    """Pictures of a hundred classes, from the folder `root`/cifar-100-python or the archive `root`/cifar-100-python.tar.gz."""

    base_folder, filename = "cifar-100-python", "cifar-100-python.tar.gz"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    train_list, test_list = [["train", None]], [["test", None]]
    meta = {"filename": "meta", "key": "fine_label_names"}
