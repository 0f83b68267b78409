"""MobileNet V3."""
from functools import partial

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.models._api import family
from pyxtorch.vision.models._utils import fan_out, initialize, make_divisible, small_normal
from pyxtorch.vision.ops.misc import Conv2dNormActivation, SqueezeExcitation


class InvertedResidualConfig:
    """A row of the paper's tables 1 and 2; `activation` is "HS" (hard swish) or "RE" (ReLU)."""

    def __init__(self, input_channels, kernel, expanded_channels, out_channels, use_se, activation, stride, dilation, width_mult):
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.kernel = kernel
        self.expanded_channels = self.adjust_channels(expanded_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.use_se = use_se
        self.use_hs = activation == "HS"
        self.stride, self.dilation = stride, dilation

    @staticmethod
    def adjust_channels(channels, width_mult):
        """So many channels times the multiplier, a multiple of 8."""
        return make_divisible(channels * width_mult, 8)


class InvertedResidual(nn.Module):
    """A block as `cnf` says it, section 5 of the paper."""

    def __init__(self, cnf, norm_layer, se_layer=partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid)):
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        width = cnf.expanded_channels
        how = {"norm_layer": norm_layer, "activation_layer": nn.Hardswish if cnf.use_hs else nn.ReLU}
        layers = [Conv2dNormActivation(cnf.input_channels, width, kernel_size=1, **how)] if width != cnf.input_channels else []
        stride = 1 if cnf.dilation > 1 else cnf.stride
        layers.append(Conv2dNormActivation(width, width, kernel_size=cnf.kernel, stride=stride, dilation=cnf.dilation, groups=width, **how))
        if cnf.use_se:
            layers.append(se_layer(width, make_divisible(width // 4, 8)))
        layers.append(Conv2dNormActivation(width, cnf.out_channels, kernel_size=1, norm_layer=norm_layer, activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.out_channels = cnf.out_channels
        self._is_cn = cnf.stride > 1

    def forward(self, input):
        result = self.block(input)
        if self.use_res_connect:
            result += input
        return result


class MobileNetV3(nn.Module):
    """Images (N, 3, H, W) to (N, num_classes).

    Args:
        inverted_residual_setting: the blocks, a list of `InvertedResidualConfig`.
        last_channel: width before the last layer.
    """

    def __init__(self, inverted_residual_setting, last_channel, num_classes=1000, block=None, norm_layer=None, dropout=0.2, **kwargs):
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(row, InvertedResidualConfig) for row in inverted_residual_setting):
            raise TypeError("The inverted_residual_setting should be List[InvertedResidualConfig]")
        block = block or InvertedResidual
        norm_layer = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        how = {"norm_layer": norm_layer, "activation_layer": nn.Hardswish}
        first, last = inverted_residual_setting[0].input_channels, inverted_residual_setting[-1].out_channels
        layers = [Conv2dNormActivation(3, first, kernel_size=3, stride=2, **how)]
        layers += [block(row, norm_layer) for row in inverted_residual_setting]
        layers.append(Conv2dNormActivation(last, 6 * last, kernel_size=1, **how))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * last, last_channel), nn.Hardswish(inplace=True), nn.Dropout(dropout, inplace=True), nn.Linear(last_channel, num_classes)
        )
        initialize(self, fan_out, small_normal)

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


# Kernel, expanded and output channels, squeeze and excitation, activation, stride. The tail may be halved and dilated.
_LARGE = (
    (3, 16, 16, False, "RE", 1), (3, 64, 24, False, "RE", 2), (3, 72, 24, False, "RE", 1), (5, 72, 40, True, "RE", 2), (5, 120, 40, True, "RE", 1),
    (5, 120, 40, True, "RE", 1), (3, 240, 80, False, "HS", 2), (3, 200, 80, False, "HS", 1), (3, 184, 80, False, "HS", 1), (3, 184, 80, False, "HS", 1),
    (3, 480, 112, True, "HS", 1), (3, 672, 112, True, "HS", 1), (5, 672, 160, True, "HS", 2), (5, 960, 160, True, "HS", 1), (5, 960, 160, True, "HS", 1),
)  # fmt: skip
_SMALL = (
    (3, 16, 16, True, "RE", 2), (3, 72, 24, False, "RE", 2), (3, 88, 24, False, "RE", 1), (5, 96, 40, True, "HS", 2), (5, 240, 40, True, "HS", 1),
    (5, 240, 40, True, "HS", 1), (5, 120, 48, True, "HS", 1), (5, 144, 48, True, "HS", 1), (5, 288, 96, True, "HS", 2), (5, 576, 96, True, "HS", 1),
    (5, 576, 96, True, "HS", 1),
)  # fmt: skip


def _mobilenet(rows, last):
    def make(width_mult=1.0, reduced_tail=False, dilated=False, **kwargs):
        tail, part = len(rows) - 3, 2 if reduced_tail else 1
        settings, before = [], 16
        for i, (kernel, expanded, after, squeeze, activation, stride) in enumerate(rows):
            after //= part if i >= tail else 1
            expanded //= part if i > tail else 1
            dilation = 2 if dilated and i >= tail else 1
            settings.append(InvertedResidualConfig(before, kernel, expanded, after, squeeze, activation, stride, dilation, width_mult))
            before = after
        return MobileNetV3(settings, InvertedResidualConfig.adjust_channels(last // part, width_mult), **kwargs)

    return make


__all__ = ["MobileNetV3", *family(globals(), 'Howard et al., "Searching for MobileNetV3" (2019).', {
    "mobilenet_v3_large": ("MobileNet_V3_Large_Weights", _mobilenet(_LARGE, 1280)),
    "mobilenet_v3_small": ("MobileNet_V3_Small_Weights", _mobilenet(_SMALL, 1024)),
})]  # fmt: skip
