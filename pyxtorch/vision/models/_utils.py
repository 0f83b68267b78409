"""Helpers shared by the networks."""
from collections import OrderedDict

from pyxtorch import nn

__all__ = ["IntermediateLayerGetter"]


class IntermediateLayerGetter(nn.ModuleDict):
    """A model cut off after the last of some of its direct children, which gives their outputs.

    The children must run in the order in which they were registered, each once and on the output of the one before.

    Args:
        model: shape of the input and of the outputs as in it.
        return_layers: child's name to the name in the result.
    Returns:
        An OrderedDict of tensors.
    Raises:
        ValueError: no such child.
    """

    def __init__(self, model, return_layers):
        children = dict(model.named_children())
        missing = [name for name in return_layers if str(name) not in children]
        if missing:
            raise ValueError(f"return_layers are not present in model: {missing}. It has {list(children)}.")
        names = list(children)
        last = max((names.index(str(name)) for name in return_layers), default=len(names) - 1)
        super().__init__({name: children[name] for name in names[: last + 1]})
        self.return_layers = return_layers

    def forward(self, x):
        found = OrderedDict()
        for name, module in self.items():
            x = module(x)
            if name in self.return_layers:
                found[self.return_layers[name]] = x
        return found


def make_divisible(v, divisor, min_value=None):
    """The multiple of `divisor` next to `v`, at least `min_value`, and no less than 0.9 of `v`."""
    rounded = max(min_value or divisor, int(v + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * v else rounded


_make_divisible = make_divisible  # torchvision's name, which other packages import


def initialize(model, conv=None, linear=None, norms=(nn.BatchNorm2d, nn.GroupNorm)):
    """Draw first weights, module by module in their order: `conv(weight)`, `linear(weight)`; biases 0, normalisations 1 and 0."""
    for module in model.modules():
        if isinstance(module, norms):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
            continue
        draw = conv if isinstance(module, nn.Conv2d) else linear if isinstance(module, nn.Linear) else None
        if draw is not None:
            draw(module)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def fan_out(module):
    """He's normal numbers by the number of outputs."""
    nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def small_normal(module):
    """Normal numbers of deviation 0.01."""
    nn.init.normal_(module.weight, 0, 0.01)
