"""ConvNeXt."""
from dataclasses import dataclass
from functools import partial

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F
from pyxtorch.vision.models._api import family
from pyxtorch.vision.models._utils import initialize
from pyxtorch.vision.ops.misc import Conv2dNormActivation, Permute
from pyxtorch.vision.ops.stochastic_depth import StochasticDepth


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels of (N, C, H, W)."""

    def forward(self, x):
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """A 7x7 filter for each channel, then two linear layers over the channels; scaled, and added to the input."""

    def __init__(self, dim, layer_scale, stochastic_depth_prob, norm_layer=None):
        super().__init__()
        norm_layer = norm_layer or partial(nn.LayerNorm, eps=1e-6)
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim), Permute([0, 2, 3, 1]), norm_layer(dim),
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim), Permute([0, 3, 1, 2]),
        )  # fmt: skip
        self.layer_scale = nn.Parameter(torch.ones(dim, 1, 1) * layer_scale)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input):
        result = self.stochastic_depth(self.layer_scale * self.block(input))
        result += input
        return result


@dataclass
class CNBlockConfig:
    """A stage: its channels, those of the next (None at the end), and how many blocks it has."""

    input_channels: int
    out_channels: int | None
    num_layers: int


class ConvNeXt(nn.Module):
    """Images (N, 3, H, W) to (N, num_classes).

    Args:
        block_setting: the stages, a list of `CNBlockConfig`.
        stochastic_depth_prob: that of the last block; it grows from 0.
        layer_scale: what the scale of each block's result starts with.
    """

    def __init__(self, block_setting, stochastic_depth_prob=0.0, layer_scale=1e-6, num_classes=1000, block=None, norm_layer=None, **kwargs):
        super().__init__()
        if not block_setting:
            raise ValueError("The block_setting should not be empty")
        if not all(isinstance(stage, CNBlockConfig) for stage in block_setting):
            raise TypeError("The block_setting should be List[CNBlockConfig]")
        block, norm_layer = block or CNBlock, norm_layer or partial(LayerNorm2d, eps=1e-6)
        width = block_setting[0].input_channels
        layers = [Conv2dNormActivation(3, width, kernel_size=4, stride=4, padding=0, norm_layer=norm_layer, activation_layer=None, bias=True)]
        total, done = sum(stage.num_layers for stage in block_setting), 0
        for stage in block_setting:
            width, after = stage.input_channels, stage.out_channels
            layers.append(nn.Sequential(*(block(width, layer_scale, stochastic_depth_prob * (done + i) / (total - 1.0)) for i in range(stage.num_layers))))
            done += stage.num_layers
            if after is not None:
                layers.append(nn.Sequential(norm_layer(width), nn.Conv2d(width, after, kernel_size=2, stride=2)))
                width = after
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(norm_layer(width), nn.Flatten(1), nn.Linear(width, num_classes))
        initialize(self, *[lambda m: nn.init.trunc_normal_(m.weight, std=0.02)] * 2, norms=())

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)))


def _convnext(widths, depth, probability):
    def make(stochastic_depth_prob=probability, **kwargs):
        depths = (3, 3, depth, 3)
        return ConvNeXt([CNBlockConfig(*row) for row in zip(widths, (*widths[1:], None), depths)], stochastic_depth_prob, **kwargs)

    return make


__all__ = ["ConvNeXt", *family(globals(), 'Liu et al., "A ConvNet for the 2020s" (2022).', {
    "convnext_tiny": ("ConvNeXt_Tiny_Weights", _convnext((96, 192, 384, 768), 9, 0.1)),
    "convnext_small": ("ConvNeXt_Small_Weights", _convnext((96, 192, 384, 768), 27, 0.4)),
    "convnext_base": ("ConvNeXt_Base_Weights", _convnext((128, 256, 512, 1024), 27, 0.5)),
    "convnext_large": ("ConvNeXt_Large_Weights", _convnext((192, 384, 768, 1536), 27, 0.5)),
})]  # fmt: skip
