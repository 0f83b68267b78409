# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch.vision.datasets.vision import VisionDataset as _VisionDataset

class CIFAR10(_VisionDataset):
    def __getitem__(self, index: _t.Any) -> _t.Any: ...
    def __init__(self, root: _t.Any, train: _b.bool = True, transform: _t.Any = None, target_transform: _t.Any = None, download: _b.bool = False) -> None: ...
    def __len__(self) -> _b.int: ...
    base_folder: _t.Any
    def extra_repr(self) -> _b.str: ...
    filename: _t.Any
    meta: _t.Any
    test_list: _t.Any
    train_list: _t.Any
    url: _t.Any
    class_to_idx: _t.Any
    classes: _t.Any
    data: _t.Any
    targets: _t.Any
    train: _b.bool
class CIFAR100(CIFAR10):
    base_folder: _t.Any
    filename: _t.Any
    meta: _t.Any
    test_list: _t.Any
    train_list: _t.Any
    url: _t.Any
