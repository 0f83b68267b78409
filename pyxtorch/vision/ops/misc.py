"""Small modules that the networks of `vision.models` are built from."""
import pyxtorch as torch
from pyxtorch import nn

__all__ = ["Conv2dNormActivation", "Conv3dNormActivation", "ConvNormActivation", "FrozenBatchNorm2d", "MLP", "Permute", "SqueezeExcitation"]


class FrozenBatchNorm2d(nn.Module):
    """Batch normalisation whose statistics and scale are fixed: buffers, which nothing trains.

    Args:
        num_features: channels C of the input, shape (N, C, H, W).
        eps: added to the variance.
    """

    def __init__(self, num_features, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(num_features))
        self.register_buffer("bias", torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        state_dict.pop(prefix + "num_batches_tracked", None)  # what an ordinary BatchNorm2d saves besides
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def forward(self, x):
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)

    def __repr__(self):
        return f"{type(self).__name__}({self.weight.shape[0]}, eps={self.eps})"


class ConvNormActivation(nn.Sequential):
    """A convolution, then a normalisation and an activation where they are given.

    Args:
        in_channels, out_channels, kernel_size, stride, groups, dilation: those of the convolution.
        padding: None keeps the size at stride 1.
        norm_layer: made with `out_channels`; None leaves it out.
        activation_layer: made with `inplace`; None leaves it out.
        bias: None has one just where no normalisation follows.
        conv_layer: the convolution's class.
    """

    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, padding=None, groups=1, norm_layer=nn.BatchNorm2d, activation_layer=nn.ReLU,
                 dilation=1, inplace=True, bias=None, conv_layer=nn.Conv2d):  # fmt: skip
        if padding is None:
            if isinstance(kernel_size, int) and isinstance(dilation, int):
                padding = (kernel_size - 1) // 2 * dilation
            else:
                count = len(kernel_size) if not isinstance(kernel_size, int) else len(dilation)
                kernel_size, dilation = (tuple(x) if not isinstance(x, int) else (x,) * count for x in (kernel_size, dilation))
                padding = tuple((k - 1) // 2 * d for k, d in zip(kernel_size, dilation))
        bias = norm_layer is None if bias is None else bias
        layers = [conv_layer(in_channels, out_channels, kernel_size, stride, padding, dilation=dilation, groups=groups, bias=bias)]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer(**({} if inplace is None else {"inplace": inplace})))
        super().__init__(*layers)
        self.out_channels = out_channels


class Conv2dNormActivation(ConvNormActivation):
    """`ConvNormActivation` over images, (N, C, H, W)."""

    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, padding=None, groups=1, norm_layer=nn.BatchNorm2d, activation_layer=nn.ReLU,
                 dilation=1, inplace=True, bias=None):  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, groups, norm_layer, activation_layer, dilation, inplace, bias, nn.Conv2d)


class Conv3dNormActivation(ConvNormActivation):
    """`ConvNormActivation` over videos or volumes, (N, C, D, H, W)."""

    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, padding=None, groups=1, norm_layer=nn.BatchNorm3d, activation_layer=nn.ReLU,
                 dilation=1, inplace=True, bias=None):  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, groups, norm_layer, activation_layer, dilation, inplace, bias, nn.Conv3d)


class SqueezeExcitation(nn.Module):
    """Scales each channel by a number between 0 and 1 that depends on the means of all channels.

    Args:
        input_channels: channels C of the input, shape (N, C, H, W), which is the result's shape too.
        squeeze_channels: width of the layer between.
        activation, scale_activation: classes of the two activations.
    Source:
        Hu, Shen and Sun, "Squeeze-and-Excitation Networks" (2018).
    """

    def __init__(self, input_channels, squeeze_channels, activation=nn.ReLU, scale_activation=nn.Sigmoid):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, input_channels, 1)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def _scale(self, input):
        return self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(input)))))

    def forward(self, input):
        return self._scale(input) * input


class MLP(nn.Sequential):
    """Linear layers, each followed by a normalisation (where given), an activation and dropout; after the last only dropout.

    Args:
        in_channels: size of the input's last dimension.
        hidden_channels: sizes that follow, a list; the last one is the result's.
        inplace: given to the activations and dropouts; None gives nothing.
    """

    def __init__(self, in_channels, hidden_channels, norm_layer=None, activation_layer=nn.ReLU, inplace=None, bias=True, dropout=0.0):
        how = {} if inplace is None else {"inplace": inplace}
        layers = []
        for width in hidden_channels[:-1]:
            layers.append(nn.Linear(in_channels, width, bias=bias))
            if norm_layer is not None:
                layers.append(norm_layer(width))
            layers += [activation_layer(**how), nn.Dropout(dropout, **how)]
            in_channels = width
        layers += [nn.Linear(in_channels, hidden_channels[-1], bias=bias), nn.Dropout(dropout, **how)]
        super().__init__(*layers)


class Permute(nn.Module):
    """`x.permute(dims)` as a module."""

    def __init__(self, dims):
        super().__init__()
        self.dims = dims

    def forward(self, x):
        return x.permute(self.dims)
