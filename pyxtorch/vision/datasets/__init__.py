"""torchvision.datasets: data sets of images from files that are there already. Nothing is downloaded; an error says which files to put where."""
from pyxtorch.vision.datasets.cifar import CIFAR10, CIFAR100
from pyxtorch.vision.datasets.folder import DatasetFolder, ImageFolder
from pyxtorch.vision.datasets.labelled import DTD, GTSRB, Country211, EuroSAT, FGVCAircraft, Food101, ImageNet, OxfordIIITPet, RenderedSST2
from pyxtorch.vision.datasets.mnist import EMNIST, KMNIST, MNIST, QMNIST, FashionMNIST
from pyxtorch.vision.datasets.small import SEMEION, STL10, SVHN, USPS, FakeData
from pyxtorch.vision.datasets.vision import VisionDataset
from pyxtorch.vision.datasets.voc import VOCDetection, VOCSegmentation

__all__ = [
    "CIFAR10", "CIFAR100", "Country211", "DTD", "DatasetFolder", "EMNIST", "EuroSAT", "FGVCAircraft", "FakeData", "FashionMNIST", "Food101", "GTSRB",
    "ImageFolder", "ImageNet", "KMNIST", "MNIST", "OxfordIIITPet", "QMNIST", "RenderedSST2", "SEMEION", "STL10", "SVHN", "USPS", "VOCDetection",
    "VOCSegmentation", "VisionDataset",
]  # fmt: skip
