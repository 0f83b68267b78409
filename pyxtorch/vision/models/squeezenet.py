"""SqueezeNet."""
import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.models._api import family


class Fire(nn.Module):
    """A convolution 1x1 to few channels, then convolutions 1x1 and 3x3 side by side."""

    def __init__(self, inplanes, squeeze_planes, expand1x1_planes, expand3x3_planes):
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.squeeze_activation(self.squeeze(x))
        return torch.cat([self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))], 1)


# A number is the squeezed width of a Fire whose halves are 64, 64, 128, 128, 192, 192, 256, 256 channels in this order; "M" is a pooling.
_SQUEEZED = {"1_0": (96, 7, (16, 16, 32, "M", 32, 48, 48, 64, "M", 64)), "1_1": (64, 3, (16, 16, "M", 32, 32, "M", 48, 48, 64, 64))}
_HALVES = (64, 64, 128, 128, 192, 192, 256, 256)


class SqueezeNet(nn.Module):
    """A small network of `Fire` modules over images (N, 3, H, W), with a result of (N, num_classes).

    Args:
        version: "1_0" or "1_1".
    """

    def __init__(self, version="1_0", num_classes=1000, dropout=0.5):
        super().__init__()
        if version not in _SQUEEZED:
            raise ValueError(f"Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected")
        self.num_classes = num_classes
        width, kernel, plan = _SQUEEZED[version]
        layers = [nn.Conv2d(3, width, kernel_size=kernel, stride=2), nn.ReLU(inplace=True), nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)]
        halves = iter(_HALVES)
        for squeezed in plan:
            if squeezed == "M":
                layers.append(nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True))
                continue
            half = next(halves)
            layers.append(Fire(width, squeezed, half, half))
            width = 2 * half
        self.features = nn.Sequential(*layers)
        last = nn.Conv2d(512, num_classes, kernel_size=1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), last, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is last:
                    nn.init.normal_(module.weight, mean=0.0, std=0.01)
                else:
                    nn.init.kaiming_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x):
        return torch.flatten(self.classifier(self.features(x)), 1)


def _squeezenet(version):
    return lambda **kwargs: SqueezeNet(version, **kwargs)


__all__ = ["SqueezeNet", *family(globals(), 'Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters" (2016).', {
    "squeezenet1_0": ("SqueezeNet1_0_Weights", _squeezenet("1_0")),
    "squeezenet1_1": ("SqueezeNet1_1_Weights", _squeezenet("1_1")),
})]  # fmt: skip
