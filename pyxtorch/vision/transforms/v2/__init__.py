"""torchvision.transforms.v2: transforms of samples, whatever structure they have: images, videos, masks, boxes and points in the same way."""
from pyxtorch.vision.transforms._interpolation import InterpolationMode
from pyxtorch.vision.transforms._operations import AutoAugmentPolicy
from pyxtorch.vision.transforms.v2 import functional
from pyxtorch.vision.transforms.v2._transform import Transform
from pyxtorch.vision.transforms.v2._augment import JPEG, CutMix, MixUp, RandomErasing
from pyxtorch.vision.transforms.v2._auto_augment import AugMix, AutoAugment, RandAugment, TrivialAugmentWide
from pyxtorch.vision.transforms.v2._color import (
    RGB,
    ColorJitter,
    Grayscale,
    RandomAdjustSharpness,
    RandomAutocontrast,
    RandomChannelPermutation,
    RandomEqualize,
    RandomGrayscale,
    RandomInvert,
    RandomPhotometricDistort,
    RandomPosterize,
    RandomSolarize,
)
from pyxtorch.vision.transforms.v2._container import Compose, RandomApply, RandomChoice, RandomOrder
from pyxtorch.vision.transforms.v2._geometry import (
    CenterCrop,
    ElasticTransform,
    FiveCrop,
    Pad,
    RandomAffine,
    RandomCrop,
    RandomHorizontalFlip,
    RandomIoUCrop,
    RandomPerspective,
    RandomResize,
    RandomResizedCrop,
    RandomRotation,
    RandomShortestSize,
    RandomVerticalFlip,
    RandomZoomOut,
    Resize,
    ScaleJitter,
    TenCrop,
)
from pyxtorch.vision.transforms.v2._misc import (
    ClampBoundingBoxes,
    ClampKeyPoints,
    ConvertBoundingBoxFormat,
    ConvertImageDtype,
    GaussianBlur,
    GaussianNoise,
    Identity,
    Lambda,
    LinearTransformation,
    Normalize,
    PILToTensor,
    SanitizeBoundingBoxes,
    SanitizeKeyPoints,
    SetClampingMode,
    ToDtype,
    ToImage,
    ToPILImage,
    ToPureTensor,
    ToTensor,
    UniformTemporalSubsample,
)
from pyxtorch.vision.transforms.v2._utils import check_type, get_bounding_boxes, get_keypoints, has_all, has_any, query_chw, query_size
