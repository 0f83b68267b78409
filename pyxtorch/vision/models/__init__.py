"""torchvision.models: networks for images, whose state dicts are torchvision's.

`get_model("resnet18")`, or `resnet18()`. Weights are not downloaded (docs/vision.md).
"""
from pyxtorch.vision.models.alexnet import *  # noqa: F403
from pyxtorch.vision.models.convnext import *  # noqa: F403
from pyxtorch.vision.models.densenet import *  # noqa: F403
from pyxtorch.vision.models.efficientnet import *  # noqa: F403
from pyxtorch.vision.models.googlenet import *  # noqa: F403
from pyxtorch.vision.models.inception import *  # noqa: F403
from pyxtorch.vision.models.mnasnet import *  # noqa: F403
from pyxtorch.vision.models.mobilenet import *  # noqa: F403
from pyxtorch.vision.models.regnet import *  # noqa: F403
from pyxtorch.vision.models.resnet import *  # noqa: F403
from pyxtorch.vision.models.shufflenetv2 import *  # noqa: F403
from pyxtorch.vision.models.squeezenet import *  # noqa: F403
from pyxtorch.vision.models.swin_transformer import *  # noqa: F403
from pyxtorch.vision.models.vgg import *  # noqa: F403
from pyxtorch.vision.models.vision_transformer import *  # noqa: F403

from pyxtorch.vision.models._api import Weights, WeightsEnum, get_model, get_model_builder, get_model_weights, get_weight, list_models
from pyxtorch.vision.models import segmentation
