"""MobileNet V2."""
import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F
from pyxtorch.vision.models._api import family
from pyxtorch.vision.models._utils import fan_out, initialize, make_divisible, small_normal
from pyxtorch.vision.ops.misc import Conv2dNormActivation

# expansion, channels, blocks, stride of the first
_STAGES = [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]]


class InvertedResidual(nn.Module):
    """More channels, a filter for each, fewer channels; and a shortcut where the shape stays."""

    def __init__(self, inp, oup, stride, expand_ratio, norm_layer=None):
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        norm_layer = norm_layer or nn.BatchNorm2d
        width = int(round(inp * expand_ratio))
        how = {"norm_layer": norm_layer, "activation_layer": nn.ReLU6}
        layers = [Conv2dNormActivation(inp, width, kernel_size=1, **how)] if expand_ratio != 1 else []
        layers.append(Conv2dNormActivation(width, width, stride=stride, groups=width, **how))
        self.conv = nn.Sequential(*layers, nn.Conv2d(width, oup, 1, bias=False), norm_layer(oup))
        self.stride, self.out_channels = stride, oup
        self.use_res_connect = stride == 1 and inp == oup
        self._is_cn = stride > 1

    def forward(self, x):
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Images (N, 3, H, W) to (N, num_classes).

    Args:
        width_mult: multiplies the numbers of channels.
        inverted_residual_setting: for each stage expansion, channels, blocks, and the first one's stride.
        round_nearest: channels are multiples of it.
        block: class of the blocks; `InvertedResidual`.
        norm_layer: class of the normalisations; BatchNorm2d.
    """

    def __init__(self, num_classes=1000, width_mult=1.0, inverted_residual_setting=None, round_nearest=8, block=None, norm_layer=None, dropout=0.2):
        super().__init__()
        block, norm_layer = block or InvertedResidual, norm_layer or nn.BatchNorm2d
        stages = _STAGES if inverted_residual_setting is None else inverted_residual_setting
        if len(stages) == 0 or len(stages[0]) != 4:
            raise ValueError(f"inverted_residual_setting should be non-empty or a 4-element list, got {inverted_residual_setting}")
        how = {"norm_layer": norm_layer, "activation_layer": nn.ReLU6}
        width = make_divisible(32 * width_mult, round_nearest)
        self.last_channel = make_divisible(1280 * max(1.0, width_mult), round_nearest)
        features = [Conv2dNormActivation(3, width, stride=2, **how)]
        for expansion, channels, blocks, stride in stages:
            after = make_divisible(channels * width_mult, round_nearest)
            for i in range(blocks):
                features.append(block(width, after, stride if i == 0 else 1, expand_ratio=expansion, norm_layer=norm_layer))
                width = after
        features.append(Conv2dNormActivation(width, self.last_channel, kernel_size=1, **how))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.last_channel, num_classes))
        initialize(self, fan_out, small_normal)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(torch.flatten(x, 1))


__all__ = ["MobileNetV2", *family(globals(), 'Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018).', {
    "mobilenet_v2": ("MobileNet_V2_Weights", MobileNetV2),
})]  # fmt: skip
