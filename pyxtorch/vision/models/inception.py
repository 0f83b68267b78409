"""Inception of the third version."""
from collections import namedtuple

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F
from pyxtorch.vision.models._api import family
from pyxtorch.vision.models.googlenet import BasicConv2d, draw_truncated, from_half, warn_of_init

InceptionOutputs = namedtuple("InceptionOutputs", ["logits", "aux_logits"])
_InceptionOutputs = InceptionOutputs


def _chain(module, name, conv, *widths):
    """Register convolutions `name_1`, `name_2` ...: each (channels in, channels out, further arguments)."""
    for i, (before, after, how) in enumerate(widths, 1):
        setattr(module, f"{name}_{i}", conv(before, after, **how))


def _run(module, name, x, count):
    for i in range(1, count + 1):
        x = getattr(module, f"{name}_{i}")(x)
    return x


_1, _3, _5 = {"kernel_size": 1}, {"kernel_size": 3, "padding": 1}, {"kernel_size": 5, "padding": 2}
_HALVE = {"kernel_size": 3, "stride": 2}
_WIDE, _TALL = {"kernel_size": (1, 7), "padding": (0, 3)}, {"kernel_size": (7, 1), "padding": (3, 0)}


class InceptionA(nn.Module):
    """Branches of 1x1, 5x5, twice 3x3, and pooling."""

    def __init__(self, in_channels, pool_features, conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1x1 = conv(in_channels, 64, kernel_size=1)
        _chain(self, "branch5x5", conv, (in_channels, 48, _1), (48, 64, _5))
        _chain(self, "branch3x3dbl", conv, (in_channels, 64, _1), (64, 96, _3), (96, 96, _3))
        self.branch_pool = conv(in_channels, pool_features, kernel_size=1)

    def forward(self, x):
        parts = [self.branch1x1(x), _run(self, "branch5x5", x, 2), _run(self, "branch3x3dbl", x, 3)]
        return torch.cat([*parts, self.branch_pool(F.avg_pool2d(x, kernel_size=3, stride=1, padding=1))], 1)


class InceptionB(nn.Module):
    """Halves the size."""

    def __init__(self, in_channels, conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch3x3 = conv(in_channels, 384, **_HALVE)
        _chain(self, "branch3x3dbl", conv, (in_channels, 64, _1), (64, 96, _3), (96, 96, _HALVE))

    def forward(self, x):
        return torch.cat([self.branch3x3(x), _run(self, "branch3x3dbl", x, 3), F.max_pool2d(x, kernel_size=3, stride=2)], 1)


class InceptionC(nn.Module):
    """Branches of 1x1, 7x7 as 1x7 and 7x1, the same twice, and pooling."""

    def __init__(self, in_channels, channels_7x7, conv_block=None):
        super().__init__()
        conv, c = conv_block or BasicConv2d, channels_7x7
        self.branch1x1 = conv(in_channels, 192, kernel_size=1)
        _chain(self, "branch7x7", conv, (in_channels, c, _1), (c, c, _WIDE), (c, 192, _TALL))
        _chain(self, "branch7x7dbl", conv, (in_channels, c, _1), (c, c, _TALL), (c, c, _WIDE), (c, c, _TALL), (c, 192, _WIDE))
        self.branch_pool = conv(in_channels, 192, kernel_size=1)

    def forward(self, x):
        parts = [self.branch1x1(x), _run(self, "branch7x7", x, 3), _run(self, "branch7x7dbl", x, 5)]
        return torch.cat([*parts, self.branch_pool(F.avg_pool2d(x, kernel_size=3, stride=1, padding=1))], 1)


class InceptionD(nn.Module):
    """Halves the size."""

    def __init__(self, in_channels, conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        _chain(self, "branch3x3", conv, (in_channels, 192, _1), (192, 320, _HALVE))
        _chain(self, "branch7x7x3", conv, (in_channels, 192, _1), (192, 192, _WIDE), (192, 192, _TALL), (192, 192, _HALVE))

    def forward(self, x):
        return torch.cat([_run(self, "branch3x3", x, 2), _run(self, "branch7x7x3", x, 4), F.max_pool2d(x, kernel_size=3, stride=2)], 1)


class InceptionE(nn.Module):
    """Branches whose last layers are 1x3 and 3x1 side by side."""

    def __init__(self, in_channels, conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        wide, tall = {"kernel_size": (1, 3), "padding": (0, 1)}, {"kernel_size": (3, 1), "padding": (1, 0)}
        self.branch1x1 = conv(in_channels, 320, kernel_size=1)
        self.branch3x3_1 = conv(in_channels, 384, kernel_size=1)
        self.branch3x3_2a, self.branch3x3_2b = conv(384, 384, **wide), conv(384, 384, **tall)
        _chain(self, "branch3x3dbl", conv, (in_channels, 448, _1), (448, 384, _3))
        self.branch3x3dbl_3a, self.branch3x3dbl_3b = conv(384, 384, **wide), conv(384, 384, **tall)
        self.branch_pool = conv(in_channels, 192, kernel_size=1)

    def forward(self, x):
        parts, y = [self.branch1x1(x)], self.branch3x3_1(x)
        parts += [self.branch3x3_2a(y), self.branch3x3_2b(y)]
        z = _run(self, "branch3x3dbl", x, 2)
        parts += [self.branch3x3dbl_3a(z), self.branch3x3dbl_3b(z)]
        return torch.cat([*parts, self.branch_pool(F.avg_pool2d(x, kernel_size=3, stride=1, padding=1))], 1)


class InceptionAux(nn.Module):
    """A classifier of features in the middle of the network, for training."""

    def __init__(self, in_channels, num_classes, conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        self.conv0 = conv(in_channels, 128, kernel_size=1)
        self.conv1 = conv(128, 768, kernel_size=5)
        self.conv1.stddev = 0.01
        self.fc = nn.Linear(768, num_classes)
        self.fc.stddev = 0.001

    def forward(self, x):
        x = self.conv1(self.conv0(F.avg_pool2d(x, kernel_size=5, stride=3)))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


class Inception3(nn.Module):
    """Images (N, 3, H, W) of 299 pixels to (N, num_classes); while it trains with `aux_logits`, to an `InceptionOutputs` of two such.

    Args:
        aux_logits: have the auxiliary classifier.
        transform_input: the images are normalised as ImageNet's, the weights want 0.5 and 0.5.
        inception_blocks: classes of convolution, the blocks A to E, and the auxiliary classifier.
    """

    def __init__(self, num_classes=1000, aux_logits=True, transform_input=False, inception_blocks=None, init_weights=None, dropout=0.5):
        super().__init__()
        blocks = inception_blocks or [BasicConv2d, InceptionA, InceptionB, InceptionC, InceptionD, InceptionE, InceptionAux]
        if init_weights is None:
            init_weights = warn_of_init("Inception3")
        if len(blocks) != 7:
            raise ValueError(f"length of inception_blocks should be 7 instead of {len(blocks)}")
        conv, a, b, c, d, e, aux = blocks
        self.aux_logits, self.transform_input = aux_logits, transform_input
        self.Conv2d_1a_3x3 = conv(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = conv(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = conv(32, 64, kernel_size=3, padding=1)
        self.maxpool1 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.Conv2d_3b_1x1 = conv(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = conv(80, 192, kernel_size=3)
        self.maxpool2 = nn.MaxPool2d(kernel_size=3, stride=2)
        for name, width, features in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
            setattr(self, f"Mixed_{name}", a(width, pool_features=features))
        self.Mixed_6a = b(288)
        for name, channels in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
            setattr(self, f"Mixed_{name}", c(768, channels_7x7=channels))
        self.AuxLogits = aux(768, num_classes) if aux_logits else None
        self.Mixed_7a = d(768)
        self.Mixed_7b = e(1280)
        self.Mixed_7c = e(2048)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2048, num_classes)
        if init_weights:
            draw_truncated(self, "Inception3")

    def forward(self, x):
        if self.transform_input:
            x = from_half(x)
        x = self.maxpool1(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        x = self.maxpool2(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x)))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        aux = self.AuxLogits(x) if self.training and self.AuxLogits is not None else None
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        x = self.fc(torch.flatten(self.dropout(self.avgpool(x)), 1))
        return InceptionOutputs(x, aux) if self.training and self.aux_logits else x


def _load(model, state):
    model.load_state_dict(state)
    if not model.keep_aux:
        model.aux_logits, model.AuxLogits = False, None
    del model.keep_aux


def _inception(keep_aux=None, **kwargs):
    model = Inception3(**kwargs)
    if keep_aux is not None:
        model.keep_aux = keep_aux
    return model


__all__ = ["Inception3", "InceptionOutputs", "_InceptionOutputs", *family(globals(), 'Szegedy et al., "Rethinking the Inception Architecture" (2016).', {
    "inception_v3": ("Inception_V3_Weights", _inception),
}, forced=lambda member, given: {"keep_aux": given.pop("aux_logits", True), "transform_input": given.get("transform_input", True), "aux_logits": True, "init_weights": False}, load=_load)]  # fmt: skip
