# Written by tools/stubs.py; do not edit.

from pyxtorch.vision.datasets.cifar import CIFAR10 as CIFAR10
from pyxtorch.vision.datasets.cifar import CIFAR100 as CIFAR100
from pyxtorch.vision.datasets.folder import DatasetFolder as DatasetFolder
from pyxtorch.vision.datasets.mnist import EMNIST as EMNIST
from pyxtorch.vision.datasets.small import FakeData as FakeData
from pyxtorch.vision.datasets.mnist import FashionMNIST as FashionMNIST
from pyxtorch.vision.datasets.folder import ImageFolder as ImageFolder
from pyxtorch.vision.datasets.mnist import KMNIST as KMNIST
from pyxtorch.vision.datasets.mnist import MNIST as MNIST
from pyxtorch.vision.datasets.mnist import QMNIST as QMNIST
from pyxtorch.vision.datasets.small import SEMEION as SEMEION
from pyxtorch.vision.datasets.small import STL10 as STL10
from pyxtorch.vision.datasets.small import SVHN as SVHN
from pyxtorch.vision.datasets.small import USPS as USPS
from pyxtorch.vision.datasets.vision import VisionDataset as VisionDataset
from pyxtorch.vision.datasets import cifar as cifar
from pyxtorch.vision.datasets import folder as folder
from pyxtorch.vision.datasets import mnist as mnist
from pyxtorch.vision.datasets import small as small
from pyxtorch.vision.datasets import utils as utils
from pyxtorch.vision.datasets import vision as vision
