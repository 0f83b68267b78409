"""Pascal VOC, unpacked."""
import os
import xml.etree.ElementTree
from collections import defaultdict

from pyxtorch.vision.datasets.folder import mask_loader, pil_loader
from pyxtorch.vision.datasets.utils import missing, verify_str_arg
from pyxtorch.vision.datasets.vision import VisionDataset

__all__ = ["VOCDetection", "VOCSegmentation"]


class _VOC(VisionDataset):
    """`root`/VOCdevkit/VOC<year> (2011: `root`/TrainVal/VOCdevkit/VOC2011).

    Args:
        year: "2007" to "2012".
        image_set: "train", "trainval", "val", or "test" of 2007.
    """

    _lists, _folder, _ending = "Main", "Annotations", ".xml"

    def __init__(self, root, year="2012", image_set="train", download=False, transform=None, target_transform=None, transforms=None):
        super().__init__(root, transforms, transform, target_transform)
        self.year = verify_str_arg(year, "year", [str(y) for y in range(2007, 2013)])
        self.image_set = verify_str_arg(image_set, "image_set", ["train", "trainval", "val"] + ["test"] * (year == "2007"))
        place = os.path.join("TrainVal" if year == "2011" else "", "VOCdevkit", f"VOC{year}")
        base = os.path.join(self.root, place)
        if not os.path.isdir(base):
            raise missing(type(self).__name__, self.root, [f"the unpacked folder {place}"], f"http://host.robots.ox.ac.uk/pascal/VOC/voc{year}", download)
        with open(os.path.join(base, "ImageSets", self._lists, f"{image_set}.txt")) as file:
            names = [line.strip() for line in file]
        self.images = [os.path.join(base, "JPEGImages", f"{name}.jpg") for name in names]
        self.targets = [os.path.join(base, self._folder, name + self._ending) for name in names]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image, target = pil_loader(self.images[index]), self._target(self.targets[index])
        return (image, target) if self.transforms is None else self.transforms(image, target)


class VOCSegmentation(_VOC):
    __doc__ = f"Images and images of their classes. {_VOC.__doc__}"
    _lists, _folder, _ending = "Segmentation", "SegmentationClass", ".png"

    @property
    def masks(self):
        """Paths of the targets."""
        return self.targets

    def _target(self, path):
        return mask_loader(path)


class VOCDetection(_VOC):
    __doc__ = f"Images and dicts of what is on them. {_VOC.__doc__}"

    @property
    def annotations(self):
        """Paths of the targets."""
        return self.targets

    def _target(self, path):
        return self.parse_voc_xml(xml.etree.ElementTree.parse(path).getroot())

    @staticmethod
    def parse_voc_xml(node):
        """An element as a dict: its text, or its children by name, several of one name as a list; "object" is a list always."""
        children = list(node)
        if not children:
            return {node.tag: node.text.strip()} if node.text else {}
        found = defaultdict(list)
        for child in children:
            for name, value in VOCDetection.parse_voc_xml(child).items():
                found[name].append(value)
        if node.tag == "annotation":
            found["object"] = [found["object"]]
        return {node.tag: {name: values[0] if len(values) == 1 else values for name, values in found.items()}}
