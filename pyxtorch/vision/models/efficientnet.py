"""EfficientNet and EfficientNetV2."""
import math
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.models._api import family
from pyxtorch.vision.models._utils import fan_out, initialize, make_divisible
from pyxtorch.vision.ops.misc import Conv2dNormActivation, SqueezeExcitation
from pyxtorch.vision.ops.stochastic_depth import StochasticDepth


@dataclass
class _MBConvConfig:
    expand_ratio: float
    kernel: int
    stride: int
    input_channels: int
    out_channels: int
    num_layers: int
    block: Any

    @staticmethod
    def adjust_channels(channels, width_mult, min_value=None):
        """So many channels times the multiplier, a multiple of 8."""
        return make_divisible(channels * width_mult, 8, min_value)


class MBConvConfig(_MBConvConfig):
    """A stage of `MBConv`: table 1 of EfficientNet, table 4 of EfficientNetV2."""

    def __init__(self, expand_ratio, kernel, stride, input_channels, out_channels, num_layers, width_mult=1.0, depth_mult=1.0, block=None):
        before, after = self.adjust_channels(input_channels, width_mult), self.adjust_channels(out_channels, width_mult)
        super().__init__(expand_ratio, kernel, stride, before, after, self.adjust_depth(num_layers, depth_mult), block or MBConv)

    @staticmethod
    def adjust_depth(num_layers, depth_mult):
        """So many layers times the multiplier, rounded up."""
        return int(math.ceil(num_layers * depth_mult))


class FusedMBConvConfig(_MBConvConfig):
    """A stage of `FusedMBConv`: table 4 of EfficientNetV2."""

    def __init__(self, expand_ratio, kernel, stride, input_channels, out_channels, num_layers, block=None):
        super().__init__(expand_ratio, kernel, stride, input_channels, out_channels, num_layers, block or FusedMBConv)


class _Block(nn.Module):
    """A chain of layers, and a shortcut with stochastic depth where the shape stays."""

    def __init__(self, cnf, stochastic_depth_prob, layers):
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input):
        result = self.block(input)
        if self.use_res_connect:
            result = self.stochastic_depth(result)
            result += input
        return result


class MBConv(_Block):
    """More channels, a filter for each, squeeze and excitation, fewer channels."""

    def __init__(self, cnf, stochastic_depth_prob, norm_layer, se_layer=SqueezeExcitation):
        before, width = cnf.input_channels, cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        how = {"norm_layer": norm_layer, "activation_layer": nn.SiLU}
        layers = [Conv2dNormActivation(before, width, kernel_size=1, **how)] if width != before else []
        layers.append(Conv2dNormActivation(width, width, kernel_size=cnf.kernel, stride=cnf.stride, groups=width, **how))
        layers.append(se_layer(width, max(1, before // 4), activation=partial(nn.SiLU, inplace=True)))
        layers.append(Conv2dNormActivation(width, cnf.out_channels, kernel_size=1, norm_layer=norm_layer, activation_layer=None))
        super().__init__(cnf, stochastic_depth_prob, layers)


class FusedMBConv(_Block):
    """An ordinary convolution to more channels, and one to fewer; or a single one where the number stays."""

    def __init__(self, cnf, stochastic_depth_prob, norm_layer):
        before, width = cnf.input_channels, cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        how = {"norm_layer": norm_layer, "activation_layer": nn.SiLU}
        first = width if width != before else cnf.out_channels
        layers = [Conv2dNormActivation(before, first, kernel_size=cnf.kernel, stride=cnf.stride, **how)]
        if width != before:
            layers.append(Conv2dNormActivation(width, cnf.out_channels, kernel_size=1, norm_layer=norm_layer, activation_layer=None))
        super().__init__(cnf, stochastic_depth_prob, layers)


class EfficientNet(nn.Module):
    """Images (N, 3, H, W) to (N, num_classes).

    Args:
        inverted_residual_setting: the stages, a list of `MBConvConfig` and `FusedMBConvConfig`.
        dropout: before the last layer.
        stochastic_depth_prob: that of the last block; it grows from 0.
        last_channel: width of the last convolution; four times its input's.
    """

    def __init__(self, inverted_residual_setting, dropout, stochastic_depth_prob=0.2, num_classes=1000, norm_layer=None, last_channel=None):
        super().__init__()
        stages = inverted_residual_setting
        if not stages:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(stage, _MBConvConfig) for stage in stages):
            raise TypeError("The inverted_residual_setting should be List[MBConvConfig]")
        norm_layer = norm_layer or nn.BatchNorm2d
        how = {"norm_layer": norm_layer, "activation_layer": nn.SiLU}
        layers = [Conv2dNormActivation(3, stages[0].input_channels, kernel_size=3, stride=2, **how)]
        total, done = sum(stage.num_layers for stage in stages), 0
        for stage in stages:
            blocks = []
            for i in range(stage.num_layers):
                row = copy(stage)
                if i > 0:
                    row.input_channels, row.stride = row.out_channels, 1
                blocks.append(row.block(row, stochastic_depth_prob * float(done) / total, norm_layer))
                done += 1
            layers.append(nn.Sequential(*blocks))
        before = stages[-1].out_channels
        last = 4 * before if last_channel is None else last_channel
        layers.append(Conv2dNormActivation(before, last, kernel_size=1, **how))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True), nn.Linear(last, num_classes))
        initialize(self, fan_out, lambda m: nn.init.uniform_(m.weight, -1 / math.sqrt(m.out_features), 1 / math.sqrt(m.out_features)))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


# Expansion, kernel, stride, channels in and out, layers; F is fused.
_FIRST = ((1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3), (6, 5, 1, 80, 112, 3), (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1))
_SECOND = {
    "s": ((1, 3, 1, 24, 24, 2), (4, 3, 2, 24, 48, 4), (4, 3, 2, 48, 64, 4), (4, 3, 2, 64, 128, 6), (6, 3, 1, 128, 160, 9), (6, 3, 2, 160, 256, 15)),
    "m": ((1, 3, 1, 24, 24, 3), (4, 3, 2, 24, 48, 5), (4, 3, 2, 48, 80, 5), (4, 3, 2, 80, 160, 7), (6, 3, 1, 160, 176, 14), (6, 3, 2, 176, 304, 18), (6, 3, 1, 304, 512, 5)),
    "l": ((1, 3, 1, 32, 32, 4), (4, 3, 2, 32, 64, 7), (4, 3, 2, 64, 96, 7), (4, 3, 2, 96, 192, 10), (6, 3, 1, 192, 224, 19), (6, 3, 2, 224, 384, 25), (6, 3, 1, 384, 640, 7)),
}


def _b(width_mult, depth_mult, dropout, **norm):
    def make(dropout=dropout, **kwargs):
        if norm:
            kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, **norm))
        return EfficientNet([MBConvConfig(*row, width_mult, depth_mult) for row in _FIRST], dropout, **kwargs)

    return make


def _v2(size, dropout):
    def make(dropout=dropout, **kwargs):
        kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, eps=1e-03))
        stages = [(FusedMBConvConfig if i < 3 else MBConvConfig)(*row) for i, row in enumerate(_SECOND[size])]
        return EfficientNet(stages, dropout, last_channel=1280, **kwargs)

    return make


_TENSORFLOW = {"eps": 0.001, "momentum": 0.01}  # where the weights come from
__all__ = ["EfficientNet", *family(
    globals(),
    'Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019); "EfficientNetV2" (2021).',
    {
        "efficientnet_b0": ("EfficientNet_B0_Weights", _b(1.0, 1.0, 0.2)),
        "efficientnet_b1": ("EfficientNet_B1_Weights", _b(1.0, 1.1, 0.2)),
        "efficientnet_b2": ("EfficientNet_B2_Weights", _b(1.1, 1.2, 0.3)),
        "efficientnet_b3": ("EfficientNet_B3_Weights", _b(1.2, 1.4, 0.3)),
        "efficientnet_b4": ("EfficientNet_B4_Weights", _b(1.4, 1.8, 0.4)),
        "efficientnet_b5": ("EfficientNet_B5_Weights", _b(1.6, 2.2, 0.4, **_TENSORFLOW)),
        "efficientnet_b6": ("EfficientNet_B6_Weights", _b(1.8, 2.6, 0.5, **_TENSORFLOW)),
        "efficientnet_b7": ("EfficientNet_B7_Weights", _b(2.0, 3.1, 0.5, **_TENSORFLOW)),
        "efficientnet_v2_s": ("EfficientNet_V2_S_Weights", _v2("s", 0.2)),
        "efficientnet_v2_m": ("EfficientNet_V2_M_Weights", _v2("m", 0.3)),
        "efficientnet_v2_l": ("EfficientNet_V2_L_Weights", _v2("l", 0.4)),
    },
)]  # fmt: skip
