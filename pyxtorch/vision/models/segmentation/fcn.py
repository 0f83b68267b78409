"""Fully convolutional networks."""
from pyxtorch import nn
from pyxtorch.vision.models._api import family
from pyxtorch.vision.models.segmentation._utils import _SimpleSegmentationModel, convolution, maker, trunk, with_weights


class FCN(_SimpleSegmentationModel):
    """Two convolutions over the features of a backbone."""


class FCNHead(nn.Sequential):
    """A convolution to a quarter of the channels, dropout, and scores."""

    def __init__(self, in_channels, channels):
        width = in_channels // 4
        super().__init__(*convolution(in_channels, width), nn.Dropout(0.1), nn.Conv2d(width, channels, 1))


def _fcn(name, weights, classes, aux):
    backbone, low, high = trunk(name, weights, "aux" if aux else None, "out")
    second = FCNHead(low, classes) if aux else None
    return FCN(backbone, FCNHead(high, classes), second)


__all__ = ["FCN", *family(globals(), 'Shelhamer et al., "Fully Convolutional Networks for Semantic Segmentation" (2014).', {
    "fcn_resnet50": ("FCN_ResNet50_Weights", maker("resnet50", _fcn)),
    "fcn_resnet101": ("FCN_ResNet101_Weights", maker("resnet101", _fcn)),
}, forced=with_weights)]  # fmt: skip
