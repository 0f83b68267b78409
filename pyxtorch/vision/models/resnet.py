"""ResNet, ResNeXt and Wide ResNet."""
import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.models._api import family, overwrite
from pyxtorch.vision.models._utils import fan_out, initialize


def conv3x3(in_planes, out_planes, stride=1, groups=1, dilation=1):
    """A convolution 3x3 without bias that keeps the size at stride 1."""
    return nn.Conv2d(in_planes, out_planes, 3, stride, padding=dilation, dilation=dilation, groups=groups, bias=False)


def conv1x1(in_planes, out_planes, stride=1):
    """A convolution 1x1 without bias."""
    return nn.Conv2d(in_planes, out_planes, 1, stride, bias=False)


class BasicBlock(nn.Module):
    """Two convolutions 3x3 and a shortcut."""

    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64, dilation=1, norm_layer=None):
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        if groups != 1 or base_width != 64:
            raise ValueError("BasicBlock only supports groups=1 and base_width=64")
        if dilation > 1:
            raise NotImplementedError("Dilation > 1 not supported in BasicBlock")
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm_layer(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm_layer(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class Bottleneck(nn.Module):
    """Convolutions 1x1, 3x3 (with the stride, as in version 1.5 of the network) and 1x1, and a shortcut."""

    expansion = 4

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64, dilation=1, norm_layer=None):
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        width = int(planes * (base_width / 64.0)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm_layer(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm_layer(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm_layer(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class ResNet(nn.Module):
    """A residual network over images (N, 3, H, W), with a result of (N, num_classes).

    Args:
        block: `BasicBlock` or `Bottleneck`.
        layers: how many blocks each of the four stages has.
        zero_init_residual: start each branch at zero.
        groups, width_per_group: of the 3x3 convolutions.
        replace_stride_with_dilation: for each of the last three stages, whether it keeps the size and dilates.
        norm_layer: class of the normalisations; BatchNorm2d.
    """

    def __init__(self, block, layers, num_classes=1000, zero_init_residual=False, groups=1, width_per_group=64, replace_stride_with_dilation=None,
                 norm_layer=None):  # fmt: skip
        super().__init__()
        dilate = [False] * 3 if replace_stride_with_dilation is None else replace_stride_with_dilation
        if len(dilate) != 3:
            raise ValueError(f"replace_stride_with_dilation should be None or a 3-element tuple, got {dilate}")
        self._norm_layer = norm_layer or nn.BatchNorm2d
        self.inplanes, self.dilation = 64, 1
        self.groups, self.base_width = groups, width_per_group
        self.conv1 = nn.Conv2d(3, self.inplanes, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm_layer(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        for i, (planes, stride, dilated) in enumerate(((64, 1, False), (128, 2, dilate[0]), (256, 2, dilate[1]), (512, 2, dilate[2]))):
            setattr(self, f"layer{i + 1}", self._make_layer(block, planes, layers[i], stride, dilated))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        initialize(self, fan_out)
        if zero_init_residual:
            for module in self.modules():
                last = getattr(module, "bn3", None) or getattr(module, "bn2", None)
                if isinstance(module, BasicBlock | Bottleneck) and last.weight is not None:
                    nn.init.zeros_(last.weight)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        before = self.dilation
        if dilate:
            self.dilation *= stride
            stride = 1
        width = planes * block.expansion
        downsample = None
        if stride != 1 or self.inplanes != width:
            downsample = nn.Sequential(conv1x1(self.inplanes, width, stride), self._norm_layer(width))
        made = [block(self.inplanes, planes, stride, downsample, self.groups, self.base_width, before, self._norm_layer)]
        self.inplanes = width
        for _ in range(1, blocks):
            made.append(block(width, planes, groups=self.groups, base_width=self.base_width, dilation=self.dilation, norm_layer=self._norm_layer))
        return nn.Sequential(*made)

    def _forward_impl(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))

    def forward(self, x):
        return self._forward_impl(x)


def _resnet(block, layers, **fixed):
    def make(**kwargs):
        for name, value in fixed.items():
            overwrite(kwargs, name, value)
        return ResNet(block, layers, **kwargs)

    return make


__all__ = ["ResNet", *family(
    globals(),
    'He et al., "Deep Residual Learning for Image Recognition" (2016); Xie et al., "Aggregated Residual Transformations" (2017);'
    ' Zagoruyko and Komodakis, "Wide Residual Networks" (2016).',
    {
        "resnet18": ("ResNet18_Weights", _resnet(BasicBlock, [2, 2, 2, 2])),
        "resnet34": ("ResNet34_Weights", _resnet(BasicBlock, [3, 4, 6, 3])),
        "resnet50": ("ResNet50_Weights", _resnet(Bottleneck, [3, 4, 6, 3])),
        "resnet101": ("ResNet101_Weights", _resnet(Bottleneck, [3, 4, 23, 3])),
        "resnet152": ("ResNet152_Weights", _resnet(Bottleneck, [3, 8, 36, 3])),
        "resnext50_32x4d": ("ResNeXt50_32X4D_Weights", _resnet(Bottleneck, [3, 4, 6, 3], groups=32, width_per_group=4)),
        "resnext101_32x8d": ("ResNeXt101_32X8D_Weights", _resnet(Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=8)),
        "resnext101_64x4d": ("ResNeXt101_64X4D_Weights", _resnet(Bottleneck, [3, 4, 23, 3], groups=64, width_per_group=4)),
        "wide_resnet50_2": ("Wide_ResNet50_2_Weights", _resnet(Bottleneck, [3, 4, 6, 3], width_per_group=128)),
        "wide_resnet101_2": ("Wide_ResNet101_2_Weights", _resnet(Bottleneck, [3, 4, 23, 3], width_per_group=128)),
    },
)]  # fmt: skip
