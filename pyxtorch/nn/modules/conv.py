"""Convolutions and their transposes, of one to three dimensions."""
import math

import pyxtorch
from pyxtorch.nn import functional as F
from pyxtorch.nn import init
from pyxtorch.nn.modules.lazy import LazyModuleMixin
from pyxtorch.nn.modules.module import Module
from pyxtorch.nn.modules.utils import tuple_of
from pyxtorch.nn.parameter import Parameter, UninitializedParameter


class _ConvNd(Module):
    """Arguments, parameters and printing of all convolutions.

    Parameters: weight (out_channels, in_channels / groups, *kernel_size), transposed with the
    first two exchanged; bias (out_channels); both U(-b, b) with b = 1 / sqrt(fan_in).
    """

    __constants__ = [
        "stride", "padding", "dilation", "groups", "padding_mode",
        "output_padding", "in_channels", "out_channels", "kernel_size",
    ]  # fmt: skip
    n = None  # dimensions of space
    transposed = False

    def __init__(
        self, in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias, padding_mode, device, dtype
    ):
        super().__init__()
        name = type(self).__name__
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
            if padding == "same" and any(s != 1 for s in tuple_of(stride, self.n, name)):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(f"padding_mode must be one of {{'zeros', 'reflect', 'replicate', 'circular'}}, but got padding_mode='{padding_mode}'")
        if self.transposed and padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {name}')
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = tuple_of(kernel_size, self.n, name)
        self.stride = tuple_of(stride, self.n, name)
        self.padding = padding if isinstance(padding, str) else tuple_of(padding, self.n, name)
        self.dilation = tuple_of(dilation, self.n, name)
        self.output_padding = tuple_of(output_padding, self.n, name)
        self.groups, self.padding_mode = groups, padding_mode
        if padding_mode != "zeros":
            self._pads = self._each_side()
        self.weight = Parameter(pyxtorch.empty(*self._weight_shape(), device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(pyxtorch.empty(out_channels, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def _weight_shape(self):
        a, b = self.out_channels, self.in_channels
        if self.transposed:
            a, b = b, a
        return (a, b // self.groups, *self.kernel_size)

    def _each_side(self):
        """Padding before and after each dimension, the last first, as F.pad wants it."""
        pads = []
        for i in reversed(range(self.n)):
            if self.padding == "valid":
                pads += [0, 0]
            elif self.padding == "same":
                total = self.dilation[i] * (self.kernel_size[i] - 1)
                pads += [total // 2, total - total // 2]
            else:
                pads += [self.padding[i]] * 2
        return pads

    def reset_parameters(self):
        """Draw the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self):
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        ones, zeros = (1,) * self.n, (0,) * self.n
        for name, default in (("padding", zeros), ("dilation", ones), ("output_padding", zeros), ("groups", 1)):
            value = getattr(self, name)
            if value != default:
                text += f", {name}={value}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _Conv(_ConvNd):
    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode="zeros", device=None, dtype=None
    ):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode, device, dtype)

    def _conv_forward(self, input, weight, bias):
        convolve = getattr(F, self._function)
        if self.padding_mode == "zeros":
            return convolve(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)
        padded = F.pad(input, self._pads, mode=self.padding_mode)
        return convolve(padded, weight, bias, self.stride, 0, self.dilation, self.groups)

    def forward(self, input):
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_Conv):
    """Cross-correlation of (N, in_channels, L) or (in_channels, L) with the weight.

    Args:
        in_channels, out_channels: channels of input and output, divisible by `groups`.
        kernel_size, stride, padding, dilation: one number, or one for each dimension;
            padding may be "same" or "valid".
        groups: channels are split into this many independent groups.
        bias: whether there is a bias.
        padding_mode: "zeros", "reflect", "replicate" or "circular".
    """

    n, _function = 1, "conv1d"


class Conv2d(_Conv):
    """Cross-correlation of (N, in_channels, H, W) or (in_channels, H, W). Arguments of Conv1d."""

    n, _function = 2, "conv2d"


class Conv3d(_Conv):
    """Cross-correlation of (N, in_channels, D, H, W) or (in_channels, D, H, W). Arguments of Conv1d."""

    n, _function = 3, "conv3d"


class _ConvTransposeNd(_ConvNd):
    transposed = True

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode="zeros", device=None, dtype=None
    ):  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias, padding_mode, device, dtype)

    def _output_padding(self, input, output_size):
        """What must be added at one side so that the result has `output_size`."""
        if output_size is None:
            return self.output_padding
        n, space = self.n, tuple(input.shape[-self.n :])
        output_size = tuple(output_size)
        if len(output_size) == input.dim():
            output_size = output_size[-n:]
        if len(output_size) != n:
            raise ValueError(f"ConvTranspose{n}D: for {input.dim()}D input, output_size must have {n} or {input.dim()} elements (got {len(output_size)})")
        least = [(space[d] - 1) * self.stride[d] - 2 * self.padding[d] + self.dilation[d] * (self.kernel_size[d] - 1) + 1 for d in range(n)]
        for size, low, step in zip(output_size, least, self.stride):
            if not low <= size <= low + step - 1:
                most = [low + step - 1 for low, step in zip(least, self.stride)]
                raise ValueError(f"requested an output size of {list(output_size)}, but valid sizes range from {least} to {most} (for an input of {list(space)})")
        return tuple([size - low for size, low in zip(output_size, least)])

    def forward(self, input, output_size=None):
        extra = self._output_padding(input, output_size)
        return getattr(F, self._function)(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)


class ConvTranspose1d(_ConvTransposeNd):
    """The transpose (gradient by the input) of Conv1d, for input (N, in_channels, L) or (in_channels, L).

    Args:
        in_channels, out_channels, kernel_size, groups, bias: as in Conv1d.
        stride, padding, dilation: those of the convolution that this transposes.
        output_padding: added to one side of the output, whose size a stride leaves open.
    `forward(input, output_size)` chooses output_padding by the wanted size.
    """

    n, _function = 1, "conv_transpose1d"


class ConvTranspose2d(_ConvTransposeNd):
    """The transpose of Conv2d, for input (N, in_channels, H, W). Arguments of ConvTranspose1d."""

    n, _function = 2, "conv_transpose2d"


class ConvTranspose3d(_ConvTransposeNd):
    """The transpose of Conv3d, for input (N, in_channels, D, H, W). Arguments of ConvTranspose1d."""

    n, _function = 3, "conv_transpose3d"


class _LazyConv(LazyModuleMixin):
    """A convolution that takes in_channels from its first input."""

    def _wait(self, out_channels, groups, bias, device, dtype):
        """Parameters without shapes, and the numbers that the constructor could not yet check."""
        self.out_channels, self.groups = out_channels, groups
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self):
        """Draw the parameters anew, once their shapes are known."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input, *args, **kwargs):
        """Give the parameters the shapes that `input` asks for."""
        if input.dim() not in (self.n + 1, self.n + 2):
            raise RuntimeError(f"Expected {self.n + 1}D (unbatched) or {self.n + 2}D (batched) input to {type(self).__name__}, but got input of size: {tuple(input.shape)}")
        if self.in_channels == 0:
            self.in_channels = input.shape[-self.n - 1]
        if self.has_uninitialized_params():
            if self.in_channels % self.groups:
                raise ValueError("in_channels must be divisible by groups")
            self.weight.materialize(self._weight_shape())
            if self.bias is not None:
                self.bias.materialize((self.out_channels,))
            self.reset_parameters()


class _LazyConvNd(_LazyConv):
    def __init__(self, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode="zeros", device=None, dtype=None):
        super().__init__(0, 0, kernel_size, stride, padding, dilation, 1, False, padding_mode)
        self._wait(out_channels, groups, bias, device, dtype)


class _LazyConvTransposeNd(_LazyConv):
    def __init__(
        self, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode="zeros", device=None, dtype=None
    ):  # fmt: skip
        super().__init__(0, 0, kernel_size, stride, padding, output_padding, 1, False, dilation, padding_mode)
        self._wait(out_channels, groups, bias, device, dtype)


class LazyConv1d(_LazyConvNd, Conv1d):
    """Conv1d that takes in_channels from its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConvNd, Conv2d):
    """Conv2d that takes in_channels from its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConvNd, Conv3d):
    """Conv3d that takes in_channels from its first input."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTransposeNd, ConvTranspose1d):
    """ConvTranspose1d that takes in_channels from its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTransposeNd, ConvTranspose2d):
    """ConvTranspose2d that takes in_channels from its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTransposeNd, ConvTranspose3d):
    """ConvTranspose3d that takes in_channels from its first input."""

    cls_to_become = ConvTranspose3d
