"""Feature maps of several sizes, each told what the smaller ones have seen (Lin et al., "Feature Pyramid Networks", 2017)."""
from collections import OrderedDict

from pyxtorch import nn
from pyxtorch.nn import functional as F
from pyxtorch.vision.ops.misc import Conv2dNormActivation

__all__ = ["ExtraFPNBlock", "FeaturePyramidNetwork", "LastLevelMaxPool", "LastLevelP6P7"]


class ExtraFPNBlock(nn.Module):
    """What adds maps to a pyramid: `forward(results, inputs, names)` gives the results and names with its own."""

    def forward(self, results, x, names):
        raise NotImplementedError(f"{type(self).__name__}.forward: a subclass says what it adds.")


class FeaturePyramidNetwork(nn.Module):
    """Feature maps, an ordered dict from large to small, to as many of `out_channels`.

    Args:
        in_channels_list: channels of each map.
        extra_blocks: an `ExtraFPNBlock`, which adds further maps.
        norm_layer: class of normalisations after the convolutions; none.
    """

    _version = 2  # version 1 had no Sequential around each convolution

    def __init__(self, in_channels_list, out_channels, extra_blocks=None, norm_layer=None):
        super().__init__()
        if 0 in in_channels_list:
            raise ValueError("in_channels=0 is currently not supported")
        if extra_blocks is not None and not isinstance(extra_blocks, ExtraFPNBlock):
            raise TypeError(f"extra_blocks should be of type ExtraFPNBlock not {type(extra_blocks)}")
        self.inner_blocks, self.layer_blocks = nn.ModuleList(), nn.ModuleList()
        how = {"norm_layer": norm_layer, "activation_layer": None}
        for channels in in_channels_list:
            self.inner_blocks.append(Conv2dNormActivation(channels, out_channels, kernel_size=1, padding=0, **how))
            self.layer_blocks.append(Conv2dNormActivation(out_channels, out_channels, kernel_size=3, **how))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                _draw(module)
        self.extra_blocks = extra_blocks

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
        if (local_metadata.get("version") or 1) < 2:
            for name in ("inner_blocks", "layer_blocks"):
                for i in range(len(self.inner_blocks)):
                    for kind in ("weight", "bias"):
                        if f"{prefix}{name}.{i}.{kind}" in state_dict:
                            state_dict[f"{prefix}{name}.{i}.0.{kind}"] = state_dict.pop(f"{prefix}{name}.{i}.{kind}")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def forward(self, x):
        names, maps = list(x), list(x.values())
        results, above = [], None
        for inner, layer, map in zip(reversed(self.inner_blocks), reversed(self.layer_blocks), reversed(maps)):
            here = inner(map)
            above = here if above is None else here + F.interpolate(above, size=here.shape[-2:], mode="nearest")
            results.insert(0, layer(above))
        if self.extra_blocks is not None:
            results, names = self.extra_blocks(results, maps, names)
        return OrderedDict(zip(names, results))


def _draw(conv):
    nn.init.kaiming_uniform_(conv.weight, a=1)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)


class LastLevelMaxPool(ExtraFPNBlock):
    """Adds every second pixel of the smallest map, as "pool"."""

    def forward(self, results, x, names):
        return [*results, F.max_pool2d(results[-1], kernel_size=1, stride=2, padding=0)], [*names, "pool"]


class LastLevelP6P7(ExtraFPNBlock):
    """Adds two maps, "p6" and "p7", by convolutions of stride 2 (Lin et al., "Focal Loss", 2017)."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.p6 = nn.Conv2d(in_channels, out_channels, 3, 2, 1)
        self.p7 = nn.Conv2d(out_channels, out_channels, 3, 2, 1)
        for conv in (self.p6, self.p7):
            _draw(conv)
        self.use_P5 = in_channels == out_channels

    def forward(self, results, x, names):
        p6 = self.p6(results[-1] if self.use_P5 else x[-1])
        return [*results, p6, self.p7(F.relu(p6))], [*names, "p6", "p7"]
