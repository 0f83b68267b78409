"""RegNet."""
import math
from collections import OrderedDict
from functools import partial

from pyxtorch import nn
from pyxtorch.vision.models._api import family
from pyxtorch.vision.models._utils import initialize, make_divisible, small_normal
from pyxtorch.vision.ops.misc import Conv2dNormActivation, SqueezeExcitation


class SimpleStemIN(Conv2dNormActivation):
    """The first layer: a convolution 3x3 of stride 2."""

    def __init__(self, width_in, width_out, norm_layer, activation_layer):
        super().__init__(width_in, width_out, kernel_size=3, stride=2, norm_layer=norm_layer, activation_layer=activation_layer)


class BottleneckTransform(nn.Sequential):
    """Convolutions 1x1, 3x3 in groups, squeeze and excitation where `se_ratio` is given, and 1x1."""

    def __init__(self, width_in, width_out, stride, norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio):
        width = int(round(width_out * bottleneck_multiplier))
        how = {"norm_layer": norm_layer, "activation_layer": activation_layer}
        layers = OrderedDict(a=Conv2dNormActivation(width_in, width, kernel_size=1, **how))
        layers["b"] = Conv2dNormActivation(width, width, kernel_size=3, stride=stride, groups=width // group_width, **how)
        if se_ratio:
            layers["se"] = SqueezeExcitation(width, int(round(se_ratio * width_in)), activation=activation_layer)
        layers["c"] = Conv2dNormActivation(width, width_out, kernel_size=1, norm_layer=norm_layer, activation_layer=None)
        super().__init__(layers)


class ResBottleneckBlock(nn.Module):
    """A `BottleneckTransform` and a shortcut, projected where the shape changes."""

    def __init__(self, width_in, width_out, stride, norm_layer, activation_layer, group_width=1, bottleneck_multiplier=1.0, se_ratio=None):
        super().__init__()
        self.proj = None
        if width_in != width_out or stride != 1:
            self.proj = Conv2dNormActivation(width_in, width_out, kernel_size=1, stride=stride, norm_layer=norm_layer, activation_layer=None)
        self.f = BottleneckTransform(width_in, width_out, stride, norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio)
        self.activation = activation_layer(inplace=True)

    def forward(self, x):
        return self.activation((x if self.proj is None else self.proj(x)) + self.f(x))


class AnyStage(nn.Sequential):
    """`depth` blocks, of which the first changes width and size."""

    def __init__(self, width_in, width_out, stride, depth, block_constructor, norm_layer, activation_layer, group_width, bottleneck_multiplier,
                 se_ratio=None, stage_index=0):  # fmt: skip
        super().__init__()
        for i in range(depth):
            before, step = (width_in, stride) if i == 0 else (width_out, 1)
            block = block_constructor(before, width_out, step, norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio)
            self.add_module(f"block{stage_index}-{i}", block)


class BlockParams:
    """Depths, widths, widths of groups, multipliers and strides of the stages, lists of one length."""

    def __init__(self, depths, widths, group_widths, bottleneck_multipliers, strides, se_ratio=None):
        self.depths, self.widths, self.group_widths = depths, widths, group_widths
        self.bottleneck_multipliers, self.strides, self.se_ratio = bottleneck_multipliers, strides, se_ratio

    @classmethod
    def from_init_params(cls, depth, w_0, w_a, w_m, group_width, bottleneck_multiplier=1.0, se_ratio=None, **kwargs):
        """The stages of a network of `depth` blocks, by the paper's rule.

        Block j has a width of about w_0 + w_a j, which is rounded to a power of w_m times w_0, and that to a multiple of 8. Blocks of
        one width are a stage.

        Raises:
            ValueError: not w_a >= 0, w_0 > 0 a multiple of 8, w_m > 1.
        """
        if w_a < 0 or w_0 <= 0 or w_m <= 1 or w_0 % 8 != 0:
            raise ValueError("Invalid RegNet settings")
        widths = OrderedDict()
        for j in range(depth):
            power = round(math.log((w_0 + w_a * j) / w_0) / math.log(w_m))
            width = 8 * round(w_0 * w_m**power / 8)
            widths[width] = widths.get(width, 0) + 1
        groups = [min(group_width, int(width * bottleneck_multiplier)) for width in widths]
        fitting = [make_divisible(int(width * bottleneck_multiplier), group) for width, group in zip(widths, groups)]
        count = len(widths)
        return cls(list(widths.values()), [int(width / bottleneck_multiplier) for width in fitting], groups, [bottleneck_multiplier] * count, [2] * count, se_ratio)

    def _get_expanded_params(self):
        return zip(self.widths, self.strides, self.depths, self.group_widths, self.bottleneck_multipliers)


class RegNet(nn.Module):
    """Images (N, 3, H, W) to (N, num_classes).

    Args:
        block_params: the stages, a `BlockParams`.
        stem_width: channels of the first layer.
        stem_type, block_type, norm_layer, activation: classes of the parts.
    """

    def __init__(self, block_params, num_classes=1000, stem_width=32, stem_type=None, block_type=None, norm_layer=None, activation=None):
        super().__init__()
        norm_layer, activation = norm_layer or nn.BatchNorm2d, activation or nn.ReLU
        self.stem = (stem_type or SimpleStemIN)(3, stem_width, norm_layer, activation)
        width, stages = stem_width, OrderedDict()
        for i, (after, stride, depth, group, multiplier) in enumerate(block_params._get_expanded_params(), 1):
            stages[f"block{i}"] = AnyStage(
                width, after, stride, depth, block_type or ResBottleneckBlock, norm_layer, activation, group, multiplier, block_params.se_ratio, stage_index=i
            )
            width = after
        self.trunk_output = nn.Sequential(stages)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(width, num_classes)
        initialize(self, lambda m: nn.init.normal_(m.weight, 0.0, math.sqrt(2.0 / (math.prod(m.kernel_size) * m.out_channels))), small_normal)

    def forward(self, x):
        x = self.avgpool(self.trunk_output(self.stem(x)))
        return self.fc(x.flatten(start_dim=1))


def _regnet(depth, w_0, w_a, w_m, group_width, se_ratio=None):
    def make(**kwargs):
        kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, eps=1e-05, momentum=0.1))
        return RegNet(BlockParams.from_init_params(depth, w_0, w_a, w_m, group_width, se_ratio=se_ratio), **kwargs)

    return make


__all__ = ["RegNet", *family(globals(), 'Radosavovic et al., "Designing Network Design Spaces" (2020).', {
    "regnet_y_400mf": ("RegNet_Y_400MF_Weights", _regnet(16, 48, 27.89, 2.09, 8, 0.25)),
    "regnet_y_800mf": ("RegNet_Y_800MF_Weights", _regnet(14, 56, 38.84, 2.4, 16, 0.25)),
    "regnet_y_1_6gf": ("RegNet_Y_1_6GF_Weights", _regnet(27, 48, 20.71, 2.65, 24, 0.25)),
    "regnet_y_3_2gf": ("RegNet_Y_3_2GF_Weights", _regnet(21, 80, 42.63, 2.66, 24, 0.25)),
    "regnet_y_8gf": ("RegNet_Y_8GF_Weights", _regnet(17, 192, 76.82, 2.19, 56, 0.25)),
    "regnet_y_16gf": ("RegNet_Y_16GF_Weights", _regnet(18, 200, 106.23, 2.48, 112, 0.25)),
    "regnet_y_32gf": ("RegNet_Y_32GF_Weights", _regnet(20, 232, 115.89, 2.53, 232, 0.25)),
    "regnet_y_128gf": ("RegNet_Y_128GF_Weights", _regnet(27, 456, 160.83, 2.52, 264, 0.25)),
    "regnet_x_400mf": ("RegNet_X_400MF_Weights", _regnet(22, 24, 24.48, 2.54, 16)),
    "regnet_x_800mf": ("RegNet_X_800MF_Weights", _regnet(16, 56, 35.73, 2.28, 16)),
    "regnet_x_1_6gf": ("RegNet_X_1_6GF_Weights", _regnet(18, 80, 34.01, 2.25, 24)),
    "regnet_x_3_2gf": ("RegNet_X_3_2GF_Weights", _regnet(25, 88, 26.31, 2.25, 48)),
    "regnet_x_8gf": ("RegNet_X_8GF_Weights", _regnet(23, 80, 49.56, 2.88, 120)),
    "regnet_x_16gf": ("RegNet_X_16GF_Weights", _regnet(22, 216, 55.59, 2.1, 128)),
    "regnet_x_32gf": ("RegNet_X_32GF_Weights", _regnet(23, 320, 69.86, 2.0, 168)),
})]  # fmt: skip
