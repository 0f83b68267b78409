"""torchvision.models.segmentation: a class for each pixel. `get_model("fcn_resnet50", weights_backbone=None)`."""
from pyxtorch.vision.models.segmentation.deeplabv3 import *  # noqa: F403
from pyxtorch.vision.models.segmentation.fcn import *  # noqa: F403
from pyxtorch.vision.models.segmentation.lraspp import *  # noqa: F403
