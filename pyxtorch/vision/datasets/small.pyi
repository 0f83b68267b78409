# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Ints as _Ints
from pyxtorch.vision.datasets.vision import VisionDataset as _VisionDataset

class FakeData(_VisionDataset):
    def __getitem__(self, index: _t.Any) -> _t.Any: ...
    def __init__(self, size: _Ints = 1000, image_size: _t.Any = ..., num_classes: _b.int = 10, transform: _t.Any = None, target_transform: _t.Any = None, random_offset: _b.float = 0) -> None: ...
    def __len__(self) -> _b.int: ...
    image_size: _t.Any
    num_classes: _b.int
    random_offset: _b.float
    size: _Ints
class SEMEION(_VisionDataset):
    def __getitem__(self, index: _t.Any) -> _t.Any: ...
    def __init__(self, root: _t.Any, transform: _t.Any = None, target_transform: _t.Any = None, download: _b.bool = True) -> None: ...
    def __len__(self) -> _b.int: ...
    filename: _t.Any
    url: _t.Any
    data: _t.Any
    labels: _t.Any
class USPS(_VisionDataset):
    def __getitem__(self, index: _t.Any) -> _t.Any: ...
    def __init__(self, root: _t.Any, train: _b.bool = True, transform: _t.Any = None, target_transform: _t.Any = None, download: _b.bool = False) -> None: ...
    def __len__(self) -> _b.int: ...
    split_list: _t.Any
    data: _t.Any
    targets: _t.Any
class _Pictures(_VisionDataset):
    def __getitem__(self, index: _t.Any) -> _t.Any: ...
    def __len__(self) -> _b.int: ...
    def extra_repr(self) -> _b.str: ...
class STL10(_Pictures):
    def __init__(self, root: _t.Any, split: _b.str = 'train', folds: _t.Any = None, transform: _t.Any = None, target_transform: _t.Any = None, download: _b.bool = False) -> None: ...
    base_folder: _t.Any
    filename: _t.Any
    splits: _t.Any
    url: _t.Any
    classes: _t.Any
    data: _t.Any
    folds: _t.Any
    labels: _t.Any
    split: _b.str
class SVHN(_Pictures):
    def __init__(self, root: _t.Any, split: _b.str = 'train', transform: _t.Any = None, target_transform: _t.Any = None, download: _b.bool = False) -> None: ...
    split_list: _t.Any
    data: _t.Any
    filename: _t.Any
    labels: _t.Any
    split: _b.str
    url: _t.Any
