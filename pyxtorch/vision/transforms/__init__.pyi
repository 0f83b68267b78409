# Written by tools/stubs.py; do not edit.
import typing as _t

from pyxtorch.vision.transforms.autoaugment import AugMix as AugMix
from pyxtorch.vision.transforms.autoaugment import AutoAugment as AutoAugment
class AutoAugmentPolicy:
    CIFAR10: _t.Any
    IMAGENET: _t.Any
    SVHN: _t.Any
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
from pyxtorch.vision.transforms.transforms import CenterCrop as CenterCrop
from pyxtorch.vision.transforms.transforms import ColorJitter as ColorJitter
from pyxtorch.vision.transforms.transforms import Compose as Compose
from pyxtorch.vision.transforms.transforms import ConvertImageDtype as ConvertImageDtype
from pyxtorch.vision.transforms.transforms import ElasticTransform as ElasticTransform
from pyxtorch.vision.transforms.transforms import FiveCrop as FiveCrop
from pyxtorch.vision.transforms.transforms import GaussianBlur as GaussianBlur
from pyxtorch.vision.transforms.transforms import Grayscale as Grayscale
class InterpolationMode:
    BICUBIC: _t.Any
    BILINEAR: _t.Any
    BOX: _t.Any
    HAMMING: _t.Any
    LANCZOS: _t.Any
    NEAREST: _t.Any
    NEAREST_EXACT: _t.Any
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
from pyxtorch.vision.transforms.transforms import Lambda as Lambda
from pyxtorch.vision.transforms.transforms import LinearTransformation as LinearTransformation
from pyxtorch.vision.transforms.transforms import Normalize as Normalize
from pyxtorch.vision.transforms.transforms import PILToTensor as PILToTensor
from pyxtorch.vision.transforms.transforms import Pad as Pad
from pyxtorch.vision.transforms.autoaugment import RandAugment as RandAugment
from pyxtorch.vision.transforms.transforms import RandomAdjustSharpness as RandomAdjustSharpness
from pyxtorch.vision.transforms.transforms import RandomAffine as RandomAffine
from pyxtorch.vision.transforms.transforms import RandomApply as RandomApply
from pyxtorch.vision.transforms.transforms import RandomAutocontrast as RandomAutocontrast
from pyxtorch.vision.transforms.transforms import RandomChoice as RandomChoice
from pyxtorch.vision.transforms.transforms import RandomCrop as RandomCrop
from pyxtorch.vision.transforms.transforms import RandomEqualize as RandomEqualize
from pyxtorch.vision.transforms.transforms import RandomErasing as RandomErasing
from pyxtorch.vision.transforms.transforms import RandomGrayscale as RandomGrayscale
from pyxtorch.vision.transforms.transforms import RandomHorizontalFlip as RandomHorizontalFlip
from pyxtorch.vision.transforms.transforms import RandomInvert as RandomInvert
from pyxtorch.vision.transforms.transforms import RandomOrder as RandomOrder
from pyxtorch.vision.transforms.transforms import RandomPerspective as RandomPerspective
from pyxtorch.vision.transforms.transforms import RandomPosterize as RandomPosterize
from pyxtorch.vision.transforms.transforms import RandomResizedCrop as RandomResizedCrop
from pyxtorch.vision.transforms.transforms import RandomRotation as RandomRotation
from pyxtorch.vision.transforms.transforms import RandomSolarize as RandomSolarize
from pyxtorch.vision.transforms.transforms import RandomVerticalFlip as RandomVerticalFlip
from pyxtorch.vision.transforms.transforms import Resize as Resize
from pyxtorch.vision.transforms.transforms import TenCrop as TenCrop
from pyxtorch.vision.transforms.transforms import ToPILImage as ToPILImage
from pyxtorch.vision.transforms.transforms import ToTensor as ToTensor
from pyxtorch.vision.transforms.autoaugment import TrivialAugmentWide as TrivialAugmentWide
from pyxtorch.vision.transforms import autoaugment as autoaugment
from pyxtorch.vision.transforms import functional as functional
from pyxtorch.vision.transforms import transforms as transforms
from pyxtorch.vision.transforms import v2 as v2
