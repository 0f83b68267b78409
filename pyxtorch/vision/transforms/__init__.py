"""torchvision.transforms: transforms of one image. Those that know of boxes and masks too are in `transforms.v2`."""
from pyxtorch.vision.transforms.transforms import *  # noqa: F403
from pyxtorch.vision.transforms.autoaugment import *  # noqa: F403
from pyxtorch.vision.transforms import functional
