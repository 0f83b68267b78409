"""Data sets of image files whose classes are in lists or folders."""
import csv
import json
from pathlib import Path

from pyxtorch.vision.datasets.folder import ImageFolder, default_loader, make_dataset, mask_loader
from pyxtorch.vision.datasets.utils import missing, verify_str_arg
from pyxtorch.vision.datasets.vision import VisionDataset

__all__ = ["Country211", "DTD", "EuroSAT", "FGVCAircraft", "Food101", "GTSRB", "ImageNet", "OxfordIIITPet", "RenderedSST2"]


class _Labelled(VisionDataset):
    """Paths in `_image_files` and their classes in `_labels`; `loader` makes an image of a path."""

    def __init__(self, root, split, splits, transform, target_transform, loader):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._split = verify_str_arg(split, "split", splits)
        self.loader = loader

    def _name(self, classes):
        self.classes = list(classes)
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

    def __len__(self):
        return len(self._image_files)

    def __getitem__(self, idx):
        return self._transformed(self.loader(self._image_files[idx]), self._labels[idx])

    def extra_repr(self):
        return f"split={self._split}"


def _need(name, root, folders, source, download):
    """RuntimeError where one of `folders` is not below `root`."""
    lacking = [folder for folder in folders if not (Path(root) / folder).is_dir()]
    if lacking:
        raise missing(name, root, [f"the unpacked folder {folder}" for folder in lacking], source, download)


class Food101(_Labelled):
    """101 dishes: `root`/food-101/meta/<split>.json and images; "train" or "test"."""

    def __init__(self, root, split="train", transform=None, target_transform=None, download=False, loader=default_loader):
        super().__init__(root, split, ("train", "test"), transform, target_transform, loader)
        _need("Food101", self.root, ("food-101/meta", "food-101/images"), "https://data.vision.ee.ethz.ch/cvl/food-101.tar.gz", download)
        base = Path(self.root) / "food-101"
        table = json.loads((base / "meta" / f"{split}.json").read_text())
        self._name(sorted(table))
        self._image_files = [base / "images" / f"{path}.jpg" for paths in table.values() for path in paths]
        self._labels = [self.class_to_idx[name] for name, paths in table.items() for _ in paths]


class DTD(_Labelled):
    """Textures: `root`/dtd/dtd/labels/<split><partition>.txt and images; "train", "val" or "test", partitions 1 to 10."""

    def __init__(self, root, split="train", partition=1, transform=None, target_transform=None, download=False, loader=default_loader):
        super().__init__(root, split, ("train", "val", "test"), transform, target_transform, loader)
        if not (isinstance(partition, int) and 1 <= partition <= 10):
            raise ValueError(f"Parameter 'partition' should be an integer with `1 <= partition <= 10`, but got {partition} instead")
        self._partition = partition
        _need("DTD", self.root, ("dtd/dtd",), "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz", download)
        base = Path(self.root) / "dtd" / "dtd"
        lines = (base / "labels" / f"{split}{partition}.txt").read_text().split()
        self._name(sorted({line.split("/")[0] for line in lines}))
        self._image_files = [base / "images" / line for line in lines]
        self._labels = [self.class_to_idx[line.split("/")[0]] for line in lines]

    def extra_repr(self):
        return f"split={self._split}, partition={self._partition}"


class FGVCAircraft(_Labelled):
    """Aircraft: `root`/fgvc-aircraft-2013b/data.

    Args:
        split: "train", "val", "trainval" or "test".
        annotation_level: which classes, "variant", "family" or "manufacturer".
    """

    def __init__(self, root, split="trainval", annotation_level="variant", transform=None, target_transform=None, download=False, loader=default_loader):
        super().__init__(root, split, ("train", "val", "trainval", "test"), transform, target_transform, loader)
        lists = {"variant": "variants.txt", "family": "families.txt", "manufacturer": "manufacturers.txt"}
        self._annotation_level = verify_str_arg(annotation_level, "annotation_level", tuple(lists))
        address = "https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz"
        _need("FGVCAircraft", self.root, ("fgvc-aircraft-2013b",), address, download)
        base = Path(self.root) / "fgvc-aircraft-2013b" / "data"
        self._name(line.strip() for line in (base / lists[annotation_level]).read_text().splitlines())
        rows = [line.strip().split(" ", 1) for line in (base / f"images_{annotation_level}_{split}.txt").read_text().splitlines()]
        self._image_files = [str(base / "images" / f"{name}.jpg") for name, _ in rows]
        self._labels = [self.class_to_idx[label] for _, label in rows]

    def extra_repr(self):
        return ""


class GTSRB(_Labelled):
    """Traffic signs: `root`/gtsrb/GTSRB/Training for "train"; Final_Test/Images beside it and gtsrb/GT-final_test.csv for "test"."""

    def __init__(self, root, split="train", transform=None, target_transform=None, download=False):
        super().__init__(root, split, ("train", "test"), transform, target_transform, default_loader)
        place = "gtsrb/GTSRB/" + ("Training" if split == "train" else "Final_Test/Images")
        _need("GTSRB", self.root, (place,), "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370", download)
        folder = Path(self.root) / place
        if split == "train":
            self._samples = make_dataset(str(folder), extensions=(".ppm",))
        else:
            with open(Path(self.root) / "gtsrb" / "GT-final_test.csv", newline="") as file:
                rows = csv.DictReader(file, delimiter=";", skipinitialspace=True)
                self._samples = [(str(folder / row["Filename"]), int(row["ClassId"])) for row in rows]
        self._image_files, self._labels = [path for path, _ in self._samples], [label for _, label in self._samples]

    def extra_repr(self):
        return ""


class RenderedSST2(_Labelled):
    """Sentences as images: `root`/rendered-sst2/{train, valid, test}/{negative, positive}; "train", "val" or "test"."""

    def __init__(self, root, split="train", transform=None, target_transform=None, download=False, loader=default_loader):
        super().__init__(root, split, ("train", "val", "test"), transform, target_transform, loader)
        self._name(["negative", "positive"])
        place = f"rendered-sst2/{'valid' if split == 'val' else split}"
        address = "https://openaipublic.azureedge.net/clip/data/rendered-sst2.tgz"
        _need("RenderedSST2", self.root, [f"{place}/{name}" for name in self.classes], address, download)
        self._samples = make_dataset(str(Path(self.root) / place), extensions=("png",))
        self._image_files, self._labels = [path for path, _ in self._samples], [label for _, label in self._samples]


class OxfordIIITPet(VisionDataset):
    """Cats and dogs: `root`/oxford-iiit-pet/images and annotations.

    Args:
        split: "trainval" or "test".
        target_types: one or several of "category", "binary-category" (cat or dog) and "segmentation" (an image).
    """

    def __init__(self, root, split="trainval", target_types="category", transforms=None, transform=None, target_transform=None, download=False):
        super().__init__(root, transforms=transforms, transform=transform, target_transform=target_transform)
        self._split = verify_str_arg(split, "split", ("trainval", "test"))
        kinds = [target_types] if isinstance(target_types, str) else target_types
        self._target_types = [verify_str_arg(kind, "target_types", ("category", "binary-category", "segmentation")) for kind in kinds]
        places = [f"oxford-iiit-pet/{name}" for name in ("images", "annotations")]
        _need("OxfordIIITPet", self.root, places, "https://www.robots.ox.ac.uk/~vgg/data/pets/data", download)
        base = Path(self.root) / "oxford-iiit-pet"
        rows = [line.split() for line in (base / "annotations" / f"{split}.txt").read_text().splitlines()]
        self._labels, self._bin_labels = [int(row[1]) - 1 for row in rows], [int(row[2]) - 1 for row in rows]
        found = {(row[0].rpartition("_")[0], label) for row, label in zip(rows, self._labels, strict=True)}
        self.classes = [" ".join(part.title() for part in name.split("_")) for name, _ in sorted(found, key=lambda pair: pair[1])]
        self.bin_classes = ["Cat", "Dog"]
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        self.bin_class_to_idx = {name: i for i, name in enumerate(self.bin_classes)}
        self._images = [base / "images" / f"{row[0]}.jpg" for row in rows]
        self._segs = [base / "annotations" / "trimaps" / f"{row[0]}.png" for row in rows]

    def __len__(self):
        return len(self._images)

    def __getitem__(self, idx):
        image = default_loader(self._images[idx])
        kinds = {"category": lambda: self._labels[idx], "binary-category": lambda: self._bin_labels[idx], "segmentation": lambda: mask_loader(self._segs[idx])}
        found = tuple(kinds[kind]() for kind in self._target_types)
        target = found if len(found) > 1 else found[0] if found else None
        return (image, target) if self.transforms is None else self.transforms(image, target)


class EuroSAT(ImageFolder):
    """Land from above: `root`/eurosat/2750/<class>."""

    def __init__(self, root, transform=None, target_transform=None, download=False, loader=default_loader):
        root = Path(root).expanduser()
        _need("EuroSAT", root, ("eurosat/2750",), "https://huggingface.co/datasets/torchgeo/eurosat", download)
        super().__init__(str(root / "eurosat" / "2750"), transform=transform, target_transform=target_transform, loader=loader)
        self.root = str(root)


class Country211(ImageFolder):
    """Photographs by country: `root`/country211/<split>/<class>; "train", "valid" or "test"."""

    def __init__(self, root, split="train", transform=None, target_transform=None, download=False, loader=default_loader):
        self._split = verify_str_arg(split, "split", ("train", "valid", "test"))
        root = Path(root).expanduser()
        _need("Country211", root, ("country211",), "https://openaipublic.azureedge.net/clip/data/country211.tgz", download)
        super().__init__(str(root / "country211" / split), transform=transform, target_transform=target_transform, loader=loader)
        self.root = str(root)


class ImageNet(ImageFolder):
    """ImageNet 2012, unpacked: `root`/train/<wnid> or `root`/val/<wnid>, and torchvision's `root`/meta.bin, which has the classes' words.

    Args:
        split: "train" or "val".
    Attributes:
        wnids, wnid_to_idx; classes, a tuple of words for each; class_to_idx, from each word.
    """

    def __init__(self, root, split="train", **kwargs):
        import pyxtorch as torch

        self.split = verify_str_arg(split, "split", ("train", "val"))
        root = Path(root).expanduser()
        _need("ImageNet", root, (split,), "https://image-net.org/challenges/LSVRC/2012/2012-downloads.php", False)
        if not (root / "meta.bin").is_file():
            raise missing("ImageNet", root, ["meta.bin, which torchvision writes,"], "https://image-net.org", False)
        words = torch.load(root / "meta.bin", weights_only=True)[0]
        super().__init__(str(root / split), **kwargs)
        self.root = str(root)
        self.wnids, self.wnid_to_idx = self.classes, self.class_to_idx
        self.classes = [words[wnid] for wnid in self.wnids]
        self.class_to_idx = {word: i for i, group in enumerate(self.classes) for word in group}

    @property
    def split_folder(self):
        """The folder of the images."""
        return str(Path(self.root) / self.split)

    def extra_repr(self):
        return f"Split: {self.split}"
