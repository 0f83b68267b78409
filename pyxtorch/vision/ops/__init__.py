"""torchvision.ops: operations on boxes and regions, losses, and small modules."""
from pyxtorch.vision.ops.boxes import *  # noqa: F403
from pyxtorch.vision.ops.deform_conv import *  # noqa: F403
from pyxtorch.vision.ops.drop_block import *  # noqa: F403
from pyxtorch.vision.ops.feature_pyramid_network import FeaturePyramidNetwork
from pyxtorch.vision.ops.focal_loss import *  # noqa: F403
from pyxtorch.vision.ops.iou_losses import *  # noqa: F403
from pyxtorch.vision.ops.misc import MLP, Conv2dNormActivation, Conv3dNormActivation, FrozenBatchNorm2d, Permute, SqueezeExcitation
from pyxtorch.vision.ops.poolers import MultiScaleRoIAlign
from pyxtorch.vision.ops.roi import *  # noqa: F403
from pyxtorch.vision.ops.stochastic_depth import *  # noqa: F403
