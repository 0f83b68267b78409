"""ShuffleNet V2."""
import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.models._api import family


def channel_shuffle(x, groups):
    """Interleave the channels of `groups` groups: (N, C, H, W) to the same shape."""
    n, channels, height, width = x.size()
    x = x.view(n, groups, channels // groups, height, width)
    return torch.transpose(x, 1, 2).contiguous().view(n, channels, height, width)


class InvertedResidual(nn.Module):
    """Half of the channels (at stride 1), or all in two branches (at stride 2), through convolutions; then the channels are shuffled."""

    def __init__(self, inp, oup, stride):
        super().__init__()
        if not 1 <= stride <= 3:
            raise ValueError("illegal stride value")
        half = oup // 2
        if stride == 1 and inp != 2 * half:
            raise ValueError(f"InvertedResidual: at stride 1 the {inp} input channels must be as many as twice oup // 2, {2 * half}.")
        self.stride = stride
        self.branch1 = nn.Sequential()
        if stride > 1:
            self.branch1 = nn.Sequential(
                self.depthwise_conv(inp, inp, 3, stride, 1), nn.BatchNorm2d(inp), nn.Conv2d(inp, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True)
            )
        self.branch2 = nn.Sequential(
            nn.Conv2d(inp if stride > 1 else half, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True),
            self.depthwise_conv(half, half, 3, stride, 1), nn.BatchNorm2d(half),
            nn.Conv2d(half, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True),
        )  # fmt: skip

    @staticmethod
    def depthwise_conv(i, o, kernel_size, stride=1, padding=0, bias=False):
        """A convolution with a filter for each channel."""
        return nn.Conv2d(i, o, kernel_size, stride, padding, bias=bias, groups=i)

    def forward(self, x):
        first, second = x.chunk(2, dim=1) if self.stride == 1 else (self.branch1(x), x)
        return channel_shuffle(torch.cat((first, self.branch2(second)), dim=1), 2)


class ShuffleNetV2(nn.Module):
    """Images (N, 3, H, W) to (N, num_classes).

    Args:
        stages_repeats: blocks of each of the three stages.
        stages_out_channels: channels after the first convolution, each stage, and the last convolution.
    """

    def __init__(self, stages_repeats, stages_out_channels, num_classes=1000, inverted_residual=InvertedResidual):
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError("expected stages_repeats as list of 3 positive ints")
        if len(stages_out_channels) != 5:
            raise ValueError("expected stages_out_channels as list of 5 positive ints")
        self._stage_out_channels = stages_out_channels
        width, *stages, last = stages_out_channels
        self.conv1 = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        for i, (after, repeats) in enumerate(zip(stages, stages_repeats), 2):
            blocks = [(width, 2), *[(after, 1)] * (repeats - 1)]
            setattr(self, f"stage{i}", nn.Sequential(*(inverted_residual(before, after, stride) for before, stride in blocks)))
            width = after
        self.conv5 = nn.Sequential(nn.Conv2d(width, last, 1, 1, 0, bias=False), nn.BatchNorm2d(last), nn.ReLU(inplace=True))
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x):
        x = self.maxpool(self.conv1(x))
        x = self.conv5(self.stage4(self.stage3(self.stage2(x))))
        return self.fc(x.mean([2, 3]))


def _shufflenet(*widths):
    return lambda **kwargs: ShuffleNetV2([4, 8, 4], list(widths), **kwargs)


__all__ = ["ShuffleNetV2", *family(globals(), 'Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design" (2018).', {
    "shufflenet_v2_x0_5": ("ShuffleNet_V2_X0_5_Weights", _shufflenet(24, 48, 96, 192, 1024)),
    "shufflenet_v2_x1_0": ("ShuffleNet_V2_X1_0_Weights", _shufflenet(24, 116, 232, 464, 1024)),
    "shufflenet_v2_x1_5": ("ShuffleNet_V2_X1_5_Weights", _shufflenet(24, 176, 352, 704, 1024)),
    "shufflenet_v2_x2_0": ("ShuffleNet_V2_X2_0_Weights", _shufflenet(24, 244, 488, 976, 2048)),
})]  # fmt: skip
