"""torchvision.datasets: data sets of images from files that are there already. Nothing is downloaded; an error says which files to put where."""
from pyxtorch.vision.datasets.cifar import CIFAR10, CIFAR100
from pyxtorch.vision.datasets.folder import DatasetFolder, ImageFolder
from pyxtorch.vision.datasets.mnist import EMNIST, KMNIST, MNIST, QMNIST, FashionMNIST
from pyxtorch.vision.datasets.small import SEMEION, STL10, SVHN, USPS, FakeData
from pyxtorch.vision.datasets.vision import VisionDataset

__all__ = [
    "CIFAR10", "CIFAR100", "DatasetFolder", "EMNIST", "FakeData", "FashionMNIST", "ImageFolder", "KMNIST", "MNIST", "QMNIST", "SEMEION", "STL10", "SVHN",
    "USPS", "VisionDataset",
]  # fmt: skip
