"""Padding layers of one to three dimensions."""
from pyxtorch.nn import functional as F
from pyxtorch.nn.modules.module import Module
from pyxtorch.nn.modules.utils import tuple_of


class _PadNd(Module):
    """Args:
        padding: cells on every side, or (left, right, top, bottom, front, back) as far as there are.
    """

    __constants__ = ["padding"]
    n, mode = None, None

    def __init__(self, padding):
        super().__init__()
        self.padding = tuple_of(padding, 2 * self.n, type(self).__name__)

    def forward(self, input):
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self):
        return f"{self.padding}"


class _ConstantPadNd(_PadNd):
    __constants__ = ["padding", "value"]
    mode = "constant"

    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class _ZeroPadNd(_ConstantPadNd):
    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class _CircularPadNd(_PadNd):
    mode = "circular"

    def forward(self, input):
        if input.dim() not in (self.n + 1, self.n + 2):
            raise ValueError(f"expected {self.n + 1}D or {self.n + 2}D input (got {input.dim()}D input)")
        return F.pad(input, self.padding, "circular")


def _family(base, text, module=__name__):
    """The classes for 1, 2 and 3 dimensions: <Base>1d ..."""
    name = base.__name__.strip("_").removesuffix("Nd")
    spaces = ("(C, L)", "(C, H, W)", "(C, D, H, W)")
    return [
        type(f"{name}{n}d", (base,), {"n": n, "__module__": module, "__doc__": f"{text} {space} or (N, {space[1:]}.\n\n    {base.__doc__ or _PadNd.__doc__}"})
        for n, space in enumerate(spaces, 1)
    ]


class _ReflectionPadNd(_PadNd):
    mode = "reflect"


class _ReplicationPadNd(_PadNd):
    mode = "replicate"


ConstantPad1d, ConstantPad2d, ConstantPad3d = _family(_ConstantPadNd, "Surrounds by `value` the last dimensions of")
ZeroPad1d, ZeroPad2d, ZeroPad3d = _family(_ZeroPadNd, "Surrounds by zeros the last dimensions of")
ReflectionPad1d, ReflectionPad2d, ReflectionPad3d = _family(_ReflectionPadNd, "Continues by reflection at the edge cells the last dimensions of")
ReplicationPad1d, ReplicationPad2d, ReplicationPad3d = _family(_ReplicationPadNd, "Continues by the edge cells the last dimensions of")
CircularPad1d, CircularPad2d, CircularPad3d = _family(_CircularPadNd, "Continues periodically the last dimensions of")

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d",
    "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip
