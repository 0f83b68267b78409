"""Data sets of image files in trees: paths, classes, targets; in torchvision too where it is installed."""
import json

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.vision import datasets

Image = pytest.importorskip("PIL.Image")
XML = (
    "<annotation><folder>VOC</folder><empty/><size><width>5</width></size>"
    "<object><name>cat</name><part>a</part><part>b</part></object></annotation>"
)


def picture(path, value=0, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 5, 3) if mode == "RGB" else (4, 5), value, dtype=np.uint8)).save(path)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def root(tmp_path):
    """All of the trees, with a few images each."""
    for i, name in enumerate(("b/2", "a/1", "b/3")):
        picture(tmp_path / "food-101" / "images" / f"{name}.jpg", i)
        picture(tmp_path / "dtd/dtd/images" / f"{name}.jpg", i)
        picture(tmp_path / "eurosat/2750" / f"{name}.jpg", i)
        picture(tmp_path / "country211/valid" / f"{name}.jpg", i)
        picture(tmp_path / "val" / f"{name}.jpg", i)
        picture(tmp_path / "gtsrb/GTSRB/Training" / f"{name}.ppm", i)
        picture(tmp_path / "gtsrb/GTSRB/Final_Test/Images" / f"{i}.ppm", i)
        picture(tmp_path / "rendered-sst2/valid" / ("negative", "positive")[i % 2] / f"{i}.png", i)
        picture(tmp_path / "fgvc-aircraft-2013b/data/images" / f"{i}.jpg", i)
    write(tmp_path / "food-101/meta/test.json", json.dumps({"b": ["b/2", "b/3"], "a": ["a/1"]}))
    write(tmp_path / "dtd/dtd/labels/val2.txt", "b/2.jpg\na/1.jpg\nb/3.jpg\n")
    write(tmp_path / "fgvc-aircraft-2013b/data/families.txt", "A 1\nB 2\n")
    write(tmp_path / "fgvc-aircraft-2013b/data/images_family_test.txt", "0 B 2\n1 A 1\n2 B 2\n")
    write(tmp_path / "gtsrb/GT-final_test.csv", "Filename;Width;ClassId\n2.ppm;5;7\n0.ppm;5;3\n")
    torch.save(({"a": ("ay", "eh"), "b": ("bee",)}, ["a", "b"]), tmp_path / "meta.bin")
    for i, name in enumerate(("Big_Cat_1", "small_dog_12")):
        picture(tmp_path / "oxford-iiit-pet/images" / f"{name}.jpg", i)
        picture(tmp_path / "oxford-iiit-pet/annotations/trimaps" / f"{name}.png", i, "L")
        picture(tmp_path / "VOCdevkit/VOC2012/JPEGImages" / f"{name}.jpg", i)
        picture(tmp_path / "VOCdevkit/VOC2012/SegmentationClass" / f"{name}.png", i, "L")
        write(tmp_path / "VOCdevkit/VOC2012/Annotations" / f"{name}.xml", XML)
    write(tmp_path / "oxford-iiit-pet/annotations/test.txt", "small_dog_12 2 2 1\nBig_Cat_1 1 1 1\n")
    for name in ("Main", "Segmentation"):
        write(tmp_path / f"VOCdevkit/VOC2012/ImageSets/{name}/val.txt", "small_dog_12\nBig_Cat_1\n")
    return tmp_path


CASES = {
    "Food101": {"split": "test"}, "DTD": {"split": "val", "partition": 2}, "EuroSAT": {}, "Country211": {"split": "valid"}, "ImageNet": {"split": "val"},
    "GTSRB": {}, "GTSRB test": {"split": "test"}, "RenderedSST2": {"split": "val"}, "FGVCAircraft": {"split": "test", "annotation_level": "family"},
    "OxfordIIITPet": {"split": "test", "target_types": ["category", "binary-category", "segmentation"]}, "OxfordIIITPet one": {"split": "test"},
    "OxfordIIITPet none": {"split": "test", "target_types": []}, "VOCDetection": {"image_set": "val"}, "VOCSegmentation": {"image_set": "val"},
}  # fmt: skip
LABELS = {
    "Food101": [1, 1, 0], "DTD": [1, 0, 1], "EuroSAT": [0, 1, 1], "Country211": [0, 1, 1], "ImageNet": [0, 1, 1], "GTSRB": [0, 1, 1], "GTSRB test": [7, 3],
    "RenderedSST2": [0, 0, 1], "FGVCAircraft": [1, 0, 1], "OxfordIIITPet one": [1, 0], "OxfordIIITPet none": [None, None],
}  # fmt: skip


def plain(value):
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return np.asarray(value).tolist() if isinstance(value, Image.Image) else value


def described(data):
    facts = [plain(data[i]) for i in range(len(data))]
    return facts, repr(data), *(getattr(data, name, None) for name in ("classes", "class_to_idx", "bin_classes", "wnids", "masks", "annotations", "images"))


@pytest.mark.parametrize("case", CASES)
def test_targets(root, case):
    data = getattr(datasets, case.split()[0])(str(root), **CASES[case])
    found = [data[i][1] for i in range(len(data))]
    if case in LABELS:
        assert found == LABELS[case]
    assert all(data[i][0].size == (5, 4) and data[i][0].mode == "RGB" for i in range(len(data)))
    changed = getattr(datasets, case.split()[0])(root, transform=lambda x: "image", target_transform=lambda y: "target", **CASES[case])
    assert changed[1] == ("image", "target")


def test_targets_of_several_parts(root):
    data = datasets.OxfordIIITPet(root, **CASES["OxfordIIITPet"])
    assert data.classes == ["Big Cat", "Small Dog"] and data[0][1][:2] == (1, 1) and data[0][1][2].getpixel((0, 0)) == 1
    assert datasets.VOCSegmentation(root, image_set="val")[1][1].size == (5, 4)
    target = datasets.VOCDetection(root, image_set="val")[0][1]["annotation"]
    assert target == {"folder": "VOC", "size": {"width": "5"}, "object": [{"name": "cat", "part": ["a", "b"]}]}


@pytest.mark.parametrize("case", CASES)
def test_the_same_in_torchvision(root, case):
    pytest.importorskip("torch")
    try:
        from torchvision import datasets as theirs
    except (ImportError, RuntimeError, OSError) as error:
        pytest.skip(f"torchvision: {error}")
    if theirs is datasets:
        pytest.skip("the alias")
    name = case.split()[0]
    assert described(getattr(datasets, name)(str(root), **CASES[case])) == described(getattr(theirs, name)(str(root), **CASES[case]))


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_there(tmp_path, case):
    with pytest.raises(RuntimeError, match=r"Dataset not found.*Put .*published at http"):
        getattr(datasets, case.split()[0])(tmp_path, **CASES[case])
    if case != "ImageNet":
        with pytest.raises(RuntimeError, match="nothing is downloaded"):
            getattr(datasets, case.split()[0])(tmp_path, download=True, **CASES[case])
    with pytest.raises(ValueError):
        datasets.DTD(tmp_path, partition=11)
    (tmp_path / "train" / "x").mkdir(parents=True)
    with pytest.raises(RuntimeError, match="meta.bin"):
        datasets.ImageNet(tmp_path)
