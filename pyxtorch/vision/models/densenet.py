"""DenseNet."""
import re

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F
from pyxtorch.utils.checkpoint import checkpoint
from pyxtorch.vision.models._api import family


class _DenseLayer(nn.Module):
    """Normalisation, activation and convolution, 1x1 and then 3x3, over all features before it, which are given as a list."""

    def __init__(self, num_input_features, growth_rate, bn_size, drop_rate, memory_efficient=False):
        super().__init__()
        width = bn_size * growth_rate
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, width, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, growth_rate, kernel_size=3, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def _narrow(self, *features):
        return self.conv1(self.relu1(self.norm1(torch.cat(features, 1))))

    def forward(self, input):
        features = input if isinstance(input, list) else [input]
        if self.memory_efficient and any(x.requires_grad for x in features):
            x = checkpoint(self._narrow, *features, use_reentrant=False)
        else:
            x = self._narrow(*features)
        x = self.conv2(self.relu2(self.norm2(x)))
        return F.dropout(x, self.drop_rate, self.training) if self.drop_rate > 0 else x


class _DenseBlock(nn.ModuleDict):
    _version = 2

    def __init__(self, num_layers, num_input_features, bn_size, growth_rate, drop_rate, memory_efficient=False):
        super().__init__()
        for i in range(num_layers):
            layer = _DenseLayer(num_input_features + i * growth_rate, growth_rate, bn_size, drop_rate, memory_efficient)
            self.add_module(f"denselayer{i + 1}", layer)

    def forward(self, init_features):
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        return torch.cat(features, 1)


class _Transition(nn.Sequential):
    def __init__(self, num_input_features, num_output_features):
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """A network in which each layer sees the outputs of all before it in its block; images (N, 3, H, W) give (N, num_classes).

    Args:
        growth_rate: channels that each layer adds.
        block_config: layers of each block.
        num_init_features: channels after the first convolution.
        bn_size: channels between a layer's two convolutions, in growth rates.
        drop_rate: dropout after each layer.
        memory_efficient: compute the narrow features again in the backward pass rather than keep them.
    """

    def __init__(self, growth_rate=32, block_config=(6, 12, 24, 16), num_init_features=64, bn_size=4, drop_rate=0, num_classes=1000,
                 memory_efficient=False):  # fmt: skip
        super().__init__()
        width = num_init_features
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False))
        self.features.add_module("norm0", nn.BatchNorm2d(width))
        self.features.add_module("relu0", nn.ReLU(inplace=True))
        self.features.add_module("pool0", nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
        for i, depth in enumerate(block_config, 1):
            self.features.add_module(f"denseblock{i}", _DenseBlock(depth, width, bn_size, growth_rate, drop_rate, memory_efficient))
            width += depth * growth_rate
            if i < len(block_config):
                self.features.add_module(f"transition{i}", _Transition(width, width // 2))
                width //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x):
        x = F.relu(self.features(x), inplace=True)
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


def _load(model, state):
    """Load weights published when names of modules still had points in them ("norm.1")."""
    old = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.\w+)")
    model.load_state_dict({(m[1] + m[2] if (m := old.fullmatch(key)) else key): value for key, value in state.items()})


def _densenet(growth_rate, block_config, width):
    return lambda **kwargs: DenseNet(growth_rate, block_config, width, **kwargs)


__all__ = ["DenseNet", *family(globals(), 'Huang et al., "Densely Connected Convolutional Networks" (2017).', {
    "densenet121": ("DenseNet121_Weights", _densenet(32, (6, 12, 24, 16), 64)),
    "densenet161": ("DenseNet161_Weights", _densenet(48, (6, 12, 36, 24), 96)),
    "densenet169": ("DenseNet169_Weights", _densenet(32, (6, 12, 32, 32), 64)),
    "densenet201": ("DenseNet201_Weights", _densenet(32, (6, 12, 48, 32), 64)),
}, load=_load)]  # fmt: skip
