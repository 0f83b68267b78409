"""VGG."""
import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.models._api import family
from pyxtorch.vision.models._utils import fan_out, initialize, small_normal


class VGG(nn.Module):
    """Convolutions 3x3 and three linear layers over images (N, 3, H, W); the result is (N, num_classes).

    Args:
        features: the convolutions, from `make_layers`; they give 512 channels.
        init_weights: draw the first weights; else they are those of the layers.
    """

    def __init__(self, features, num_classes=1000, init_weights=True, dropout=0.5):
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 49, 4096), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(dropout), nn.Linear(4096, num_classes),
        )  # fmt: skip
        if init_weights:
            initialize(self, fan_out, small_normal)

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def make_layers(cfg, batch_norm=False):
    """The convolutions: a number in the list `cfg` is a convolution with so many channels, "M" a pooling."""
    layers, before = [], 3
    for item in cfg:
        if item == "M":
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            continue
        layers.append(nn.Conv2d(before, item, kernel_size=3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(item))
        layers.append(nn.ReLU(inplace=True))
        before = item
    return nn.Sequential(*layers)


def _stages(*depths):
    return [item for width, depth in zip((64, 128, 256, 512, 512), depths) for item in [width] * depth + ["M"]]


cfgs = {"A": _stages(1, 1, 2, 2, 2), "B": _stages(2, 2, 2, 2, 2), "D": _stages(2, 2, 3, 3, 3), "E": _stages(2, 2, 4, 4, 4)}


def _vgg(cfg, batch_norm):
    return lambda **kwargs: VGG(make_layers(cfgs[cfg], batch_norm), **kwargs)


__all__ = ["VGG", *family(
    globals(),
    'Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2015).',
    {f"vgg{depth}{'_bn' * bn}": (f"VGG{depth}{'_BN' * bn}_Weights", _vgg(cfg, bn)) for depth, cfg in ((11, "A"), (13, "B"), (16, "D"), (19, "E")) for bn in (False, True)},
    forced={"init_weights": False},
)]  # fmt: skip
