"""Lite R-ASPP."""
from collections import OrderedDict

from pyxtorch import nn
from pyxtorch.vision.models._api import family
from pyxtorch.vision.models.segmentation._utils import convolution, enlarge, maker, trunk, with_weights


class LRASPP(nn.Module):
    """Images (N, 3, H, W) to {"out": (N, num_classes, H, W)}.

    Args:
        backbone: gives features "low" and "high", of so many channels.
        inter_channels: width of the head.
    """

    def __init__(self, backbone, low_channels, high_channels, num_classes, inter_channels=128):
        super().__init__()
        self.backbone = backbone
        self.classifier = LRASPPHead(low_channels, high_channels, num_classes, inter_channels)

    def forward(self, input):
        return OrderedDict(out=enlarge(self.classifier(self.backbone(input)), input))


class LRASPPHead(nn.Module):
    """High features weighed by their mean, and low ones, to scores."""

    def __init__(self, low_channels, high_channels, num_classes, inter_channels):
        super().__init__()
        self.cbr = nn.Sequential(*convolution(high_channels, inter_channels, 1, inplace=True))
        self.scale = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(high_channels, inter_channels, 1, bias=False), nn.Sigmoid())
        self.low_classifier = nn.Conv2d(low_channels, num_classes, 1)
        self.high_classifier = nn.Conv2d(inter_channels, num_classes, 1)

    def forward(self, input):
        low, high = input["low"], input["high"]
        return self.low_classifier(low) + self.high_classifier(enlarge(self.cbr(high) * self.scale(high), low))


def _lraspp(name, weights, classes, aux):
    if aux:
        raise NotImplementedError("This model does not use auxiliary loss")
    return LRASPP(*trunk(name, weights, "low", "high"), classes)


__all__ = ["LRASPP", *family(globals(), 'Howard et al., "Searching for MobileNetV3" (2019).', {
    "lraspp_mobilenet_v3_large": ("LRASPP_MobileNet_V3_Large_Weights", maker("mobilenet_v3_large", _lraspp)),
}, forced=with_weights)]  # fmt: skip
