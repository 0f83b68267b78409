"""MNASNet."""
import warnings

from pyxtorch import nn
from pyxtorch.vision.models._api import family
from pyxtorch.vision.models._utils import fan_out, initialize, make_divisible

_MOMENTUM = 1 - 0.9997  # the paper's, in the other convention


class _InvertedResidual(nn.Module):
    def __init__(self, in_ch, out_ch, kernel_size, stride, expansion_factor, bn_momentum=0.1):
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        if kernel_size not in (3, 5):
            raise ValueError(f"kernel_size should be 3 or 5 instead of {kernel_size}")
        width = in_ch * expansion_factor
        self.apply_residual = in_ch == out_ch and stride == 1
        self.layers = nn.Sequential(
            *_layer(in_ch, width, 1, momentum=bn_momentum),
            *_layer(width, width, kernel_size, stride, groups=width, momentum=bn_momentum),
            *_layer(width, out_ch, 1, momentum=bn_momentum)[:2],
        )

    def forward(self, input):
        return self.layers(input) + input if self.apply_residual else self.layers(input)


def _layer(before, after, kernel, stride=1, groups=1, momentum=_MOMENTUM):
    conv = nn.Conv2d(before, after, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(after, momentum=momentum), nn.ReLU(inplace=True)]


class MNASNet(nn.Module):
    """The variant B1 over images (N, 3, H, W), with a result of (N, num_classes).

    Args:
        alpha: multiplies the numbers of channels.
    """

    _version = 2  # version 1 scaled no channels of the first layers

    def __init__(self, alpha, num_classes=1000, dropout=0.2):
        super().__init__()
        if alpha <= 0.0:
            raise ValueError(f"alpha should be greater than 0.0 instead of {alpha}")
        self.alpha, self.num_classes = alpha, num_classes
        widths = [make_divisible(width * alpha, 8) for width in (32, 16, 24, 40, 80, 96, 192, 320)]
        layers = self._stem(*widths[:3])
        for i, (kernel, stride, expansion, repeats) in enumerate(((5, 2, 3, 3), (5, 2, 6, 3), (3, 1, 6, 2), (5, 2, 6, 4), (3, 1, 6, 1)), 2):
            layers.append(self._stack(widths[i], widths[i + 1], kernel, stride, expansion, repeats))
        self.layers = nn.Sequential(*layers, *_layer(widths[7], 1280, 1))
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True), nn.Linear(1280, num_classes))
        initialize(self, fan_out, lambda m: nn.init.kaiming_uniform_(m.weight, mode="fan_out", nonlinearity="sigmoid"))

    @staticmethod
    def _stack(before, after, kernel, stride, expansion, repeats):
        blocks = [(before, stride), *[(after, 1)] * (repeats - 1)]
        return nn.Sequential(*(_InvertedResidual(width, after, kernel, step, expansion, _MOMENTUM) for width, step in blocks))

    def _stem(self, first, second, third):
        return [*_layer(3, first, 3, 2), *_layer(first, first, 3, groups=first), *_layer(first, second, 1)[:2], self._stack(second, third, 3, 2, 3, 3)]

    def forward(self, x):
        return self.classifier(self.layers(x).mean([2, 3]))

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
        version = local_metadata.get("version")
        if version not in (1, 2):
            raise ValueError(f"version should be set to 1 or 2 instead of {version}")
        if version == 1 and self.alpha != 1.0:
            for i, layer in enumerate(self._stem(32, 16, make_divisible(24 * self.alpha, 8))):
                self.layers[i] = layer
            self._version = 1
            warnings.warn("MNASNet: weights of version 1, whose first layers are not scaled by alpha; this model has become one of version 1.", UserWarning, stacklevel=2)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


def _mnasnet(alpha):
    return lambda **kwargs: MNASNet(alpha, **kwargs)


__all__ = ["MNASNet", *family(globals(), 'Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile" (2019).', {
    "mnasnet0_5": ("MNASNet0_5_Weights", _mnasnet(0.5)),
    "mnasnet0_75": ("MNASNet0_75_Weights", _mnasnet(0.75)),
    "mnasnet1_0": ("MNASNet1_0_Weights", _mnasnet(1.0)),
    "mnasnet1_3": ("MNASNet1_3_Weights", _mnasnet(1.3)),
})]  # fmt: skip
