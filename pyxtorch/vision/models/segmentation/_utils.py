"""What the networks for segmentation share."""
from collections import OrderedDict

from pyxtorch import nn
from pyxtorch.nn import functional as F
from pyxtorch.vision.models._utils import IntermediateLayerGetter
from pyxtorch.vision.models.mobilenetv3 import MobileNet_V3_Large_Weights, mobilenet_v3_large
from pyxtorch.vision.models.resnet import ResNet50_Weights, ResNet101_Weights, resnet50, resnet101

_BACKBONES = {
    "resnet50": (resnet50, ResNet50_Weights), "resnet101": (resnet101, ResNet101_Weights),
    "mobilenet_v3_large": (mobilenet_v3_large, MobileNet_V3_Large_Weights),
}  # fmt: skip


class _SimpleSegmentationModel(nn.Module):
    """Images (N, 3, H, W) to {"out": (N, num_classes, H, W)}, and "aux" of that shape.

    Args:
        backbone: gives a dict of features, "out" and with an auxiliary classifier "aux".
        classifier, aux_classifier: features to scores.
    """

    def __init__(self, backbone, classifier, aux_classifier=None):
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier
        self.aux_classifier = aux_classifier

    def forward(self, x):
        features = self.backbone(x)
        heads = [("out", self.classifier)] + ([("aux", self.aux_classifier)] if self.aux_classifier is not None else [])
        return OrderedDict((name, enlarge(head(features[name]), x)) for name, head in heads)


def enlarge(x, like):
    """Bilinear, to the height and width of `like`."""
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def convolution(inputs, outputs, size=3, dilation=1, inplace=False):
    """The layers of a convolution that keeps the size, a normalisation and a ReLU."""
    padding = dilation if size == 3 else 0
    return [nn.Conv2d(inputs, outputs, size, padding=padding, dilation=dilation, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace)]


def trunk(name, weights, low, high):
    """A network of `_BACKBONES` that keeps an eighth of the size, cut off, and how many channels its features have.

    Args:
        weights: of the whole of ImageNet, whose file must be there; None for random ones; a bool as `pretrained_backbone`.
        low, high: names that its early and last features get; None leaves the early ones out.
    """
    make, members = _BACKBONES[name]
    if isinstance(weights, bool):
        weights = members.IMAGENET1K_V1 if weights else None
    how = {"dilated": True} if name.startswith("mobile") else {"replace_stride_with_dilation": [False, True, True]}
    try:
        network = make(weights=weights, **how)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error} Without weights for the backbone: weights_backbone=None.") from None
    if name.startswith("mobile"):
        network = network.features
        strided = [0] + [i for i, block in enumerate(network) if getattr(block, "_is_cn", False)] + [len(network) - 1]
        places, channels = [str(strided[-4]), str(strided[-1])], [network[strided[-4]].out_channels, network[strided[-1]].out_channels]
    else:
        places, channels = ["layer3", "layer4"], [1024, 2048]
    wanted = {place: key for place, key in zip(places, (low, high), strict=True) if key is not None}
    return IntermediateLayerGetter(network, wanted), *channels


def with_weights(member, kwargs):
    """What goes with the published weights: an auxiliary classifier, and none for the backbone alone."""
    kwargs["weights_backbone"] = None
    kwargs.pop("pretrained_backbone", None)
    return {} if "LRASPP" in type(member).__name__ else {"aux_loss": True}


def maker(name, build, default="IMAGENET1K_V1"):
    """A function of a builder's arguments, which calls `build(backbone's name, its weights, classes, aux_loss)`."""

    def make(num_classes=None, aux_loss=None, weights_backbone=default, pretrained_backbone=None, **kwargs):
        weights = weights_backbone if pretrained_backbone is None else bool(pretrained_backbone)
        return build(name, weights, 21 if num_classes is None else num_classes, aux_loss)

    return make
