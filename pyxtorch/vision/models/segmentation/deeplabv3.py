"""DeepLab v3."""
import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.models._api import family
from pyxtorch.vision.models.segmentation._utils import _SimpleSegmentationModel, convolution, enlarge, maker, trunk, with_weights
from pyxtorch.vision.models.segmentation.fcn import FCNHead


class DeepLabV3(_SimpleSegmentationModel):
    """Convolutions of several dilations over the features of a backbone."""


class DeepLabHead(nn.Sequential):
    """A pyramid of dilated convolutions, one more, and scores."""

    def __init__(self, in_channels, num_classes, atrous_rates=(12, 24, 36)):
        super().__init__(ASPP(in_channels, atrous_rates), *convolution(256, 256), nn.Conv2d(256, num_classes, 1))


class ASPPConv(nn.Sequential):
    """One convolution of the pyramid."""

    def __init__(self, in_channels, out_channels, dilation):
        super().__init__(*convolution(in_channels, out_channels, dilation=dilation))


class ASPPPooling(nn.Sequential):
    """The mean of the image, put through a convolution, at every place."""

    def __init__(self, in_channels, out_channels):
        super().__init__(nn.AdaptiveAvgPool2d(1), *convolution(in_channels, out_channels, 1))

    def forward(self, x):
        return enlarge(super().forward(x), x)


class ASPP(nn.Module):
    """The pyramid: a convolution 1x1, a dilated one for each of `atrous_rates` and the mean, beside each other, and a projection."""

    def __init__(self, in_channels, atrous_rates, out_channels=256):
        super().__init__()
        branches = [nn.Sequential(*convolution(in_channels, out_channels, 1))]
        branches += [ASPPConv(in_channels, out_channels, rate) for rate in atrous_rates]
        self.convs = nn.ModuleList([*branches, ASPPPooling(in_channels, out_channels)])
        self.project = nn.Sequential(*convolution(len(self.convs) * out_channels, out_channels, 1), nn.Dropout(0.5))

    def forward(self, x):
        return self.project(torch.cat([branch(x) for branch in self.convs], dim=1))


def _deeplab(name, weights, classes, aux):
    backbone, low, high = trunk(name, weights, "aux" if aux else None, "out")
    second = FCNHead(low, classes) if aux else None
    return DeepLabV3(backbone, DeepLabHead(high, classes), second)


__all__ = ["DeepLabV3", *family(globals(), 'Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation" (2017).', {
    "deeplabv3_resnet50": ("DeepLabV3_ResNet50_Weights", maker("resnet50", _deeplab)),
    "deeplabv3_resnet101": ("DeepLabV3_ResNet101_Weights", maker("resnet101", _deeplab)),
    "deeplabv3_mobilenet_v3_large": ("DeepLabV3_MobileNet_V3_Large_Weights", maker("mobilenet_v3_large", _deeplab)),
}, forced=with_weights)]  # fmt: skip
