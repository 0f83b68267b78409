# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch.vision.datasets.vision import VisionDataset as _VisionDataset

class _VOC(_VisionDataset):
    def __getitem__(self, index: _t.Any) -> _t.Any: ...
    def __init__(self, root: _t.Any, year: _b.str = '2012', image_set: _b.str = 'train', download: _b.bool = False, transform: _t.Any = None, target_transform: _t.Any = None, transforms: _t.Any = None) -> None: ...
    def __len__(self) -> _b.int: ...
    image_set: _b.str
    images: _t.Any
    targets: _t.Any
    year: _b.str
class VOCDetection(_VOC):
    @property
    def annotations(self) -> _t.Any: ...
    @staticmethod
    def parse_voc_xml(node: _t.Any) -> _t.Any: ...
class VOCSegmentation(_VOC):
    @property
    def masks(self) -> _t.Any: ...
