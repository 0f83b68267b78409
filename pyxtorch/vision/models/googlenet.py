"""GoogLeNet, Inception of the first version."""
import warnings
from collections import namedtuple

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F
from pyxtorch.vision.models._api import family

GoogLeNetOutputs = namedtuple("GoogLeNetOutputs", ["logits", "aux_logits2", "aux_logits1"])
_GoogLeNetOutputs = GoogLeNetOutputs


class BasicConv2d(nn.Module):
    """A convolution without bias, batch normalisation, ReLU."""

    def __init__(self, in_channels, out_channels, **kwargs):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    """Four branches side by side; the third has a kernel of 3 where the paper has 5, as the published weights do."""

    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1 = conv(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(conv(in_channels, ch3x3red, kernel_size=1), conv(ch3x3red, ch3x3, kernel_size=3, padding=1))
        self.branch3 = nn.Sequential(conv(in_channels, ch5x5red, kernel_size=1), conv(ch5x5red, ch5x5, kernel_size=3, padding=1))
        self.branch4 = nn.Sequential(nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True), conv(in_channels, pool_proj, kernel_size=1))

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    """A classifier of features in the middle of the network, for training."""

    def __init__(self, in_channels, num_classes, conv_block=None, dropout=0.7):
        super().__init__()
        self.conv = (conv_block or BasicConv2d)(in_channels, 128, kernel_size=1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = torch.flatten(self.conv(F.adaptive_avg_pool2d(x, (4, 4))), 1)
        return self.fc2(self.dropout(F.relu(self.fc1(x), inplace=True)))


# Input channels, then the arguments of Inception.
_BLOCKS = {
    "3a": (192, 64, 96, 128, 16, 32, 32), "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64), "4b": (512, 160, 112, 224, 24, 64, 64), "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64), "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128), "5b": (832, 384, 192, 384, 48, 128, 128),
}  # fmt: skip


def from_half(x):
    """Images normalised by ImageNet's means and deviations to those normalised by 0.5 and 0.5: (N, 3, H, W)."""
    channels = [x[:, i : i + 1] * (std / 0.5) + (mean - 0.5) / 0.5 for i, (mean, std) in enumerate(((0.485, 0.229), (0.456, 0.224), (0.406, 0.225)))]
    return torch.cat(channels, 1)


def draw_truncated(model, name):
    """First weights as the paper's: truncated normal numbers, of deviation `stddev` where a layer has it.

    A FutureWarning says that PyTorch means to leave this out one day; `init_weights=True` avoids it.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            std = getattr(module, "stddev", 0.01 if name == "GoogLeNet" else 0.1)
            nn.init.trunc_normal_(module.weight, mean=0.0, std=std, a=-2, b=2)


def warn_of_init(name):
    """The warning where nobody said whether to draw weights."""
    warnings.warn(f"{name}: weights are drawn from a truncated normal distribution; PyTorch will change that. Say init_weights=True to keep it.", FutureWarning, stacklevel=3)
    return True


class GoogLeNet(nn.Module):
    """Images (N, 3, H, W) to (N, num_classes); while it trains with `aux_logits`, to a `GoogLeNetOutputs` of three such.

    Args:
        aux_logits: have the two auxiliary classifiers.
        transform_input: the images are normalised as ImageNet's, the weights want 0.5 and 0.5.
        blocks: classes of convolution, block and auxiliary classifier.
    """

    def __init__(self, num_classes=1000, aux_logits=True, transform_input=False, init_weights=None, blocks=None, dropout=0.2, dropout_aux=0.7):
        super().__init__()
        blocks = [BasicConv2d, Inception, InceptionAux] if blocks is None else blocks
        if init_weights is None:
            init_weights = warn_of_init("GoogLeNet")
        if len(blocks) != 3:
            raise ValueError(f"blocks length should be 3 instead of {len(blocks)}")
        conv, block, aux = blocks
        self.aux_logits, self.transform_input = aux_logits, transform_input
        self.conv1 = conv(3, 64, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = conv(64, 64, kernel_size=1)
        self.conv3 = conv(64, 192, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        for name, widths in _BLOCKS.items():
            setattr(self, f"inception{name}", block(*widths))
            if name in ("3b", "4e"):
                kernel = 3 if name == "3b" else 2
                setattr(self, "maxpool3" if name == "3b" else "maxpool4", nn.MaxPool2d(kernel, stride=2, ceil_mode=True))
        self.aux1 = aux(512, num_classes, dropout=dropout_aux) if aux_logits else None
        self.aux2 = aux(528, num_classes, dropout=dropout_aux) if aux_logits else None
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, num_classes)
        if init_weights:
            draw_truncated(self, "GoogLeNet")

    def forward(self, x):
        if self.transform_input:
            x = from_half(x)
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        x = self.inception4a(x)
        aux1 = self.aux1(x) if self.training and self.aux1 is not None else None
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        aux2 = self.aux2(x) if self.training and self.aux2 is not None else None
        x = self.maxpool4(self.inception4e(x))
        x = self.inception5b(self.inception5a(x))
        x = self.fc(self.dropout(torch.flatten(self.avgpool(x), 1)))
        return GoogLeNetOutputs(x, aux2, aux1) if self.training and self.aux_logits else x


def _load(model, state):
    model.load_state_dict(state)
    if not model.keep_aux:
        model.aux_logits, model.aux1, model.aux2 = False, None, None
    else:
        warnings.warn("auxiliary heads in the pretrained googlenet model are NOT pretrained, so make sure to train them", UserWarning, stacklevel=4)
    del model.keep_aux


def _googlenet(keep_aux=None, **kwargs):
    model = GoogLeNet(**kwargs)
    if keep_aux is not None:
        model.keep_aux = keep_aux
    return model


__all__ = ["GoogLeNet", "GoogLeNetOutputs", "_GoogLeNetOutputs", *family(globals(), 'Szegedy et al., "Going Deeper with Convolutions" (2015).', {
    "googlenet": ("GoogLeNet_Weights", _googlenet),
}, forced=lambda member, given: {"keep_aux": given.pop("aux_logits", False), "transform_input": given.get("transform_input", True), "aux_logits": True, "init_weights": False}, load=_load)]  # fmt: skip
