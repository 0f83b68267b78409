"""torchvision.transforms.v2.functional: transforms of images, videos, masks, boxes and points, as functions.

`resize` looks at the type of its input and takes `resize_image`, `resize_mask`, `resize_bounding_boxes` ...
"""
from pyxtorch.vision.transforms.v2.functional._registry import is_pure_tensor, register_kernel
from pyxtorch.vision.transforms._interpolation import InterpolationMode
from pyxtorch.vision.transforms.v2.functional._meta import *  # noqa: F403
from pyxtorch.vision.transforms.v2.functional._color import *  # noqa: F403
from pyxtorch.vision.transforms.v2.functional._geometry import *  # noqa: F403

__all__ = sorted(name for name, value in globals().items() if type(value) is type(is_pure_tensor) and not name.startswith("_")) + ["InterpolationMode"]
